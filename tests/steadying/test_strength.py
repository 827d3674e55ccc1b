"""What `--steady` may be given."""

from __future__ import annotations

import pytest

from ugatit_cli.errors import UsageError
from ugatit_cli.steadying import Strength, parse_strength
from ugatit_cli.steadying.strength import share_of


@pytest.mark.parametrize(
    ("text", "strength"), [("off", "off"), ("auto", "auto"), ("0.5", 0.5), ("1", 1.0), ("1e-3", 0.001)]
)
def test_words_and_numbers(text: str, strength: Strength) -> None:
    assert parse_strength(text) == strength


@pytest.mark.parametrize("text", ["", "on", "0", "-0.5", "1.01", "nan", "inf", "50%"])
def test_nothing_else(text: str) -> None:
    with pytest.raises(UsageError, match="neither off, auto nor a number") as caught:
        parse_strength(text)
    assert caught.value.name == "steady-strength"


def test_shares_grow_with_strength_and_never_take_all() -> None:
    shares = [share_of(strength) for strength in ("off", 0.2, "auto", 1.0)]
    assert shares[0] == 0 and shares == sorted(shares) and shares[-1] < 1
