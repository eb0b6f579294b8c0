// SPDX-License-Identifier: MPL-2.0
//
// A bot straight on Belfry's protocol (docs/protocol.md): arms a deadline, waits for it, does the work, settles it.
// `npm ci` in examples/, start belfryd, then beside its ./data: node examples/bot.mjs
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { Dealer } from 'zeromq'

const proto = fileURLToPath(new URL('../messages/belfry.proto', import.meta.url))
const root = new protobuf.Root().loadSync(proto, { keepCase: true })
const [Request, Reply] = ['Request', 'Reply'].map(name => root.lookupType(`belfry.v1.${name}`))
const repeated = ['no answer', 'CODE_BUSY', 'CODE_STOPPING', 'CODE_DISK_FULL']
const client = randomUUID() // or a name that no other bot has and that survives restarts
const waiting = new Map() // request_id -> who waits for its reply
let calls = 0
let socket

async function connect () { // a daemon that was started again may have other ports: this looks where it is now
  const list = process.env.BELFRY_COMMANDS ?? readFileSync('data/endpoints', 'utf8').match(/ commands=(\S+)/)[1]
  socket?.close()
  const mine = socket = new Dealer({ linger: 0 })
  mine.connect(list.split(',')[0])
  for await (const frames of mine) { // replies come in any order; request_id says whose each one is
    const reply = Reply.toObject(Reply.decode(frames.at(-1)), { enums: String, longs: String, defaults: true })
    waiting.get(reply.request_id)?.(reply)
    waiting.delete(reply.request_id)
  }
}

// One request_id has one effect: it is repeated until there is an answer, parked claims too. An answer other than
// CODE_OK throws, unless the caller expects that code and looks at it.
async function call (command, ...expected) {
  const request_id = `${Date.now()}-${String(++calls).padStart(6, '0')}`
  const bytes = Request.encode(Request.fromObject({ version: 1, client, request_id, ...command })).finish()
  for (;; await sleep(500)) {
    const answer = new Promise(resolve => waiting.set(request_id, resolve))
    socket.send(bytes).catch(() => {}) // what could not go out is not answered
    const reply = await Promise.race([answer, sleep(5000, { code: 'no answer' }, { ref: false })])
    if (['CODE_OK', ...expected].includes(reply.code)) return reply
    if (!repeated.includes(reply.code)) throw new Error(`${reply.code}: ${reply.text}`)
    if (reply.code === 'no answer') connect().catch(error => console.error('belfryd is away:', error.message))
  }
}

async function work (key, payload, run) { // at least once: dedupe on run.run. Throw, and it is tried again
  console.log(`claimed ${key}: run ${run.run}, attempt ${run.attempt}, ${run.lateness_us / 1000} ms late`)
  return { skipped: JSON.parse(payload).player }
}

connect().catch(error => {
  console.error(error.code === 'ENOENT' ? 'start belfryd first (no data/endpoints here)' : error)
  process.exit(1)
})
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
    const { code, runs } = await call(settle, 'CODE_STALE_TOKEN') // stale: the lease ran out, another has the run
    console.log(`settled ${key}: run ${run.run} ${code === 'CODE_OK' ? runs.runs[0].state : code}`)
    done ||= run.run.startsWith(`${job.id}.`)
  }
}
socket.close()
