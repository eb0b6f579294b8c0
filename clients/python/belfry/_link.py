# SPDX-License-Identifier: MPL-2.0
"""The link: a thread with a connection of its own. It repeats calls, claims work and beats for every lease, so that all of
this goes on while a handler holds the program's own thread or event loop. A lease beats from the moment at which its
answer arrives here.

Other threads only put an act into a queue and ring a bell; everything else here is the thread's alone."""

from __future__ import annotations

import collections
import itertools
import secrets
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, List, Optional

import zmq

from belfry import _wire_pb2 as wire
from belfry._calls import NEVER, Beats, Calls, Waiting, seconds_until
from belfry._endpoints import Places, endpoints_of
from belfry.errors import BelfryError, Unreachable, error_of

_LOOK = 5.0
#: How often the daemon is looked for while it is away: it may come back on other ports, and leases wait for their beats.
_LOOK_WHILE_AWAY = 0.2
_RECONNECT_PAUSE = 0.5
_CLAIM_WAIT_US = 30_000_000
_CLAIM_MAX = 100
_MAX_BYTES = 1024 * 1024
_BEATS_REMEMBERED = 100

#: ``lost``: the lease; else its job was cancelled, confirmed or moved.
Pulse = Callable[[str, bool, str], None]


@dataclass
class Claimer:
    """Who hears of claimed work; called in the link's thread, so briefly."""

    ns: str
    types: List[str]
    room: int
    leases: Callable[[Any], None]
    left: Callable[[], None]
    refused: Callable[[BelfryError], None]
    #: The claim that is out, and for how many it asks.
    request_id: Optional[str] = None
    max: int = 0
    leaving: bool = False


