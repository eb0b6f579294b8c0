// SPDX-License-Identifier: MPL-2.0
//
// The rules alone: no clock, no daemon.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Decision, decide, emptyWorld, type Happening, Refused, remind, type World } from '../src/rules.js'

const open: Happening = { kind: 'open', season: 'spring' }
const join = (player: string): Happening => ({ kind: 'join', season: 'spring', player })
const activation: Happening = { kind: 'passed', type: 'season_activation', id: 'spring' }

/** The last decision of several happenings. */
function play(happenings: Happening[], before: World = emptyWorld()): Decision {
  let decision: Decision = { world: before, met: [], begin: [], say: [] }
  for (const happening of happenings) decision = decide(decision.world, happening)
  return decision
}

test('a season opens with the deadline of its openDuration', () => {
  const { begin } = play([open])
  assert.deepEqual(begin, [
    {
      key: 'spring:season_activation',
      type: 'season_activation',
      id: 'spring',
      after: 24 * 3_600_000,
      remindBefore: [6 * 3_600_000, 30 * 60_000],
    },
  ])
})

test('with too few players it is off', () => {
  const { world, begin } = play([open, join('ada'), activation])
  assert.equal(world.seasons.spring?.state, 'cancelled')
  assert.deepEqual(begin, [])
})

test('every player begins a game', () => {
  const { world, begin } = play([open, join('ada'), join('bob'), activation])
  assert.equal(world.seasons.spring?.state, 'active')
  assert.deepEqual(Object.values(world.turns).map((turn) => [turn.id, turn.player, turn.work]), [
    ['spring-g1-t1', 'ada', 'writing'],
    ['spring-g2-t1', 'bob', 'writing'],
  ])
  assert.deepEqual(begin.map((deadline) => deadline.key), [
    'spring-g1-t1:claim_timeout',
    'spring-g2-t1:claim_timeout',
  ])
})

test('a game goes from writing to drawing until all had their turn', () => {
  const begun = play([open, join('ada'), join('bob'), activation])
  const claimed = decide(begun.world, { kind: 'claim', turn: 'spring-g1-t1', player: 'ada' })
  assert.deepEqual(claimed.met, ['spring-g1-t1:claim_timeout'])
  assert.deepEqual(claimed.begin.map((deadline) => deadline.type), ['writing_timeout'])
  const written = decide(claimed.world, { kind: 'submit', turn: 'spring-g1-t1', player: 'ada', content: 'a cat' })
  assert.deepEqual(written.met, ['spring-g1-t1:writing_timeout'])
  const drawn = play(
    [
      { kind: 'claim', turn: 'spring-g1-t2', player: 'bob' },
      { kind: 'submit', turn: 'spring-g1-t2', player: 'bob', content: '(cat)' },
    ],
    written.world,
  )
  assert.deepEqual(drawn.met, ['spring-g1-t2:drawing_timeout'])
  assert.equal(drawn.world.games['spring-g1']?.state, 'completed')
  assert.equal(drawn.world.seasons.spring?.state, 'active')
  assert.deepEqual(drawn.say.at(-1), { to: '#spring', text: 'game spring-g1 is over: ada: a cat -> bob: (cat)' })
})

test('a deadline that has passed asks the next player, once', () => {
  const begun = play([open, join('ada'), join('bob'), activation])
  const passed: Happening = { kind: 'passed', type: 'claim_timeout', id: 'spring-g1-t1' }
  const skipped = decide(begun.world, passed)
  assert.equal(skipped.world.turns['spring-g1-t1']?.state, 'skipped')
  assert.equal(skipped.world.turns['spring-g1-t2']?.player, 'bob')
  const again = decide(skipped.world, passed)
  assert.deepEqual([again.world, again.begin, again.say], [skipped.world, [], []])
})

test('the deadline of a stage that is over changes nothing', () => {
  const begun = play([open, join('ada'), join('bob'), activation, { kind: 'claim', turn: 'spring-g1-t1', player: 'ada' }])
  const { world } = decide(begun.world, { kind: 'passed', type: 'claim_timeout', id: 'spring-g1-t1' })
  assert.deepEqual(world, begun.world)
})

test('a season is over with its last game', () => {
  const passed = (id: string): Happening => ({ kind: 'passed', type: 'claim_timeout', id })
  const turns = ['spring-g1-t1', 'spring-g1-t2', 'spring-g2-t1', 'spring-g2-t2']
  const { world, say } = play([open, join('ada'), join('bob'), activation, ...turns.map(passed)])
  assert.equal(world.seasons.spring?.state, 'completed')
  assert.equal(say.at(-1)?.text, 'season spring is over')
})

const refusals: [string, Happening[], RegExp][] = [
  ['a season twice', [open, open], /was opened before/],
  ['a name that is none', [{ kind: 'open', season: 'Spring!' }], /1 to 32/],
  ['a season that is not there', [join('ada')], /no season/],
  ['joining twice', [open, join('ada'), join('ada')], /already/],
  ['joining late', [open, join('ada'), join('bob'), activation, join('cleo')], /is active/],
  [
    "somebody else's turn",
    [open, join('ada'), join('bob'), activation, { kind: 'claim', turn: 'spring-g1-t1', player: 'bob' }],
    /is ada's/,
  ],
  [
    'an empty sentence',
    [
      open, join('ada'), join('bob'), activation,
      { kind: 'claim', turn: 'spring-g1-t1', player: 'ada' },
      { kind: 'submit', turn: 'spring-g1-t1', player: 'ada', content: '' },
    ],
    /nothing in it/,
  ],
]

for (const [name, happenings, text] of refusals) {
  test(`refused: ${name}`, () => {
    assert.throws(() => play(happenings), (error) => error instanceof Refused && text.test(error.message))
  })
}

test('a reminder goes to whoever is awaited, and to nobody after that', () => {
  const { world } = play([open, join('ada'), join('bob'), activation])
  assert.deepEqual(remind(world, 'claim_timeout', 'spring-g1-t1', '6 h'), {
    to: 'ada',
    text: 'turn spring-g1-t1: 6 h left to claim',
  })
  const skipped = decide(world, { kind: 'passed', type: 'claim_timeout', id: 'spring-g1-t1' }).world
  assert.equal(remind(skipped, 'claim_timeout', 'spring-g1-t1', '6 h'), null)
})
