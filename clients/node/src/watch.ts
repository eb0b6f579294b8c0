// SPDX-License-Identifier: MPL-2.0
//
// Following the feed without a gap: a SUB, and Replay wherever stream.ts says that something is missing. The SUB is
// connected before the first replay, and its frames wait in its queue meanwhile, so that nothing falls between the two.
import { fromBinary } from '@bufbuild/protobuf'
import { Subscriber } from 'zeromq'

import { endpointOf } from './endpoints.js'
import { BelfryError, errorOf, InvalidError } from './errors.js'
import {
  Code,
  type Event as WireEvent,
  EventSchema,
  type EventsReply,
  type FeedHeartbeat,
  FeedHeartbeatSchema,
  type StatusReply,
} from './gen/belfry_pb.js'
import type { Link } from './link.js'
import { decode } from './payload.js'
import { type Step, Stream } from './stream.js'
import { dateOf, msOf } from './time.js'

const silenceMs = 5000
const retryMs = 500
const heartbeatTopic = 'heartbeat '

export interface Event {
  seq: string
  streamEpoch: string
  at: Date
  /** "job.scheduled", "run.fired", …: docs/protocol.md has the list. */
  kind: string
  ns: string
  /** The job's id; null for events of no job. */
  job: string | null
  key: string | null
  type: string | null
  run: string | null
  attempt: number
  due: Date | null
  lateness: number
  reason: string
  /** run.delivered: what a job of delivery "notify" brings. */
  payload: unknown
  /** Out of the log rather than off the feed. */
  replayed: boolean
  /** The whole event. */
  wire: WireEvent
}

/** What happened to the stream itself. */
export interface Notice {
  /** caught_up: everything up to now was told. events_lost: what is older than `seq` is no longer kept. history_restarted: a
   * backup was restored; some of what was told has never happened. */
  notice: 'caught_up' | 'events_lost' | 'history_restarted'
  seq: string
  streamEpoch: string
}

export interface WatchOptions {
  kinds?: string[]
  types?: string[]
  /** Events after this seq; "0" for all that are kept. Default: from now on. */
  after?: string
  /** Of the history that `after` is from. */
  streamEpoch?: string
  signal?: AbortSignal
}

export const eventOf = (wire: WireEvent, replayed: boolean): Event => ({
  seq: String(wire.seq),
  streamEpoch: String(wire.streamEpoch),
  at: new Date(msOf(wire.atUs)),
  kind: wire.kind,
  ns: wire.ns,
  job: wire.job === 0n ? null : String(wire.job),
  key: wire.key || null,
  type: wire.type || null,
  run: wire.run || null,
  attempt: wire.attempt,
  due: dateOf(wire.dueUs),
  lateness: msOf(wire.latenessUs),
  reason: wire.reason,
  payload: decode(wire.payload, wire.contentType),
  replayed,
  wire,
})

const topicOf = ({ kind, type }: WireEvent): string => (type === '' ? `${kind} ` : `${kind} ${type} `)

type Frame = { beat: FeedHeartbeat } | { event: WireEvent; topic: string }

function frameOf(frames: Uint8Array[]): Frame | null {
  const [topicBytes, body] = frames
  if (!topicBytes || !body) return null
  const topic = new TextDecoder().decode(topicBytes)
  try {
    if (topic === heartbeatTopic) return { beat: fromBinary(FeedHeartbeatSchema, body) }
    return { event: fromBinary(EventSchema, body), topic }
  } catch {
    return null
  }
}

function seqOf(text: string, name: string): bigint {
  if (!/^[0-9]{1,20}$/.test(text)) throw new InvalidError('INVALID', `${name}: "${text}" is no number`)
  return BigInt(text)
}

