# SPDX-License-Identifier: MPL-2.0
"""Commands as the wire has them, and what their replies say. No sockets: the plain client and the asyncio one share it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple, Union

from belfry import _wire_pb2 as wire
from belfry.errors import BelfryError, Invalid
from belfry.job import Job, JobRef, RunInfo, job_of, number_of, ref_of, run_of
from belfry.payload import encode
from belfry.times import Duration, datetime_of, duration_us, instant_us

#: {"ns", "type", "states", "tags", "key_prefix", "all"}: jobs for which everything holds that is set.
Filter = Mapping[str, Any]

_LENGTHS = {
    "jitter": "jitter_us",
    "lease": "lease_us",
    "run_timeout": "run_timeout_us",
    "start_timeout": "start_timeout_us",
    "grace": "grace_us",
}
_INSTANTS = {"start": "start_us", "end": "end_us"}
_PLAIN = {"type", "key", "ns", "tags", "exclude", "max_runs", "catchup_max", "tz", "reminder_type"}
_ENUMS = {
    "delivery": (wire.Delivery, "DELIVERY_"),
    "late": (wire.Late, "LATE_"),
    "overlap": (wire.Overlap, "OVERLAP_"),
    "skipped": (wire.Skipped, "SKIPPED_"),
    "repeated": (wire.Repeated, "REPEATED_"),
}
TRIGGERS = ("at", "after", "every", "cron", "daily", "rrule")
_RETRY_LENGTHS = {"delay": "delay_us", "max_delay": "max_delay_us", "max_age": "max_age_us"}


def _set_trigger(message: Any, given: Mapping[str, Any]) -> None:
    """One of TRIGGERS, into a JobSpec or a Reschedule."""
    named = [name for name in TRIGGERS if given.get(name) is not None]
    if len(named) != 1:
        which = f", not {' and '.join(named)}" if named else ""
        raise Invalid("INVALID", f"say exactly one of {', '.join(TRIGGERS)}{which}")
    name = named[0]
    value = given[name]
    if name == "at":
        message.at_us = instant_us(value, name)
    elif name == "after":
        message.after_us = duration_us(value, name)
    elif name == "every":
        interval, anchor = value if isinstance(value, tuple) else (value, None)
        message.every.interval_us = duration_us(interval, name)
        if anchor is not None:
            message.every.anchor_us = instant_us(anchor, "every's anchor")
    else:
        setattr(message, name, value)


def _set_retry(policy: Any, retry: Mapping[str, Any]) -> None:
    for name, value in retry.items():
        if name in _RETRY_LENGTHS:
            setattr(policy, _RETRY_LENGTHS[name], duration_us(value, f"retry.{name}"))
        elif name == "delays":
            policy.delays_us.extend(duration_us(delay, "retry.delays") for delay in value)
        elif name == "factor":
            policy.factor_permille = round(value * 1000)
        elif name == "backoff":
            policy.backoff = number_of(wire.Backoff, "BACKOFF_", value, "retry.backoff")
        elif name in ("max_attempts", "jitter_percent"):
            setattr(policy, name, value)
        else:
            raise Invalid("INVALID", f'retry: there is no "{name}"')


def spec_of(job: Mapping[str, Any], ns: str) -> Any:
    """The wire's definition. Raises Invalid; ranges are the daemon's to judge."""
    spec = wire.JobSpec(ns=ns)
    _set_trigger(spec, job)
    spec.payload, spec.content_type = encode(job.get("payload"), job.get("content_type"))
    for name, value in job.items():
        if name in TRIGGERS or name in ("payload", "content_type") or value is None:
            continue
        if name in _LENGTHS:
            setattr(spec, _LENGTHS[name], duration_us(value, name))
        elif name in _INSTANTS:
            setattr(spec, _INSTANTS[name], instant_us(value, name))
        elif name in _ENUMS:
            enum, prefix = _ENUMS[name]
            setattr(spec, name, number_of(enum, prefix, value, name))
        elif name == "retry":
            _set_retry(spec.retry, value)
        elif name == "remind_before":
            spec.remind_before_us.extend(duration_us(before, name) for before in value)
        elif name in ("tags", "exclude"):
            getattr(spec, name).extend(value)
        elif name in _PLAIN:
            setattr(spec, name, value)
        else:
            raise Invalid("INVALID", f'a job has no "{name}"')
    return spec


def filter_of(given: Filter) -> Any:
    known = {"ns", "type", "states", "tags", "key_prefix", "all"}
    strange = sorted(set(given) - known)
    if strange:
        raise Invalid("INVALID", f'a filter has no "{strange[0]}": say {", ".join(sorted(known))}')
    return wire.Filter(
        ns=given.get("ns", ""),
        type=given.get("type", ""),
        states=[number_of(wire.JobState, "JOB_STATE_", state, "states") for state in given.get("states", ())],
        tags=given.get("tags", ()),
        key_prefix=given.get("key_prefix", ""),
        all=given.get("all", False),
    )


def _set_target(command: Any, job: Optional[JobRef], many: Optional[Filter], ns: str, dry_run: bool, if_version: int) -> None:
    if (job is None) == (many is None):
        raise Invalid("INVALID", "say which job, or filter= for many, and not both")
    if job is not None:
        if dry_run:
            raise Invalid("INVALID", "dry_run needs a filter")
        command.job.CopyFrom(ref_of(job, ns))
    else:
        command.filter.CopyFrom(filter_of(many or {}))
        command.dry_run = dry_run
    command.if_version = if_version


def schedule(
    jobs: Sequence[Mapping[str, Any]],
    ns: str,
    on_key: Optional[str] = None,
    reject_past: bool = False,
    if_version: int = 0,
    window: Optional[Duration] = None,
) -> Any:
    command = wire.Schedule(reject_past=reject_past, if_version=if_version)
    command.window_us = duration_us(window, "window") if window is not None else 0
    command.jobs.extend(spec_of(job, ns) for job in jobs)
    command.on_key = number_of(wire.OnKey, "ON_KEY_", on_key, "on_key")
    return wire.Request(schedule=command)


def change(
    name: str,
    job: Optional[JobRef],
    many: Optional[Filter],
    ns: str,
    *,
    dry_run: bool = False,
    if_version: int = 0,
    **fields: Any,
) -> Any:
    """cancel, confirm, pause, resume, trigger, reschedule: of one job, or of many."""
    request = wire.Request()
    command = getattr(request, name)
    command.SetInParent()
    _set_target(command, job, many, ns, dry_run, if_version)
    if name == "reschedule":
        _set_trigger(command, fields)
        command.tz = fields.get("tz") or ""
        for word in ("skipped", "repeated"):
            enum, prefix = _ENUMS[word]
            setattr(command, word, number_of(enum, prefix, fields.get(word), word))
        command.reject_past = bool(fields.get("reject_past"))
    elif name == "resume":
        setattr(command, "from", number_of(wire.ResumeFrom, "RESUME_FROM_", fields.get("from_"), "from_"))
    elif name in ("cancel", "pause"):
        command.reason = fields.get("reason") or ""
    elif name == "confirm":
        command.cancel_open = bool(fields.get("cancel_open"))
    return request


def redrive(run: Optional[str], many: Optional[Filter], dry_run: bool = False) -> Any:
    if (run is None) == (many is None):
        raise Invalid("INVALID", "say which run, or filter= for many, and not both")
    request = wire.Request()
    if run is not None:
        request.redrive.run = run
    else:
        request.redrive.filter.CopyFrom(filter_of(many or {}))
        request.redrive.dry_run = dry_run
    return request


def get(job: JobRef, ns: str, payload: bool, runs: int) -> Any:
    return wire.Request(get=wire.Get(job=ref_of(job, ns), with_payload=payload, max_runs=runs))


def list_page(given: Filter, payload: bool, cursor: int) -> Any:
    where = filter_of(given)
    page = wire.List(ns=where.ns, type=where.type, states=where.states, tags=where.tags, key_prefix=where.key_prefix)
    page.with_payload = payload
    page.cursor = cursor
    return wire.Request(list=page)


def history_page(job: JobRef, ns: str, kinds: Sequence[str], cursor: int) -> Any:
    return wire.Request(history=wire.History(job=ref_of(job, ns), kinds=kinds, cursor=cursor))


def preview(trigger: Mapping[str, Any], job: Optional[JobRef], ns: str, from_: Any, limit: int) -> Any:
    command = wire.Preview(limit=limit, from_us=instant_us(from_, "from_") if from_ is not None else 0)
    if job is not None:
        command.job.CopyFrom(ref_of(job, ns))
    else:
        command.spec.CopyFrom(spec_of(trigger, ns))
    return wire.Request(preview=command)


def plain(name: str) -> Any:
    """status, stats: commands without fields."""
    request = wire.Request()
    getattr(request, name).SetInParent()
    return request


class Batch:
    """Several commands in one commit, in their order; where one fails nothing of all of them has happened."""

    def __init__(self, ns: str) -> None:
        self._ns = ns
        self.request = wire.Request()
        self.request.batch.SetInParent()

    def _add(self, request: Any) -> "Batch":
        name = request.WhichOneof("command")
        getattr(self.request.batch.items.add(), name).CopyFrom(getattr(request, name))
        return self

    def schedule(
        self, *, on_key: Optional[str] = None, window: Optional[Duration] = None, reject_past: bool = False, **job: Any
    ) -> "Batch":
        return self._add(schedule([job], self._ns, on_key, reject_past, window=window))

    def cancel(self, job: JobRef, *, reason: Optional[str] = None, if_version: int = 0) -> "Batch":
        return self._add(change("cancel", job, None, self._ns, if_version=if_version, reason=reason))

    def confirm(self, job: JobRef, *, cancel_open: bool = False, if_version: int = 0) -> "Batch":
        return self._add(change("confirm", job, None, self._ns, if_version=if_version, cancel_open=cancel_open))

    def reschedule(self, job: JobRef, *, if_version: int = 0, **to: Any) -> "Batch":
        return self._add(change("reschedule", job, None, self._ns, if_version=if_version, **to))

    def pause(self, job: JobRef, *, reason: Optional[str] = None, if_version: int = 0) -> "Batch":
        return self._add(change("pause", job, None, self._ns, if_version=if_version, reason=reason))

    def resume(self, job: JobRef, *, from_: Optional[str] = None, if_version: int = 0) -> "Batch":
        return self._add(change("resume", job, None, self._ns, if_version=if_version, from_=from_))

    def trigger(self, job: JobRef, *, if_version: int = 0) -> "Batch":
        return self._add(change("trigger", job, None, self._ns, if_version=if_version))


# ----------------------------------------------------------------------------------------------------------------------
# Replies


@dataclass(frozen=True)
class BulkResult:
    """What a command by filter did, or would do."""

    done: bool
    changed: int
    unchanged: int
    refused: int
    runs: int
    examined: int
    refusals: List[Tuple[str, str]]  #: the first ten: job, and why


@dataclass(frozen=True)
class Slot:
    due: Optional[datetime]
    local: str  #: as the walls of its zone show it
    note: str  #: what a clock change did to it


def expect(reply: Any, result: str) -> Any:
    """The part of the reply that the call asked for. Raises BelfryError."""
    if reply.WhichOneof("result") != result:
        raise BelfryError("BAD_ANSWER", f"the daemon answered with {reply.WhichOneof('result')}, not {result}", reply)
    return getattr(reply, result)


def jobs_of(reply: Any) -> List[Job]:
    return [job_of(item.job, item.outcome) for item in expect(reply, "jobs").items]


def one_job(reply: Any) -> Job:
    return jobs_of(reply)[0]


def one_run(reply: Any) -> RunInfo:
    return run_of(expect(reply, "runs").runs[0])


def got(reply: Any) -> Tuple[Job, List[RunInfo]]:
    answer = expect(reply, "get")
    return job_of(answer.job), [run_of(run) for run in answer.runs]


def batch_of(reply: Any) -> List[Union[List[Job], List[RunInfo]]]:
    def one(item: Any) -> Union[List[Job], List[RunInfo]]:
        if item.WhichOneof("result") == "runs":
            return [run_of(run) for run in item.runs.runs]
        return [job_of(each.job, each.outcome) for each in item.jobs.items]

    return [one(item) for item in expect(reply, "batch").items]


def bulk_of(reply: Any) -> BulkResult:
    bulk = expect(reply, "bulk")
    return BulkResult(
        done=bulk.done or bulk.dry_run,
        changed=bulk.changed,
        unchanged=bulk.unchanged,
        refused=bulk.refused,
        runs=bulk.runs,
        examined=bulk.examined,
        refusals=[(str(refusal.job), refusal.text) for refusal in bulk.refusals],
    )


def slots_of(reply: Any) -> List[Slot]:
    return [Slot(datetime_of(slot.due_us), slot.local, slot.note) for slot in expect(reply, "preview").slots]


Progress = Optional[Callable[[BulkResult], None]]
