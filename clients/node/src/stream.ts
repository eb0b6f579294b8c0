// SPDX-License-Identifier: MPL-2.0
//
// What to do with a frame of the feed: tell it, drop it, or replay first? Pure. The rules are those of docs/protocol.md,
// "Following without a gap".

export type Step = 'drop' | 'tell' | 'replay' | 'restarted'

/** Topics known ahead of `covered`; beyond it a replay starts over. */
const topicsMax = 256
/** A head must be ahead so often before it counts. */
const beatsMax = 2
/** Beats after a connect that are not trusted: the publisher may know their subscription before the others. */
const settlingBeats = 2
/** How often a stream of chosen topics looks for what was lost at the end of a topic. */
const lookMs = 30_000

export class Stream {
  readonly #chosen: boolean
  /** 0: not known yet. */
  epoch: bigint
  /** Every event up to it was told, or was not asked for. */
  covered: bigint
  #told = new Map<string, bigint>()
  #ahead = 0
  #settling = 0
  #replayedMs = -Infinity

  constructor(chosen: boolean, epoch: bigint, after: bigint) {
    this.#chosen = chosen
    this.epoch = epoch
    this.covered = after
  }

  /** The feed was connected, or connected again: frames may have been lost. */
  connected(): void {
    this.#settling = settlingBeats
  }

  frame(epoch: bigint, seq: bigint, prevSeq: bigint, topic: string): Step {
    if (epoch === 0n) return 'drop'
    if (!this.#isOurs(epoch)) return this.#restart(epoch)
    if (!this.#chosen) {
      if (seq <= this.covered) return 'drop'
      if (seq !== this.covered + 1n) return 'replay'
      this.covered = seq
      return 'tell'
    }
    const told = this.#toldOf(topic)
    if (seq <= told) return 'drop'
    if (prevSeq > told || (!this.#told.has(topic) && this.#told.size >= topicsMax)) return 'replay'
    this.#told.set(topic, seq)
    return 'tell'
  }

  beat(epoch: bigint, headSeq: bigint, nowMs: number): Step {
    if (epoch === 0n) return 'drop'
    if (!this.#isOurs(epoch)) return this.#restart(epoch)
    const settling = this.#settling > 0
    if (settling) this.#settling--
    if (headSeq <= this.covered) {
      this.#ahead = 0
      return 'drop'
    }
    this.#ahead++
    const timeToLook = !this.#chosen || nowMs - this.#replayedMs >= lookMs
    if (!settling && !(this.#ahead >= beatsMax && timeToLook)) return 'drop'
    this.#ahead = 0
    return 'replay'
  }

  /** A page of replay: of another history, too, where it ends before what was told. */
  page(epoch: bigint, headSeq: bigint): Step {
    return this.#isOurs(epoch) && headSeq >= this.covered ? 'drop' : this.#restart(epoch)
  }

  replayed(seq: bigint, topic: string): Step {
    return seq > (this.#chosen ? this.#toldOf(topic) : this.covered) ? 'tell' : 'drop'
  }

  /** A page is done: everything up to `covered` was in it. */
  cover(covered: bigint, nowMs: number): void {
    if (covered > this.covered) this.covered = covered
    this.#replayedMs = nowMs
    this.#ahead = 0
    for (const [topic, told] of this.#told) if (told <= this.covered) this.#told.delete(topic)
  }

  #isOurs(epoch: bigint): boolean {
    if (this.epoch === 0n) this.epoch = epoch
    return this.epoch === epoch
  }

  #restart(epoch: bigint): Step {
    this.epoch = epoch
    this.covered = 0n
    this.#told.clear()
    this.#ahead = 0
    this.#replayedMs = -Infinity
    return 'restarted'
  }

  /** What no gap can hide before. */
  #toldOf(topic: string): bigint {
    const told = this.#told.get(topic) ?? 0n
    return told > this.covered ? told : this.covered
  }
}
