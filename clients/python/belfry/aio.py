# SPDX-License-Identifier: MPL-2.0
"""The client for asyncio: the same calls, awaited; handlers are coroutines. Make it within a running loop.

Claims and heartbeats are the link's thread's: a handler that holds the loop loses no lease."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, AsyncIterator, Awaitable, Callable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar, Union

from belfry import _requests as requests
from belfry import _wire_pb2 as wire
from belfry._base import Base
from belfry._requests import Batch, BulkResult, Filter, Progress, Slot
from belfry.errors import BelfryError, NonRetryable, TooLarge, Unreachable, error_of
from belfry.job import Job, JobRef, RunInfo
from belfry.run import Run, failed, settled
from belfry.times import Duration, Instant, seconds_of
from belfry.watch import Event, Notice, Watch, event_of

Handler = Callable[[Run], Awaitable[Any]]
_Function = TypeVar("_Function", bound=Handler)
_BULK_PAUSE = 0.1
_FINAL_KINDS = ("job.completed", "job.dead", "job.cancelled", "job.confirmed")


class Worker:
    """Takes claimed runs to a coroutine and settles each, once, without end to its patience."""

    def __init__(self, client: "Client", types: Union[str, Sequence[str]], handler: Handler, ns: Optional[str], concurrency: int) -> None:
        self._client = client
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._left = asyncio.Event()
        self._tasks: Set["asyncio.Task[None]"] = set()
        left = self._from_thread(self._left.set)
        self._claimer = client._claimer(types, ns, concurrency, self._from_thread(self._take), left)
        client._link.claim(self._claimer)

    def _from_thread(self, act: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            try:
                self._loop.call_soon_threadsafe(act, *arguments)
            except RuntimeError:
                pass  # the loop is closed: the leases run out

        return call

    async def stop(self) -> None:
        """Claims no more, and waits until every handler has ended and its run is settled."""
        self._client._link.leave(self._claimer)
        await self._left.wait()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _take(self, reply: Any) -> None:
        for lease in reply.claim.leases:
            task = self._loop.create_task(self._work(lease))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, lease: Any) -> None:
        run: Optional[Run] = None
        try:
            run = Run(lease)
            self._client._hold(run)
            request = settled(run, await self._handler(run))
        except asyncio.CancelledError:
            self._client._link.done(self._claimer, lease.token)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failed attempt
            self._client._problem(error, run)
            request = failed(lease.token, error)
        try:
            await self._settle(request, lease.token, run)
        finally:
            self._client._drop(lease.token)
            self._client._link.done(self._claimer, lease.token)

    async def _settle(self, request: Any, token: str, run: Optional[Run]) -> None:
        try:
            await self._client._ask(request, timeout=None)
        except TooLarge as error:
            await self._settle(failed(token, NonRetryable(f"its result is too large: {error}")), token, run)
        except BelfryError as error:
            self._client._problem(error, run)


class AsyncWatch:
    """As belfry.watch.Watch, for ``async for``. It reads in a thread of its own."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="belfry-watch")

    def __aiter__(self) -> AsyncIterator[Union[Event, Notice]]:
        return self

    async def __anext__(self) -> Union[Event, Notice]:
        loop = asyncio.get_running_loop()
        story = await loop.run_in_executor(self._thread, next, self._watch, None)
        if story is None:
            raise StopAsyncIteration
        return story

    async def __aenter__(self) -> "AsyncWatch":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._watch.close()
        self._thread.submit(self._watch.close)
        self._thread.shutdown(wait=False)


