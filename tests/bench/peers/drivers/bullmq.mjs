// SPDX-License-Identifier: MPL-2.0
//
// BullMQ on Redis with appendfsync always: one fsync for each turn of its loop, before the answers.
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import * as common from '../common.mjs'

let server, port
const connection = () => new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null })

export default {
  name: 'BullMQ, Redis appendfsync always',
  width: 256,
  async start ({ dir, again }) {
    port = again ? port : await common.freePort()
    server = common.start('redis-server', ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', '',
      '--appendonly', 'yes', '--appendfsync', 'always'].map(String), dir)
    await common.waitForPort(port, server)
    const redis = connection() // it answers LOADING until the log is read
    redis.on('error', () => {})
    while (await redis.ping().catch(() => '') !== 'PONG') await common.sleep(5)
    redis.disconnect()
  },
  pids: () => common.family(server.pid),
  crash: () => common.crash(server),
  stop: () => common.stop(server),
  async connect () {
    const redis = connection()
    redis.on('error', () => {})
    const queue = new Queue('bench', { connection: redis, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } })
    queue.on('error', () => {})
    await queue.waitUntilReady()
    const options = due => ({ delay: Math.max(0, Math.round(due - Date.now())) })
    return {
      schedule: async (due, body) => (await queue.add('job', body, options(due))).id,
      bulk: items => queue.addBulk(items.map(([due, data]) => ({ name: 'job', data, opts: options(due) }))),
      cancel: id => queue.remove(id),
      async consume (on) {
        const own = connection()
        own.on('error', () => {})
        const worker = new Worker('bench', async job => on(job.data),
          { connection: own, concurrency: 128, removeOnComplete: { count: 0 } })
        worker.on('error', () => {})
        return async () => {
          await worker.close()
          own.disconnect()
        }
      },
      async drained () {
        const left = async () => Object.values(await queue.getJobCounts('active', 'wait', 'delayed')).reduce((a, b) => a + b)
        while (await left() > 0) await common.sleep(2)
      },
      close: () => redis.disconnect()
    }
  }
}
