// SPDX-License-Identifier: MPL-2.0
//
// The program's end of the link: requests become promises. The thread behind it (thread/link-thread.ts) owns the sockets.
// It keeps the process alive only while somebody waits for something.
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'

import type { Places } from './endpoints.js'
import { BelfryError, errorOf, UnreachableError } from './errors.js'
import { Code, type Reply, ReplySchema, type Request, RequestSchema } from './gen/belfry_pb.js'
import type { FromLink, LinkSettings, LinkThreadData, ToLink } from './link-messages.js'
import { Ids } from './request-id.js'

export interface CallOptions {
  /** Ends the waiting, not the call: it may have taken effect. */
  signal?: AbortSignal | undefined
  /** Name of this call: a repeat with the same name has no second effect, for 24 hours. */
  requestId?: string | undefined
  /** How long to try, in milliseconds; null for ever. */
  timeoutMs?: number | null | undefined
}

/** Who hears of claimed work. */
export interface Claimer {
  leases: (reply: Reply) => void
  left: () => void
  refused: (error: BelfryError) => void
}

/** How long a process that ends waits for the thread. */
const exitMs = 1000

interface Waiting {
  resolve: (reply: Reply) => void
  reject: (error: Error) => void
  end: () => void
}

const aborted = (signal: AbortSignal): BelfryError =>
  new BelfryError('ABORTED', `the call was aborted; it may have taken effect (${String(signal.reason)})`)

export class Link {
  readonly places: Places
  readonly client: string
  readonly #thread: Worker
  readonly #ids = new Ids()
  readonly #timeoutMs: number
  readonly #waiting = new Map<string, Waiting>()
  readonly #claimers = new Map<number, Claimer>()
  readonly #pulses: (token: string, lost: boolean, text: string) => void
  readonly #gone = new Int32Array(new SharedArrayBuffer(4))
  #claims = 0
  #closed = false

  constructor(
    settings: LinkSettings & { timeoutMs: number },
    pulses: (token: string, lost: boolean, text: string) => void,
  ) {
    this.places = settings.places
    this.client = settings.client
    this.#timeoutMs = settings.timeoutMs
    this.#pulses = pulses
    const workerData: LinkThreadData = { places: settings.places, client: settings.client, gone: this.#gone }
    this.#thread = new Worker(join(__dirname, 'thread', 'link-thread.js'), { workerData, name: 'belfry' })
    this.#thread.on('message', (message: FromLink) => this.#hear(message))
    this.#thread.on('error', (error) => this.#end(new BelfryError('CLOSED', `the link broke: ${error.message}`)))
    this.#thread.unref()
    process.on('exit', this.#leaveProcess)
  }

  /** Asks the daemon; rejects with what it refuses. */
  async call(command: Request['command'], options: CallOptions = {}): Promise<Reply> {
    const reply = await this.ask(command, options)
    if (reply.code !== Code.OK) throw errorOf(reply)
    return reply
  }

  /** Asks the daemon; a refusal is an answer, too. */
  ask(command: Request['command'], { signal, requestId = this.#ids.next(), timeoutMs = this.#timeoutMs }: CallOptions = {}): Promise<Reply> {
    if (this.#closed) return Promise.reject(new BelfryError('CLOSED', 'this client was closed'))
    if (signal?.aborted) return Promise.reject(aborted(signal))
    if (this.#waiting.has(requestId)) {
      return Promise.reject(new BelfryError('REQUEST_ID_REUSED', `a call named ${requestId} is under way`))
    }
    const bytes = toBinary(RequestSchema, create(RequestSchema, { version: 1, client: this.client, requestId, command }))
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#tell({ kind: 'forget', requestId })
        this.#settle(requestId)?.reject(aborted(signal as AbortSignal))
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.set(requestId, { resolve, reject, end: () => signal?.removeEventListener('abort', abort) })
      this.#keepAlive()
      this.#tell({ kind: 'call', requestId, bytes, patienceMs: timeoutMs })
    })
  }

  /** A name for a call that may be repeated. */
  nextId(): string {
    return this.#ids.next()
  }

  /** Claims work of these types until `leave`. */
  claim(ns: string, types: string[], room: number, claimer: Claimer): number {
    const id = ++this.#claims
    this.#claimers.set(id, claimer)
    this.#keepAlive()
    this.#tell({ kind: 'claim', claimer: id, ns, types, room })
    return id
  }

  done(claimer: number, token: string): void {
    this.#tell({ kind: 'done', claimer, token })
  }

  leave(claimer: number): void {
    this.#tell({ kind: 'leave', claimer })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const gone = new Promise((resolve) => this.#thread.once('exit', resolve))
    this.#thread.ref()
    this.#tell({ kind: 'close' })
    await gone
    process.off('exit', this.#leaveProcess)
    this.#end(new BelfryError('CLOSED', 'the client was closed before the answer came; the call may have taken effect'))
  }

  /* A thread that is ended with open sockets takes the process down with an abort: it gets a moment to close them. */
  readonly #leaveProcess = (): void => {
    this.#tell({ kind: 'close' })
    Atomics.wait(this.#gone, 0, 0, exitMs)
  }

  #tell(message: ToLink): void {
    this.#thread.postMessage(message)
  }

  #keepAlive(): void {
    if (this.#waiting.size + this.#claimers.size > 0) this.#thread.ref()
    else if (!this.#closed) this.#thread.unref()
  }

  #settle(requestId: string): Waiting | undefined {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    waiting?.end()
    this.#keepAlive()
    return waiting
  }

  #hear(message: FromLink): void {
    switch (message.kind) {
      case 'reply':
        this.#settle(message.requestId)?.resolve(fromBinary(ReplySchema, message.bytes))
        break
      case 'failed':
        this.#settle(message.requestId)?.reject(new UnreachableError(message.code, message.text))
        break
      case 'leases':
        this.#claimers.get(message.claimer)?.leases(fromBinary(ReplySchema, message.bytes))
        break
      case 'left': {
        const claimer = this.#claimers.get(message.claimer)
        this.#claimers.delete(message.claimer)
        this.#keepAlive()
        claimer?.left()
        break
      }
      case 'refused':
        this.#claimers.get(message.claimer)?.refused(errorOf(fromBinary(ReplySchema, message.bytes)))
        break
      case 'pulse':
        this.#pulses(message.token, message.lost, message.text)
        break
    }
  }

  #end(error: BelfryError): void {
    this.#closed = true
    for (const requestId of [...this.#waiting.keys()]) this.#settle(requestId)?.reject(error)
    for (const claimer of this.#claimers.values()) claimer.left()
    this.#claimers.clear()
  }
}
