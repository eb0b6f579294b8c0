// SPDX-License-Identifier: MPL-2.0
//
// What the bot needs of a chat: to say something, and to hear what players want. Adapters: chat-console.ts, and
// chat-discord.ts.

import type { Happening, Line } from './rules.js'

/** What a player may want; deadlines come from Belfry. */
export type Wish = Exclude<Happening, { kind: 'passed' }>

export interface Chat {
  /** Begins to hear players. `hear` resolves with the word for whoever asked. */
  start(hear: (wish: Wish) => Promise<string>): Promise<void>
  /** At least once: a bot that dies in between says it again. */
  say(line: Line): Promise<void>
  stop(): Promise<void>
}
