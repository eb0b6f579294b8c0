# SPDX-License-Identifier: MPL-2.0
"""One class for each way in which a call can fail."""

from __future__ import annotations

from typing import Any

from belfry import _wire_pb2 as wire


class BelfryError(Exception):
    """Every error of this package. ``code`` is the wire's name ("KEY_TAKEN"), or "UNREACHABLE", "NO_ENDPOINT",
    "CLOSED", "TIMEOUT"; ``reply`` the daemon's whole answer, where there was one."""

    def __init__(self, code: str, message: str, reply: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.reply = reply


class Invalid(BelfryError):
    """A field is missing, out of range, or against another; the message names it."""


class TooLarge(BelfryError):
    """A payload, a result or a call is too large."""


class LimitReached(BelfryError):
    """A list has too many items, or a count is used up."""


class NotFound(BelfryError):
    """No such job, run or key."""


class KeyTaken(BelfryError):
    """An open job has the key."""


class PastDue(BelfryError):
    """``at`` is in the past and ``reject_past`` was set."""


class TooLate(BelfryError):
    """Confirm: the job's slot was committed before."""


class WrongState(BelfryError):
    """The job's or the run's state does not allow this."""


class StaleToken(BelfryError):
    """Another attempt has the run, it is settled, or its lease ran out."""


class VersionConflict(BelfryError):
    """``if_version``: the job has another version."""


class Unreachable(BelfryError):
    """No answer in time. The call may have taken effect: repeat it with the same ``request_id`` to know."""


class NonRetryable(Exception):
    """Raise it in a handler: no further attempt makes sense."""


_KINDS = {
    wire.CODE_INVALID: Invalid,
    wire.CODE_TOO_LARGE: TooLarge,
    wire.CODE_LIMIT: LimitReached,
    wire.CODE_NOT_FOUND: NotFound,
    wire.CODE_KEY_TAKEN: KeyTaken,
    wire.CODE_PAST_DUE: PastDue,
    wire.CODE_TOO_LATE: TooLate,
    wire.CODE_WRONG_STATE: WrongState,
    wire.CODE_STALE_TOKEN: StaleToken,
    wire.CODE_VERSION_CONFLICT: VersionConflict,
}


def error_of(reply: Any) -> BelfryError:
    """The error that a refusal of the daemon is."""
    name = wire.Code.Name(reply.code) if reply.code in wire.Code.values() else f"code {reply.code}"
    return _KINDS.get(reply.code, BelfryError)(name.removeprefix("CODE_"), reply.text, reply)
