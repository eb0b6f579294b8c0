// SPDX-License-Identifier: MPL-2.0
//
// Names for calls: unique for this client over restarts, and growing, which the daemon stores fastest.
import { randomBytes } from 'node:crypto'

export class Ids {
  readonly #prefix = `${Date.now().toString(16).padStart(12, '0')}-${randomBytes(4).toString('hex')}`
  #count = 0

  next(): string {
    this.#count++
    return `${this.#prefix}-${this.#count.toString(16).padStart(8, '0')}`
  }
}
