// SPDX-License-Identifier: MPL-2.0
//
// What all drivers and phases share: time, payloads, statistics, processes.
import { spawn, spawnSync } from 'node:child_process'
import { openSync, readFileSync, readdirSync, lstatSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export { sleep }

// Milliseconds since 1970, finer than Date.now ().
export const now = () => performance.timeOrigin + performance.now()

// What a job carries: JSON text of 200 bytes.
export function payload (due, number = 0) {
  const body = { due, number, guild: '123456789012345678', channel: '876543210987654321', text: '' }
  body.text = 'x'.repeat(Math.max(0, 200 - JSON.stringify(body).length))
  return body
}

export function median (values) {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function percentile (values, part) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.round(part * (sorted.length - 1)))]
}

// Keeps so many calls of `act` under way for so long, after a warm-up; act resolves to how many jobs it made.
export async function hammer (act, width, forMs, warmMs = 300) {
  const from = now() + warmMs
  const until = from + forMs
  const took = []
  let count = 0
  await Promise.all(Array.from({ length: width }, async () => {
    for (let started = now(); started < until; started = now()) {
      const made = await act()
      const ended = now()
      if (ended >= from && ended <= until) {
        count += made
        took.push(ended - started)
      }
    }
  }))
  return { rate: count * 1000 / forMs, p50: percentile(took, 0.5), p99: percentile(took, 0.99) }
}

export async function freePort () {
  const server = createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

function answers (port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}

export async function waitForPort (port, server, ms = 60000) {
  for (const end = now() + ms; now() < end; await sleep(2)) {
    if (server?.exitCode !== null && server !== undefined) throw new Error('the server ended at its start')
    if (await answers(port)) return
  }
  throw new Error(`port ${port} did not open`)
}

// A server, its output in `dir`/server.log.
export function start (command, args, dir) {
  const log = openSync(join(dir, 'server.log'), 'a')
  return spawn(command, args, { stdio: ['ignore', log, log], cwd: dir })
}

export function must (command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr ?? done.error}`)
  return done.stdout
}

export async function ended (pid, ms = 30000) {
  for (const end = now() + ms; now() < end; await sleep(5)) {
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return true
    } catch { return true }
  }
  return false
}

export async function stop (server) {
  if (!server || server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGTERM')
  if (!await ended(server.pid, 10000)) server.kill('SIGKILL')
  await ended(server.pid)
}

export async function crash (server) {
  for (const pid of family(server.pid).reverse()) {
    try { process.kill(pid, 'SIGKILL') } catch {}
    await ended(pid)
  }
}

// A process and all below it.
export function family (pid) {
  const all = [pid]
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ')) {
        if (child) all.push(...family(Number(child)))
      }
    }
  } catch {}
  return all
}

// MiB; PSS counts pages that several share once.
export function memory (pids) {
  let kib = 0
  for (const pid of pids) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1])
    } catch {}
  }
  return kib / 1024
}

// Bytes on the disk of all below a directory.
export function bytesBelow (dir) {
  let sum = 0
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    try { sum += entry.isDirectory() ? bytesBelow(path) : lstatSync(path).blocks * 512 } catch {}
  }
  return sum
}
