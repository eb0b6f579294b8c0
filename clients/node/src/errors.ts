// SPDX-License-Identifier: MPL-2.0
//
// One class for each way in which a call can fail, so that a bot tells them apart with instanceof.
import { Code, type Reply } from './gen/belfry_pb.js'

/** Every error of this package. `code` is the wire's name ("KEY_TAKEN"), or "UNREACHABLE", "NO_ENDPOINT", "CLOSED", "ABORTED". */
export class BelfryError extends Error {
  readonly code: string
  /** The daemon's whole answer, where there was one. */
  readonly reply: Reply | undefined

  constructor(code: string, message: string, reply?: Reply) {
    super(message)
    this.name = new.target.name
    this.code = code
    this.reply = reply
  }
}

/** A field is missing, out of range, or against another; the message names it. */
export class InvalidError extends BelfryError {}
/** A payload, a result or a call is too large. */
export class TooLargeError extends BelfryError {}
/** A list has too many items, or a count is used up. */
export class LimitError extends BelfryError {}
/** No such job, run or key. */
export class NotFoundError extends BelfryError {}
/** An open job has the key. */
export class KeyTakenError extends BelfryError {}
/** `at` is in the past and rejectPast was set. */
export class PastDueError extends BelfryError {}
/** Confirm: the job's slot was committed before. */
export class TooLateError extends BelfryError {}
/** The job's or the run's state does not allow this. */
export class WrongStateError extends BelfryError {}
/** Another attempt has the run, it is settled, or its lease ran out. */
export class StaleTokenError extends BelfryError {}
/** ifVersion: the job has another version. */
export class VersionConflictError extends BelfryError {}
/** No answer in time. The call may have taken effect: repeat it with the same requestId to know. */
export class UnreachableError extends BelfryError {}

/** Throw it in a handler: no further attempt makes sense. */
export class NonRetryableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NonRetryableError'
  }
}

type Kind = new (code: string, message: string, reply?: Reply) => BelfryError

const kinds: Partial<Record<Code, Kind>> = {
  [Code.INVALID]: InvalidError,
  [Code.TOO_LARGE]: TooLargeError,
  [Code.LIMIT]: LimitError,
  [Code.NOT_FOUND]: NotFoundError,
  [Code.KEY_TAKEN]: KeyTakenError,
  [Code.PAST_DUE]: PastDueError,
  [Code.TOO_LATE]: TooLateError,
  [Code.WRONG_STATE]: WrongStateError,
  [Code.STALE_TOKEN]: StaleTokenError,
  [Code.VERSION_CONFLICT]: VersionConflictError,
}

/** The error that a refusal of the daemon is. */
export function errorOf(reply: Reply): BelfryError {
  const kind = kinds[reply.code] ?? BelfryError
  return new kind(Code[reply.code] ?? `code ${reply.code}`, reply.text, reply)
}
