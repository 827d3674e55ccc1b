"""Numbers of different protocols are not compared."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from ugatit_cli.errors import UsageError
from ugatit_cli.evaluation import Protocol, Score

PROTOCOL = Protocol("builtin-1", "features at 256 px", 128, 20, 50, "0a1b-2c3d", 20, 100, 0)


def score(value: float, protocol: Protocol = PROTOCOL) -> Score:
    return Score(value, str(protocol))


def test_the_lower_of_two_is_better() -> None:
    assert score(0.1).better_than(score(0.2))
    assert not score(0.2).better_than(score(0.1))
    assert not score(0.1).better_than(score(0.1))


def test_the_text_is_one_line() -> None:
    assert "\n" not in str(PROTOCOL)
    assert str(PROTOCOL).startswith("builtin-1: 20 translated against 50 real pictures")


@pytest.mark.parametrize("name", [field.name for field in fields(Protocol)])
def test_any_difference_forbids_the_comparison(name: str) -> None:
    value = getattr(PROTOCOL, name)
    changed: dict[str, Any] = {name: value + 1 if isinstance(value, int) else value + "x"}
    other = replace(PROTOCOL, **changed)
    with pytest.raises(UsageError, match="different protocols cannot be compared") as caught:
        score(0.1).better_than(score(0.2, other))
    assert caught.value.name == "protocols-differ"
