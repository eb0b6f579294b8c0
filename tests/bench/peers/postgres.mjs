// SPDX-License-Identifier: MPL-2.0
//
// A PostgreSQL cluster of our own, set as Debian ships it: fsync and synchronous_commit on.
import { appendFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ended, family, freePort, must } from './common.mjs'

const root = '/usr/lib/postgresql'
const bin = join(root, readdirSync(root).sort().at(-1), 'bin')
// It refuses to run as root.
const as = process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--'] : []
const run = (...args) => must((as.concat(args))[0], as.concat(args).slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })

let pid, cluster, port

export const url = () => `postgres://postgres@127.0.0.1:${port}/postgres`
export const pids = () => family(pid)

export async function start ({ dir, again }) {
  cluster = join(dir, 'cluster')
  if (!again) {
    port = await freePort()
    mkdirSync(cluster)
    if (as.length) must('chown', ['-R', 'postgres', dir])
    run(join(bin, 'initdb'), '-D', cluster, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8')
    appendFileSync(join(cluster, 'postgresql.conf'),
      `\nport=${port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='${dir}'\n`)
  }
  run(join(bin, 'pg_ctl'), '-D', cluster, '-l', join(dir, 'postgres.log'), '-w', '-t', '120', 'start')
  pid = Number(readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0])
}

// An immediate shutdown: the next start replays the log.
export async function crash () {
  process.kill(pid, 'SIGQUIT')
  await ended(pid)
}

export async function stop () {
  if (!pid) return
  try { process.kill(pid, 'SIGINT') } catch { return }
  if (!await ended(pid, 15000)) await crash()
  pid = 0
}
