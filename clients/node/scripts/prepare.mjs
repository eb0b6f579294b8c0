// SPDX-License-Identifier: MPL-2.0
//
// Builds dist/. npm runs it where the folder is installed, but does not install what the folder itself depends on: that is
// done here first.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))
/* The outer npm's settings are for another folder. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_(global|prefix|local_prefix|install_links)$/i.test(name)))
const npm = (...words) => execFileSync('npm', words, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })

if (!existsSync(new URL('../node_modules/typescript', import.meta.url))) {
  npm('ci', '--ignore-scripts', '--no-audit', '--no-fund')
}
npm('run', 'build')
