# SPDX-License-Identifier: MPL-2.0
"""One attempt at a run, as a handler sees it, and how it is settled."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any, Callable, List, Optional

from belfry import _wire_pb2 as wire
from belfry.errors import NonRetryable
from belfry.job import word_of
from belfry.payload import decode, encode
from belfry.times import Duration, Instant, datetime_of, duration_us, instant_us

_REASON_BYTES = 1024


class Run:
    """Work is done at least once: dedupe on ``id``."""

    def __init__(self, lease: Any) -> None:
        run = lease.run
        self.id: str = run.run  #: "JOB.ORDINAL": the same over all attempts, restarts and workers
        self.job: str = run.run.split(".")[0]
        self.token: str = lease.token
        self.ns: str = run.ns
        self.type: str = run.type
        self.key: Optional[str] = lease.key or None
        self.content_type: str = lease.content_type
        self.payload: Any = decode(lease.payload, lease.content_type)
        self.tags: List[str] = list(lease.tags)
        self.attempt: int = run.attempt  #: from 1
        self.failures: int = run.failures
        self.origin: str = word_of(wire.Origin, "ORIGIN_", run.origin)
        self.due: Optional[datetime] = datetime_of(run.due_us)
        self.lateness = timedelta(microseconds=run.lateness_us)  #: when it became a run, minus due
        self.late: bool = run.late
        #: Of a reminder: how long before the slot it was due, and when the slot is; else None.
        self.remind_before = timedelta(microseconds=lease.remind_before_us) if lease.remind_before_us else None
        self.slot_due: Optional[datetime] = datetime_of(lease.slot_due_us)
        #: Set where the job was cancelled, confirmed or moved, or the lease was lost.
        self.cancelled = threading.Event()
        self.cancel_reason = ""
        self._later: Any = None
        self._on_cancel: Optional[Callable[[], None]] = None

    def snooze(self, until: Optional[Duration] = None, *, at: Optional[Instant] = None, reason: str = "") -> None:
        """Not now: when the handler returns, the run is given back until then; it counts as no failure."""
        self._later = wire.Snooze(token=self.token, reason=reason)
        if at is not None:
            self._later.at_us = instant_us(at, "at")
        else:
            self._later.for_us = duration_us(until or 0, "until")

    def _cancel(self, reason: str) -> None:
        self.cancel_reason = reason
        self.cancelled.set()
        if self._on_cancel is not None:
            self._on_cancel()


def settled(run: Run, result: Any) -> Any:
    """The request for a handler that returned."""
    if run._later is not None:  # pylint: disable=protected-access
        return wire.Request(snooze=run._later)
    return wire.Request(complete=wire.Complete(token=run.token, result=encode(result)[0]))


def failed(token: str, error: BaseException) -> Any:
    """The request for a handler that raised."""
    text = f"{type(error).__name__}: {error}".replace("\0", "")
    reason = text.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")
    return wire.Request(fail=wire.Fail(token=token, reason=reason, non_retryable=isinstance(error, NonRetryable)))
