"""A clock that is years behind makes every secure connection fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from ..errors import ExitCode
from .findings import Finding, ok, problem

WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)  # this program: no clock that is right says less


def clock_findings(now: float | None = None) -> Iterator[Finding]:
    """`now`: seconds since 1970."""
    time_here = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    text = f"the clock says {time_here:%Y-%m-%d %H:%M} UTC"
    if time_here < WRITTEN:
        late = f"{text}, which is over: downloads will be refused"
        yield problem("clock", late, "timedatectl set-ntp true", ExitCode.NETWORK)
    else:
        yield ok("clock", text)
