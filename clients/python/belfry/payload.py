# SPDX-License-Identifier: MPL-2.0
"""What travels with a job and comes back from a run: JSON, unless bytes are given."""

from __future__ import annotations

import json
from typing import Any, Optional, Tuple

_JSON = "application/json"


def encode(value: Any, content_type: Optional[str] = None) -> Tuple[bytes, str]:
    """JSON of a value; bytes as they are; nothing of None."""
    if value is None:
        return b"", content_type or ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), content_type or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), content_type or _JSON


def decode(data: bytes, content_type: str) -> Any:
    """The value of JSON; else the bytes, also where they only say that they are JSON; None where there are none."""
    if not data:
        return None
    if content_type.split(";")[0].strip() != _JSON:
        return data
    try:
        return json.loads(data)
    except ValueError:
        return data


def decode_result(data: bytes) -> Any:
    """A run's result has no content type: JSON where it is that."""
    return decode(data, _JSON)