class Client(Base):
    """As belfry.Client; every call is awaited."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """See Base for the options."""
        super().__init__(*args, **options)
        self._workers: List[Worker] = []
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, request: Any, request_id: Optional[str] = None, timeout: Union[Duration, None] = -1.0) -> Any:
        patience = timeout if timeout is None or timeout == -1.0 else seconds_of(timeout, "timeout")
        reply = await asyncio.wrap_future(self._link.ask(request, request_id, patience))
        if reply.code != wire.CODE_OK:
            raise error_of(reply)
        return reply

    # ------------------------------------------------------------------------------------------------------------------
    # Jobs

    async def schedule(
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
        """Makes a job; see belfry.Client."""
        request = requests.schedule([job], self._ns, on_key, reject_past, if_version, window)
        return requests.one_job(await self._ask(request, request_id, timeout))

    async def schedule_many(
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
        return requests.jobs_of(await self._ask(requests.schedule(jobs, self._ns, on_key, reject_past, window=window), request_id, timeout))

    async def cancel(self, job: JobRef, *, reason: Optional[str] = None, if_version: int = 0, **call: Any) -> Job:
        """Ends a job: after this its slot never fires."""
        request = requests.change("cancel", job, None, self._ns, if_version=if_version, reason=reason)
        return requests.one_job(await self._ask(request, **call))

    async def confirm(self, job: JobRef, *, cancel_open: bool = False, if_version: int = 0, **call: Any) -> Job:
        """What the job waited for has come: nothing fires. Raises TooLate where its slot was committed before."""
        request = requests.change("confirm", job, None, self._ns, if_version=if_version, cancel_open=cancel_open)
        return requests.one_job(await self._ask(request, **call))

    async def reschedule(
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
        return requests.one_job(await self._ask(request, request_id, timeout))

    async def pause(self, job: JobRef, *, reason: Optional[str] = None, if_version: int = 0, **call: Any) -> Job:
        """Stops the slots of a job; open runs go on."""
        request = requests.change("pause", job, None, self._ns, if_version=if_version, reason=reason)
        return requests.one_job(await self._ask(request, **call))

    async def resume(self, job: JobRef, *, from_: Optional[str] = None, if_version: int = 0, **call: Any) -> Job:
        """From the pause on, catching up by the job's late policy; or from_="now"."""
        request = requests.change("resume", job, None, self._ns, if_version=if_version, from_=from_)
        return requests.one_job(await self._ask(request, **call))

    async def trigger(self, job: JobRef, *, if_version: int = 0, **call: Any) -> RunInfo:
        """Makes an extra run now."""
        request = requests.change("trigger", job, None, self._ns, if_version=if_version)
        return requests.one_run(await self._ask(request, **call))

    async def redrive(self, run: str, **call: Any) -> RunInfo:
        """Makes a new run out of a dead one: "JOB.ORDINAL", or "JOB" for its newest."""
        return requests.one_run(await self._ask(requests.redrive(run, None), **call))

    async def many(
        self,
        command: str,
        where: Filter,
        *,
        dry_run: bool = False,
        progress: Progress = None,
        request_id: Optional[str] = None,
        **fields: Any,
    ) -> BulkResult:
        """cancel, confirm, pause, resume, trigger, reschedule or redrive of every job that the filter matches."""
        if command == "redrive":
            request = requests.redrive(None, where, dry_run)
        else:
            request = requests.change(command, None, where, self._ns, dry_run=dry_run, **fields)
        name = request_id or self._link.next_id()
        while True:
            result = requests.bulk_of(await self._ask(request, name))
            if progress is not None:
                progress(result)
            if result.done:
                return result
            await asyncio.sleep(_BULK_PAUSE)

    def batch(self) -> Batch:
        """Commands to be sent in one commit by ``commit``."""
        return Batch(self._ns)

    async def commit(self, batch: Batch, **call: Any) -> List[Union[List[Job], List[RunInfo]]]:
        """All of the batch's commands, or none."""
        return requests.batch_of(await self._ask(batch.request, **call))

    # ------------------------------------------------------------------------------------------------------------------
    # Work

    def on(self, types: Union[str, Sequence[str]], *, ns: Optional[str] = None, concurrency: int = 10) -> Callable[[_Function], _Function]:
        """Decorates the coroutine that does the work of a type, or of several; see belfry.Client."""

        def decorate(handler: _Function) -> _Function:
            self.work(types, handler, ns=ns, concurrency=concurrency)
            return handler

        return decorate

    def work(self, types: Union[str, Sequence[str]], handler: Handler, *, ns: Optional[str] = None, concurrency: int = 10) -> Worker:
        """As ``on``, with a handle to stop it."""
        worker = Worker(self, types, handler, ns, concurrency)
        self._workers.append(worker)
        return worker

    async def run(self) -> None:
        """Waits, while handlers work, until ``stop``; then closes."""
        try:
            await self._stopping.wait()
        finally:
            await self.close()

    def stop(self) -> None:
        """Lets ``run`` return."""
        self._stopping.set()

    # ------------------------------------------------------------------------------------------------------------------
    # Reading

    async def get(self, job: JobRef, *, payload: bool = True, runs: int = 0, **call: Any) -> Tuple[Job, List[RunInfo]]:
        """A job with its newest runs. Raises NotFound."""
        return requests.got(await self._ask(requests.get(job, self._ns, payload, runs), **call))

    async def list(self, where: Optional[Filter] = None, *, payload: bool = False) -> AsyncIterator[Job]:
        """Jobs in the order of their ids, page by page as they are read."""
        cursor = 0
        while True:
            page = requests.expect(await self._ask(requests.list_page(where or {}, payload, cursor)), "list")
            for job in page.jobs:
                yield requests.job_of(job)
            cursor = page.next_cursor
            if cursor == 0:
                return

    async def history(self, job: JobRef, *, kinds: Sequence[str] = ()) -> AsyncIterator[Event]:
        """What happened to a job, newest first."""
        cursor = 0
        while True:
            page = requests.expect(await self._ask(requests.history_page(job, self._ns, kinds, cursor)), "events")
            for event in page.events:
                yield event_of(event, True)
            cursor = page.next_cursor
            if cursor == 0:
                return

    async def preview(self, *, job: Optional[JobRef] = None, from_: Optional[Instant] = None, limit: int = 0, **trigger: Any) -> List[Slot]:
        """The next slots of a trigger, or of a job, without making one."""
        return requests.slots_of(await self._ask(requests.preview(trigger, job, self._ns, from_, limit)))

    async def status(self, **call: Any) -> Any:
        """The daemon, as the wire has it (StatusReply)."""
        return requests.expect(await self._ask(requests.plain("status"), **call), "status")

    async def stats(self, **call: Any) -> Any:
        """Depths and counters, as the wire has them (StatsReply)."""
        return requests.expect(await self._ask(requests.plain("stats"), **call), "stats")

    # ------------------------------------------------------------------------------------------------------------------
    # Following

    def watch(self, *, kinds: Sequence[str] = (), types: Sequence[str] = (), after: Optional[int] = None, stream_epoch: int = 0) -> AsyncWatch:
        """Events as they are committed, without a gap, over restarts and lost frames: from now on, or after a seq."""
        return AsyncWatch(self._watch(kinds, types, after, stream_epoch))

    async def wait_for(self, job: JobRef, *, timeout: Optional[Duration] = None) -> Job:
        """The job when it is final: completed, dead, cancelled or confirmed. It may be by now. Raises Unreachable."""
        patience = None if timeout is None else seconds_of(timeout, "timeout")
        try:
            return await asyncio.wait_for(self._follow_to_end(job), patience)
        except asyncio.TimeoutError:
            raise Unreachable("TIMEOUT", "the job is not final yet; the wait was over") from None

    async def _follow_to_end(self, job: JobRef) -> Job:
        """State first, then the stream from what was newest before it: no window between."""
        status = await self.status()
        found, _ = await self.get(job)
        if found.is_final:
            return found
        async with self.watch(kinds=_FINAL_KINDS, after=status.head_seq, stream_epoch=status.stream_epoch) as watch:
            async for story in watch:
                # After a notice what was told before may not hold.
                if isinstance(story, Event) and story.job != found.id:
                    continue
                now, _ = await self.get(found.id)
                if now.is_final:
                    return now
        raise BelfryError("CLOSED", "the watch was closed")

    # ------------------------------------------------------------------------------------------------------------------
    # The end

    async def close(self, deadline: Duration = "30s") -> None:
        """Claims no more, lets handlers end, settles their runs, and closes. Handlers that take longer are left: their leases
        run out, and others get their runs."""
        end = time.monotonic() + seconds_of(deadline, "deadline")
        for watch in self._watches:
            watch.close()
        stops = [asyncio.ensure_future(worker.stop()) for worker in self._workers]
        if stops:
            await asyncio.wait(stops, timeout=max(0.0, end - time.monotonic()))
        for stop in stops:
            stop.cancel()
        self._abandon()
        await asyncio.get_running_loop().run_in_executor(None, self._link.close)
