# SPDX-License-Identifier: MPL-2.0
"""Belfry for Python: deadlines, reminders and recurring work, kept by belfryd.

``belfry.Client`` blocks and runs handlers in threads; ``belfry.aio.Client`` is the same for asyncio."""

from belfry import aio
from belfry._requests import Batch, BulkResult, Slot
from belfry.client import Client, Worker
from belfry.errors import (
    BelfryError,
    Invalid,
    KeyTaken,
    LimitReached,
    NonRetryable,
    NotFound,
    PastDue,
    StaleToken,
    TooLarge,
    TooLate,
    Unreachable,
    VersionConflict,
    WrongState,
)
from belfry.job import Job, JobRef, RunInfo
from belfry.run import Run
from belfry.watch import Event, Notice, Watch

__all__ = [
    "Batch", "BelfryError", "BulkResult", "Client", "Event", "Invalid", "Job", "JobRef", "KeyTaken", "LimitReached",
    "NonRetryable", "NotFound", "Notice", "PastDue", "Run", "RunInfo", "Slot", "StaleToken", "TooLarge", "TooLate",
    "Unreachable", "VersionConflict", "Watch", "Worker", "WrongState", "aio",
]  # fmt: skip
