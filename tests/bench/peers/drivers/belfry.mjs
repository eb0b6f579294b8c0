// SPDX-License-Identifier: MPL-2.0
//
// belfryd, straight on its protocol: a DEALER with many calls under way, claims that wait parked.
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { Dealer } from 'zeromq'
import * as common from '../common.mjs'

const proto = fileURLToPath(new URL('../../../../messages/belfry.proto', import.meta.url))
const root = new protobuf.Root().loadSync(proto, { keepCase: true })
const Request = root.lookupType('belfry.v1.Request')
const Reply = root.lookupType('belfry.v1.Reply')
const CLAIMS = 8
const MOST = 50 // of a claim: 8 * 50 completions stay under the 512 calls of one connection

let server, endpoint

class Connection {
  waiting = new Map()
  client = `bench-${process.hrtime.bigint()}`
  calls = 0
  queue = []

  constructor () {
    this.socket = new Dealer({ linger: 0, receiveHighWaterMark: 0, sendHighWaterMark: 0 })
    this.socket.connect(endpoint)
    this.receive()
  }

  async receive () {
    try {
      for await (const frames of this.socket) {
        const reply = Reply.decode(frames.at(-1))
        const [resolve, reject] = this.waiting.get(reply.request_id) ?? []
        this.waiting.delete(reply.request_id)
        if (reply.code <= 1) resolve?.(reply)
        else reject?.(new Error(`code ${reply.code}: ${reply.text}`))
      }
    } catch {} // closed
  }

  call (command) {
    const request_id = String(++this.calls).padStart(12, '0')
    return new Promise((resolve, reject) => {
      this.waiting.set(request_id, [resolve, reject])
      this.queue.push(Request.encode({ version: 1, client: this.client, request_id, ...command }).finish())
      if (this.queue.length === 1) this.flush()
    })
  }

  // One send at a time, as the library wants it.
  async flush () {
    while (this.queue.length) {
      await this.socket.send(this.queue[0])
      this.queue.shift()
    }
  }

  close () {
    this.socket.close()
  }
}

const job = ([due, body]) => ({ type: 'bench', at_us: Math.round(due * 1000), payload: Buffer.from(JSON.stringify(body)) })

export default {
  name: 'Belfry',
  width: 256,
  async start ({ dir }) {
    server = spawn(`${process.env.BELFRY_BIN}/belfryd`, ['--data', dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(server.stdout, 'data')
    endpoint = String(line).match(/ commands=([^, ]+)/)[1]
  },
  pids: () => [server.pid],
  crash: () => common.crash(server),
  stop: () => common.stop(server),
  async connect () {
    let main = new Connection()
    return {
      schedule: async (due, body) => (await main.call({ schedule: { jobs: [job([due, body])] } })).jobs.items[0].job.id,
      bulk: items => main.call({ schedule: { jobs: items.map(job) } }),
      cancel: id => main.call({ cancel: { job: { id } } }),
      async consume (on) {
        const worker = new Connection()
        let runs = true
        const claims = Array.from({ length: CLAIMS }, async () => {
          while (runs) {
            const { claim } = await worker.call({ claim: { types: ['bench'], max: MOST, wait_us: 1e6 } })
            await Promise.all(claim.leases.map(({ token, payload }) => {
              on(JSON.parse(Buffer.from(payload)))
              return worker.call({ complete: { token } })
            }))
          }
        })
        return async () => {
          runs = false
          await Promise.all(claims)
          worker.close()
        }
      },
      async drained () {
        let status
        do status = (await main.call({ status: {} })).status
        while (Number(status.open_jobs) > 0)
      },
      close: () => main.close()
    }
  }
}
