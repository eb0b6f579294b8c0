// SPDX-License-Identifier: MPL-2.0
//
// The parts that decide: lengths and instants, payloads, when to repeat and to beat, what to do with a frame of the feed.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { create } from '@bufbuild/protobuf'

import { InvalidError } from '../src/errors.js'
import { Code, ReplySchema } from '../src/gen/belfry_pb.js'
import { refOf, triggerOf } from '../src/job.js'
import { decode, encode } from '../src/payload.js'
import { type Step, Stream } from '../src/stream.js'
import { Beats } from '../src/thread/beats.js'
import { Calls } from '../src/thread/calls.js'
import { durationUs, instantUs } from '../src/time.js'

const lengths: [number | string, bigint | null][] = [
  [1500, 1_500_000n],
  [0.5, 500n],
  ['500ms', 500_000n],
  ['90s', 90_000_000n],
  ['1h30m', 5_400_000_000n],
  ['2d', 172_800_000_000n],
  ['1.5h', 5_400_000_000n],
  ['', null],
  ['5', null],
  ['5 m', null],
  ['-5m', null],
  [-1, null],
  [Number.NaN, null],
]

for (const [value, expected] of lengths) {
  test(`length ${JSON.stringify(value)}`, () => {
    if (expected === null) assert.throws(() => durationUs(value, 'after'), InvalidError)
    else assert.equal(durationUs(value, 'after'), expected)
  })
}

test('an instant names its zone', () => {
  assert.equal(instantUs('2026-11-24T08:00:00Z', 'at'), 1_795_507_200_000_000n)
  assert.equal(instantUs('2026-11-24T09:00:00+01:00', 'at'), 1_795_507_200_000_000n)
  assert.equal(instantUs(new Date(1), 'at'), 1000n)
  assert.throws(() => instantUs('2026-11-24T08:00:00', 'at'), /names no zone/)
  assert.throws(() => instantUs('tomorrowZ', 'at'), InvalidError)
})

test('exactly one trigger', () => {
  assert.deepEqual(triggerOf({ cron: '@daily' }), { case: 'cron', value: '@daily' })
  assert.throws(() => triggerOf({}), /exactly one/)
  assert.throws(() => triggerOf({ after: 1, cron: '@daily' }), /not after and cron/)
})

