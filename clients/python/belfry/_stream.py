# SPDX-License-Identifier: MPL-2.0
"""What to do with a frame of the feed: tell it, drop it, or replay first? Pure. The rules are those of docs/protocol.md,
"Following without a gap"."""

from __future__ import annotations

from typing import Dict

DROP, TELL, REPLAY, RESTARTED = "drop", "tell", "replay", "restarted"

#: Topics known ahead of ``covered``; beyond it a replay starts over.
TOPICS_MAX = 256
#: A head must be ahead so often before it counts.
BEATS_MAX = 2
#: Beats after a connect that are not trusted: the publisher may know their subscription before the others.
SETTLING_BEATS = 2
#: How often a stream of chosen topics looks for what was lost at the end of a topic, in seconds.
LOOK_SECONDS = 30.0


class Stream:
    def __init__(self, chosen: bool, epoch: int, after: int) -> None:
        self._chosen = chosen
        self.epoch = epoch  # 0: not known yet
        self.covered = after  # every event up to it was told, or was not asked for
        self._told: Dict[str, int] = {}
        self._ahead = 0
        self._settling = 0
        self._replayed = float("-inf")

    def connected(self) -> None:
        """The feed was connected, or connected again: frames may have been lost."""
        self._settling = SETTLING_BEATS

    def frame(self, epoch: int, seq: int, prev_seq: int, topic: str) -> str:
        if epoch == 0:
            return DROP
        if not self._is_ours(epoch):
            return self._restart(epoch)
        if not self._chosen:
            if seq <= self.covered:
                return DROP
            if seq != self.covered + 1:
                return REPLAY
            self.covered = seq
            return TELL
        told = self._told_of(topic)
        if seq <= told:
            return DROP
        if prev_seq > told or (topic not in self._told and len(self._told) >= TOPICS_MAX):
            return REPLAY
        self._told[topic] = seq
        return TELL

    def beat(self, epoch: int, head_seq: int, now: float) -> str:
        if epoch == 0:
            return DROP
        if not self._is_ours(epoch):
            return self._restart(epoch)
        settling = self._settling > 0
        if settling:
            self._settling -= 1
        if head_seq <= self.covered:
            self._ahead = 0
            return DROP
        self._ahead += 1
        time_to_look = not self._chosen or now - self._replayed >= LOOK_SECONDS
        if settling or (self._ahead >= BEATS_MAX and time_to_look):
            self._ahead = 0
            return REPLAY
        return DROP

    def page(self, epoch: int, head_seq: int) -> str:
        """A page of replay: of another history, too, where it ends before what was told."""
        return DROP if self._is_ours(epoch) and head_seq >= self.covered else self._restart(epoch)

    def replayed(self, seq: int, topic: str) -> str:
        return TELL if seq > (self._told_of(topic) if self._chosen else self.covered) else DROP

    def cover(self, covered: int, now: float) -> None:
        """A page is done: everything up to ``covered`` was in it."""
        self.covered = max(self.covered, covered)
        self._replayed = now
        self._ahead = 0
        self._told = {topic: told for topic, told in self._told.items() if told > self.covered}

    def _is_ours(self, epoch: int) -> bool:
        if self.epoch == 0:
            self.epoch = epoch
        return self.epoch == epoch

    def _restart(self, epoch: int) -> str:
        settling = self._settling
        self.__init__(self._chosen, epoch, 0)  # type: ignore[misc]
        self._settling = settling
        return RESTARTED

    def _told_of(self, topic: str) -> int:
        """What no gap can hide before."""
        return max(self._told.get(topic, 0), self.covered)
