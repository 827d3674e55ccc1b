"""How the fates of many pictures add up to one exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from ugatit_cli.errors import BadInputError, RefusedError, UgatitError
from ugatit_cli.pipeline.outcomes import Failure, Tally, Written
from ugatit_cli.pipeline.plan import Job
from ugatit_cli.pipeline.sources import Source

GOOD = Written(Job(Source(Path("a"), Path("a")), {}, "png"), {}, (), 0.0)
EMPTY = Failure(Path("b"), BadInputError("it is empty", hint="copy it again", name="image-empty"))
CUT = Failure(Path("c"), BadInputError("it is cut off", hint="copy it again", name="image-truncated"))
LARGE = Failure(Path("d"), RefusedError("it is too large", name="image-too-large"))


@pytest.mark.parametrize(
    ("outcomes", "skipped", "code"),
    [
        ([], 0, 0),
        ([GOOD, GOOD], 0, 0),
        ([], 3, 0),
        ([EMPTY], 0, 4),
        ([LARGE], 0, 6),
        ([EMPTY, CUT], 0, 4),
        ([EMPTY, LARGE], 0, 3),
        ([GOOD, EMPTY], 0, 3),
        ([EMPTY], 1, 3),
    ],
)
def test_exit_codes(outcomes: list[Written | Failure], skipped: int, code: int) -> None:
    tally = Tally(skipped=skipped)
    for outcome in outcomes:
        tally.add(outcome)
    error = tally.error()
    assert (0 if error is None else error.exit_code) == code


def summed_up(*outcomes: Written | Failure) -> UgatitError:
    tally = Tally()
    for outcome in outcomes:
        tally.add(outcome)
    error = tally.error()
    assert error is not None
    return error


def test_a_single_picture_ends_with_its_own_error() -> None:
    assert summed_up(EMPTY) is EMPTY.error


def test_many_end_with_a_count_and_the_hint_that_goes_for_all() -> None:
    same, mixed = summed_up(GOOD, EMPTY, CUT), summed_up(GOOD, EMPTY, LARGE)
    assert (same.message, same.hint, same.name) == ("2 of 3 pictures failed", "copy it again", "some-failed")
    assert (mixed.message, mixed.hint) == ("2 of 3 pictures failed", "")
