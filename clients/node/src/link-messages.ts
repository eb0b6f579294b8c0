// SPDX-License-Identifier: MPL-2.0
//
// What the program's thread and the link's thread say to each other.

import type { Places } from './endpoints.js'

export interface LinkSettings {
  places: Places
  client: string
}

/** What the thread is started with. `gone` becomes 1 when its sockets are closed. */
export interface LinkThreadData extends LinkSettings {
  gone: Int32Array
}

export type ToLink =
  /** A request, repeated until it is answered, or for so long. */
  | { kind: 'call'; requestId: string; bytes: Uint8Array; patienceMs: number | null }
  | { kind: 'forget'; requestId: string }
  /** Claims for these types; room for so many runs at a time. */
  | { kind: 'claim'; claimer: number; ns: string; types: string[]; room: number }
  /** Its run is settled, or given up: no more heartbeats, and room for another. */
  | { kind: 'done'; claimer: number; token: string }
  /** Claims no more; answered with `left`. */
  | { kind: 'leave'; claimer: number }
  | { kind: 'close' }

export type FromLink =
  | { kind: 'reply'; requestId: string; bytes: Uint8Array }
  | { kind: 'failed'; requestId: string; code: string; text: string }
  /** A ClaimReply with leases, which are beating already. */
  | { kind: 'leases'; claimer: number; bytes: Uint8Array }
  | { kind: 'left'; claimer: number }
  /** The claim was refused: nothing is claimed any more. */
  | { kind: 'refused'; claimer: number; bytes: Uint8Array }
  /** The job was cancelled, confirmed or moved; or the lease is lost. */
  | { kind: 'pulse'; token: string; lost: boolean; text: string }