class Link:
    def __init__(self, places: Places, client: str, timeout: float, pulse: Pulse) -> None:
        self.places = places
        self.client = client
        self._timeout = timeout
        self._pulse = pulse
        self._prefix = f"{int(time.time() * 1000):012x}-{secrets.token_hex(4)}"
        self._count = itertools.count(1)
        self._acts: Deque[Callable[[], None]] = collections.deque()
        self._bell, self._heard = socket.socketpair()
        self._heard.setblocking(False)
        self._bell.setblocking(False)
        self._closing = False
        self._context = zmq.Context()
        self._socket: Optional[zmq.Socket[bytes]] = None
        self._monitor: Optional[zmq.Socket[bytes]] = None
        self._endpoint = ""
        self._turn = 0
        self._away = False
        self._reconnect_at = 0.0
        self._look_at = 0.0
        self._calls = Calls(self._send, self._reconnect)
        self._beats = Beats()
        self._beating: Dict[str, None] = {}
        self._claimers: List[Claimer] = []
        self._thread = threading.Thread(target=self._run, name="belfry", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------------------------------------
    # From any thread

    def next_id(self) -> str:
        """A name for a call: unique for this client over restarts, and growing, which the daemon stores fastest."""
        return f"{self._prefix}-{next(self._count):08x}"

    def ask(self, request: Any, request_id: Optional[str] = None, timeout: Optional[float] = -1.0) -> "Future[Any]":
        """The daemon's Reply, a refusal included; timeout None for ever, -1 for the client's."""
        future: "Future[Any]" = Future()
        future.set_running_or_notify_cancel()
        if self._closing:
            future.set_exception(BelfryError("CLOSED", "this client was closed"))
            return future
        name = request_id or self.next_id()
        data = self._pack(request, name)
        patience = self._timeout if timeout == -1.0 else timeout

        def fail() -> None:
            if self._closing:
                text = "the client was closed before the answer came; the call may have taken effect"
                future.set_exception(BelfryError("CLOSED", text))
                return
            text = "no answer in time; the call may have taken effect: repeat it with the same request_id to know"
            future.set_exception(Unreachable("UNREACHABLE" if self._socket else "NO_ENDPOINT", text))

        def act() -> None:
            now = time.monotonic()
            if name in self._calls.waiting:
                future.set_exception(BelfryError("REQUEST_ID_REUSED", f"a call named {name} is under way"))
                return
            end = NEVER if patience is None else now + patience
            self._calls.add(Waiting(name, data, False, future.set_result, fail, end), now)

        self._do(act)
        return future

    def claim(self, claimer: Claimer) -> None:
        def act() -> None:
            self._claimers.append(claimer)
            self._claim(claimer)

        self._do(act)

    def done(self, claimer: Claimer, token: str) -> None:
        """Its run is settled, or given up: no more heartbeats, and room for another."""

        def act() -> None:
            self._beats.remove(token)
            claimer.room += 1
            self._claim(claimer)

        self._do(act)

    def leave(self, claimer: Claimer) -> None:
        """Claims no more; ``left`` is called when that is so."""
        self._do(lambda: self._leave(claimer))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._do(lambda: None)
            self._thread.join()

    def _do(self, act: Callable[[], None]) -> None:
        self._acts.append(act)
        try:
            self._bell.send(b".")
        except (BlockingIOError, OSError):
            pass  # it rings already, or nobody listens any more

    def _pack(self, request: Any, name: str) -> bytes:
        request.version = 1
        request.client = self.client
        request.request_id = name
        return bytes(request.SerializeToString())

    # ------------------------------------------------------------------------------------------------------------------
    # The connection

    def _send(self, data: bytes) -> None:
        """What cannot go out is lost, and repeated by whoever waits for its answer."""
        if self._socket is None:
            return
        try:
            self._socket.send(data, zmq.DONTWAIT)
        except zmq.ZMQError:
            pass

    def _reconnect(self) -> None:
        now = time.monotonic()
        self._disconnect()
        self._reconnect_at = now + _RECONNECT_PAUSE
        try:
            endpoints = endpoints_of(self.places, "commands")
        except BelfryError:
            return  # the daemon is away and has taken its endpoints file along: looked for again
        self._endpoint = endpoints[self._turn % len(endpoints)]
        self._turn += 1
        dealer = self._context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.maxmsgsize = _MAX_BYTES
        dealer.sndhwm = 10_000
        dealer.setsockopt(zmq.HEARTBEAT_IVL, 2000)
        dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, 8000)
        dealer.setsockopt(zmq.RECONNECT_IVL, 50)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        self._monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        dealer.connect(self._endpoint)
        self._socket = dealer
        self._calls.resend(now)
        self._beats.hurry(now)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.disable_monitor()
            self._socket.close()
        if self._monitor is not None:
            self._monitor.close()
        self._socket = None
        self._monitor = None

    def _is_where_the_daemon_is(self) -> bool:
        try:
            return self._endpoint in endpoints_of(self.places, "commands")
        except BelfryError:
            return True

    def _turned(self) -> None:
        """The daemon is there, or has gone. One that is back has forgotten which claims were parked, and may have missed
        beats."""
        assert self._monitor is not None
        was_away = self._away
        while self._monitor.poll(0):
            frames = self._monitor.recv_multipart()
            event = int.from_bytes(frames[0][:2], "little")
            self._away = event == zmq.EVENT_DISCONNECTED
        now = time.monotonic()
        self._look_at = now + (_LOOK_WHILE_AWAY if self._away else _LOOK)
        if not self._away:
            self._beats.hurry(now)
            if was_away:
                self._calls.resend(now)

    # ------------------------------------------------------------------------------------------------------------------
    # Claims

    def _claim_request(self, claimer: Claimer, wait_us: int) -> Any:
        request = wire.Request()
        request.claim.ns = claimer.ns
        request.claim.types.extend(claimer.types)
        request.claim.max = claimer.max
        request.claim.wait_us = wait_us
        return request

    def _claim(self, claimer: Claimer) -> None:
        if claimer.request_id is not None or claimer not in self._claimers:
            return
        if claimer.leaving:
            self._claimers.remove(claimer)
            claimer.left()
            return
        if claimer.room == 0:
            return
        name = self.next_id()
        claimer.request_id = name
        claimer.max = min(claimer.room, _CLAIM_MAX)
        data = self._pack(self._claim_request(claimer, _CLAIM_WAIT_US), name)
        self._calls.add(Waiting(name, data, True, lambda reply: self._claimed(claimer, reply), lambda: None), time.monotonic())

    def _claimed(self, claimer: Claimer, reply: Any) -> None:
        claimer.request_id = None
        if reply.code != wire.CODE_OK:
            claimer.leaving = True
            claimer.refused(error_of(reply))
        elif claimer.leaving:
            for lease in reply.claim.leases:
                self._give_back(lease.token)
        elif reply.claim.leases:
            now = time.monotonic()
            for lease in reply.claim.leases:
                self._beats.add(lease.token, lease.lease_us / 1e6, reply.repeated, now)
            claimer.room -= len(reply.claim.leases)
            claimer.leases(reply)
        self._claim(claimer)

    def _give_back(self, token: str) -> None:
        request = wire.Request()
        request.snooze.token = token
        request.snooze.for_us = 0
        name = self.next_id()
        self._calls.add(Waiting(name, self._pack(request, name), False, lambda reply: None, lambda: None), time.monotonic())

    def _leave(self, claimer: Claimer) -> None:
        """A claim that is parked is asked to end at once; what it got meanwhile is given back."""
        claimer.leaving = True
        name = claimer.request_id
        if name is None:
            self._claim(claimer)
        else:
            self._calls.change(name, self._pack(self._claim_request(claimer, 0), name), time.monotonic())

    # ------------------------------------------------------------------------------------------------------------------
    # Heartbeats

    def _beat(self, now: float) -> None:
        for tokens in self._beats.take(now):
            request = wire.Request()
            request.heartbeat.tokens.extend(tokens)
            name = self.next_id()
            self._beating[name] = None
            self._send(self._pack(request, name))
        while len(self._beating) > _BEATS_REMEMBERED:
            del self._beating[next(iter(self._beating))]

    def _pulses(self, reply: Any) -> None:
        for item in reply.heartbeat.items:
            lost = item.code != wire.CODE_OK
            if item.token in self._beats and (lost or item.cancel):
                if lost:
                    self._beats.remove(item.token)
                self._pulse(item.token, lost, item.text)

    # ------------------------------------------------------------------------------------------------------------------
    # The thread

    def _read(self) -> None:
        assert self._socket is not None
        while True:
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
                reply = wire.Reply.FromString(frames[-1])
            except zmq.Again:
                return
            except Exception:  # noqa: BLE001 - what cannot be read is nobody's answer
                continue
            if reply.request_id in self._beating:
                del self._beating[reply.request_id]
                self._pulses(reply)
            else:
                self._calls.answered(reply, time.monotonic())

    def _obey(self) -> None:
        try:
            while self._heard.recv(4096):
                pass
        except BlockingIOError:
            pass
        while self._acts:
            self._acts.popleft()()

    def _tick(self) -> None:
        now = time.monotonic()
        wrong_place = False
        if now >= self._look_at:
            self._look_at = now + (_LOOK_WHILE_AWAY if self._away else _LOOK)
            wrong_place = self._socket is not None and not self._is_where_the_daemon_is()
        if self._socket is None and now >= self._reconnect_at and self._is_busy():
            self._reconnect()
        self._calls.tick(now, wrong_place)
        self._beat(now)

    def _is_busy(self) -> bool:
        return bool(self._calls.waiting) or len(self._beats) > 0

    def _sleep(self) -> None:
        now = time.monotonic()
        look = min(self._look_at, self._reconnect_at if self._socket is None else NEVER)
        seconds = seconds_until(now, self._calls.next(), self._beats.next(), look if self._is_busy() else NEVER)
        poller = zmq.Poller()
        poller.register(self._heard, zmq.POLLIN)
        for channel in (self._socket, self._monitor):
            if channel is not None:
                poller.register(channel, zmq.POLLIN)
        ready = dict(poller.poll(None if seconds is None else int(seconds * 1000) + 1))
        if self._monitor is not None and self._monitor in ready:
            self._turned()
        if self._socket is not None and self._socket in ready:
            self._read()

    def _run(self) -> None:
        while not self._closing:
            self._obey()
            self._tick()
            if not self._acts:
                self._sleep()
        self._obey()
        self._disconnect()
        self._context.term()
        for call in list(self._calls.waiting.values()):
            call.fail()
        for claimer in self._claimers:
            claimer.left()
        self._heard.close()
        self._bell.close()

