// SPDX-License-Identifier: MPL-2.0
//
// node-schedule in the bot's own process with a SQLite table beside it (WAL, synchronous FULL), as a bot's author does it:
// a row for each job, gone when it has fired, all of them armed again at a start.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import schedule from 'node-schedule'

export default {
  name: 'node-schedule, SQLite',
  embedded: true,
  patience: 45000, // arming is slow beyond some ten thousand jobs
  pids: () => [process.pid],
  connect ({ dir }) {
    const db = new Database(join(dir, 'jobs.db'))
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec('create table if not exists job (id integer primary key, due integer not null, payload text not null)')
    db.exec('create index if not exists job_due on job (due)')
    const insert = db.prepare('insert into job (due, payload) values (?, ?)')
    const remove = db.prepare('delete from job where id = ?')
    const armed = new Map()
    const overdue = []
    let handler
    const arm = (id, due, body) => {
      const fire = () => {
        armed.delete(id)
        handler?.(body)
        remove.run(id)
      }
      const job = due > Date.now() ? schedule.scheduleJob(new Date(due), fire) : null
      if (job) armed.set(id, job)
      else overdue.push(fire)
    }
    for (const row of db.prepare('select id, due, payload from job').all()) arm(row.id, row.due, JSON.parse(row.payload))
    const store = ([due, body]) => insert.run(Math.round(due), JSON.stringify(body)).lastInsertRowid
    return {
      async schedule (due, body) {
        const id = store([due, body])
        arm(id, due, body)
        return id
      },
      async bulk (items) {
        const ids = db.transaction(() => items.map(store))()
        items.forEach(([due, body], index) => arm(ids[index], due, body))
        await new Promise(resolve => setImmediate(resolve))
      },
      async cancel (id) {
        armed.get(id).cancel()
        armed.delete(id)
        remove.run(id)
      },
      async consume (on) {
        handler = on
        while (overdue.length) {
          overdue.pop()()
          if (overdue.length % 100 === 0) await new Promise(resolve => setImmediate(resolve))
        }
        return async () => { handler = undefined }
      },
      async drained () {},
      close: () => db.close()
    }
  }
}
