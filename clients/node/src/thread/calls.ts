// SPDX-License-Identifier: MPL-2.0
//
// Calls that wait for their answer: when each is sent again, and when it is given up. The same bytes under the same
// request_id have one effect, so repeating is always safe (docs/protocol.md, "The life of a call").
import { Code, type Reply } from '../gen/belfry_pb.js'

const silenceMs = 5000
const firstPauseMs = 50
const longestPauseMs = 1000

/** Answers that say "not now": the same bytes again, after a pause. */
const notNow = new Set([Code.BUSY, Code.STOPPING, Code.DISK_FULL])

export interface Waiting {
  requestId: string
  bytes: Uint8Array
  /** A parked claim: to be without an answer for long is as it should be. */
  parked: boolean
  endMs: number
  sendAtMs: number
  pauseMs: number
  sent: boolean
  answer: (reply: Reply, bytes: Uint8Array) => void
  fail: (text: string) => void
}

export interface CallsOut {
  send: (bytes: Uint8Array) => void
  /** The connection seems dead, or is to the wrong place. */
  reconnect: () => void
}

export class Calls {
  readonly #out: CallsOut
  readonly #waiting = new Map<string, Waiting>()

  constructor(out: CallsOut) {
    this.#out = out
  }

  get size(): number {
    return this.#waiting.size
  }

  add(call: Pick<Waiting, 'requestId' | 'bytes' | 'parked' | 'answer' | 'fail'>, patienceMs: number | null, nowMs: number): void {
    const endMs = patienceMs === null ? Infinity : nowMs + patienceMs
    const waiting = { ...call, endMs, sendAtMs: nowMs, pauseMs: firstPauseMs, sent: false }
    this.#waiting.set(call.requestId, waiting)
    this.#send(waiting, nowMs)
  }

  /** Other bytes for a call that waits: a claim that is to end sooner. */
  change(requestId: string, bytes: Uint8Array, nowMs: number): void {
    const waiting = this.#waiting.get(requestId)
    if (!waiting) return
    waiting.bytes = bytes
    waiting.parked = false
    this.#send(waiting, nowMs)
  }

  forget(requestId: string): void {
    this.#waiting.delete(requestId)
  }

  /** False where nobody waits for it. */
  answered(reply: Reply, bytes: Uint8Array, nowMs: number): boolean {
    const waiting = this.#waiting.get(reply.requestId)
    if (!waiting) return false
    if (notNow.has(reply.code)) {
      waiting.sent = false
      waiting.sendAtMs = nowMs + waiting.pauseMs
      waiting.pauseMs = Math.min(waiting.pauseMs * 2, longestPauseMs)
      return true
    }
    this.#waiting.delete(reply.requestId)
    waiting.answer(reply, bytes)
    return true
  }

  /** Everything again: the connection is a new one. */
  resend(nowMs: number): void {
    for (const waiting of this.#waiting.values()) this.#send(waiting, nowMs)
  }

  /** Sends again what is due for it, and gives up what has waited for long enough. */
  tick(nowMs: number, wrongPlace: boolean): void {
    let dead = wrongPlace
    for (const waiting of [...this.#waiting.values()]) {
      if (nowMs >= waiting.endMs) {
        this.#waiting.delete(waiting.requestId)
        waiting.fail('no answer in time; the call may have taken effect: repeat it with the same requestId to know')
      } else if (nowMs >= waiting.sendAtMs) {
        dead ||= waiting.sent && !waiting.parked
        this.#send(waiting, nowMs)
      }
    }
    if (dead) this.#out.reconnect()
  }

  /** When tick has something to do; Infinity for never. */
  next(): number {
    let next = Infinity
    for (const waiting of this.#waiting.values()) next = Math.min(next, waiting.sendAtMs, waiting.endMs)
    return next
  }

  #send(waiting: Waiting, nowMs: number): void {
    waiting.sent = true
    waiting.sendAtMs = nowMs + silenceMs
    this.#out.send(waiting.bytes)
  }
}
