"""Probes: each runs once, and none outlives the diagnosis."""

from __future__ import annotations

from pathlib import Path

import pytest

from ugatit_cli.diagnosis.probing import Probes


def test_a_probe_asked_twice_runs_once() -> None:
    with Probes() as probes:
        assert probes.answer("cuda_driver") is probes.answer("cuda_driver")


def test_what_a_library_prints_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PIL.py").write_text("print('{\"version\": \"a lie\"}')\nraise ImportError('broken')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with Probes() as probes:
        answer = probes.answer("pictures", "pillow")
    assert (answer.facts, answer.fault) == ((), "ImportError: broken")


def test_a_hanging_library_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PIL.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with Probes(limit=0.5) as probes:
        assert probes.answer("pictures", "pillow").fault == "it gave no answer within 0.5 seconds"
