// SPDX-License-Identifier: MPL-2.0
//
// One DEALER to the daemon: bytes out, replies in. A socket that seems dead is thrown away and another one opened, where
// the daemon is by then.
import { Dealer } from 'zeromq'

import { endpointOf, type Places } from '../endpoints.js'

const maxBytes = 1024 * 1024

export class Wire {
  readonly #places: Places
  readonly #hear: (bytes: Uint8Array) => void
  readonly #turned: (up: boolean) => void
  #socket: Dealer | null = null
  #endpoint = ''
  #turn = 0
  #outbox: Uint8Array[] = []
  #ends: Promise<unknown> = Promise.resolve()

  /** `turned` hears when the daemon is there, and when it has gone. */
  constructor(places: Places, hear: (bytes: Uint8Array) => void, turned: (up: boolean) => void) {
    this.#places = places
    this.#hear = hear
    this.#turned = turned
  }

  /** Opens the next endpoint; what was to be sent is forgotten. Throws BelfryError where there is none. */
  connect(): void {
    this.close()
    const endpoint = endpointOf(this.#places, 'commands', this.#turn++)
    const socket = new Dealer({
      linger: 0,
      immediate: true,
      sendTimeout: 1000,
      maxMessageSize: maxBytes,
      heartbeatInterval: 2000,
      heartbeatTimeout: 8000,
      reconnectInterval: 50,
      reconnectMaxInterval: 1000,
    })
    socket.events.on('handshake', () => this.#turned(true))
    socket.events.on('disconnect', () => {
      if (this.#socket === socket) this.#turned(false)
    })
    socket.connect(endpoint)
    this.#socket = socket
    this.#endpoint = endpoint
    const end = new Promise<void>((resolve) => socket.events.on('end', () => resolve()))
    this.#ends = Promise.all([this.#ends, this.#read(socket), end])
  }

  /** False where the daemon is known to be somewhere else by now. */
  isWhereTheDaemonIs(): boolean {
    if (!this.#socket) return false
    try {
      for (let turn = 0; turn < 8; turn++) {
        if (endpointOf(this.#places, 'commands', turn) === this.#endpoint) return true
      }
      return false
    } catch {
      return true
    }
  }

  send(bytes: Uint8Array): void {
    this.#outbox.push(bytes)
    if (this.#outbox.length === 1 && this.#socket) void this.#write(this.#socket)
  }

  close(): void {
    this.#socket?.close()
    this.#socket = null
    this.#outbox = []
  }

  /** Resolves when everything that was opened is closed for good. */
  async end(): Promise<void> {
    this.close()
    await this.#ends
  }

  /* A socket takes one send at a time. What cannot go out is lost, and repeated by whoever waits for its answer. */
  async #write(socket: Dealer): Promise<void> {
    while (this.#socket === socket) {
      const bytes = this.#outbox[0]
      if (!bytes) return
      await socket.send(bytes).catch(() => {})
      if (this.#socket === socket) this.#outbox.shift()
    }
  }

  async #read(socket: Dealer): Promise<void> {
    try {
      for await (const frames of socket) {
        const last = frames.at(-1)
        if (last && this.#socket === socket) this.#hear(last)
      }
    } catch {
      /* Closed. */
    }
  }
}
