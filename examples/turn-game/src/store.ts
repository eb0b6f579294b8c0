// SPDX-License-Identifier: MPL-2.0
//
// The bot's own state in one file: the world, and the decision that is being carried out. A decision is written down
// before Belfry hears of it, so a bot that dies in between takes it up again under the same request id, and has the same
// answer from Belfry. A bot with a database would use a table for each.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

import { type Decision, emptyWorld, type World } from './rules.js'

/** A decision on its way. `agreed`: Belfry has taken it; what is left is to tell the players. */
export interface Intent {
  requestId: string
  decision: Decision
  agreed: boolean
}

interface Kept {
  world: World
  intents: number
  intent: Intent | null
}

export class Store {
  readonly #path: string
  #kept: Kept

  constructor(path: string) {
    this.#path = path
    mkdirSync(dirname(path), { recursive: true })
    this.#kept = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as Kept)
      : { world: emptyWorld(), intents: 0, intent: null }
  }

  get world(): World {
    return this.#kept.world
  }

  get intent(): Intent | null {
    return this.#kept.intent
  }

  begin(decision: Decision): Intent {
    const intents = this.#kept.intents + 1
    const intent = { requestId: `decision-${intents}`, decision, agreed: false }
    this.#save({ ...this.#kept, intents, intent })
    return intent
  }

  /** Belfry has agreed: the decision is the world. */
  agree(intent: Intent): void {
    this.#save({ ...this.#kept, world: intent.decision.world, intent: { ...intent, agreed: true } })
  }

  /** Carried out, or given up. */
  end(): void {
    this.#save({ ...this.#kept, intent: null })
  }

  #save(kept: Kept): void {
    const part = `${this.#path}.part`
    const file = openSync(part, 'w', 0o600)
    try {
      writeSync(file, JSON.stringify(kept, null, 2))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(part, this.#path)
    this.#kept = kept
  }
}
