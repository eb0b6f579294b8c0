# SPDX-License-Identifier: MPL-2.0
"""Where the daemon is: what the caller says, else the environment, else the endpoints file that belfryd writes. Looked up
at every connect, because a daemon that was started again may have other ports."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import List, Optional

from belfry.errors import BelfryError

_VARIABLES = {"commands": "BELFRY_COMMANDS", "feed": "BELFRY_FEED"}


@dataclass(frozen=True)
class Places:
    commands: Optional[str] = None
    feed: Optional[str] = None
    directory: str = "data"


def endpoints_of(places: Places, door: str) -> List[str]:
    """The endpoints of a door, ipc first; at least one. Raises BelfryError."""
    said = getattr(places, door) or os.environ.get(_VARIABLES[door]) or _from_file(places, door)
    listed = [endpoint for endpoint in said.split(",") if endpoint]
    if not listed:
        raise BelfryError("NO_ENDPOINT", f"the daemon has no {door} endpoint")
    return sorted(listed, key=lambda endpoint: not endpoint.startswith("ipc:"))


def _from_file(places: Places, door: str) -> str:
    path = os.path.join(places.directory, "endpoints")
    try:
        with open(path, encoding="utf-8") as file:
            fields = file.read().split()
    except OSError as error:
        hint = f"no daemon found: start belfryd, or set {_VARIABLES[door]} ({path}: {error.strerror})"
        raise BelfryError("NO_ENDPOINT", hint) from None
    return next((field.partition("=")[2] for field in fields if field.startswith(f"{door}=")), "")
