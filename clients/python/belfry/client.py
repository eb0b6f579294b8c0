# SPDX-License-Identifier: MPL-2.0
"""The plain client: calls block, handlers run in threads. Safe to use from several threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from belfry import _requests as requests
from belfry import _wire_pb2 as wire
from belfry._base import Base
from belfry._requests import Batch, BulkResult, Filter, Progress, Slot
from belfry.errors import BelfryError, NonRetryable, TooLarge, Unreachable, error_of
from belfry.job import Job, JobRef, RunInfo
from belfry.run import Run, failed, settled
from belfry.times import Duration, Instant, seconds_of
from belfry.watch import Event, Watch, event_of

Handler = Callable[[Run], Any]
_Function = TypeVar("_Function", bound=Handler)
_BULK_PAUSE = 0.1
_FINAL_KINDS = ("job.completed", "job.dead", "job.cancelled", "job.confirmed")


class Worker:
    """Takes claimed runs to a handler, in threads, and settles each, once, without end to its patience."""

    def __init__(self, client: "Client", types: Union[str, Sequence[str]], handler: Handler, ns: Optional[str], concurrency: int) -> None:
        self._client = client
        self._handler = handler
        self._left = threading.Event()
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="belfry-work")
        self._claimer = client._claimer(types, ns, concurrency, self._take, self._left.set)
        client._link.claim(self._claimer)

    def stop(self, deadline: Optional[float] = None) -> bool:
        """Claims no more, and waits until every handler has ended and its run is settled; False where the time (of
        time.monotonic) came first."""
        self._client._link.leave(self._claimer)
        left = self._left.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        if deadline is None:
            self._threads.shutdown(wait=True)
            return left
        ended = threading.Thread(target=self._threads.shutdown, daemon=True)
        ended.start()
        ended.join(max(0.0, deadline - time.monotonic()))
        return left and not ended.is_alive()

    def _take(self, reply: Any) -> None:
        for lease in reply.claim.leases:
            self._threads.submit(self._work, lease)

    def _work(self, lease: Any) -> None:
        run: Optional[Run] = None
        try:
            run = Run(lease)
            self._client._hold(run)
            request = settled(run, self._handler(run))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failed attempt
            self._client._problem(error, run)
            request = failed(lease.token, error)
        try:
            self._settle(request, lease.token, run)
        finally:
            self._client._drop(lease.token)
            self._client._link.done(self._claimer, lease.token)

    def _settle(self, request: Any, token: str, run: Optional[Run]) -> None:
        try:
            self._client._ask(request, timeout=None)
        except TooLarge as error:
            self._settle(failed(token, NonRetryable(f"its result is too large: {error}")), token, run)
        except BelfryError as error:
            self._client._problem(error, run)


class Client(Base):
    """What a bot calls. Every call is repeated under one request id until it is answered or its time is up, over restarts of
    the daemon. Each takes ``request_id`` (a repeat with the same one has no second effect, for 24 hours) and ``timeout``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """See Base for the options."""
        super().__init__(*args, **options)
        self._workers: List[Worker] = []
        self._stopping = threading.Event()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: Any, request_id: Optional[str] = None, timeout: Union[Duration, None] = -1.0) -> Any:
        patience = timeout if timeout is None or timeout == -1.0 else seconds_of(timeout, "timeout")
        reply = self._link.ask(request, request_id, patience).result()
        if reply.code != wire.CODE_OK:
            raise error_of(reply)
        return reply

    # ------------------------------------------------------------------------------------------------------------------
    # Jobs

    def schedule(
        self,
        *,
        on_key: Optional[str] = None,
        window: Optional[Duration] = None,
        reject_past: bool = False,
        if_version: int = 0,
        request_id: Optional[str] = None,
        timeout: Union[Duration, None] = -1.0,
        **job: Any,
    ) -> Job:
        """Makes a job: ``type``, one of at, after, every, cron, daily, rrule, and whatever else belfry.proto's JobSpec has:
        key, payload, tags, tz, retry, lease, … ``every`` takes (interval, anchor), too."""
        request = requests.schedule([job], self._ns, on_key, reject_past, if_version, window)
        return requests.one_job(self._ask(request, request_id, timeout))

    def schedule_many(
        self,
        jobs: Sequence[Mapping[str, Any]],
        *,
        on_key: Optional[str] = None,
        window: Optional[Duration] = None,
        reject_past: bool = False,
        request_id: Optional[str] = None,
        timeout: Union[Duration, None] = -1.0,
    ) -> List[Job]:
        """Makes up to 1000 jobs in one commit: all or none."""
        return requests.jobs_of(self._ask(requests.schedule(jobs, self._ns, on_key, reject_past, window=window), request_id, timeout))

    def cancel(self, job: JobRef, *, reason: Optional[str] = None, if_version: int = 0, **call: Any) -> Job:
        """Ends a job: after this its slot never fires."""
        request = requests.change("cancel", job, None, self._ns, if_version=if_version, reason=reason)
        return requests.one_job(self._ask(request, **call))

    def confirm(self, job: JobRef, *, cancel_open: bool = False, if_version: int = 0, **call: Any) -> Job:
        """What the job waited for has come: nothing fires. Raises TooLate where its slot was committed before."""
        request = requests.change("confirm", job, None, self._ns, if_version=if_version, cancel_open=cancel_open)
        return requests.one_job(self._ask(request, **call))

    def reschedule(
        self,
        job: JobRef,
        *,
        if_version: int = 0,
        request_id: Optional[str] = None,
        timeout: Union[Duration, None] = -1.0,
        **to: Any,
    ) -> Job:
        """Gives a job another time; "extend my drawing time" is reschedule(job, after="10m")."""
        request = requests.change("reschedule", job, None, self._ns, if_version=if_version, **to)
        return requests.one_job(self._ask(request, request_id, timeout))

    def pause(self, job: JobRef, *, reason: Optional[str] = None, if_version: int = 0, **call: Any) -> Job:
        """Stops the slots of a job; open runs go on."""
        request = requests.change("pause", job, None, self._ns, if_version=if_version, reason=reason)
        return requests.one_job(self._ask(request, **call))

    def resume(self, job: JobRef, *, from_: Optional[str] = None, if_version: int = 0, **call: Any) -> Job:
        """From the pause on, catching up by the job's late policy; or from_="now"."""
        request = requests.change("resume", job, None, self._ns, if_version=if_version, from_=from_)
        return requests.one_job(self._ask(request, **call))

    def trigger(self, job: JobRef, *, if_version: int = 0, **call: Any) -> RunInfo:
        """Makes an extra run now."""
        return requests.one_run(self._ask(requests.change("trigger", job, None, self._ns, if_version=if_version), **call))

    def redrive(self, run: str, **call: Any) -> RunInfo:
        """Makes a new run out of a dead one: "JOB.ORDINAL", or "JOB" for its newest."""
        return requests.one_run(self._ask(requests.redrive(run, None), **call))

    def many(
        self,
        command: str,
        where: Filter,
        *,
        dry_run: bool = False,
        progress: Progress = None,
        request_id: Optional[str] = None,
        **fields: Any,
    ) -> BulkResult:
        """cancel, confirm, pause, resume, trigger, reschedule or redrive of every job that the filter matches. It goes on by
        itself, over restarts; ``progress`` hears how far it is."""
        if command == "redrive":
            request = requests.redrive(None, where, dry_run)
        else:
            request = requests.change(command, None, where, self._ns, dry_run=dry_run, **fields)
        name = request_id or self._link.next_id()
        while True:
            result = requests.bulk_of(self._ask(request, name))
            if progress is not None:
                progress(result)
            if result.done:
                return result
            time.sleep(_BULK_PAUSE)

    def batch(self) -> Batch:
        """Commands to be sent in one commit by ``commit``."""
        return Batch(self._ns)

    def commit(self, batch: Batch, **call: Any) -> List[Union[List[Job], List[RunInfo]]]:
        """All of the batch's commands, or none."""
        return requests.batch_of(self._ask(batch.request, **call))

    # ------------------------------------------------------------------------------------------------------------------
    # Work

    def on(self, types: Union[str, Sequence[str]], *, ns: Optional[str] = None, concurrency: int = 10) -> Callable[[_Function], _Function]:
        """Decorates the handler of a type, or of several: it completes its run when it returns, with what it returns, and
        fails it when it raises. Runs come at least once: dedupe on run.id."""

        def decorate(handler: _Function) -> _Function:
            self.work(types, handler, ns=ns, concurrency=concurrency)
            return handler

        return decorate

    def work(self, types: Union[str, Sequence[str]], handler: Handler, *, ns: Optional[str] = None, concurrency: int = 10) -> Worker:
        """As ``on``, with a handle to stop it."""
        worker = Worker(self, types, handler, ns, concurrency)
        self._workers.append(worker)
        return worker

    def run(self) -> None:
        """Waits, while handlers work, until ``stop`` or Ctrl-C; then closes."""
        try:
            self._stopping.wait()
        except KeyboardInterrupt:
            pass
        self.close()

    def stop(self) -> None:
        """Lets ``run`` return; may be called by a signal's handler."""
        self._stopping.set()

    # ------------------------------------------------------------------------------------------------------------------
    # Reading

    def get(self, job: JobRef, *, payload: bool = True, runs: int = 0, **call: Any) -> Tuple[Job, List[RunInfo]]:
        """A job with its newest runs. Raises NotFound."""
        return requests.got(self._ask(requests.get(job, self._ns, payload, runs), **call))

    def list(self, where: Optional[Filter] = None, *, payload: bool = False) -> Iterator[Job]:
        """Jobs in the order of their ids, page by page as they are read."""
        cursor = 0
        while True:
            page = requests.expect(self._ask(requests.list_page(where or {}, payload, cursor)), "list")
            yield from (requests.job_of(job) for job in page.jobs)
            cursor = page.next_cursor
            if cursor == 0:
                return

    def history(self, job: JobRef, *, kinds: Sequence[str] = ()) -> Iterator[Event]:
        """What happened to a job, newest first."""
        cursor = 0
        while True:
            page = requests.expect(self._ask(requests.history_page(job, self._ns, kinds, cursor)), "events")
            yield from (event_of(event, True) for event in page.events)
            cursor = page.next_cursor
            if cursor == 0:
                return

    def preview(self, *, job: Optional[JobRef] = None, from_: Optional[Instant] = None, limit: int = 0, **trigger: Any) -> List[Slot]:
        """The next slots of a trigger, or of a job, without making one."""
        return requests.slots_of(self._ask(requests.preview(trigger, job, self._ns, from_, limit)))

    def status(self, **call: Any) -> Any:
        """The daemon, as the wire has it (StatusReply)."""
        return requests.expect(self._ask(requests.plain("status"), **call), "status")

    def stats(self, **call: Any) -> Any:
        """Depths and counters, as the wire has them (StatsReply)."""
        return requests.expect(self._ask(requests.plain("stats"), **call), "stats")

    # ------------------------------------------------------------------------------------------------------------------
    # Following

    def watch(self, *, kinds: Sequence[str] = (), types: Sequence[str] = (), after: Optional[int] = None, stream_epoch: int = 0) -> Watch:
        """Events as they are committed, without a gap, over restarts and lost frames: from now on, or after a seq."""
        return self._watch(kinds, types, after, stream_epoch)

    def wait_for(self, job: JobRef, *, timeout: Optional[Duration] = None) -> Job:
        """The job when it is final: completed, dead, cancelled or confirmed. It may be by now. Raises Unreachable."""
        status = self.status()
        found, _ = self.get(job)
        if found.is_final:
            return found
        with self.watch(kinds=_FINAL_KINDS, after=status.head_seq, stream_epoch=status.stream_epoch) as watch:
            timer = threading.Timer(seconds_of(timeout, "timeout"), watch.close) if timeout is not None else None
            if timer is not None:
                timer.daemon = True
                timer.start()
            try:
                for story in watch:
                    # After a notice what was told before may not hold.
                    if isinstance(story, Event) and story.job != found.id:
                        continue
                    now, _ = self.get(found.id)
                    if now.is_final:
                        return now
            finally:
                if timer is not None:
                    timer.cancel()
        raise Unreachable("TIMEOUT", "the job is not final yet; the wait was over")

    # ------------------------------------------------------------------------------------------------------------------
    # The end

    def close(self, deadline: Duration = "30s") -> None:
        """Claims no more, lets handlers end, settles their runs, and closes. Handlers that take longer are left: their leases
        run out, and others get their runs."""
        end = time.monotonic() + seconds_of(deadline, "deadline")
        for watch in self._watches:
            watch.close()
        for worker in self._workers:
            worker._client._link.leave(worker._claimer)
        for worker in self._workers:
            worker.stop(end)
        self._abandon()
        self._link.close()
