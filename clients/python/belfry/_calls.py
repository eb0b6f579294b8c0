# SPDX-License-Identifier: MPL-2.0
"""When a call is sent again, and when it is given up; when a lease is to beat. Pure: told the time.

The same bytes under the same request_id have one effect, so repeating is always safe (docs/protocol.md, "The life of a
call")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

from belfry import _wire_pb2 as wire

SILENCE = 5.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
TOKENS_PER_BEAT = 1000
NEVER = float("inf")

#: Answers that say "not now": the same bytes again, after a pause.
_NOT_NOW = (wire.CODE_BUSY, wire.CODE_STOPPING, wire.CODE_DISK_FULL)


@dataclass
class Waiting:
    request_id: str
    data: bytes
    #: A parked claim: to be without an answer for long is as it should be.
    parked: bool
    answer: Callable[[Any], None]
    fail: Callable[[], None]
    end: float = NEVER
    send_at: float = 0.0
    pause: float = FIRST_PAUSE
    sent: bool = False


@dataclass
class Calls:
    send: Callable[[bytes], None]
    #: The connection seems dead, or is to the wrong place.
    reconnect: Callable[[], None]
    waiting: Dict[str, Waiting] = field(default_factory=dict)

    def add(self, call: Waiting, now: float) -> None:
        self.waiting[call.request_id] = call
        self._send(call, now)

    def change(self, request_id: str, data: bytes, now: float) -> None:
        """Other bytes for a call that waits: a claim that is to end sooner."""
        call = self.waiting.get(request_id)
        if call:
            call.data = data
            call.parked = False
            self._send(call, now)

    def forget(self, request_id: str) -> None:
        self.waiting.pop(request_id, None)

    def answered(self, reply: Any, now: float) -> None:
        call = self.waiting.get(reply.request_id)
        if call is None:
            return
        if reply.code in _NOT_NOW:
            call.sent = False
            call.send_at = now + call.pause
            call.pause = min(call.pause * 2, LONGEST_PAUSE)
            return
        del self.waiting[reply.request_id]
        call.answer(reply)

    def resend(self, now: float) -> None:
        """Everything again: the connection is a new one."""
        for call in self.waiting.values():
            self._send(call, now)

    def tick(self, now: float, wrong_place: bool) -> None:
        """Sends again what is due for it, and gives up what has waited for long enough."""
        dead = wrong_place
        for call in list(self.waiting.values()):
            if now >= call.end:
                del self.waiting[call.request_id]
                call.fail()
            elif now >= call.send_at:
                dead = dead or (call.sent and not call.parked)
                self._send(call, now)
        if dead:
            self.reconnect()

    def next(self) -> float:
        """When tick has something to do."""
        return min((min(call.send_at, call.end) for call in self.waiting.values()), default=NEVER)

    def _send(self, call: Waiting, now: float) -> None:
        call.sent = True
        call.send_at = now + SILENCE
        self.send(call.data)


@dataclass
class _Held:
    every: float
    due: float


class Beats:
    """Leases that are held: each beats at a third of its length."""

    def __init__(self) -> None:
        self._held: Dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, token: str) -> bool:
        return token in self._held

    def add(self, token: str, lease: float, old: bool, now: float) -> None:
        """``old``: part of its time has passed, beat at once."""
        self._held[token] = _Held(lease / 3, now if old else now + lease / 3)

    def hurry(self, now: float) -> None:
        """All are due: nobody knows which beats were heard."""
        for held in self._held.values():
            held.due = min(held.due, now)

    def remove(self, token: str) -> None:
        self._held.pop(token, None)

    def take(self, now: float) -> List[List[str]]:
        """The tokens that are due, in calls; each is due again at its time, answered or not."""
        due = [token for token, held in self._held.items() if held.due <= now]
        for token in due:
            self._held[token].due = now + self._held[token].every
        return [due[at : at + TOKENS_PER_BEAT] for at in range(0, len(due), TOKENS_PER_BEAT)]

    def next(self) -> float:
        """When take has something."""
        return min((held.due for held in self._held.values()), default=NEVER)


def seconds_until(now: float, *times: Optional[float]) -> Optional[float]:
    """How long to sleep; None for ever."""
    soonest = min((time for time in times if time is not None), default=NEVER)
    return None if soonest == NEVER else max(0.0, soonest - now)
