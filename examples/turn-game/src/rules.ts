// SPDX-License-Identifier: MPL-2.0
//
// The telephone-drawing game as pure functions: what happened, and the world as it was, give the world as it is, the
// deadlines that were met, those that begin, and what the players hear. No clock, no network, no file: Belfry says when a
// deadline has passed, bot.ts does what is decided here.
//
//   season   open --(openDuration)--> active --(all games over)--> completed
//              '--(too few players)--> cancelled
//
//   turn     offered --claim--> claimed --submit--> submitted
//               |                  |
//               '--claim_timeout   '--writing_timeout, drawing_timeout --> skipped: the next player is asked
//
// Every player of a season begins one game. A game goes from player to player: the first writes a sentence, the next one
// draws it, the next one writes what the drawing shows, and so on until all had their turn.

/** Lengths in milliseconds; `remindBefore` counts back from the end of each deadline. */
export interface Timing {
  openDuration: number
  claim: number
  writing: number
  drawing: number
  remindBefore: number[]
}

const hour = 3_600_000

/** The usual lengths, where an hour of the game takes so many milliseconds. */
export const timingOf = (hourMs: number): Timing => ({
  openDuration: 24 * hourMs,
  claim: 12 * hourMs,
  writing: 24 * hourMs,
  drawing: 48 * hourMs,
  remindBefore: [6 * hourMs, 0.5 * hourMs],
})

export interface Season {
  id: string
  state: 'open' | 'active' | 'completed' | 'cancelled'
  timing: Timing
  minPlayers: number
  players: string[]
  games: string[]
}

export interface Game {
  id: string
  season: string
  state: 'running' | 'completed'
  /** Who is still to be asked, in this order. */
  waiting: string[]
  turns: string[]
}

export type Work = 'writing' | 'drawing'

export interface Turn {
  id: string
  game: string
  work: Work
  player: string
  state: 'offered' | 'claimed' | 'submitted' | 'skipped'
  content?: string
}

export interface World {
  seasons: Record<string, Season>
  games: Record<string, Game>
  turns: Record<string, Turn>
}

export const emptyWorld = (): World => ({ seasons: {}, games: {}, turns: {} })

/** The types of Belfry jobs that the bot works for. */
export const deadlineTypes = ['season_activation', 'claim_timeout', 'writing_timeout', 'drawing_timeout'] as const
export type DeadlineType = (typeof deadlineTypes)[number]

/** One job: unless its key is confirmed before `after` has passed, the bot is told that the deadline of `id` has passed. */
export interface Deadline {
  key: string
  type: DeadlineType
  id: string
  after: number
  remindBefore: number[]
}

export interface Line {
  /** A season's channel, or one player. */
  to: string
  text: string
}

export type Happening =
  | { kind: 'open'; season: string; timing?: Timing; minPlayers?: number }
  | { kind: 'join'; season: string; player: string }
  | { kind: 'claim'; turn: string; player: string }
  | { kind: 'submit'; turn: string; player: string; content: string }
  | { kind: 'passed'; type: DeadlineType; id: string }

export interface Decision {
  world: World
  /** Keys of deadlines that were met. Where Belfry says that one has passed already, nothing of the decision happens. */
  met: string[]
  begin: Deadline[]
  say: Line[]
}

/** What is told to whoever asked for something that the rules do not allow. */
export class Refused extends Error {}

const channel = (season: Season): string => `#${season.id}`
const keyOf = (type: DeadlineType, id: string): string => `${id}:${type}`
const timeoutOf = (work: Work): DeadlineType => (work === 'writing' ? 'writing_timeout' : 'drawing_timeout')

function find<Thing>(things: Record<string, Thing>, id: string, what: string): Thing {
  const thing = things[id]
  if (thing === undefined) throw new Refused(`there is no ${what} ${id}`)
  return thing
}

const begin = (season: Season, type: DeadlineType, id: string, after: number): Deadline => ({
  key: keyOf(type, id),
  type,
  id,
  after,
  remindBefore: season.timing.remindBefore.filter((before) => before < after),
})

/** Asks the next player of a game, or ends it, and the season with its last game. */
function goOn(decision: Decision, game: Game): void {
  const { world } = decision
  const season = find(world.seasons, game.season, 'season')
  const player = game.waiting.shift()
  if (player === undefined) {
    game.state = 'completed'
    decision.say.push({ to: channel(season), text: `game ${game.id} is over: ${tell(world, game)}` })
    if (season.games.every((id) => find(world.games, id, 'game').state === 'completed')) {
      season.state = 'completed'
      decision.say.push({ to: channel(season), text: `season ${season.id} is over` })
    }
    return
  }
  const done = game.turns.filter((id) => world.turns[id]?.state === 'submitted').length
  const work: Work = done % 2 === 0 ? 'writing' : 'drawing'
  const turn: Turn = { id: `${game.id}-t${game.turns.length + 1}`, game: game.id, work, player, state: 'offered' }
  world.turns[turn.id] = turn
  game.turns.push(turn.id)
  decision.begin.push(begin(season, 'claim_timeout', turn.id, season.timing.claim))
  decision.say.push({ to: player, text: `turn ${turn.id} is yours: claim it` })
}

/** The chain of a game in one line: who made what of it. */
export function tell(world: World, game: Game): string {
  const links = game.turns.map((id) => find(world.turns, id, 'turn')).filter((turn) => turn.state === 'submitted')
  return links.map((turn) => `${turn.player}: ${turn.content}`).join(' -> ') || 'nobody played'
}

