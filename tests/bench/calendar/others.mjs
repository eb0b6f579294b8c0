// SPDX-License-Identifier: MPL-2.0
//
// Asks croner and cron-parser what bench_calendar was asked (--rows), one call at a time, each
// the quickest of seven as there, and prints one table. For tests/bench/calendar/run, which
// installs the two where this file is copied to.
//
//   node others.mjs ROWS RESULTS     RESULTS: what bench_calendar -o json said
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { Cron } from 'croner'
import { CronExpressionParser } from 'cron-parser'

const [rowsFile, resultsFile] = process.argv.slice(2)
const rows = readFileSync(rowsFile, 'utf8').trimEnd().split('\n').map((line) => {
  const [expression, zone, from, answer, ns] = line.split('\t')
  return { expression, zone, from: Number(from), answer: Number(answer), ns: Number(ns) }
})
const results = new Map(readFileSync(resultsFile, 'utf8').trimEnd().split('\n')
  .map((line) => JSON.parse(line)).map((result) => [result.what, result]))

// ready (expression, zone): a function from an instant to the next slot, in seconds.
const libraries = {
  croner: (expression, zone) => {
    const cron = new Cron(expression, { timezone: zone, paused: true })
    return (from) => cron.nextRun(new Date(from * 1000))?.getTime() / 1000
  },
  'cron-parser': (expression, zone) => {
    const cron = CronExpressionParser.parse(expression, { tz: zone })
    return (from) => {
      cron.reset(new Date(from * 1000))
      return cron.next().getTime() / 1000
    }
  },
}

const clock = () => Number(process.hrtime.bigint())
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]

function numbers (times) {
  const sorted = Float64Array.from(times).sort()
  return [quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 0.999), sorted.at(-1)]
}

// The least of up to seven calls; fewer of those that take long.
function timeBest (next, from) {
  let best = Infinity
  for (let i = 0, spent = 0; i < 7 && spent < 5e6; i++) {
    const began = clock()
    next(from)
    const took = clock() - began
    best = Math.min(best, took)
    spent += took
  }
  return best
}

function run (ready) {
  const ours = []
  const theirs = []
  const parse = []
  let refused = 0
  let same = 0
  let last = {}
  for (const row of rows) {
    if (row.expression !== last.expression || row.zone !== last.zone) {
      last = { expression: row.expression, zone: row.zone }
      try {
        const began = clock()
        last.next = ready(row.expression, row.zone)
        parse.push(clock() - began)
      } catch { /* not of its dialect */ }
    }
    try {
      const answer = last.next(row.from)
      theirs.push(timeBest(last.next, row.from))
      ours.push(row.ns)
      same += answer === row.answer ? 1 : 0
    } catch {
      refused++
    }
  }
  return { ours: numbers(ours), theirs: numbers(theirs), parse: numbers(parse)[0], refused, same, asked: theirs.length }
}

const time = (ns) => ns < 1000 ? `${Math.round(ns)} ns` : ns < 1e6 ? `${(ns / 1000).toFixed(1)} µs` : `${(ns / 1e6).toFixed(1)} ms`
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`)

// The libraries warm up on what is not counted.
for (const ready of Object.values(libraries)) {
  for (let i = 0; i < 3000; i++) ready('*/5 9-17 * * 1-5', 'Europe/Berlin')(1.8e9 + i * 1000)
}

const cron = results.get('cron')
const hard = results.get('cron, hard')
const rrule = results.get('rrule')
console.log(`On ${cpus().length} cores (Node.js ${process.versions.node}); \`next\` after parsing, in time for one call:\n`)
row('', 'calls', 'median', 'p99', 'p99.9', 'worst')
row('---', '---', '---', '---', '---', '---')
row('cron', cron.calls, time(cron.median_ns), time(cron.p99_ns), time(cron.p999_ns), time(Math.max(cron.worst_ns, hard.worst_ns)))
row('rrule', rrule.calls, time(rrule.median_ns), time(rrule.p99_ns), time(rrule.p999_ns), time(rrule.worst_ns))
console.log(`\nThe worst is \`${cron.worst_ns > hard.worst_ns ? cron.worst : hard.worst}\`. Reading an expression takes ${time(results.get('parse').median_ns)}.`)
console.log(`\nOf ${rows.length} of these questions, each call alone, on those that the other takes:\n`)
row('', 'answered', 'as Belfry', 'median', 'p99', 'p99.9', 'worst', 'parsing')
row('---', '---', '---', '---', '---', '---', '---', '---')
for (const [name, ready] of Object.entries(libraries)) {
  const { ours, theirs, parse, same, asked } = run(ready)
  row(name, asked, same, ...theirs.map(time), time(parse))
  row('Belfry on the same', asked, '', ...ours.map(time), time(results.get('parse').median_ns))
  row('times as long', '', '', ...theirs.map((ns, i) => `${Math.round(ns / ours[i])}`), `${(parse / results.get('parse').median_ns).toFixed(1)}`)
}
