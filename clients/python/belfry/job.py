# SPDX-License-Identifier: MPL-2.0
"""Jobs and runs as a bot reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, List, Mapping, Optional, Union

from belfry import _wire_pb2 as wire
from belfry.errors import Invalid
from belfry.payload import decode, decode_result
from belfry.times import datetime_of

FINAL = ("completed", "dead", "cancelled", "confirmed")


@dataclass(frozen=True)
class Job:
    id: str  #: 64 bits, as text
    ns: str
    key: Optional[str]
    type: str
    state: str  #: waiting, scheduled, active, completed, dead, cancelled, confirmed
    reason: Optional[str]  #: why it is dead, or will be: run_dead, missed, skipped, expired, dependency
    paused: bool
    due: Optional[datetime]  #: when its next slot is due, or its last one was
    version: int
    runs: int
    open_runs: int
    created: Optional[datetime]
    final: Optional[datetime]
    tags: List[str]
    payload: Any  #: where it was asked for
    outcome: Optional[str]  #: of schedule and its like: created, existing, replaced, unchanged, changed
    spec: Any  #: everything, every default resolved, as the wire has it

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


@dataclass(frozen=True)
class RunInfo:
    """A run as the store has it."""

    id: str  #: "JOB.ORDINAL": the same over all attempts; dedupe on it
    type: str
    state: str
    origin: str
    due: Optional[datetime]
    lateness: timedelta
    late: bool
    attempt: int
    failures: int
    worker: str
    reason: str
    result: Any  #: where it was asked for: JSON where it is that, else bytes


#: An id, or a Job, or {"key": …} with or without "ns".
JobRef = Union[str, Job, Mapping[str, str]]


def word_of(enum: Any, prefix: str, number: int) -> str:
    """The lower-case word of an enum's number; empty for 0."""
    if number == 0:
        return ""
    name = enum.Name(number) if number in enum.values() else f"{prefix}{number}"
    return str(name).removeprefix(prefix).lower()


def number_of(enum: Any, prefix: str, word: Optional[str], name: str) -> int:
    """The number of a word; 0, the default, for None. Raises Invalid."""
    if word is None:
        return 0
    full = prefix + word.upper()
    if full not in enum.keys() or enum.Value(full) == 0:
        raise Invalid("INVALID", f'{name}: there is no "{word}"')
    return int(enum.Value(full))


def job_of(job: Any, outcome: int = 0) -> Job:
    return Job(
        id=str(job.id),
        ns=job.spec.ns,
        key=job.spec.key or None,
        type=job.spec.type,
        state=word_of(wire.JobState, "JOB_STATE_", job.state),
        reason=word_of(wire.JobReason, "JOB_REASON_", job.reason) or None,
        paused=job.paused,
        due=datetime_of(job.due_us),
        version=job.version,
        runs=job.runs,
        open_runs=job.open_runs,
        created=datetime_of(job.created_us),
        final=datetime_of(job.final_us),
        tags=list(job.spec.tags),
        payload=decode(job.spec.payload, job.spec.content_type),
        outcome=word_of(wire.Outcome, "OUTCOME_", outcome) or None,
        spec=job.spec,
    )


def run_of(run: Any) -> RunInfo:
    return RunInfo(
        id=run.run,
        type=run.type,
        state=word_of(wire.RunState, "RUN_STATE_", run.state),
        origin=word_of(wire.Origin, "ORIGIN_", run.origin),
        due=datetime_of(run.due_us),
        lateness=timedelta(microseconds=run.lateness_us),
        late=run.late,
        attempt=run.attempt,
        failures=run.failures,
        worker=run.worker,
        reason=run.reason,
        result=decode_result(run.result),
    )


def ref_of(ref: JobRef, ns: str) -> Any:
    """Names a job on the wire. Raises Invalid."""
    if isinstance(ref, Job):
        ref = ref.id
    if isinstance(ref, str):
        if not ref.isascii() or not ref.isdigit():
            raise Invalid("INVALID", f'"{ref}" is no job id; of a key say {{"key": …}}')
        return wire.JobRef(id=int(ref))
    return wire.JobRef(ns=ref.get("ns", ns), key=ref["key"])