function open(decision: Decision, happening: Extract<Happening, { kind: 'open' }>): void {
  const { world } = decision
  const id = happening.season
  if (!/^[a-z0-9]{1,32}$/.test(id)) throw new Refused('a season is named by 1 to 32 of a-z and 0-9')
  if (world.seasons[id]) throw new Refused(`season ${id} was opened before`)
  const season: Season = {
    id,
    state: 'open',
    timing: happening.timing ?? timingOf(hour),
    minPlayers: happening.minPlayers ?? 2,
    players: [],
    games: [],
  }
  world.seasons[id] = season
  decision.begin.push(begin(season, 'season_activation', id, season.timing.openDuration))
  decision.say.push({ to: channel(season), text: `season ${id} is open: join` })
}

function join(decision: Decision, { season: id, player }: Extract<Happening, { kind: 'join' }>): void {
  const season = find(decision.world.seasons, id, 'season')
  if (season.state !== 'open') throw new Refused(`season ${id} is ${season.state}`)
  if (season.players.includes(player)) throw new Refused(`${player} is in season ${id} already`)
  season.players.push(player)
  decision.say.push({ to: channel(season), text: `${player} joined, ${season.players.length} in all` })
}

function activate(decision: Decision, id: string): void {
  const season = decision.world.seasons[id]
  if (season?.state !== 'open') return
  if (season.players.length < season.minPlayers) {
    season.state = 'cancelled'
    decision.say.push({ to: channel(season), text: `season ${id} is off: ${season.players.length} joined` })
    return
  }
  season.state = 'active'
  decision.say.push({ to: channel(season), text: `season ${id} begins with ${season.players.length} players` })
  season.players.forEach((_, first) => {
    const waiting = [...season.players.slice(first), ...season.players.slice(0, first)]
    const game: Game = { id: `${id}-g${first + 1}`, season: id, state: 'running', waiting, turns: [] }
    decision.world.games[game.id] = game
    season.games.push(game.id)
    goOn(decision, game)
  })
}

/** The turn, where it is this player's and in that state. */
function turnOf(world: World, id: string, player: string, state: Turn['state']): Turn {
  const turn = find(world.turns, id, 'turn')
  if (turn.player !== player) throw new Refused(`turn ${id} is ${turn.player}'s`)
  if (turn.state !== state) throw new Refused(`turn ${id} is ${turn.state}`)
  return turn
}

function claim(decision: Decision, { turn: id, player }: Extract<Happening, { kind: 'claim' }>): void {
  const { world } = decision
  const turn = turnOf(world, id, player, 'offered')
  const game = find(world.games, turn.game, 'game')
  const season = find(world.seasons, game.season, 'season')
  turn.state = 'claimed'
  decision.met.push(keyOf('claim_timeout', id))
  decision.begin.push(begin(season, timeoutOf(turn.work), id, season.timing[turn.work]))
  const before = game.turns.map((other) => world.turns[other]).filter((other) => other?.state === 'submitted').at(-1)
  const task = turn.work === 'drawing' ? 'draw this' : before ? 'write what you see' : 'write a sentence'
  decision.say.push({ to: player, text: `turn ${id}: ${task}${before ? `: ${before.content}` : ''}` })
}

function submit(decision: Decision, { turn: id, player, content }: Extract<Happening, { kind: 'submit' }>): void {
  const turn = turnOf(decision.world, id, player, 'claimed')
  if (content === '') throw new Refused('there is nothing in it')
  turn.state = 'submitted'
  turn.content = content
  decision.met.push(keyOf(timeoutOf(turn.work), id))
  decision.say.push({ to: player, text: `turn ${id}: thank you` })
  goOn(decision, find(decision.world.games, turn.game, 'game'))
}

/** A deadline of a turn has passed. Told again, or after the turn has moved on, it changes nothing. */
function skip(decision: Decision, id: string, type: DeadlineType): void {
  const turn = decision.world.turns[id]
  const awaited = turn && (turn.state === 'offered' ? 'claim_timeout' : turn.state === 'claimed' && timeoutOf(turn.work))
  if (!turn || awaited !== type) return
  turn.state = 'skipped'
  decision.say.push({ to: turn.player, text: `turn ${id} goes to somebody else: its ${type} has passed` })
  goOn(decision, find(decision.world.games, turn.game, 'game'))
}

/** What comes of a happening. Throws Refused; changes nothing of `before`. */
export function decide(before: World, happening: Happening): Decision {
  const decision: Decision = { world: structuredClone(before), met: [], begin: [], say: [] }
  switch (happening.kind) {
    case 'open':
      open(decision, happening)
      break
    case 'join':
      join(decision, happening)
      break
    case 'claim':
      claim(decision, happening)
      break
    case 'submit':
      submit(decision, happening)
      break
    case 'passed':
      if (happening.type === 'season_activation') activate(decision, happening.id)
      else skip(decision, happening.id, happening.type)
      break
  }
  return decision
}

/** Whom to remind of a deadline that is still ahead, and of what; null where it was met meanwhile. */
export function remind(world: World, type: DeadlineType, id: string, left: string): Line | null {
  const season = type === 'season_activation' ? world.seasons[id] : undefined
  if (season) {
    return season.state === 'open' ? { to: channel(season), text: `season ${id} begins in ${left}: join` } : null
  }
  const turn = world.turns[id]
  if (!turn || turn.state === 'submitted' || turn.state === 'skipped') return null
  const task = type === 'claim_timeout' ? 'claim' : turn.work === 'writing' ? 'write' : 'draw'
  return { to: turn.player, text: `turn ${id}: ${left} left to ${task}` }
}
