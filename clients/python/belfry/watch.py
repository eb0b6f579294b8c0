# SPDX-License-Identifier: MPL-2.0
"""Following the feed without a gap: a SUB, and Replay wherever _stream.py says that something is missing. The SUB is
connected before the first replay, and its frames wait in its queue meanwhile, so that nothing falls between the two."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generator, Iterator, List, Optional, Sequence, Union

import zmq

from belfry import _stream
from belfry import _wire_pb2 as wire
from belfry._endpoints import endpoints_of
from belfry._link import Link
from belfry._requests import expect, plain
from belfry.errors import BelfryError, error_of
from belfry.payload import decode
from belfry.times import datetime_of

_SILENCE = 5.0
_RETRY = 0.5
_LOOK = 0.2
_HEARTBEAT = b"heartbeat "


@dataclass(frozen=True)
class Event:
    seq: int
    stream_epoch: int
    at: Optional[datetime]
    kind: str  #: "job.scheduled", "run.fired", …: docs/protocol.md has the list
    ns: str
    job: Optional[str]
    key: Optional[str]
    type: Optional[str]
    run: Optional[str]
    attempt: int
    due: Optional[datetime]
    lateness: timedelta
    reason: str
    payload: Any  #: run.delivered: what a job of delivery "notify" brings
    replayed: bool  #: out of the log rather than off the feed
    wire: Any  #: the whole event


@dataclass(frozen=True)
class Notice:
    """What happened to the stream itself. caught_up: everything up to now was told. events_lost: what is older than ``seq``
    is no longer kept. history_restarted: a backup was restored; some of what was told has never happened."""

    notice: str
    seq: int
    stream_epoch: int


def event_of(event: Any, replayed: bool) -> Event:
    return Event(
        seq=event.seq,
        stream_epoch=event.stream_epoch,
        at=datetime_of(event.at_us),
        kind=event.kind,
        ns=event.ns,
        job=str(event.job) if event.job else None,
        key=event.key or None,
        type=event.type or None,
        run=event.run or None,
        attempt=event.attempt,
        due=datetime_of(event.due_us),
        lateness=timedelta(microseconds=event.lateness_us),
        reason=event.reason,
        payload=decode(event.payload, event.content_type),
        replayed=replayed,
        wire=event,
    )


def _topic_of(event: Any) -> str:
    return f"{event.kind} {event.type} " if event.type else f"{event.kind} "


class Watch:
    """An iterator of events and notices. ``close`` ends it, from any thread; so does the end of its ``with``."""

    def __init__(self, link: Link, kinds: Sequence[str], types: Sequence[str], after: Optional[int], stream_epoch: int) -> None:
        self._link = link
        self._kinds = list(kinds)
        self._types = list(types)
        self._closed = threading.Event()
        self._head = link.ask(plain("status"), timeout=None) if after is None else None
        self._stream = _stream.Stream(bool(kinds), stream_epoch, after or 0)
        self._context = zmq.Context()
        self._feed: Optional[zmq.Socket[bytes]] = None
        self._monitor: Optional[zmq.Socket[bytes]] = None
        self._turn = 0
        self._was_live = False
        self._stories: Generator[Union[Event, Notice], None, None] = self._follow()

    def __iter__(self) -> Iterator[Union[Event, Notice]]:
        return self

    def __next__(self) -> Union[Event, Notice]:
        return next(self._stories)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()
        try:
            self._stories.close()
        except ValueError:
            pass  # another thread waits for a story, and ends it there

    def _follow(self) -> Generator[Union[Event, Notice], None, None]:
        try:
            self._begin()
            replay = True
            while not self._closed.is_set():
                if replay:
                    yield from self._replay()
                replay = True
                frame = self._frame()
                if frame is None:
                    continue
                topic, message = frame
                if topic == _HEARTBEAT.decode():
                    step = self._stream.beat(message.stream_epoch, message.head_seq, time.monotonic())
                else:
                    step = self._stream.frame(message.stream_epoch, message.seq, message.prev_seq, topic)
                    if step == _stream.TELL and self._is_wanted(message):
                        yield event_of(message, False)
                if step == _stream.RESTARTED:
                    yield self._notice("history_restarted")
                replay = step in (_stream.REPLAY, _stream.RESTARTED)
        finally:
            self._disconnect()
            self._context.term()

    def _begin(self) -> None:
        if self._head is not None:
            reply = self._answer(self._head)
            if reply is None:
                return
            status = expect(reply, "status")
            self._stream = _stream.Stream(bool(self._kinds), status.stream_epoch, status.head_seq)
        self._connect()

    def _answer(self, future: Any) -> Any:
        """A reply; None where the watch was closed meanwhile."""
        arrived = threading.Event()
        future.add_done_callback(lambda _: arrived.set())
        while not arrived.wait(_LOOK):
            if self._closed.is_set():
                return None
        return future.result()

    # ------------------------------------------------------------------------------------------------------------------
    # The feed

    def _topics(self) -> List[str]:
        """Types alone cannot be subscribed to, a topic begins with its kind."""
        if not self._kinds:
            return [""]
        if not self._types:
            return [f"{kind} " for kind in self._kinds]
        return [f"{kind} {type_} " for kind in self._kinds for type_ in self._types]

    def _open(self) -> None:
        endpoints = endpoints_of(self._link.places, "feed")
        feed = self._context.socket(zmq.SUB)
        feed.linger = 0
        feed.rcvhwm = 10_000
        feed.setsockopt(zmq.HEARTBEAT_IVL, 2000)
        feed.setsockopt(zmq.HEARTBEAT_TIMEOUT, 8000)
        for topic in self._topics():
            feed.setsockopt(zmq.SUBSCRIBE, topic.encode())
        feed.setsockopt(zmq.SUBSCRIBE, _HEARTBEAT)
        self._monitor = feed.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        feed.connect(endpoints[self._turn % len(endpoints)])
        self._turn += 1
        self._feed = feed
        self._stream.connected()

    def _disconnect(self) -> None:
        if self._feed is not None:
            self._feed.disable_monitor()
            self._feed.close()
        if self._monitor is not None:
            self._monitor.close()
        self._feed = None
        self._monitor = None

    def _connect(self) -> None:
        """A new SUB, and its first heartbeat."""
        while not self._closed.is_set():
            self._disconnect()
            try:
                self._open()
            except BelfryError:
                self._closed.wait(_RETRY)
                continue
            while True:
                frame = self._receive()
                if frame is None:
                    break
                if frame[0] == _HEARTBEAT.decode():
                    return
            self._closed.wait(_RETRY)

    def _receive(self) -> Any:
        """(topic, message); None where the feed is silent, gone, or the watch closed."""
        assert self._feed is not None and self._monitor is not None
        poller = zmq.Poller()
        poller.register(self._feed, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        end = time.monotonic() + _SILENCE
        while time.monotonic() < end and not self._closed.is_set():
            ready = dict(poller.poll(int(_LOOK * 1000)))
            if self._feed in ready:
                frame = self._parse(self._feed.recv_multipart())
                if frame is not None:
                    return frame
            if self._monitor in ready and not self._still_there():
                return None
        return None

    def _still_there(self) -> bool:
        """libzmq may connect again by itself, and have lost frames meanwhile; or the daemon comes back elsewhere."""
        assert self._monitor is not None
        event = int.from_bytes(self._monitor.recv_multipart()[0][:2], "little")
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._stream.connected()
        return event != zmq.EVENT_DISCONNECTED

    @staticmethod
    def _parse(frames: List[bytes]) -> Any:
        try:
            message = wire.FeedHeartbeat() if frames[0] == _HEARTBEAT else wire.Event()
            message.ParseFromString(frames[1])
            return frames[0].decode(), message
        except Exception:  # noqa: BLE001 - what cannot be read is lost, and shows as a gap
            return None

    def _frame(self) -> Any:
        frame = self._receive()
        if frame is None and not self._closed.is_set():
            self._connect()
        return frame

    # ------------------------------------------------------------------------------------------------------------------
    # The log

    def _is_wanted(self, event: Any) -> bool:
        return (not self._kinds or event.kind in self._kinds) and (not self._types or event.type in self._types)

    def _notice(self, notice: str, seq: Optional[int] = None) -> Notice:
        return Notice(notice, self._stream.covered if seq is None else seq, self._stream.epoch)

    def _replay(self) -> Iterator[Union[Event, Notice]]:
        told = 0
        done = False
        while not done and not self._closed.is_set():
            request = wire.Request(replay=wire.Replay(after_seq=self._stream.covered, kinds=self._kinds, types=self._types))
            reply = self._answer(self._link.ask(request, timeout=None))
            if reply is None:
                return
            if reply.code not in (wire.CODE_OK, wire.CODE_TOO_OLD):
                raise error_of(reply)
            page = expect(reply, "events")
            if self._stream.page(page.stream_epoch, page.head_seq) == _stream.RESTARTED:
                yield self._notice("history_restarted")
                continue
            if reply.code == wire.CODE_TOO_OLD:
                self._stream.cover(page.oldest_seq - 1, time.monotonic())
                yield self._notice("events_lost", page.oldest_seq)
                continue
            for event in page.events:
                if self._stream.replayed(event.seq, _topic_of(event)) == _stream.TELL and self._is_wanted(event):
                    told += 1
                    yield event_of(event, True)
            done = page.next_cursor >= page.head_seq or page.next_cursor <= self._stream.covered
            self._stream.cover(page.next_cursor, time.monotonic())
        if told or not self._was_live:
            yield self._notice("caught_up")
        self._was_live = True
