"""A process of its own for whatever may crash or hang: drivers and native libraries cannot take the diagnosis with them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from time import monotonic
from typing import Any

LIMIT_SECONDS = 60.0
GRACE_SECONDS = 1.0  # for a process that ran beside others and is looked at late
NOISE_LINES = 40


@dataclass(frozen=True)
class Answer:
    """What a process said.

    Attributes:
        facts: the JSON object that its standard output is, or one for each line that is one.
        fault: why it ended before its time, in a few words; "" if it did not.
        noise: the last lines on its standard error.
        exit_code: negative for a signal, None where it had to be stopped.
    """

    facts: tuple[dict[str, Any], ...]
    fault: str
    noise: tuple[str, ...]
    exit_code: int | None

    @property
    def merged(self) -> dict[str, Any]:
        """All facts in one; the later ones count."""
        return {name: value for each in self.facts for name, value in each.items()}


def another_python(code: str, *words: str) -> list[str]:
    """The command line of one that runs `code` with `words` behind its name.

    It finds the modules that this one finds: `-m` would look into the user's folder first, and run what lies there.
    """
    prepared = f"import sys; sys.path[:] = {sys.path!r}; sys.argv[1:] = {list(words)!r}\n{code}"
    return [sys.executable, "-c", prepared]


class Child:
    """Another Python that runs `code` under the conditions of this one: the same modules, variables and folder."""

    def __init__(self, code: str, *words: str, limit: float = LIMIT_SECONDS) -> None:
        self._begun, self._limit = monotonic(), limit
        self._answer: Answer | None = None
        command, pipe = another_python(code, *words), subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    def answer(self) -> Answer:
        """Waits until it ends, or its time is over."""
        if self._answer is None:
            self._answer = self._wait()
        return self._answer

    def stop(self) -> None:
        """Also one that has ended meanwhile, unheard: its pipes are closed."""
        if self._answer is None:
            self._process.kill()
            self._process.communicate()

    def _wait(self) -> Answer:
        left = self._limit - (monotonic() - self._begun)
        try:
            out, err = self._process.communicate(timeout=max(left, GRACE_SECONDS))
            code: int | None = self._process.returncode
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, err = self._process.communicate()
            code = None
        noise = _lines(err)
        return Answer(_facts(out), self._fault(code, noise), noise[-NOISE_LINES:], code)

    def _fault(self, code: int | None, noise: tuple[str, ...]) -> str:
        if code is None:
            return f"it gave no answer within {self._limit:g} seconds"
        if code < 0:
            return f"the process was ended by signal {-code} ({_signal_name(-code)})"
        if code:
            return noise[-1] if noise else f"the process ended with code {code}"
        return ""


def _facts(out: bytes) -> tuple[dict[str, Any], ...]:
    whole = _object(out.decode(errors="replace"))
    return (whole,) if whole is not None else tuple(fact for line in _lines(out) if (fact := _object(line)) is not None)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _lines(text: bytes) -> tuple[str, ...]:
    return tuple(line for line in text.decode(errors="replace").splitlines() if line.strip())


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
