// SPDX-License-Identifier: MPL-2.0
//
// The rules, Belfry and the chat in one: one happening after the other is decided, written down, agreed with Belfry in one
// commit (deadlines that were met are confirmed, new ones are armed), and told to the players. Whether a player was in
// time is decided by Belfry's commit: where the deadline's slot came first, Confirm answers too late and nothing happens.
//
// A bot that dies anywhere in between takes the decision up again as it starts; a run that it had comes back when its
// lease ends, and the rules know a deadline that was dealt with.
import { type Belfry, type Run, TooLateError } from 'belfry'

import type { Chat, Wish } from './chat.js'
import { type DeadlineType, decide, deadlineTypes, type Decision, type Happening, Refused, remind, type Timing } from './rules.js'
import type { Intent, Store } from './store.js'

/** How soon another bot, or this one started again, takes over what one that died had in hand. */
const lease = '5s'

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
]

/** "6 h", "30 min": in the largest unit that leaves no rest. */
export function lengthText(ms: number): string {
  const [unit, length] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1]
  return `${ms / length} ${unit}`
}

const isNothing = ({ met, begin, say }: Decision): boolean => met.length + begin.length + say.length === 0

export class Bot {
  readonly #belfry: Belfry
  readonly #store: Store
  readonly #chat: Chat
  readonly #timing: Timing
  #last: Promise<unknown> = Promise.resolve()

  constructor(belfry: Belfry, store: Store, chat: Chat, timing: Timing) {
    this.#belfry = belfry
    this.#store = store
    this.#chat = chat
    this.#timing = timing
  }

  async start(): Promise<void> {
    await this.#inTurn(() => this.#finishIntent())
    for (const type of deadlineTypes) {
      this.#belfry.on(type, (run) => this.#passed(type, run))
      this.#belfry.on(`${type}.reminder`, (run) => this.#remind(type, run))
    }
    await this.#chat.start((wish) => this.#hear(wish))
  }

  /** Ends what is in hand; the deadlines wait in Belfry. */
  async stop(): Promise<void> {
    await this.#chat.stop()
    await this.#belfry.close()
    await this.#last
  }

  async #hear(wish: Wish): Promise<string> {
    try {
      await this.#happen(wish.kind === 'open' ? { timing: this.#timing, ...wish } : wish)
      return 'ok'
    } catch (error) {
      if (error instanceof Refused) return error.message
      console.error(error)
      return 'something went wrong, try again'
    }
  }

  #passed(type: DeadlineType, run: Run): Promise<void> {
    const { id } = run.payload as { id: string }
    return this.#happen({ kind: 'passed', type, id })
  }

  #remind(type: DeadlineType, run: Run): Promise<void> {
    return this.#inTurn(async () => {
      const { id } = run.payload as { id: string }
      const line = remind(this.#store.world, type, id, lengthText(run.remindBefore ?? 0))
      if (line) await this.#chat.say(line)
    })
  }

  #happen(happening: Happening): Promise<void> {
    return this.#inTurn(async () => {
      await this.#finishIntent()
      const decision = decide(this.#store.world, happening)
      if (!isNothing(decision)) await this.#carryOut(this.#store.begin(decision))
    })
  }

  /** One thing after the other, whoever asks. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(act)
    this.#last = turn.catch(() => {})
    return turn
  }

  async #finishIntent(): Promise<void> {
    const intent = this.#store.intent
    if (!intent) return
    try {
      await this.#carryOut(intent)
    } catch (error) {
      /* Whoever wanted it is gone: the deadline was first, and its run says so. */
      if (!(error instanceof Refused)) throw error
    }
  }

  async #carryOut(intent: Intent): Promise<void> {
    if (!intent.agreed) await this.#agree(intent)
    for (const line of intent.decision.say) await this.#chat.say(line)
    this.#store.end()
  }

  async #agree(intent: Intent): Promise<void> {
    const { met, begin } = intent.decision
    try {
      if (met.length + begin.length > 0) {
        await this.#belfry.batch(
          (batch) => {
            for (const key of met) batch.confirm({ key })
            for (const { key, type, id, after, remindBefore } of begin) {
              batch.schedule({ key, type, after, remindBefore, lease, payload: { id } })
            }
          },
          { requestId: intent.requestId },
        )
      }
    } catch (error) {
      if (!(error instanceof TooLateError)) throw error
      this.#store.end()
      throw new Refused('too late: the deadline has passed')
    }
    this.#store.agree(intent)
  }
}
