// SPDX-License-Identifier: MPL-2.0
//
// The commands for jobs, as the wire has them: alone, by filter, or in a batch.
import { create } from '@bufbuild/protobuf'

import { InvalidError } from './errors.js'
import {
  CancelSchema,
  ConfirmSchema,
  type Filter as WireFilter,
  FilterSchema,
  JobState,
  OnKey,
  PauseSchema,
  RedriveSchema,
  type Request,
  RescheduleSchema,
  ResumeFrom,
  ResumeSchema,
  ScheduleSchema,
  TriggerSchema,
} from './gen/belfry_pb.js'
import { type JobInput, type JobRef, type JobStateName, numberOf, refOf, specOf, type Trigger, triggerOf, type Walls, wallsOf } from './job.js'
import { type Duration, durationUs } from './time.js'

export type Command = Request['command']

/** Which jobs: those for which everything holds that is set. */
export interface Filter {
  ns?: string
  type?: string
  states?: JobStateName[]
  tags?: string[]
  keyPrefix?: string
  /** Says that a filter with nothing else set is meant. */
  all?: boolean
}

/** One job, or many by a filter. */
export type Target = JobRef | { filter: Filter }

export interface ScheduleOptions {
  /** Where an open job has the key. Default: reject. */
  onKey?: 'reject' | 'keep' | 'replace' | 'throttle' | 'debounce'
  /** throttle: at most one job of the key is made in so long a time, the first. */
  window?: Duration
  /** Refuse an `at` before now instead of firing at once. */
  rejectPast?: boolean
  ifVersion?: number
}

export interface TargetOptions {
  /** Only where the job has this version. */
  ifVersion?: number
  /** With a filter: changes nothing, counts what would be. */
  dryRun?: boolean
}

export interface ReasonOptions extends TargetOptions {
  reason?: string
}

export const filterOf = (filter: Filter): WireFilter =>
  create(FilterSchema, {
    ns: filter.ns ?? '',
    type: filter.type ?? '',
    states: (filter.states ?? []).map((state) => numberOf(JobState, state, 'states') as JobState),
    tags: filter.tags ?? [],
    keyPrefix: filter.keyPrefix ?? '',
    all: filter.all ?? false,
  })

export const isFilter = (target: Target): target is { filter: Filter } => typeof target === 'object' && 'filter' in target

function targetOf(target: Target, ns: string, { ifVersion = 0, dryRun = false }: TargetOptions) {
  if (isFilter(target)) return { filter: filterOf(target.filter), dryRun, ifVersion }
  if (dryRun) throw new InvalidError('INVALID', 'dryRun needs a filter')
  return { job: refOf(target, ns), ifVersion }
}

/** Each builds one command; `ns` is the client's. */
export const commands = {
  schedule: (jobs: JobInput[], ns: string, options: ScheduleOptions = {}): Command => ({
    case: 'schedule',
    value: create(ScheduleSchema, {
      jobs: jobs.map((job) => specOf(job, ns)),
      onKey: numberOf(OnKey, options.onKey, 'onKey') as OnKey,
      rejectPast: options.rejectPast ?? false,
      windowUs: options.window === undefined ? 0n : durationUs(options.window, 'window'),
      ifVersion: options.ifVersion ?? 0,
    }),
  }),
  reschedule: (target: Target, to: Trigger & Walls, ns: string, options: TargetOptions & { rejectPast?: boolean } = {}): Command => ({
    case: 'reschedule',
    value: create(RescheduleSchema, {
      ...targetOf(target, ns, options),
      trigger: triggerOf(to),
      ...wallsOf(to),
      rejectPast: options.rejectPast ?? false,
    }),
  }),
  cancel: (target: Target, ns: string, options: ReasonOptions = {}): Command => ({
    case: 'cancel',
    value: create(CancelSchema, { ...targetOf(target, ns, options), reason: options.reason ?? '' }),
  }),
  confirm: (target: Target, ns: string, options: TargetOptions & { cancelOpen?: boolean } = {}): Command => ({
    case: 'confirm',
    value: create(ConfirmSchema, { ...targetOf(target, ns, options), cancelOpen: options.cancelOpen ?? false }),
  }),
  pause: (target: Target, ns: string, options: ReasonOptions = {}): Command => ({
    case: 'pause',
    value: create(PauseSchema, { ...targetOf(target, ns, options), reason: options.reason ?? '' }),
  }),
  resume: (target: Target, ns: string, options: TargetOptions & { from?: 'pause' | 'now' } = {}): Command => ({
    case: 'resume',
    value: create(ResumeSchema, { ...targetOf(target, ns, options), from: numberOf(ResumeFrom, options.from, 'from') as ResumeFrom }),
  }),
  trigger: (target: Target, ns: string, options: TargetOptions = {}): Command => ({
    case: 'trigger',
    value: create(TriggerSchema, targetOf(target, ns, options)),
  }),
  redrive: (target: string | { filter: Filter }, { dryRun = false }: { dryRun?: boolean } = {}): Command => ({
    case: 'redrive',
    value: create(RedriveSchema, typeof target === 'string' ? { run: target } : { filter: filterOf(target.filter), dryRun }),
  }),
}
