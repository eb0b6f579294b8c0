# SPDX-License-Identifier: MPL-2.0
"""Lengths and instants as people write them, and as the wire has them: microseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Optional, Union

from belfry.errors import Invalid

#: Seconds, a timedelta, or a text such as "500ms", "90s", "15m", "2h", "3d", "1h30m".
Duration = Union[float, int, str, timedelta]
#: An aware datetime, seconds since the epoch, or an ISO 8601 text with a zone ("2026-11-24T08:00:00Z").
Instant = Union[datetime, float, int, str]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")


def duration_us(value: Duration, name: str) -> int:
    """Microseconds of a length. Raises Invalid."""
    if isinstance(value, str):
        parts = _PART.findall(value)
        if not parts or "".join(count + unit for count, unit in parts) != value:
            raise Invalid("INVALID", f'{name}: "{value}" is no length: say 500ms, 90s, 15m, 2h, 3d, or seconds')
        return sum(round(float(count) * _UNITS[unit]) for count, unit in parts)
    length = value if isinstance(value, timedelta) else timedelta(seconds=value)
    if length < timedelta(0):
        raise Invalid("INVALID", f"{name}: {value} is less than nothing")
    return length // _MICROSECOND


def seconds_of(value: Duration, name: str) -> float:
    return duration_us(value, name) / 1e6


def instant_us(value: Instant, name: str) -> int:
    """Microseconds since the epoch. Raises Invalid."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(re.sub(r"Z$", "+00:00", value))
        except ValueError:
            raise Invalid("INVALID", f'{name}: "{value}" is no instant: say 2026-11-24T08:00:00Z') from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Invalid("INVALID", f"{name}: {value.isoformat()} names no zone: say which, or end it with Z")
        return (value - _EPOCH) // _MICROSECOND
    return round(value * 1e6)


def datetime_of(us: int) -> Optional[datetime]:
    """The instant on the wire, in UTC; None for 0, which stands for none."""
    return _EPOCH + timedelta(microseconds=us) if us else None