test('a key is not taken for an id', () => {
  assert.equal(refOf('256', 'default').id, 256n)
  assert.throws(() => refOf('turn-7', 'default'), /say \{ key/)
})

test('payloads are JSON, bytes, or nothing', () => {
  const { bytes, contentType } = encode({ player: 'Zoë ✏️' })
  assert.equal(contentType, 'application/json')
  assert.deepEqual(decode(bytes, contentType), { player: 'Zoë ✏️' })
  assert.deepEqual(decode(encode(Buffer.from([0, 255])).bytes, ''), Buffer.from([0, 255]))
  assert.equal(decode(encode(undefined).bytes, ''), undefined)
  assert.deepEqual(decode(Buffer.from('{no'), 'application/json'), Buffer.from('{no'))
})

/* ------------------------------------------------------------------------------------------------------------------ */

function callsRig() {
  const sent: string[] = []
  const heard: string[] = []
  const calls = new Calls({ send: (bytes) => sent.push(Buffer.from(bytes).toString()), reconnect: () => heard.push('reconnect') })
  const add = (name: string, parked: boolean, patienceMs: number | null): void =>
    calls.add(
      {
        requestId: name,
        bytes: Buffer.from(name),
        parked,
        answer: (reply) => heard.push(`${name} ${Code[reply.code]}`),
        fail: () => heard.push(`${name} failed`),
      },
      patienceMs,
      0,
    )
  const answer = (name: string, code: Code, nowMs: number): boolean =>
    calls.answered(create(ReplySchema, { requestId: name, code }), new Uint8Array(), nowMs)
  return { calls, sent, heard, add, answer }
}

test('a call without an answer is sent again on a new connection, and given up at its end', () => {
  const { calls, sent, heard, add } = callsRig()
  add('a', false, 12_000)
  calls.tick(4999, false)
  assert.deepEqual([sent, heard], [['a'], []])
  calls.tick(5000, false)
  assert.deepEqual([sent, heard], [['a', 'a'], ['reconnect']])
  assert.equal(calls.next(), 10_000)
  calls.tick(12_000, false)
  assert.deepEqual(heard.at(-1), 'a failed')
  assert.equal(calls.size, 0)
})

test('a parked claim is repeated on the same connection', () => {
  const { calls, sent, heard, add } = callsRig()
  add('claim', true, null)
  calls.tick(5000, false)
  assert.deepEqual([sent, heard], [['claim', 'claim'], []])
})

test('busy is repeated after a pause that grows, other answers end the call', () => {
  const { calls, sent, heard, add, answer } = callsRig()
  add('a', false, null)
  answer('a', Code.BUSY, 0)
  assert.equal(calls.next(), 50)
  calls.tick(50, false)
  answer('a', Code.BUSY, 60)
  assert.equal(calls.next(), 160)
  calls.tick(160, false)
  answer('a', Code.NOT_FOUND, 200)
  assert.deepEqual([sent, heard], [['a', 'a', 'a'], ['a NOT_FOUND']])
  assert.equal(answer('a', Code.OK, 300), false)
})

test('a lease beats at a third of its length, an old one at once', () => {
  const beats = new Beats()
  beats.add('1.1.1', 3000, false, 0)
  beats.add('2.1.1', 30_000, true, 0)
  assert.deepEqual(beats.take(0), [['2.1.1']])
  assert.equal(beats.next(), 1000)
  assert.deepEqual(beats.take(1000), [['1.1.1']])
  beats.remove('1.1.1')
  assert.equal(beats.next(), 10_000)
})

/* ------------------------------------------------------------------------------------------------------------------ */

test('with everything subscribed a jump in seq is a gap', () => {
  const stream = new Stream(false, 0n, 4n)
  const steps: [bigint, Step][] = [
    [4n, 'drop'],
    [5n, 'tell'],
    [7n, 'replay'],
    [6n, 'tell'],
  ]
  for (const [seq, step] of steps) assert.equal(stream.frame(9n, seq, 0n, 'a '), step)
})

test('with topics chosen a prev_seq that was not seen is a gap', () => {
  const stream = new Stream(true, 9n, 4n)
  assert.equal(stream.frame(9n, 10n, 3n, 'a '), 'tell')
  assert.equal(stream.frame(9n, 20n, 10n, 'a '), 'tell')
  assert.equal(stream.frame(9n, 30n, 25n, 'a '), 'replay')
  assert.equal(stream.replayed(20n, 'a '), 'drop')
  assert.equal(stream.replayed(25n, 'a '), 'tell')
})

test('another history begins anew, none is no history', () => {
  const stream = new Stream(false, 9n, 4n)
  assert.equal(stream.frame(0n, 5n, 0n, 'a '), 'drop')
  assert.equal(stream.frame(8n, 5n, 0n, 'a '), 'restarted')
  assert.equal(stream.covered, 0n)
  const ahead = new Stream(false, 0n, 40n)
  assert.equal(ahead.page(9n, 40n), 'drop')
  assert.equal(ahead.page(9n, 39n), 'restarted')
})

test('a head that stays ahead means that something is missing', () => {
  const stream = new Stream(false, 9n, 4n)
  assert.equal(stream.beat(9n, 5n, 0), 'drop')
  assert.equal(stream.beat(9n, 5n, 1000), 'replay')
  const chosen = new Stream(true, 9n, 4n)
  chosen.cover(4n, 0)
  chosen.beat(9n, 5n, 1000)
  assert.equal(chosen.beat(9n, 5n, 2000), 'drop')
  assert.equal(chosen.beat(9n, 5n, 30_000), 'replay')
})

test('after a connect a head that is ahead counts at once', () => {
  const stream = new Stream(false, 9n, 4n)
  stream.connected()
  assert.equal(stream.beat(9n, 5n, 0), 'replay')
})
