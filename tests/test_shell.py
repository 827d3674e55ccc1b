"""Command lines come apart again as they were put together."""

from __future__ import annotations

import shlex
import sys

import pytest

from ugatit_cli.shell import command_line

WORDS = ["a", "two words", "it's", 'say "x"', "$HOME", "50%"]


def test_for_a_posix_shell() -> None:
    assert shlex.split(command_line(WORDS)) == WORDS


def test_for_those_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_line([r"C:\Program Files\python.exe", "-m", "pip"]) == r'"C:\Program Files\python.exe" -m pip'
