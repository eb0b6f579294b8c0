// SPDX-License-Identifier: MPL-2.0
//
// The ES module beside the CommonJS one: the same names, taken from it, so that a program that loads both has every class
// once and instanceof holds.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const dist = new URL('../dist/', import.meta.url)
const names = Object.keys(createRequire(import.meta.url)('../dist/index.js')).sort()
const lines = ['// SPDX-License-Identifier: MPL-2.0', "import belfry from './index.js'", `export const { ${names.join(', ')} } = belfry`, '']
writeFileSync(new URL('index.mjs', dist), lines.join('\n'))
writeFileSync(new URL('index.d.mts', dist), "// SPDX-License-Identifier: MPL-2.0\nexport * from './index.js'\n")
