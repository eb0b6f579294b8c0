// SPDX-License-Identifier: MPL-2.0
//
// node bench.mjs DRIVER DIRECTORY [quick]: one scheduler through all phases, each on a server and a directory that are
// new. Prints a JSON object for each figure. A driver is
//
//   { name, width, start, stop, crash, pids, connect }       of the server; embedded ones have only the last two
//   connect () -> { schedule (due, body) -> id, bulk ([[due, body], …]), cancel (id),
//                   consume (on, { pile }) -> stop (), drained (), close () }
//
// schedule resolves when the job is durable, `on` gets the body of what fires, drained resolves when every completion is
// stored.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as common from './common.mjs'

const [name, below, quick] = process.argv.slice(2)
const driver = (await import(`./drivers/${name}.mjs`)).default
const RUNS = quick ? 1 : 3
const SIZE = quick ? 0.05 : 1
const MEASURE_MS = 1500 * (quick ? 0.3 : 1)
const HOUR_MS = 3600e3

const soon = () => common.now() + HOUR_MS * (1 + Math.random())
const say = (phase, metric, unit, values) => {
  const value = common.median(values)
  console.log(JSON.stringify({ peer: driver.name, phase, metric, unit, value, min: Math.min(...values), max: Math.max(...values), runs: values.length }))
}
const note = (phase, text) => console.log(JSON.stringify({ peer: driver.name, phase, note: text }))

const items = count => Array.from({ length: count }, (_, number) => {
  const due = soon()
  return [due, common.payload(due, number)]
})

// Up to `count` jobs by the thousand; how many there were time for.
async function fill (door, count, dueOf = soon) {
  const end = common.now() + (driver.patience ?? 120000)
  let made = 0
  while (made < count && common.now() < end) {
    const part = Math.min(1000, count - made)
    await door.bulk(Array.from({ length: part }, (_, number) => {
      const due = dueOf(made + number)
      return [due, common.payload(due, made + number)]
    }))
    made += part
  }
  return made
}

async function schedule (door) {
  const one = async () => {
    const due = soon()
    await door.schedule(due, common.payload(due))
    return 1
  }
  const shapes = { one_in_flight: [one, 1], in_flight: [one, driver.width] }
  if (door.bulk) shapes.batches_1000 = [async () => { await door.bulk(items(1000)); return 1000 }, 1]
  for (const [phase, [act, width]] of Object.entries(shapes)) {
    if (!width) continue
    const runs = []
    for (let run = 0; run < RUNS; run++) runs.push(await common.hammer(act, width, MEASURE_MS))
    say(`schedule ${phase}`, 'rate', 'jobs/s', runs.map(run => run.rate))
    if (width === 1 && phase === 'one_in_flight') say(`schedule ${phase}`, 'p50', 'ms', runs.map(run => run.p50))
  }
}

async function drain (door) {
  const count = Math.round((driver.embedded ? 10000 : 20000) * SIZE)
  const rates = []
  for (let run = 0; run < RUNS; run++) {
    const due = common.now() - 1000
    if (await fill(door, count, () => due) < count) return note('drain', 'filling took too long')
    let handled = 0
    let all
    const done = new Promise(resolve => { all = resolve })
    const from = common.now()
    const stop = await door.consume(() => { if (++handled === count) all() }, { pile: true })
    await Promise.race([done, common.sleep(60000)])
    if (handled < count) {
      note('drain', `${handled} of ${count} were handled in a minute`)
    } else {
      await door.drained()
      rates.push(count * 1000 / (common.now() - from))
    }
    await stop()
  }
  if (rates.length === RUNS) say('drain', 'rate', 'runs/s', rates)
}

async function latency (door, perSecond, seconds) {
  const count = Math.round(perSecond * seconds * Math.max(SIZE, 0.2))
  const phase = `latency ${perSecond}/s`
  const base = common.now() + 4000
  const dues = Array.from({ length: count }, () => base + Math.random() * count * 1000 / perSecond).sort((a, b) => a - b)
  await fill(door, count, index => dues[index])
  if (common.now() > base) note(phase, 'the first were due before the last were stored')
  const late = []
  let all
  const done = new Promise(resolve => { all = resolve })
  const stop = await door.consume(body => {
    late.push(common.now() - body.due)
    if (late.length === count) all()
  }, { pile: false })
  await Promise.race([done, common.sleep(count * 1000 / perSecond + 20000)])
  await stop()
  if (late.length < count) note(phase, `${late.length} of ${count} fired`)
  if (late.length) {
    say(phase, 'p50', 'ms', [common.percentile(late, 0.5)])
    say(phase, 'p99', 'ms', [common.percentile(late, 0.99)])
  }
}

async function cancel (door) {
  const ids = []
  const count = Math.round(5000 * SIZE)
  while (ids.length < count) {
    const part = Array.from({ length: Math.min(driver.width ?? 1, count - ids.length) }, () => {
      const due = soon()
      return door.schedule(due, common.payload(due))
    })
    ids.push(...await Promise.all(part))
  }
  const from = common.now()
  await Promise.all(Array.from({ length: driver.width ?? 1 }, async () => {
    while (ids.length) await door.cancel(ids.pop())
  }))
  say('cancel in_flight', 'rate', 'jobs/s', [count * 1000 / (common.now() - from)])
}

async function pending (door, dir) {
  const count = 100000 * SIZE
  const made = await fill(door, count)
  if (made < count) note('pending', `filling stopped at ${made} of ${count}`)
  await common.sleep(1000)
  globalThis.gc?.()
  say('pending 100k', 'memory', 'MiB', [common.memory(driver.pids())])
  say('pending 100k', 'disk', 'bytes/job', [common.bytesBelow(dir) / made])
  door.close()
  await driver.crash?.()
  const from = common.now()
  await driver.start?.({ dir, again: true })
  const again = await driver.connect({ dir, again: true })
  const due = soon()
  await again.schedule(due, common.payload(due))
  say('pending 100k', 'restart', 'ms', [common.now() - from])
  return again
}

const phases = {
  schedule,
  drain,
  'latency 170': door => latency(door, 170, 10),
  'latency 1000': door => latency(door, 1000, 5),
  cancel,
  pending
}

// A server that is stopped breaks connections that nobody uses any more.
let failed = false
process.on('uncaughtException', error => console.error(driver.name, error.message))
process.on('unhandledRejection', error => console.error(driver.name, error.message))
for (const [phase, act] of Object.entries(phases)) {
  const dir = mkdtempSync(join(below, `${name}-`))
  console.error(`${driver.name}: ${phase}`)
  try {
    await driver.start?.({ dir })
    let door = await driver.connect({ dir })
    door = await act(door, dir) ?? door
    await Promise.race([door.close(), common.sleep(3000)])
  } catch (error) {
    note(phase, error.message)
    failed = true
  }
  await driver.stop?.()
  rmSync(dir, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)
