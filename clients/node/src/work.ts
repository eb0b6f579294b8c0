// SPDX-License-Identifier: MPL-2.0
//
// A worker: takes claimed runs to a handler and settles each, once, without end to its patience. Claiming and heartbeats are
// the link's.
import { inspect } from 'node:util'

import type { BelfryError } from './errors.js'
import { NonRetryableError, StaleTokenError, TooLargeError } from './errors.js'
import type { Lease, Reply, Request } from './gen/belfry_pb.js'
import type { Link } from './link.js'
import { encode } from './payload.js'
import { type Later, Run } from './run.js'
import { durationUs, instantUs } from './time.js'

/** What it returns is the run's result (JSON, or bytes). What it throws is the reason of a failed attempt. */
export type Handler = (run: Run) => unknown

export interface WorkOptions {
  /** Handlers that run at the same time; default 10. */
  concurrency?: number
  /** Default: the client's. */
  ns?: string
}

const reasonBytes = 1024

/** The first line of what was thrown, as long as the wire takes it. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)
  const bytes = Buffer.from(text.replaceAll('\0', ''))
  return bytes.length <= reasonBytes ? bytes.toString() : new TextDecoder().decode(bytes.subarray(0, reasonBytes - 3)).replace(/\uFFFD+$/, '')
}

function snoozeOf(token: string, { until, reason }: Later): Request['command'] {
  const wire =
    'for' in until
      ? { case: 'forUs' as const, value: durationUs(until.for, 'snooze') }
      : { case: 'atUs' as const, value: instantUs(until.at, 'snooze') }
  return { case: 'snooze', value: { $typeName: 'belfry.v1.Snooze', token, until: wire, reason } }
}

const completeOf = (token: string, result: unknown): Request['command'] => ({
  case: 'complete',
  value: { $typeName: 'belfry.v1.Complete', token, result: encode(result).bytes },
})

const failOf = (token: string, error: unknown): Request['command'] => ({
  case: 'fail',
  value: { $typeName: 'belfry.v1.Fail', token, reason: reasonOf(error), nonRetryable: error instanceof NonRetryableError },
})

export class Worker {
  readonly #link: Link
  readonly #handler: Handler
  readonly #problem: (error: Error, run?: Run) => void
  readonly #claimer: number
  readonly #running = new Map<string, { run: Promise<void>; abort: AbortController }>()
  readonly #left: Promise<void>
  #leaving = false

  constructor(link: Link, ns: string, types: string[], handler: Handler, room: number, problem: (error: Error, run?: Run) => void) {
    this.#link = link
    this.#handler = handler
    this.#problem = problem
    let left = (): void => {}
    this.#left = new Promise((resolve) => (left = resolve))
    this.#claimer = link.claim(ns, types, room, {
      leases: (reply) => this.#take(reply),
      left,
      refused: (error: BelfryError) => problem(error),
    })
  }

  /** Claims no more, and resolves when every handler has ended and its run is settled. */
  async stop(): Promise<void> {
    if (!this.#leaving) {
      this.#leaving = true
      this.#link.leave(this.#claimer)
    }
    await this.#left
    await Promise.all([...this.#running.values()].map(({ run }) => run))
  }

  /** Tells the handlers in hand to stop: their leases go to others when they run out. */
  abandon(reason: string): void {
    for (const { abort } of this.#running.values()) abort.abort(new Error(reason))
  }

  /** A heartbeat's answer, where the run is ours. */
  pulse(token: string, lost: boolean, text: string): void {
    this.#running.get(token)?.abort.abort(new Error(lost ? `the lease is lost: ${text}` : 'the job was cancelled, confirmed or moved'))
  }

  #take(reply: Reply): void {
    if (reply.result.case !== 'claim') return
    for (const lease of reply.result.value.leases) {
      const abort = new AbortController()
      const run = this.#work(lease, abort.signal).finally(() => {
        this.#running.delete(lease.token)
        this.#link.done(this.#claimer, lease.token)
      })
      this.#running.set(lease.token, { run, abort })
    }
  }

  async #work(lease: Lease, signal: AbortSignal): Promise<void> {
    let run: Run | undefined
    let command: Request['command']
    try {
      run = new Run(lease, signal)
      const result = await this.#handler(run)
      command = run.later ? snoozeOf(run.token, run.later) : completeOf(run.token, result)
    } catch (error) {
      this.#problem(error instanceof Error ? error : new Error(inspect(error)), run)
      command = failOf(lease.token, error)
    }
    await this.#settle(command, lease.token, run)
  }

  async #settle(command: Request['command'], token: string, run: Run | undefined): Promise<void> {
    try {
      await this.#link.call(command, { timeoutMs: null })
    } catch (error) {
      if (error instanceof TooLargeError) {
        await this.#settle(failOf(token, new NonRetryableError(`its result is too large: ${error.message}`)), token, run)
      } else if (error instanceof StaleTokenError) {
        this.#problem(new StaleTokenError(error.code, `the result of run ${run?.id ?? token} was dropped: ${error.message}`), run)
      } else {
        this.#problem(error as Error, run)
      }
    }
  }
}
