"""What runs in a process of its own: each module tries one library, and tells in JSON lines how far it came.

A probe is a function `answers(*words)` that yields facts. Whatever it raises ends its process, and the last line of the
traceback is the reason that the user reads: a probe catches nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from time import perf_counter
from typing import Any, TextIO


def main(name: str, words: list[str]) -> None:
    """Run the probe of that name."""
    begun = perf_counter()
    with answering() as out:
        answers: Iterator[dict[str, Any]] = import_module(f"{__name__}.{name}").answers(*words)
        for facts in answers:
            _write(facts, out)
        _write({"seconds": round(perf_counter() - begun, 3)}, out)


@contextmanager
def answering() -> Iterator[TextIO]:
    """Standard output, for answers only: what anything else prints there goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="ascii") as out:
        os.dup2(2, 1)
        yield out


def _write(facts: dict[str, Any], out: TextIO) -> None:
    out.write(json.dumps(facts) + "\n")
    out.flush()  # a crash may follow
