// SPDX-License-Identifier: MPL-2.0
//
// Jobs as a bot writes and reads them, and as the wire has them. What a field means, its range and its default are in
// messages/belfry.proto; here names are camelCase, lengths and instants as time.ts reads them, enums lower-case words.
import { create } from '@bufbuild/protobuf'

import { InvalidError } from './errors.js'
import {
  Backoff,
  Delivery,
  type Job as WireJob,
  JobReason,
  type JobRef as WireRef,
  JobRefSchema,
  type JobSpec,
  JobSpecSchema,
  JobState,
  Late,
  Outcome,
  Overlap,
  Repeated,
  type RetryPolicy,
  RetryPolicySchema,
  Skipped,
} from './gen/belfry_pb.js'
import { decode, encode } from './payload.js'
import { dateOf, type Duration, durationUs, type Instant, instantUs, msOf } from './time.js'

export interface Retry {
  /** Failures after which a run is dead; default 5. */
  maxAttempts?: number
  backoff?: 'exponential' | 'fixed' | 'linear' | 'list'
  delay?: Duration
  /** Growth per failure; default 2. */
  factor?: number
  maxDelay?: Duration
  jitterPercent?: number
  delays?: Duration[]
  maxAge?: Duration
}

/** When: exactly one of them. */
export interface Trigger {
  at?: Instant
  after?: Duration
  every?: Duration | { interval: Duration; anchor: Instant }
  cron?: string
  daily?: string
  rrule?: string
}

export interface Walls {
  /** IANA zone of cron, daily and rrule; default UTC. */
  tz?: string
  skipped?: 'after_gap' | 'skip' | 'shift'
  repeated?: 'first' | 'second' | 'both'
}

export interface JobInput extends Trigger, Walls {
  type: string
  /** Unique among the open jobs of its namespace. */
  key?: string
  /** Default: the client's. */
  ns?: string
  /** Any JSON, or bytes. */
  payload?: unknown
  contentType?: string
  tags?: string[]
  delivery?: 'work' | 'notify'
  exclude?: string[]
  start?: Instant
  end?: Instant
  maxRuns?: number
  jitter?: Duration
  retry?: Retry
  lease?: Duration
  runTimeout?: Duration
  startTimeout?: Duration
  late?: 'fire_once' | 'fire_all' | 'skip' | 'fail'
  grace?: Duration
  catchupMax?: number
  /** Reminders: runs of `reminderType` (default TYPE.reminder) so long before every slot, until it is confirmed. */
  remindBefore?: Duration[]
  reminderType?: string
  overlap?: 'skip' | 'buffer_one' | 'buffer_all' | 'cancel_other' | 'terminate_other' | 'allow_all'
}

export type JobStateName = 'waiting' | 'scheduled' | 'active' | 'completed' | 'dead' | 'cancelled' | 'confirmed'

export interface Job {
  /** 64 bits, as text. */
  id: string
  ns: string
  key: string | null
  type: string
  state: JobStateName
  /** Why it is dead, or will be: "run_dead", "missed", "skipped", "expired", "dependency". */
  reason: string | null
  paused: boolean
  /** When its next slot is due, or its last one was. */
  due: Date | null
  version: number
  runs: number
  openRuns: number
  created: Date
  final: Date | null
  tags: string[]
  /** Where it was asked for. */
  payload: unknown
  /** Of schedule and its like: "created", "existing", "replaced", "unchanged", "changed". */
  outcome: string | null
  /** Everything, every default resolved, as the wire has it. */
  spec: JobSpec | undefined
}

/** An id, or a key; a Job will do. */
export type JobRef = string | { id: string } | { key: string; ns?: string }

type Words<Enum> = { [Name in keyof Enum]: Enum[Name] }

/** The number of a word; 0, the default, for none. */
export function numberOf<Enum extends Record<string, string | number>>(words: Words<Enum>, word: string | undefined, name: string): number {
  if (word === undefined) return 0
  const number = words[word.toUpperCase() as keyof Enum]
  if (typeof number !== 'number' || number === 0) throw new InvalidError('INVALID', `${name}: there is no "${word}"`)
  return number
}

export const wordOf = (words: Record<number, string>, number: number): string | null =>
  number === 0 ? null : (words[number]?.toLowerCase() ?? String(number))

