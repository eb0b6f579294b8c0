// SPDX-License-Identifier: MPL-2.0
//
// graphile-worker on PostgreSQL, with the local queue and the short polling that its documentation gives for speed.
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { sleep } from '../common.mjs'
import * as postgres from '../postgres.mjs'

const logger = new Logger(() => () => {})
const preset = { worker: { concurrentJobs: 24, pollInterval: 100, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } }

function poolOf () {
  const pool = new pg.Pool({ connectionString: postgres.url(), max: 32 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

export default {
  name: 'graphile-worker, PostgreSQL',
  width: 128,
  ...postgres,
  async connect () {
    const pool = poolOf()
    const utils = await makeWorkerUtils({ pgPool: pool, logger })
    await utils.migrate()
    return {
      schedule: async (due, body) => (await utils.addJob('bench', body, { runAt: new Date(due) })).id,
      bulk: items => utils.addJobs(items.map(([due, data]) => ({ identifier: 'bench', payload: data, runAt: new Date(due) }))),
      cancel: id => utils.completeJobs([id]),
      async consume (on) {
        const own = poolOf()
        const runner = await run({ pgPool: own, logger, noHandleSignals: true, preset, taskList: { bench: async body => on(body) } })
        return async () => {
          await Promise.race([runner.stop(), sleep(4000)])
          await Promise.race([own.end().catch(() => {}), sleep(1000)])
        }
      },
      async drained () {
        while ((await pool.query('select 1 from graphile_worker._private_jobs limit 1')).rowCount) await sleep(3)
      },
      async close () {
        try { await utils.release() } catch {}
        await Promise.race([pool.end().catch(() => {}), sleep(1000)])
      }
    }
  }
}
