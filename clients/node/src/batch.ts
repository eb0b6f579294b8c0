// SPDX-License-Identifier: MPL-2.0
//
// Several commands in one commit, in their order; where one fails nothing of all of them has happened.
import { create } from '@bufbuild/protobuf'

import { type Command, commands, type ReasonOptions, type ScheduleOptions, type TargetOptions } from './commands.js'
import { type BatchItem, BatchItemSchema } from './gen/belfry_pb.js'
import type { JobInput, JobRef, Trigger, Walls } from './job.js'

export class Batch {
  readonly #ns: string
  readonly items: BatchItem[] = []

  constructor(ns: string) {
    this.#ns = ns
  }

  schedule(jobs: JobInput | JobInput[], options?: ScheduleOptions): this {
    return this.#add(commands.schedule(Array.isArray(jobs) ? jobs : [jobs], this.#ns, options))
  }

  reschedule(job: JobRef, to: Trigger & Walls, options?: TargetOptions): this {
    return this.#add(commands.reschedule(job, to, this.#ns, options))
  }

  cancel(job: JobRef, options?: ReasonOptions): this {
    return this.#add(commands.cancel(job, this.#ns, options))
  }

  confirm(job: JobRef, options?: TargetOptions & { cancelOpen?: boolean }): this {
    return this.#add(commands.confirm(job, this.#ns, options))
  }

  pause(job: JobRef, options?: ReasonOptions): this {
    return this.#add(commands.pause(job, this.#ns, options))
  }

  resume(job: JobRef, options?: TargetOptions & { from?: 'pause' | 'now' }): this {
    return this.#add(commands.resume(job, this.#ns, options))
  }

  trigger(job: JobRef, options?: TargetOptions): this {
    return this.#add(commands.trigger(job, this.#ns, options))
  }

  #add(command: Command): this {
    this.items.push(create(BatchItemSchema, { command: command as BatchItem['command'] }))
    return this
  }
}