export function triggerOf(input: Trigger): JobSpec['trigger'] {
  const given = (['at', 'after', 'every', 'cron', 'daily', 'rrule'] as const).filter((name) => input[name] !== undefined)
  if (given.length !== 1) {
    throw new InvalidError('INVALID', `say exactly one of at, after, every, cron, daily, rrule${given.length ? `, not ${given.join(' and ')}` : ''}`)
  }
  const { at, after, every, cron, daily, rrule } = input
  if (at !== undefined) return { case: 'atUs', value: instantUs(at, 'at') }
  if (after !== undefined) return { case: 'afterUs', value: durationUs(after, 'after') }
  if (cron !== undefined) return { case: 'cron', value: cron }
  if (daily !== undefined) return { case: 'daily', value: daily }
  if (rrule !== undefined) return { case: 'rrule', value: rrule }
  const grid = typeof every === 'object' ? every : { interval: every as Duration, anchor: undefined }
  const anchor: { case: 'anchorUs'; value: bigint } | { case: undefined } =
    grid.anchor === undefined ? { case: undefined } : { case: 'anchorUs', value: instantUs(grid.anchor, 'every.anchor') }
  return { case: 'every', value: { $typeName: 'belfry.v1.Every', intervalUs: durationUs(grid.interval, 'every'), anchor } }
}

function retryOf(retry: Retry): RetryPolicy {
  return create(RetryPolicySchema, {
    maxAttempts: retry.maxAttempts ?? 0,
    backoff: numberOf(Backoff, retry.backoff, 'retry.backoff'),
    delayUs: length(retry.delay, 'retry.delay'),
    factorPermille: Math.round((retry.factor ?? 0) * 1000),
    maxDelayUs: length(retry.maxDelay, 'retry.maxDelay'),
    jitter: retry.jitterPercent === undefined ? { case: undefined } : { case: 'jitterPercent', value: retry.jitterPercent },
    delaysUs: (retry.delays ?? []).map((delay) => durationUs(delay, 'retry.delays')),
    maxAgeUs: length(retry.maxAge, 'retry.maxAge'),
  })
}

const length = (value: Duration | undefined, name: string): bigint => (value === undefined ? 0n : durationUs(value, name))
const instant = (value: Instant | undefined, name: string): bigint => (value === undefined ? 0n : instantUs(value, name))

export const wallsOf = ({ tz = '', skipped, repeated }: Walls) => ({
  tz,
  skipped: numberOf(Skipped, skipped, 'skipped') as Skipped,
  repeated: numberOf(Repeated, repeated, 'repeated') as Repeated,
})

/** The wire's definition. Throws InvalidError; ranges are the daemon's to judge. */
export function specOf(input: JobInput, ns: string): JobSpec {
  const { bytes, contentType } = encode(input.payload, input.contentType)
  return create(JobSpecSchema, {
    ns: input.ns ?? ns,
    key: input.key ?? '',
    type: input.type,
    payload: bytes,
    contentType,
    tags: input.tags ?? [],
    delivery: numberOf(Delivery, input.delivery, 'delivery'),
    trigger: triggerOf(input),
    ...wallsOf(input),
    exclude: input.exclude ?? [],
    startUs: instant(input.start, 'start'),
    endUs: instant(input.end, 'end'),
    maxRuns: input.maxRuns ?? 0,
    jitterUs: length(input.jitter, 'jitter'),
    ...(input.retry === undefined ? {} : { retry: retryOf(input.retry) }),
    leaseUs: length(input.lease, 'lease'),
    runTimeoutUs: length(input.runTimeout, 'runTimeout'),
    startTimeoutUs: length(input.startTimeout, 'startTimeout'),
    late: numberOf(Late, input.late, 'late'),
    graceUs: length(input.grace, 'grace'),
    catchupMax: input.catchupMax ?? 0,
    overlap: numberOf(Overlap, input.overlap, 'overlap'),
    remindBeforeUs: (input.remindBefore ?? []).map((before) => durationUs(before, 'remindBefore')),
    reminderType: input.reminderType ?? '',
  })
}

export function jobOf(job: WireJob, outcome: Outcome = Outcome.UNSPECIFIED): Job {
  const { spec } = job
  return {
    id: String(job.id),
    ns: spec?.ns ?? '',
    key: spec?.key || null,
    type: spec?.type ?? '',
    state: (JobState[job.state]?.toLowerCase() ?? 'scheduled') as JobStateName,
    reason: wordOf(JobReason, job.reason),
    paused: job.paused,
    due: dateOf(job.dueUs),
    version: job.version,
    runs: job.runs,
    openRuns: job.openRuns,
    created: new Date(msOf(job.createdUs)),
    final: dateOf(job.finalUs),
    tags: spec?.tags ?? [],
    payload: spec ? decode(spec.payload, spec.contentType) : undefined,
    outcome: wordOf(Outcome, outcome),
    spec,
  }
}

export const isFinal = ({ state }: Job): boolean => !['waiting', 'scheduled', 'active'].includes(state)

export function refOf(ref: JobRef, ns: string): WireRef {
  if (typeof ref === 'string') return refOf({ id: ref }, ns)
  if ('id' in ref) {
    if (!/^[1-9][0-9]{0,18}$/.test(ref.id)) throw new InvalidError('INVALID', `"${ref.id}" is no job id; of a key say { key: … }`)
    return create(JobRefSchema, { id: BigInt(ref.id) })
  }
  return create(JobRefSchema, { key: ref.key, ns: ref.ns ?? ns })
}
