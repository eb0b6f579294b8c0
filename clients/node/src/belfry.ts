// SPDX-License-Identifier: MPL-2.0
//
// The client: what a bot calls. Every call is repeated under one request id until it is answered or its time is up, over
// restarts of the daemon.
import { randomBytes } from 'node:crypto'

import { create } from '@bufbuild/protobuf'

import { Batch } from './batch.js'
import {
  type Command,
  commands,
  type Filter,
  filterOf,
  isFilter,
  type ReasonOptions,
  type ScheduleOptions,
  type Target,
  type TargetOptions,
} from './commands.js'
import { BelfryError, InvalidError, UnreachableError } from './errors.js'
import {
  BatchSchema,
  GetSchema,
  HistorySchema,
  ListSchema,
  PreviewSchema,
  type Reply,
  type StatsReply,
  type StatusReply,
} from './gen/belfry_pb.js'
import { isFinal, type Job, type JobInput, jobOf, type JobRef, refOf, specOf, type Trigger, type Walls } from './job.js'
import { type CallOptions, Link } from './link.js'
import { type Run, type RunInfo, runInfoOf } from './run.js'
import { dateOf, type Duration, durationUs, type Instant, instantUs } from './time.js'
import { type Event, eventOf, type Notice, Watch, type WatchOptions } from './watch.js'
import { type Handler, Worker, type WorkOptions } from './work.js'

export interface BelfryOptions {
  /** Endpoints, separated by commas. Default: BELFRY_COMMANDS and BELFRY_FEED, else the file DIRECTORY/endpoints. */
  commands?: string
  feed?: string
  /** The daemon's data directory; default "data". */
  directory?: string
  /** Namespace of everything that names none; default "default". */
  ns?: string
  /** A name that no other program has and that survives restarts; default: random. Workers are shown under it. */
  client?: string
  /** How long a call tries; default 30 s. */
  timeout?: Duration
  /** Hears what has no caller: handlers that throw, results that were refused. Default: console.error. */
  onProblem?: (error: Error, run?: Run) => void
}

/** Of each call. */
export interface CallSettings {
  signal?: AbortSignal
  requestId?: string
  timeout?: Duration
}

/** What a command by filter did, or would do. */
export interface BulkResult {
  done: boolean
  changed: number
  unchanged: number
  refused: number
  runs: number
  examined: number
  refusals: { job: string; text: string }[]
}

export interface BulkSettings extends CallSettings {
  /** Hears how far it is. */
  onProgress?: (sofar: BulkResult) => void
}

export interface Slot {
  due: Date
  /** As the walls of its zone show it. */
  local: string
  /** What a clock change did to it. */
  note: string
}

export type BatchResult = { jobs: Job[] } | { runs: RunInfo[] }

/** Handlers are stopped after so long when the client closes. */
const closeMs = 30_000
const bulkPauseMs = 100

const finalKinds = ['job.completed', 'job.dead', 'job.cancelled', 'job.confirmed']

export class Belfry {
  readonly #link: Link
  readonly #ns: string
  readonly #problem: (error: Error, run?: Run) => void
  readonly #workers = new Set<Worker>()
  readonly #watches = new Set<Watch>()

