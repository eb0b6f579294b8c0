// SPDX-License-Identifier: MPL-2.0
//
// A bot straight on Belfry's protocol (docs/protocol.md): arms a deadline, waits for it, does the work, settles it.
// `npm ci` in examples/, start belfryd, then: node examples/bot.mjs
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { Dealer } from 'zeromq'

const proto = fileURLToPath(new URL('../messages/belfry.proto', import.meta.url))
const root = new protobuf.Root().loadSync(proto, { keepCase: true })
const [Request, Reply] = ['Request', 'Reply'].map(name => root.lookupType(`belfry.v1.${name}`))
const socket = new Dealer({ linger: 0 })
socket.connect(process.env.BELFRY_COMMANDS ?? readFileSync('data/endpoints', 'utf8').match(/commands=([^, \n]+)/)[1])

const client = randomUUID() // or a name that no other bot has and that survives restarts
const waiting = new Map() // request_id -> who waits for its reply
let calls = 0

async function listen () { // replies come in any order; request_id says whose each one is
  for await (const frames of socket) {
    const reply = Reply.toObject(Reply.decode(frames.at(-1)), { enums: String, longs: String, defaults: true })
    waiting.get(reply.request_id)?.(reply)
    waiting.delete(reply.request_id)
  }
}

async function call (command) { // one request_id has one effect: repeat it until there is an answer, parked claims too
  const request_id = `${Date.now()}-${String(++calls).padStart(6, '0')}`
  const bytes = Request.encode(Request.fromObject({ version: 1, client, request_id, ...command })).finish()
  for (;; await sleep(500)) {
    const answer = new Promise(resolve => waiting.set(request_id, resolve))
    await socket.send(bytes)
    const reply = await Promise.race([answer, sleep(5000, { code: 'no answer' }, { ref: false })])
    if (reply.code === 'CODE_OK') return reply
    if (!['no answer', 'CODE_BUSY', 'CODE_STOPPING'].includes(reply.code)) throw new Error(`${reply.code}: ${reply.text}`)
  }
}

async function work (key, payload, run) { // at least once: dedupe on run.run. Throw, and it is tried again
  console.log(`claimed ${key}: run ${run.run}, attempt ${run.attempt}, ${run.lateness_us / 1000} ms late`)
  return { skipped: JSON.parse(payload).player }
}

listen()
const turn = { key: 'turn-7', type: 'claim_timeout', after_us: 2e6, payload: Buffer.from('{"player":"Ada"}') }
const { job } = (await call({ schedule: { jobs: [turn], on_key: 'ON_KEY_REPLACE' } })).jobs.items[0]
console.log(`armed ${turn.type} of ${turn.key}: job ${job.id}, due ${new Date(job.due_us / 1000).toISOString()}`)
for (let done = false; !done;) {
  const { leases } = (await call({ claim: { types: [turn.type], wait_us: 30e6 } })).claim
  for (const { token, key, payload, run, lease_us } of leases) {
    const beat = setInterval(() => call({ heartbeat: { tokens: [token] } }).catch(console.error), lease_us / 3000)
    const settle = await work(key, payload, run).then(
      result => ({ complete: { token, result: Buffer.from(JSON.stringify(result)) } }),
      error => ({ fail: { token, reason: String(error) } }))
    clearInterval(beat)
    const [after] = (await call(settle)).runs.runs
    console.log(`settled ${key}: run ${after.run} ${after.state}`)
    done ||= run.run.startsWith(`${job.id}.`)
  }
}
socket.close()
