// SPDX-License-Identifier: MPL-2.0
//
// A belfryd of a test's own, in a directory of its own, on ports that the kernel chooses. BELFRYD names the program.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export class Daemon {
  readonly directory = mkdtempSync(join(tmpdir(), 'belfry-node-'))
  #process: ChildProcess | null = null

  static async start(): Promise<Daemon> {
    const daemon = new Daemon()
    await daemon.start()
    return daemon
  }

  get data(): string {
    return join(this.directory, 'data')
  }

  async start(): Promise<void> {
    const any = 'tcp://127.0.0.1:*'
    const args = ['--data', this.data, '--commands', any, '--feed', any, '--monitor', any]
    const child = spawn(process.env.BELFRYD ?? 'belfryd', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#process = child
    const lines = createInterface({ input: child.stdout })
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])])) as [string]
    if (!line.startsWith('ready ')) throw new Error(`belfryd is not ready: '${line}'`)
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = null
    if (!child || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }

  /** As a crash, and again: on other ports. */
  async crash(): Promise<void> {
    await this.end('SIGKILL')
    await this.start()
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}
