// SPDX-License-Identifier: MPL-2.0
//
// pg-boss on PostgreSQL: a call returns when its commit is synced.
import PgBoss from 'pg-boss'
import pg from 'pg'
import { sleep } from '../common.mjs'
import * as postgres from '../postgres.mjs'

export default {
  name: 'pg-boss, PostgreSQL',
  width: 128,
  ...postgres,
  async connect ({ again }) {
    const boss = new PgBoss({ connectionString: postgres.url(), max: 32, supervise: true, schedule: false })
    boss.on('error', () => {})
    await boss.start()
    const pool = new pg.Pool({ connectionString: postgres.url(), max: 2 })
    pool.on('error', () => {})
    if (!again) await boss.createQueue('bench', { name: 'bench', policy: 'standard' })
    return {
      schedule: (due, body) => boss.send('bench', body, { startAfter: new Date(due) }),
      bulk: items => boss.insert(items.map(([due, data]) => ({ name: 'bench', data, startAfter: new Date(due) }))),
      cancel: id => boss.cancel('bench', id),
      // Two workers that are told when there is more, for a pile; one that looks twice a second, the most often it
      // can, otherwise.
      async consume (on, { pile }) {
        const ids = []
        for (let i = 0; i < (pile ? 2 : 1); i++) {
          const id = await boss.work('bench', { batchSize: 1000, pollingIntervalSeconds: 0.5 }, async jobs => {
            for (const job of jobs) on(job.data)
            if (pile && ids[i]) boss.notifyWorker(ids[i])
          })
          ids.push(id)
        }
        return async () => {
          for (const id of ids) await boss.offWork({ id })
        }
      },
      async drained () {
        while ((await pool.query("select 1 from pgboss.job where state < 'completed' limit 1")).rowCount) await sleep(3)
      },
      async close () {
        await Promise.race([boss.stop({ graceful: false, wait: false, close: true }).catch(() => {}), sleep(2000)])
        await Promise.race([pool.end().catch(() => {}), sleep(1000)])
      }
    }
  }
}
