// SPDX-License-Identifier: MPL-2.0
//
// The chat as lines of text: wishes come in on stdin, what is said goes out on stdout.
//
//   open SEASON [MIN_PLAYERS]   join SEASON PLAYER   claim TURN PLAYER   submit TURN PLAYER TEXT...
import { createInterface, type Interface } from 'node:readline'

import type { Chat, Wish } from './chat.js'
import type { Line } from './rules.js'

const usage = 'say: open SEASON [MIN] | join SEASON PLAYER | claim TURN PLAYER | submit TURN PLAYER TEXT'

/** The wish of a line, or null where it is none. */
export function parse(line: string): Wish | null {
  const [verb, what, player, ...rest] = line.trim().split(/\s+/)
  if (verb === 'open' && what && rest.length === 0) {
    if (player !== undefined && !/^[1-9][0-9]*$/.test(player)) return null
    return { kind: 'open', season: what, ...(player === undefined ? {} : { minPlayers: Number(player) }) }
  }
  if (!what || !player) return null
  if (verb === 'join' && rest.length === 0) return { kind: 'join', season: what, player }
  if (verb === 'claim' && rest.length === 0) return { kind: 'claim', turn: what, player }
  if (verb === 'submit') return { kind: 'submit', turn: what, player, content: rest.join(' ') }
  return null
}

export class ConsoleChat implements Chat {
  #input: Interface | null = null
  readonly #ended: () => void

  /** `ended`: the players have hung up (end of stdin). */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  async start(hear: (wish: Wish) => Promise<string>): Promise<void> {
    this.#input = createInterface({ input: process.stdin })
    this.#input.on('line', (line) => {
      if (line.trim() === '') return
      const wish = parse(line)
      const answer = wish ? hear(wish) : Promise.resolve(usage)
      void answer.then((text) => this.#print(`> ${line.trim()}: ${text}`))
    })
    this.#input.on('close', this.#ended)
  }

  async say(line: Line): Promise<void> {
    this.#print(`${line.to} ${line.text}`)
  }

  async stop(): Promise<void> {
    this.#input?.removeAllListeners('close')
    this.#input?.close()
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`)
  }
}
