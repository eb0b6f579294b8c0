// SPDX-License-Identifier: MPL-2.0
//
// The link's thread: it owns the connection, repeats calls, claims work and beats for every lease, so that all of this goes
// on while the program's own event loop is blocked. A lease beats from the moment at which its answer arrives here.
import { performance } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { context } from 'zeromq'

import { BelfryError } from '../errors.js'
import { Code, type Reply, ReplySchema, type Request, RequestSchema } from '../gen/belfry_pb.js'
import type { FromLink, LinkThreadData, ToLink } from '../link-messages.js'
import { Ids } from '../request-id.js'
import { Beats } from './beats.js'
import { Calls } from './calls.js'
import { Wire } from './wire.js'

const claimWaitUs = 30_000_000n
const claimMax = 100
const lookMs = 5000
/** How often the daemon is looked for while it is away: it may come back on other ports, and leases wait for their beats. */
const lookWhileAwayMs = 200
const reconnectPauseMs = 500

interface Claimer {
  id: number
  ns: string
  types: string[]
  room: number
  /** The claim that is out, and for how many it asks. */
  requestId: string | null
  max: number
  leaving: boolean
}

const { places, client, gone } = workerData as LinkThreadData
const ids = new Ids()
const beats = new Beats()
const claimers = new Map<number, Claimer>()
const wire = new Wire(places, hear, turned)
const calls = new Calls({ send: (bytes) => wire.send(bytes), reconnect })
let connected = false
let away = false
let reconnectAtMs = 0
let lookAtMs = 0
let timer: NodeJS.Timeout | undefined

context.blocky = false

const tell = (message: FromLink): void => parentPort?.postMessage(message)

function encode(command: Request['command'], requestId: string): Uint8Array {
  return toBinary(RequestSchema, create(RequestSchema, { version: 1, client, requestId, command }))
}

function reconnect(): void {
  const nowMs = performance.now()
  connected = false
  reconnectAtMs = nowMs + reconnectPauseMs
  try {
    wire.connect()
    connected = true
    calls.resend(nowMs)
    beats.hurry(nowMs)
  } catch (error) {
    /* The daemon is away and has taken its endpoints file along: looked for again. Calls run out of patience. */
    if (!(error instanceof BelfryError)) throw error
  }
}

/* A daemon that is back has forgotten which claims were parked, and may have missed beats. */
function turned(up: boolean): void {
  const nowMs = performance.now()
  if (up && away) calls.resend(nowMs)
  if (up) beats.hurry(nowMs)
  away = !up
  lookAtMs = nowMs + (away ? lookWhileAwayMs : lookMs)
  rest()
}

