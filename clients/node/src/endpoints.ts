// SPDX-License-Identifier: MPL-2.0
//
// Where the daemon is: what the caller says, else the environment, else the endpoints file that belfryd writes. Looked up
// at every connect, because a daemon that was started again may have other ports.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { BelfryError } from './errors.js'

export type Door = 'commands' | 'feed'

export interface Places {
  commands?: string | undefined
  feed?: string | undefined
  directory?: string | undefined
}

const variables: Record<Door, string> = { commands: 'BELFRY_COMMANDS', feed: 'BELFRY_FEED' }

function listOf(places: Places, door: Door): string {
  const { directory = 'data' } = places
  const list = places[door] ?? process.env[variables[door]]
  if (list) return list
  const path = join(directory, 'endpoints')
  try {
    return new RegExp(` ${door}=(\\S+)`).exec(readFileSync(path, 'utf8'))?.[1] ?? ''
  } catch (error) {
    throw new BelfryError('NO_ENDPOINT', `no daemon found: start belfryd, or set ${variables[door]} (${path}: ${(error as Error).message})`)
  }
}

/** The nth endpoint of a door, ipc first; `turn` counts the connects. Throws BelfryError. */
export function endpointOf(places: Places, door: Door, turn: number): string {
  const list = listOf(places, door).split(',').filter((endpoint) => endpoint !== '')
  const sorted = [...list.filter((endpoint) => endpoint.startsWith('ipc:')), ...list.filter((endpoint) => !endpoint.startsWith('ipc:'))]
  const endpoint = sorted[turn % Math.max(1, sorted.length)]
  if (endpoint === undefined) throw new BelfryError('NO_ENDPOINT', `the daemon has no ${door} endpoint`)
  return endpoint
}
