// SPDX-License-Identifier: MPL-2.0
//
// Starts the bot: node dist/src/main.js [--state FILE] [--chat console|discord] [--hour MS]. An hour of the game takes so
// many milliseconds, by default as many as an hour has; `--hour 1000` is for trying. It finds the daemon by BELFRY_COMMANDS
// and BELFRY_FEED, else by ./data/endpoints. Discord: DISCORD_TOKEN and DISCORD_GUILD.
import { parseArgs } from 'node:util'

import { Belfry } from 'belfry'

import { Bot } from './bot.js'
import type { Chat } from './chat.js'
import { ConsoleChat } from './chat-console.js'
import { timingOf } from './rules.js'
import { Store } from './store.js'

const { values } = parseArgs({
  options: {
    state: { type: 'string', default: 'turn-game.json' },
    chat: { type: 'string', default: 'console' },
    hour: { type: 'string', default: '3600000' },
  },
})

function need(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`--chat discord needs ${name}`)
  return value
}

async function openChat(ended: () => void): Promise<Chat> {
  if (values.chat === 'console') return new ConsoleChat(ended)
  if (values.chat !== 'discord') throw new Error(`--chat ${values.chat}: say console or discord`)
  const { DiscordChat } = await import('./chat-discord.js')
  return new DiscordChat(need('DISCORD_TOKEN'), need('DISCORD_GUILD'))
}

const hourMs = Number(values.hour)
if (!(hourMs >= 2)) throw new Error(`--hour ${values.hour}: say how many milliseconds an hour of the game takes, 2 or more`)

const belfry = new Belfry({ client: 'turn-game' })
let stopping = false
const stop = (): void => {
  if (stopping) return
  stopping = true
  void bot.stop()
}
const bot = new Bot(belfry, new Store(values.state), await openChat(stop), timingOf(hourMs))
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
await bot.start()