function call(
  requestId: string,
  bytes: Uint8Array,
  patienceMs: number | null,
  parked: boolean,
  answer: (reply: Reply, bytes: Uint8Array) => void,
  fail: (text: string) => void = () => {},
): void {
  calls.add({ requestId, bytes, parked, answer, fail }, patienceMs, performance.now())
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* Claims                                                                                                               */

const claimOf = (claimer: Claimer, waitUs: bigint): Request['command'] => ({
  case: 'claim',
  value: {
    $typeName: 'belfry.v1.Claim',
    ns: claimer.ns,
    types: claimer.types,
    max: claimer.max,
    waitUs,
    worker: '',
  },
})

function giveBack(token: string): void {
  const requestId = ids.next()
  const command = { case: 'snooze', value: { token, until: { case: 'forUs', value: 0n } } } as Request['command']
  call(requestId, encode(command, requestId), null, false, () => {})
}

function takeLeases(claimer: Claimer, reply: Reply, bytes: Uint8Array): void {
  const leases = reply.result.case === 'claim' ? reply.result.value.leases : []
  if (leases.length === 0) return
  if (claimer.leaving) {
    for (const { token } of leases) giveBack(token)
    return
  }
  const nowMs = performance.now()
  for (const { token, leaseUs } of leases) beats.add(token, Number(leaseUs) / 1000, reply.repeated, nowMs)
  claimer.room -= leases.length
  tell({ kind: 'leases', claimer: claimer.id, bytes })
}

function claim(claimer: Claimer): void {
  if (claimer.requestId !== null) return
  if (claimer.leaving) {
    claimers.delete(claimer.id)
    tell({ kind: 'left', claimer: claimer.id })
    return
  }
  if (claimer.room === 0) return
  const requestId = ids.next()
  claimer.requestId = requestId
  claimer.max = Math.min(claimer.room, claimMax)
  call(requestId, encode(claimOf(claimer, claimWaitUs), requestId), null, true, (reply, bytes) => {
    claimer.requestId = null
    if (reply.code !== Code.OK) {
      claimer.leaving = true
      tell({ kind: 'refused', claimer: claimer.id, bytes })
    } else {
      takeLeases(claimer, reply, bytes)
    }
    claim(claimer)
  })
}

/* A claim that is parked is asked to end at once; what it got meanwhile is given back. */
function leave(claimer: Claimer): void {
  claimer.leaving = true
  const { requestId } = claimer
  if (requestId === null) claim(claimer)
  else calls.change(requestId, encode(claimOf(claimer, 0n), requestId), performance.now())
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* Heartbeats                                                                                                           */

const beating = new Map<string, number>()

function beat(nowMs: number): void {
  for (const tokens of beats.take(nowMs)) {
    const requestId = ids.next()
    beating.set(requestId, nowMs)
    wire.send(encode({ case: 'heartbeat', value: { $typeName: 'belfry.v1.Heartbeat', tokens } }, requestId))
  }
  for (const [requestId, sentMs] of beating) {
    if (nowMs - sentMs > 60_000) beating.delete(requestId)
  }
}

function pulses(reply: Reply): void {
  if (reply.result.case !== 'heartbeat') return
  for (const { token, code, cancel, text } of reply.result.value.items) {
    if (!beats.has(token)) continue
    const lost = code !== Code.OK
    if (lost) beats.remove(token)
    if (lost || cancel) tell({ kind: 'pulse', token, lost, text })
  }
}

function hear(bytes: Uint8Array): void {
  let reply: Reply
  try {
    reply = fromBinary(ReplySchema, bytes)
  } catch {
    return
  }
  if (beating.delete(reply.requestId)) pulses(reply)
  else calls.answered(reply, bytes, performance.now())
  rest()
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* The thread                                                                                                           */

function tick(): void {
  const nowMs = performance.now()
  let wrongPlace = false
  if (nowMs >= lookAtMs) {
    lookAtMs = nowMs + (away ? lookWhileAwayMs : lookMs)
    wrongPlace = connected && !wire.isWhereTheDaemonIs()
  }
  if (!connected && nowMs >= reconnectAtMs && calls.size + beats.size > 0) reconnect()
  calls.tick(nowMs, wrongPlace && nowMs >= reconnectAtMs)
  beat(nowMs)
  rest()
}

/** Sleeps until there is something to do. */
function rest(): void {
  const busy = calls.size + beats.size > 0
  const wake = Math.min(calls.next(), beats.next(), busy ? lookAtMs : Infinity, busy && !connected ? reconnectAtMs : Infinity)
  clearTimeout(timer)
  timer = wake === Infinity ? undefined : setTimeout(tick, Math.max(1, Math.min(wake - performance.now(), lookMs)))
}

async function close(): Promise<void> {
  clearTimeout(timer)
  await wire.end()
  Atomics.store(gone, 0, 1)
  Atomics.notify(gone, 0)
  parentPort?.close()
}

function obey(message: ToLink): void {
  switch (message.kind) {
    case 'call': {
      const { requestId } = message
      call(
        requestId,
        message.bytes,
        message.patienceMs,
        false,
        (_, bytes) => tell({ kind: 'reply', requestId, bytes }),
        (text) => tell({ kind: 'failed', requestId, code: connected ? 'UNREACHABLE' : 'NO_ENDPOINT', text }),
      )
      break
    }
    case 'forget':
      calls.forget(message.requestId)
      break
    case 'claim': {
      const { claimer: id, ns, types, room } = message
      const claimer: Claimer = { id, ns, types, room, requestId: null, max: 0, leaving: false }
      claimers.set(id, claimer)
      claim(claimer)
      break
    }
    case 'done': {
      const claimer = claimers.get(message.claimer)
      beats.remove(message.token)
      if (claimer) {
        claimer.room++
        claim(claimer)
      }
      break
    }
    case 'leave': {
      const claimer = claimers.get(message.claimer)
      if (claimer) leave(claimer)
      break
    }
    case 'close':
      void close()
      return
  }
  if (!connected && performance.now() >= reconnectAtMs) reconnect()
  rest()
}

parentPort?.on('message', obey)
