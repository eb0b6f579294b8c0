// SPDX-License-Identifier: MPL-2.0
//
// The chat on Discord, by discord.js 14: slash commands in, messages out. A season has a channel of its name (dashes for
// what a channel's name may not have); a player is a Discord user id. Needs `npm install discord.js` and a bot's token.
import { ChannelType, type ChatInputCommandInteraction, Client, Events, GatewayIntentBits, SlashCommandBuilder } from 'discord.js'

import type { Chat, Wish } from './chat.js'
import type { Line } from './rules.js'

const text = (command: SlashCommandBuilder, name: string, description: string) =>
  command.addStringOption((option) => option.setName(name).setDescription(description).setRequired(true).setMaxLength(500))

const commands = [
  text(new SlashCommandBuilder().setName('open').setDescription('Opens a season'), 'season', 'its name'),
  text(new SlashCommandBuilder().setName('join').setDescription('Joins a season'), 'season', 'its name'),
  text(new SlashCommandBuilder().setName('claim').setDescription('Claims your turn'), 'turn', 'which one'),
  text(new SlashCommandBuilder().setName('write').setDescription('Hands in a sentence'), 'turn', 'which one').addStringOption(
    (option) => option.setName('sentence').setDescription('what you write').setRequired(true).setMaxLength(500),
  ),
  text(new SlashCommandBuilder().setName('draw').setDescription('Hands in a drawing'), 'turn', 'which one').addAttachmentOption(
    (option) => option.setName('drawing').setDescription('what you drew').setRequired(true),
  ),
]

function wishOf({ commandName, options, user }: ChatInputCommandInteraction): Wish {
  const player = user.id
  switch (commandName) {
    case 'open':
      return { kind: 'open', season: options.getString('season', true) }
    case 'join':
      return { kind: 'join', season: options.getString('season', true), player }
    case 'claim':
      return { kind: 'claim', turn: options.getString('turn', true), player }
    case 'write':
      return { kind: 'submit', turn: options.getString('turn', true), player, content: options.getString('sentence', true) }
    default:
      return { kind: 'submit', turn: options.getString('turn', true), player, content: options.getAttachment('drawing', true).url }
  }
}

export class DiscordChat implements Chat {
  readonly #token: string
  readonly #guild: string
  readonly #client = new Client({ intents: [GatewayIntentBits.Guilds] })

  constructor(token: string, guild: string) {
    this.#token = token
    this.#guild = guild
  }

  async start(hear: (wish: Wish) => Promise<string>): Promise<void> {
    const ready = new Promise((resolve) => this.#client.once(Events.ClientReady, resolve))
    this.#client.on(Events.InteractionCreate, async (interaction) => {
      if (!interaction.isChatInputCommand()) return
      await interaction.deferReply({ ephemeral: true })
      await interaction.editReply(await hear(wishOf(interaction)))
    })
    await this.#client.login(this.#token)
    await ready
    await this.#client.application?.commands.set(commands, this.#guild)
  }

  async say({ to, text }: Line): Promise<void> {
    if (!to.startsWith('#')) {
      await (await this.#client.users.fetch(to)).send(text)
      return
    }
    const guild = await this.#client.guilds.fetch(this.#guild)
    const name = to.slice(1)
    const channels = await guild.channels.fetch()
    const known = channels.find((channel) => channel?.type === ChannelType.GuildText && channel.name === name)
    const channel = known ?? (await guild.channels.create({ name, type: ChannelType.GuildText }))
    if (channel.isTextBased()) await channel.send(text)
  }

  async stop(): Promise<void> {
    await this.#client.destroy()
  }
}
