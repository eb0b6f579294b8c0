// SPDX-License-Identifier: MPL-2.0
//
// A whole season against a real daemon, an hour of it in milliseconds: three players, of whom one is always in time, one
// claims and never hands in, and one is never there. Daemon and bot are killed on the way. At the end every deadline must
// have ended as the game says that it did. BELFRYD names the program.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Belfry, type Job } from 'belfry'

import type { World } from '../src/rules.js'

const hourMs = 100
const main = join(dirname(fileURLToPath(import.meta.url)), '../src/main.js')
const directory = mkdtempSync(join(tmpdir(), 'belfry-turn-game-'))
const state = join(directory, 'game.json')

let daemon: ChildProcess
let bot: ChildProcess
const said: string[] = []
let hear = (_line: string): void => {}

async function startDaemon(): Promise<void> {
  daemon = spawn(process.env.BELFRYD ?? 'belfryd', [], { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] })
  assert.ok(daemon.stdout)
  const [line] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string]
  assert.match(line, /^ready /)
}

function startBot(): void {
  const args = [main, '--state', state, '--hour', String(hourMs)]
  bot = spawn(process.execPath, args, { cwd: directory, stdio: ['pipe', 'pipe', 'inherit'] })
  assert.ok(bot.stdout)
  createInterface({ input: bot.stdout }).on('line', (line) => {
    said.push(line)
    hear(line)
  })
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

const wish = (text: string): void => void bot.stdin?.write(`${text}\n`)

/** Resolves when the bot says a line like this, from now on. */
function saying(pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    const before = hear
    hear = (line) => {
      before(line)
      if (pattern.test(line)) resolve(line)
    }
  })
}

/** What the players do: cleo nothing at all. */
function play(line: string): void {
  const offered = /^(ada|bob) turn (\S+) is yours/.exec(line)
  if (offered) wish(`claim ${offered[2]} ${offered[1]}`)
  const task = /^ada turn (\S+): (write|draw) /.exec(line)
  if (task) wish(`submit ${task[1]} ada ${task[2] === 'write' ? 'a cat on a roof' : '[cat]'}`)
}

before(async () => {
  await startDaemon()
  startBot()
})

after(async () => {
  await kill(bot)
  await kill(daemon)
  rmSync(directory, { recursive: true, force: true })
})

test('a season, with the daemon and the bot killed on the way', { timeout: 120_000 }, async () => {
  const opened = saying(/> open spring 3: ok/)
  wish('open spring 3')
  await opened
  const joined = saying(/3 in all/)
  for (const player of ['ada', 'bob', 'cleo']) wish(`join spring ${player}`)
  await joined

  const begun = saying(/season spring begins with 3 players/)
  const over = saying(/season spring is over/)
  hear = ((others) => (line: string) => {
    others(line)
    play(line)
  })(hear)
  await kill(daemon)
  await startDaemon()
  await begun
  await saying(/thank you/)
  await kill(bot)
  startBot()
  await saying(/goes to somebody else/)
  await Promise.all([kill(bot), kill(daemon)])
  await startDaemon()
  startBot()
  await over

  await judge()
})

/** Every deadline in Belfry against the game's own state. */
async function judge(): Promise<void> {
  assert.ok(existsSync(state))
  const { world } = JSON.parse(readFileSync(state, 'utf8')) as { world: World }
  const belfry = new Belfry({ directory: join(directory, 'data') })
  const jobs = new Map<string, Job>()
  for await (const { id, key } of belfry.list()) {
    assert.ok(key && !jobs.has(key), `one job for each deadline, and ${key} has two`)
    /* What the bot that was killed had in hand comes again when its lease ends. */
    jobs.set(key, await belfry.waitFor(id, { timeout: '60s' }))
  }
  await belfry.close()
  const stateOf = (key: string): string => jobs.get(key)?.state ?? 'none'

  assert.equal(world.seasons.spring?.state, 'completed')
  assert.equal(stateOf('spring:season_activation'), 'completed')
  assert.equal(Object.keys(world.games).length, 3)
  assert.equal(Object.keys(world.turns).length, 9)
  for (const { id, player, work, state: end } of Object.values(world.turns)) {
    const ends = [stateOf(`${id}:claim_timeout`), stateOf(`${id}:${work}_timeout`)]
    const expected = end === 'submitted' ? [['confirmed', 'confirmed']] : [['completed', 'none'], ['confirmed', 'completed']]
    assert.ok(
      expected.some((pair) => pair.join() === ends.join()),
      `${player}'s turn ${id} is ${end}, and its deadlines are ${ends.join()}`,
    )
    if (player === 'cleo') assert.deepEqual(ends, ['completed', 'none'])
    if (player === 'bob') assert.notEqual(end, 'submitted')
  }
  assert.ok(Object.values(world.turns).some(({ state: end }) => end === 'submitted'))
  assert.ok(said.some((line) => /^cleo turn \S+: .* left to claim$/.test(line)), 'nobody was reminded')
}