  constructor(options: BelfryOptions = {}) {
    const { commands: commandsAt, feed, directory, client = randomBytes(16).toString('hex'), timeout = '30s' } = options
    this.#ns = options.ns ?? 'default'
    const report = (error: Error, run?: Run): void => console.error(`belfry: ${run ? `run ${run.id}: ` : ''}${error.message}`)
    this.#problem = (error, run) => {
      try {
        ;(options.onProblem ?? report)(error, run)
      } catch (other) {
        report(other as Error, run)
      }
    }
    this.#link = new Link(
      { places: { commands: commandsAt, feed, directory }, client, timeoutMs: Number(durationUs(timeout, 'timeout')) / 1000 },
      (token, lost, text) => this.#workers.forEach((worker) => worker.pulse(token, lost, text)),
    )
  }

  /** Who calls: the name under which answers are remembered. */
  get client(): string {
    return this.#link.client
  }

  /* ---------------------------------------------------------------------------------------------------------------- */
  /* Jobs                                                                                                               */

  /** Makes a job, or several in one commit: all or none. */
  async schedule(job: JobInput, options?: ScheduleOptions & CallSettings): Promise<Job>
  async schedule(jobs: JobInput[], options?: ScheduleOptions & CallSettings): Promise<Job[]>
  async schedule(jobs: JobInput | JobInput[], options: ScheduleOptions & CallSettings = {}): Promise<Job | Job[]> {
    const list = Array.isArray(jobs) ? jobs : [jobs]
    const made = jobsOf(await this.#call(commands.schedule(list, this.#ns, options), options))
    return Array.isArray(jobs) ? made : only(made)
  }

  /** Gives a job another time; "extend my drawing time" is reschedule(key, { after: '10m' }). */
  reschedule(target: JobRef, to: Trigger & Walls, options?: TargetOptions & { rejectPast?: boolean } & CallSettings): Promise<Job>
  reschedule(target: { filter: Filter }, to: Trigger & Walls, options?: TargetOptions & BulkSettings): Promise<BulkResult>
  reschedule(target: Target, to: Trigger & Walls, options: TargetOptions & BulkSettings = {}): Promise<Job | BulkResult> {
    return this.#change(target, commands.reschedule(target, to, this.#ns, options), options)
  }

  /** Ends a job: after this its slot never fires. */
  cancel(target: JobRef, options?: ReasonOptions & CallSettings): Promise<Job>
  cancel(target: { filter: Filter }, options?: ReasonOptions & BulkSettings): Promise<BulkResult>
  cancel(target: Target, options: ReasonOptions & BulkSettings = {}): Promise<Job | BulkResult> {
    return this.#change(target, commands.cancel(target, this.#ns, options), options)
  }

  /** What the job waited for has come: nothing fires. Throws TooLateError where its slot was committed before. */
  confirm(target: JobRef, options?: TargetOptions & { cancelOpen?: boolean } & CallSettings): Promise<Job>
  confirm(target: { filter: Filter }, options?: TargetOptions & { cancelOpen?: boolean } & BulkSettings): Promise<BulkResult>
  confirm(target: Target, options: TargetOptions & { cancelOpen?: boolean } & BulkSettings = {}): Promise<Job | BulkResult> {
    return this.#change(target, commands.confirm(target, this.#ns, options), options)
  }

  /** Stops the slots of a job; open runs go on. */
  pause(target: JobRef, options?: ReasonOptions & CallSettings): Promise<Job>
  pause(target: { filter: Filter }, options?: ReasonOptions & BulkSettings): Promise<BulkResult>
  pause(target: Target, options: ReasonOptions & BulkSettings = {}): Promise<Job | BulkResult> {
    return this.#change(target, commands.pause(target, this.#ns, options), options)
  }

  /** From the pause on, catching up by the job's late policy; or from now. */
  resume(target: JobRef, options?: TargetOptions & { from?: 'pause' | 'now' } & CallSettings): Promise<Job>
  resume(target: { filter: Filter }, options?: TargetOptions & { from?: 'pause' | 'now' } & BulkSettings): Promise<BulkResult>
  resume(target: Target, options: TargetOptions & { from?: 'pause' | 'now' } & BulkSettings = {}): Promise<Job | BulkResult> {
    return this.#change(target, commands.resume(target, this.#ns, options), options)
  }

  /** Makes an extra run now. */
  trigger(target: JobRef, options?: TargetOptions & CallSettings): Promise<RunInfo>
  trigger(target: { filter: Filter }, options?: TargetOptions & BulkSettings): Promise<BulkResult>
  async trigger(target: Target, options: TargetOptions & BulkSettings = {}): Promise<RunInfo | BulkResult> {
    const command = commands.trigger(target, this.#ns, options)
    return isFilter(target) ? this.#bulk(command, options) : only(runsOf(await this.#call(command, options)))
  }

  /** Makes a new run out of a dead one ("JOB.ORDINAL", or "JOB" for its newest), or of all of a filter. */
  redrive(run: string, options?: CallSettings): Promise<RunInfo>
  redrive(target: { filter: Filter }, options?: { dryRun?: boolean } & BulkSettings): Promise<BulkResult>
  async redrive(target: string | { filter: Filter }, options: { dryRun?: boolean } & BulkSettings = {}): Promise<RunInfo | BulkResult> {
    const command = commands.redrive(target, options)
    return typeof target === 'string' ? only(runsOf(await this.#call(command, options))) : this.#bulk(command, options)
  }

  /** Several commands in one commit, each seeing what those before it did; one that fails undoes all. */
  async batch(fill: (batch: Batch) => void, options: CallSettings = {}): Promise<BatchResult[]> {
    const batch = new Batch(this.#ns)
    fill(batch)
    const reply = await this.#call({ case: 'batch', value: create(BatchSchema, { items: batch.items }) }, options)
    if (reply.result.case !== 'batch') throw badAnswer(reply)
    return reply.result.value.items.map(({ result }) =>
      result.case === 'runs'
        ? { runs: result.value.runs.map(runInfoOf) }
        : { jobs: (result.value?.items ?? []).flatMap(({ job, outcome }) => (job ? [jobOf(job, outcome)] : [])) },
    )
  }

  /* ---------------------------------------------------------------------------------------------------------------- */
  /* Work                                                                                                               */

  /** Does the work of a type, or of several: claims its runs, keeps their leases, completes them when the handler returns and
   * fails them when it throws. Runs come at least once: dedupe on run.id. */
  on(types: string | string[], handler: Handler, { concurrency = 10, ns = this.#ns }: WorkOptions = {}): Worker {
    if (!Number.isInteger(concurrency) || concurrency < 1) throw new InvalidError('INVALID', `concurrency: ${concurrency} is no count`)
    const list = Array.isArray(types) ? types : [types]
    const worker = new Worker(this.#link, ns, list, handler, concurrency, this.#problem)
    this.#workers.add(worker)
    return worker
  }

  /* ---------------------------------------------------------------------------------------------------------------- */
  /* Reading                                                                                                            */

  /** A job with its newest runs. Throws NotFoundError. */
  async get(ref: JobRef, options: { payload?: boolean; runs?: number } & CallSettings = {}): Promise<{ job: Job; runs: RunInfo[] }> {
    const value = create(GetSchema, { job: refOf(ref, this.#ns), withPayload: options.payload ?? true, maxRuns: options.runs ?? 0 })
    const reply = await this.#call({ case: 'get', value }, options)
    if (reply.result.case !== 'get' || !reply.result.value.job) throw badAnswer(reply)
    return { job: jobOf(reply.result.value.job), runs: reply.result.value.runs.map(runInfoOf) }
  }

  /** Jobs in the order of their ids, page by page as they are read. */
  async *list(filter: Filter = {}, options: { payload?: boolean } & CallSettings = {}): AsyncGenerator<Job> {
    const { ns, type, states, tags, keyPrefix } = filterOf(filter)
    let cursor = 0n
    do {
      const value = create(ListSchema, { ns, type, states, tags, keyPrefix, cursor, withPayload: options.payload ?? false })
      const reply = await this.#call({ case: 'list', value }, options)
      if (reply.result.case !== 'list') throw badAnswer(reply)
      yield* reply.result.value.jobs.map((job) => jobOf(job))
      cursor = reply.result.value.nextCursor
    } while (cursor !== 0n)
  }

  /** What happened to a job, newest first. */
  async *history(ref: JobRef, options: { kinds?: string[]; from?: Instant; until?: Instant } & CallSettings = {}): AsyncGenerator<Event> {
    let cursor = 0n
    do {
      const value = create(HistorySchema, {
        job: refOf(ref, this.#ns),
        kinds: options.kinds ?? [],
        fromUs: options.from === undefined ? 0n : instantUs(options.from, 'from'),
        untilUs: options.until === undefined ? 0n : instantUs(options.until, 'until'),
        cursor,
      })
      const reply = await this.#call({ case: 'history', value }, options)
      if (reply.result.case !== 'events') throw badAnswer(reply)
      yield* reply.result.value.events.map((event) => eventOf(event, true))
      cursor = reply.result.value.nextCursor
    } while (cursor !== 0n)
  }

  /** The next slots of a trigger, or of a job, without making one. */
  async preview(of: (Trigger & Walls) | { job: JobRef }, options: { from?: Instant; limit?: number } & CallSettings = {}): Promise<Slot[]> {
    const what = 'job' in of ? { job: refOf(of.job, this.#ns) } : { spec: specOf({ type: '', ...of }, this.#ns) }
    const fromUs = options.from === undefined ? 0n : instantUs(options.from, 'from')
    const reply = await this.#call({ case: 'preview', value: create(PreviewSchema, { ...what, fromUs, limit: options.limit ?? 0 }) }, options)
    if (reply.result.case !== 'preview') throw badAnswer(reply)
    return reply.result.value.slots.map(({ dueUs, local, note }) => ({ due: dateOf(dueUs) as Date, local, note }))
  }

  /** The daemon, as the wire has it. */
  async status(options: CallSettings = {}): Promise<StatusReply> {
    const reply = await this.#call({ case: 'status', value: { $typeName: 'belfry.v1.Status' } }, options)
    if (reply.result.case !== 'status') throw badAnswer(reply)
    return reply.result.value
  }

  /** Depths and counters, as the wire has them. */
  async stats(options: CallSettings = {}): Promise<StatsReply> {
    const reply = await this.#call({ case: 'stats', value: { $typeName: 'belfry.v1.Stats' } }, options)
    if (reply.result.case !== 'stats') throw badAnswer(reply)
    return reply.result.value
  }

  /* ---------------------------------------------------------------------------------------------------------------- */
  /* Following                                                                                                          */

  /** Events as they are committed, without a gap, over restarts and lost frames. */
  watch(options: WatchOptions = {}): Watch {
    const watch = new Watch(this.#link, options, () => this.#watches.delete(watch))
    this.#watches.add(watch)
    return watch
  }

  /** The job when it is final: completed, dead, cancelled or confirmed. It may be by now. */
  async waitFor(job: JobRef | Job, options: { timeout?: Duration; signal?: AbortSignal } = {}): Promise<Job> {
    const end = new AbortController()
    const abort = (): void => end.abort()
    options.signal?.addEventListener('abort', abort, { once: true })
    const timeoutMs = options.timeout === undefined ? null : Number(durationUs(options.timeout, 'timeout')) / 1000
    const timer = timeoutMs === null ? undefined : setTimeout(abort, timeoutMs)
    try {
      if (options.signal?.aborted) abort()
      return await this.#followToEnd(job, end.signal)
    } catch (error) {
      if (!end.signal.aborted) throw error
      throw options.signal?.aborted
        ? new BelfryError('ABORTED', 'the wait was aborted')
        : new UnreachableError('TIMEOUT', 'the job is not final yet; the wait was over')
    } finally {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
    }
  }

  /* State first, then the stream from what was newest before it: no window between. */
  async #followToEnd(ref: JobRef | Job, signal: AbortSignal): Promise<Job> {
    const status = await this.status({ signal })
    const { job } = await this.get(ref, { signal })
    if (isFinal(job)) return job
    const watch = this.watch({ kinds: finalKinds, after: String(status.headSeq), streamEpoch: String(status.streamEpoch), signal })
    for await (const story of watch) {
      /* After a notice what was told before may not hold. */
      if (!('notice' in story) && story.job !== job.id) continue
      const now = await this.get({ id: job.id }, { signal })
      if (isFinal(now.job)) return now.job
    }
    throw new BelfryError('ABORTED', 'the wait was aborted')
  }

  /* ---------------------------------------------------------------------------------------------------------------- */
  /* The end                                                                                                            */

  /** Claims no more, lets handlers end, settles their runs, and closes. Handlers that take longer than `deadline` (default
   * 30 s) are left: their leases run out, and others get their runs. */
  async close({ deadline = closeMs }: { deadline?: Duration } = {}): Promise<void> {
    for (const watch of this.#watches) await watch.return()
    const stopped = Promise.all([...this.#workers].map((worker) => worker.stop()))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Number(durationUs(deadline, 'deadline')) / 1000)
    })
    await Promise.race([stopped, late])
    clearTimeout(timer)
    for (const worker of this.#workers) worker.abandon('the client is closing')
    await this.#link.close()
  }

  #call(command: Command, { signal, requestId, timeout }: CallSettings): Promise<Reply> {
    const options: CallOptions = { signal, requestId }
    if (timeout !== undefined) options.timeoutMs = Number(durationUs(timeout, 'timeout')) / 1000
    return this.#link.call(command, options)
  }

  async #change(target: Target, command: Command, options: BulkSettings): Promise<Job | BulkResult> {
    return isFilter(target) ? this.#bulk(command, options) : only(jobsOf(await this.#call(command, options)))
  }

  /** An operation goes on by itself; the same call again asks how far it is. */
  async #bulk(command: Command, options: BulkSettings): Promise<BulkResult> {
    const requestId = options.requestId ?? this.#link.nextId()
    for (;;) {
      const reply = await this.#call(command, { ...options, requestId })
      if (reply.result.case !== 'bulk') throw badAnswer(reply)
      const { done, dryRun, changed, unchanged, refused, runs, examined, refusals } = reply.result.value
      const sofar: BulkResult = {
        done: done || dryRun,
        changed: Number(changed),
        unchanged: Number(unchanged),
        refused: Number(refused),
        runs: Number(runs),
        examined: Number(examined),
        refusals: refusals.map(({ job, text }) => ({ job: String(job), text })),
      }
      options.onProgress?.(sofar)
      if (sofar.done) return sofar
      await new Promise((resolve) => setTimeout(resolve, bulkPauseMs))
    }
  }
}

const badAnswer = (reply: Reply): BelfryError =>
  new BelfryError('BAD_ANSWER', `the daemon answered with ${reply.result.case ?? 'nothing'}, which does not fit the call`, reply)

function jobsOf(reply: Reply): Job[] {
  if (reply.result.case !== 'jobs') throw badAnswer(reply)
  return reply.result.value.items.flatMap(({ job, outcome }) => (job ? [jobOf(job, outcome)] : []))
}

function runsOf(reply: Reply): RunInfo[] {
  if (reply.result.case !== 'runs') throw badAnswer(reply)
  return reply.result.value.runs.map(runInfoOf)
}

function only<Thing>(things: Thing[]): Thing {
  const [thing] = things
  if (thing === undefined) throw new BelfryError('BAD_ANSWER', 'the answer is empty')
  return thing
}

export type { Event, Notice }
