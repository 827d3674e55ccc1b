"""What many findings amount to."""

from __future__ import annotations

import pytest

from ugatit_cli.diagnosis import Asked, Section, diagnose, exit_code
from ugatit_cli.diagnosis.findings import Finding, in_words, note, ok, problem
from ugatit_cli.errors import ExitCode, UsageError


def section(*findings: Finding) -> Section:
    return Section("one", findings, 0.0)


def test_notes_are_no_problems() -> None:
    assert exit_code([section(ok("a", ""), note("b", "", "do it"))]) == ExitCode.OK


def test_the_first_problem_decides() -> None:
    first, second = problem("a", "", "", ExitCode.OUTPUT), problem("b", "", "", ExitCode.DEVICE)
    assert exit_code([section(first), section(second)]) == ExitCode.OUTPUT


def test_what_was_asked_for_comes_first() -> None:
    first, asked = problem("a", "", "", ExitCode.OUTPUT), problem("asked-model", "", "", ExitCode.BAD_MODEL)
    assert exit_code([section(first), section(asked)]) == ExitCode.BAD_MODEL


def test_a_contradiction_is_told_before_anything_is_tried() -> None:
    with pytest.raises(UsageError):
        next(diagnose(Asked("mps", "onnx")))


def test_what_is_cheap_comes_at_once() -> None:
    sections = diagnose(Asked())
    assert next(sections).name == "program"
    sections.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (12_345, "12 KB"), (2_400_000_000, "2.4 GB"), (83_000_000_000, "83 GB")]
)
def test_bytes_in_words(count: int, words: str) -> None:
    assert in_words(count) == words
