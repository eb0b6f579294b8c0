// SPDX-License-Identifier: MPL-2.0
//
// Leases that are held, and when each is to beat: at a third of its length.

const tokensPerBeat = 1000

interface Held {
  everyMs: number
  dueMs: number
}

export class Beats {
  readonly #held = new Map<string, Held>()

  get size(): number {
    return this.#held.size
  }

  /** `old`: part of its time has passed, beat at once. */
  add(token: string, leaseMs: number, old: boolean, nowMs: number): void {
    const everyMs = leaseMs / 3
    this.#held.set(token, { everyMs, dueMs: old ? nowMs : nowMs + everyMs })
  }

  /** All are due: nobody knows which beats were heard. */
  hurry(nowMs: number): void {
    for (const held of this.#held.values()) held.dueMs = Math.min(held.dueMs, nowMs)
  }

  has(token: string): boolean {
    return this.#held.has(token)
  }

  remove(token: string): void {
    this.#held.delete(token)
  }

  /** The tokens that are due, in calls; each is due again at its time, answered or not. */
  take(nowMs: number): string[][] {
    const calls: string[][] = []
    let tokens: string[] = []
    for (const [token, held] of this.#held) {
      if (held.dueMs > nowMs) continue
      held.dueMs = nowMs + held.everyMs
      tokens.push(token)
      if (tokens.length === tokensPerBeat) {
        calls.push(tokens)
        tokens = []
      }
    }
    if (tokens.length > 0) calls.push(tokens)
    return calls
  }

  /** When take has something; Infinity for never. */
  next(): number {
    let next = Infinity
    for (const { dueMs } of this.#held.values()) next = Math.min(next, dueMs)
    return next
  }
}
