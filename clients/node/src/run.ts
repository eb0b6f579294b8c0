// SPDX-License-Identifier: MPL-2.0
//
// One attempt at a run, as a handler sees it.

import { type Lease, Origin, type Run as WireRun, RunState } from './gen/belfry_pb.js'
import { wordOf } from './job.js'
import { decode } from './payload.js'
import { dateOf, type Duration, type Instant, msOf } from './time.js'

/** A run as the store has it. */
export interface RunInfo {
  /** "JOB.ORDINAL": the same over all attempts; dedupe on it. */
  id: string
  type: string
  state: string
  origin: string
  due: Date | null
  /** Milliseconds. */
  lateness: number
  late: boolean
  attempt: number
  failures: number
  worker: string
  reason: string
  /** Where it was asked for, as JSON where it is that, else as bytes. */
  result: unknown
}

export const runInfoOf = (run: WireRun): RunInfo => ({
  id: run.run,
  type: run.type,
  state: wordOf(RunState, run.state) ?? '',
  origin: wordOf(Origin, run.origin) ?? '',
  due: dateOf(run.dueUs),
  lateness: msOf(run.latenessUs),
  late: run.late,
  attempt: run.attempt,
  failures: run.failures,
  worker: run.worker,
  reason: run.reason,
  result: decode(run.result, 'application/json'),
})

/** Not now: what a handler asked for by run.snooze. */
export interface Later {
  until: { for: Duration } | { at: Instant }
  reason: string
}

export class Run {
  /** "JOB.ORDINAL": the same over all attempts, restarts and workers. Work is done at least once: dedupe on it. */
  readonly id: string
  /** The job's id. */
  readonly job: string
  readonly token: string
  readonly ns: string
  readonly type: string
  readonly key: string | null
  readonly payload: unknown
  readonly contentType: string
  readonly tags: readonly string[]
  /** From 1. */
  readonly attempt: number
  readonly failures: number
  readonly origin: string
  readonly due: Date | null
  /** Milliseconds between the due time and the moment at which it became a run. */
  readonly lateness: number
  readonly late: boolean
  /** Of a reminder: how long before the slot it was due, in milliseconds; else null. */
  readonly remindBefore: number | null
  /** Of a reminder: when the slot is due; else null. */
  readonly slotDue: Date | null
  /** Aborted where the job was cancelled, confirmed or moved, or the lease was lost. What still completes counts, if the lease stands. */
  readonly signal: AbortSignal
  /** Asked for by snooze. */
  later: Later | null = null

  constructor(lease: Lease, signal: AbortSignal) {
    const run = lease.run
    this.id = run?.run ?? ''
    this.job = this.id.split('.')[0] ?? ''
    this.token = lease.token
    this.ns = run?.ns ?? ''
    this.type = run?.type ?? ''
    this.key = lease.key || null
    this.contentType = lease.contentType
    this.payload = decode(lease.payload, lease.contentType)
    this.tags = lease.tags
    this.attempt = run?.attempt ?? 0
    this.failures = run?.failures ?? 0
    this.origin = (run && wordOf(Origin, run.origin)) ?? ''
    this.due = run ? dateOf(run.dueUs) : null
    this.lateness = run ? msOf(run.latenessUs) : 0
    this.late = run?.late ?? false
    this.remindBefore = lease.remindBeforeUs === 0n ? null : msOf(lease.remindBeforeUs)
    this.slotDue = dateOf(lease.slotDueUs)
    this.signal = signal
  }

  /** Not now: when the handler returns, the run is given back until then; it counts as no failure. */
  snooze(until: Duration | { at: Instant }, reason = ''): void {
    this.later = { until: typeof until === 'object' ? until : { for: until }, reason }
  }
}