export class Watch implements AsyncIterableIterator<Event | Notice> {
  readonly #link: Link
  readonly #options: WatchOptions
  readonly #stories: AsyncGenerator<Event | Notice>
  readonly #end = new AbortController()
  readonly #ended: () => void
  /** Where "now" was, as the watch was made. */
  readonly #head: Promise<StatusReply | Error> | null
  #stream: Stream
  #feed: Subscriber | null = null
  #turn = 0
  #wasLive = false

  /** `ended` is called once, when it is over. */
  constructor(link: Link, options: WatchOptions, ended: () => void) {
    this.#ended = ended
    this.#link = link
    this.#options = options
    const after = seqOf(options.after ?? '0', 'after')
    this.#stream = new Stream((options.kinds ?? []).length > 0, seqOf(options.streamEpoch ?? '0', 'streamEpoch'), after)
    this.#stories = this.#follow()
    options.signal?.addEventListener('abort', this.#abort, { once: true })
    if (options.signal?.aborted) this.#abort()
    this.#head = options.after === undefined ? this.#askHead() : null
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Event | Notice>> {
    return this.#stories.next()
  }

  /** Ends the watch; what waits for its next event gets the end. */
  async return(): Promise<IteratorResult<Event | Notice>> {
    this.#abort()
    await this.#stories.return(undefined)
    this.#ended()
    return { done: true, value: undefined }
  }

  readonly #abort = (): void => {
    this.#end.abort()
    this.#feed?.close()
  }

  async *#follow(): AsyncGenerator<Event | Notice> {
    try {
      await this.#begin()
      let replay = true
      while (!this.#end.signal.aborted) {
        if (replay) yield* this.#replay()
        if (this.#end.signal.aborted) break
        replay = true
        const frame = await this.#frame()
        if (frame === null) continue
        const step = this.#judge(frame)
        if (step === 'tell' && 'event' in frame && this.#isWanted(frame.event)) yield eventOf(frame.event, false)
        if (step === 'restarted') yield this.#notice('history_restarted')
        replay = step === 'replay' || step === 'restarted'
      }
    } catch (error) {
      if (!this.#end.signal.aborted) throw error
    } finally {
      this.#feed?.close()
      this.#feed = null
      this.#options.signal?.removeEventListener('abort', this.#abort)
      this.#ended()
    }
  }

  async #askHead(): Promise<StatusReply | Error> {
    try {
      const reply = await this.#link.call({ case: 'status', value: { $typeName: 'belfry.v1.Status' } }, { timeoutMs: null, signal: this.#end.signal })
      return reply.result.case === 'status' ? reply.result.value : new BelfryError('BAD_ANSWER', 'the answer to Status is none')
    } catch (error) {
      return error as Error
    }
  }

  /** Connects, waits until the subscription is in force, and knows where to begin. */
  async #begin(): Promise<void> {
    const head = await this.#head
    if (head) {
      if (head instanceof Error) throw head
      this.#stream = new Stream((this.#options.kinds ?? []).length > 0, head.streamEpoch, head.headSeq)
    }
    await this.#connect()
  }

  /** A new SUB, and its first heartbeat. */
  async #connect(): Promise<void> {
    while (!this.#end.signal.aborted) {
      this.#feed?.close()
      this.#feed = null
      try {
        this.#feed = this.#open()
        this.#stream.connected()
        while (true) {
          const frame = await this.#receive(this.#feed)
          if (frame && 'beat' in frame) return
        }
      } catch (error) {
        if (this.#end.signal.aborted) return
        if (!(error instanceof BelfryError) && !isZmq(error)) throw error
        await sleep(retryMs, this.#end.signal)
      }
    }
  }

  #open(): Subscriber {
    const feed = new Subscriber({
      linger: 0,
      receiveHighWaterMark: 10_000,
      receiveTimeout: silenceMs,
      heartbeatInterval: 2000,
      heartbeatTimeout: 8000,
      reconnectInterval: 50,
      reconnectMaxInterval: 1000,
    })
    feed.subscribe(...this.#topics(), heartbeatTopic)
    /* libzmq may connect again by itself, and have lost frames meanwhile. */
    feed.events.on('handshake', () => this.#stream.connected())
    /* The daemon is away, and may come back elsewhere. */
    feed.events.on('disconnect', () => feed.close())
    feed.connect(endpointOf(this.#link.places, 'feed', this.#turn++))
    return feed
  }

  /* Types alone cannot be subscribed to, a topic begins with its kind. */
  #topics(): string[] {
    const { kinds = [], types = [] } = this.#options
    if (kinds.length === 0) return ['']
    return types.length === 0 ? kinds.map((kind) => `${kind} `) : kinds.flatMap((kind) => types.map((type) => `${kind} ${type} `))
  }

  async #receive(feed: Subscriber): Promise<Frame | null> {
    return frameOf(await feed.receive())
  }

  /** The next frame; null where the feed was silent and is connected anew. */
  async #frame(): Promise<Frame | null> {
    try {
      if (!this.#feed) throw new BelfryError('CLOSED', 'the feed is closed')
      while (true) {
        const frame = await this.#receive(this.#feed)
        if (frame) return frame
      }
    } catch (error) {
      if (!this.#end.signal.aborted && !(error instanceof BelfryError) && !isZmq(error)) throw error
      await this.#connect()
      return null
    }
  }

  #judge(frame: Frame): Step {
    if ('beat' in frame) return this.#stream.beat(frame.beat.streamEpoch, frame.beat.headSeq, performance.now())
    const { streamEpoch, seq, prevSeq } = frame.event
    return this.#stream.frame(streamEpoch, seq, prevSeq, frame.topic)
  }

  #isWanted({ kind, type }: WireEvent): boolean {
    const { kinds = [], types = [] } = this.#options
    return (kinds.length === 0 || kinds.includes(kind)) && (types.length === 0 || types.includes(type))
  }

  #notice(notice: Notice['notice'], seq = this.#stream.covered): Notice {
    return { notice, seq: String(seq), streamEpoch: String(this.#stream.epoch) }
  }

  async #page(): Promise<{ page: EventsReply; tooOld: boolean }> {
    const { kinds = [], types = [] } = this.#options
    const value = { $typeName: 'belfry.v1.Replay' as const, afterSeq: this.#stream.covered, kinds, types, limit: 0 }
    const reply = await this.#link.ask({ case: 'replay', value }, { timeoutMs: null, signal: this.#end.signal })
    const tooOld = reply.code === Code.TOO_OLD
    if (reply.code !== Code.OK && !tooOld) throw errorOf(reply)
    if (reply.result.case !== 'events') throw new BelfryError('BAD_ANSWER', 'the answer to Replay has no events')
    return { page: reply.result.value, tooOld }
  }

  async *#replay(): AsyncGenerator<Event | Notice> {
    let told = 0
    for (let done = false; !done; ) {
      const { page, tooOld } = await this.#page()
      if (this.#stream.page(page.streamEpoch, page.headSeq) === 'restarted') {
        yield this.#notice('history_restarted')
        continue
      }
      if (tooOld) {
        this.#stream.cover(page.oldestSeq - 1n, performance.now())
        yield this.#notice('events_lost', page.oldestSeq)
        continue
      }
      for (const event of page.events) {
        if (this.#stream.replayed(event.seq, topicOf(event)) !== 'tell' || !this.#isWanted(event)) continue
        told++
        yield eventOf(event, true)
      }
      done = page.nextCursor >= page.headSeq || page.nextCursor <= this.#stream.covered
      this.#stream.cover(page.nextCursor, performance.now())
    }
    if (!this.#wasLive || told > 0) yield this.#notice('caught_up')
    this.#wasLive = true
  }
}

/* EAGAIN: nothing came in time; EBADF and the like: it was closed meanwhile. */
const isZmq = (error: unknown): boolean => typeof (error as NodeJS.ErrnoException | null)?.code === 'string'

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
