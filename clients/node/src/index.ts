// SPDX-License-Identifier: MPL-2.0
//
// What the package offers. wrap.mjs makes the ES module of the same names: one copy of every class, however it is loaded.
export type { Batch } from './batch.js'
export { type BatchResult, Belfry, type BelfryOptions, type BulkResult, type BulkSettings, type CallSettings, type Slot } from './belfry.js'
export type { Filter, ReasonOptions, ScheduleOptions, Target, TargetOptions } from './commands.js'
export {
  BelfryError,
  InvalidError,
  KeyTakenError,
  LimitError,
  NonRetryableError,
  NotFoundError,
  PastDueError,
  StaleTokenError,
  TooLargeError,
  TooLateError,
  UnreachableError,
  VersionConflictError,
  WrongStateError,
} from './errors.js'
export type { Job, JobInput, JobRef, JobStateName, Retry, Trigger, Walls } from './job.js'
export { Run, type RunInfo } from './run.js'
export type { Duration, Instant } from './time.js'
export type { Event, Notice, WatchOptions } from './watch.js'
export { Watch } from './watch.js'
export { type Handler, Worker, type WorkOptions } from './work.js'
