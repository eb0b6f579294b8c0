// SPDX-License-Identifier: MPL-2.0
//
// node table.mjs FILE: what bench.mjs has printed, as a table: a row for each figure, a column for each peer.
import { readFileSync } from 'node:fs'

const rows = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line))
const peers = [...new Set(rows.map(row => row.peer))]
const figures = rows.filter(row => row.metric)
const kinds = [...new Map(figures.map(row => [`${row.phase}, ${row.metric}, ${row.unit}`, row])).keys()]
const short = value => value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
const line = cells => console.log(`| ${cells.join(' | ')} |`)

line(['', ...peers])
line(['---', ...peers.map(() => '---:')])
for (const kind of kinds) {
  line([kind, ...peers.map(peer => {
    const row = figures.find(row => row.peer === peer && `${row.phase}, ${row.metric}, ${row.unit}` === kind)
    return row ? short(row.value) : ''
  })])
}
for (const { peer, phase, note } of rows.filter(row => row.note)) console.log(`\n${peer}, ${phase}: ${note}.`)
