# SPDX-License-Identifier: MPL-2.0
"""What the plain client and the asyncio one have in common: a link, a namespace, the workers' table."""

from __future__ import annotations

import logging
import secrets
import threading
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from belfry._endpoints import Places
from belfry._link import Claimer, Link
from belfry.errors import BelfryError, Invalid
from belfry.run import Run
from belfry.times import Duration, seconds_of
from belfry.watch import Watch

#: Hears what has no caller: handlers that raise, results that were refused.
Problem = Callable[[Exception, Optional[Run]], None]

_log = logging.getLogger("belfry")


def _report(error: Exception, run: Optional[Run]) -> None:
    _log.error("%s%s: %s", f"run {run.id}: " if run else "", type(error).__name__, error)


class Base:
    def __init__(
        self,
        commands: Optional[str] = None,
        feed: Optional[str] = None,
        directory: str = "data",
        ns: str = "default",
        client: Optional[str] = None,
        timeout: Duration = "30s",
        on_problem: Problem = _report,
    ) -> None:
        """``commands``, ``feed``: endpoints, separated by commas; default: BELFRY_COMMANDS and BELFRY_FEED, else the file
        DIRECTORY/endpoints. ``ns``: of everything that names none. ``client``: a name that no other program has and that
        survives restarts (default: random); workers are shown under it. ``timeout``: how long a call tries."""
        self._ns = ns
        self._on_problem = on_problem
        self._runs: Dict[str, Run] = {}
        self._runs_lock = threading.Lock()
        self._watches: List[Watch] = []
        places = Places(commands, feed, directory)
        self._link = Link(places, client or secrets.token_hex(16), seconds_of(timeout, "timeout"), self._pulse)

    @property
    def client(self) -> str:
        """Who calls: the name under which answers are remembered."""
        return self._link.client

    def _problem(self, error: Exception, run: Optional[Run]) -> None:
        try:
            self._on_problem(error, run)
        except Exception as other:  # noqa: BLE001 - a problem that cannot be heard hurts nobody
            _report(other, run)

    def _hold(self, run: Run) -> None:
        with self._runs_lock:
            self._runs[run.token] = run

    def _drop(self, token: str) -> None:
        with self._runs_lock:
            self._runs.pop(token, None)

    def _pulse(self, token: str, lost: bool, text: str) -> None:
        with self._runs_lock:
            run = self._runs.get(token)
        if run is not None:
            run._cancel(f"the lease is lost: {text}" if lost else "the job was cancelled, confirmed or moved")

    def _abandon(self) -> None:
        with self._runs_lock:
            runs = list(self._runs.values())
        for run in runs:
            run._cancel("the client is closing")

    def _claimer(
        self,
        types: Union[str, Sequence[str]],
        ns: Optional[str],
        concurrency: int,
        leases: Callable[[Any], None],
        left: Callable[[], None],
    ) -> Claimer:
        if concurrency < 1:
            raise Invalid("INVALID", f"concurrency: {concurrency} is no count")
        listed = [types] if isinstance(types, str) else list(types)

        def refused(error: BelfryError) -> None:
            self._problem(error, None)

        return Claimer(ns or self._ns, listed, concurrency, leases, left, refused)

    def _watch(self, kinds: Sequence[str], types: Sequence[str], after: Optional[int], stream_epoch: int) -> Watch:
        watch = Watch(self._link, kinds, types, after, stream_epoch)
        self._watches = [other for other in self._watches if not other._closed.is_set()]
        self._watches.append(watch)
        return watch
