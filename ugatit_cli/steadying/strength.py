"""How much steadying was asked for."""

from __future__ import annotations

from typing import Literal

from ..errors import UsageError

Strength = Literal["off", "auto"] | float  # a number: above 0, up to 1

AUTO = 0.85
LARGEST_SHARE = 0.9  # of the film so far in what is shown, at strength 1: all of it would never change


def parse_strength(text: str) -> Strength:
    """`off`, `auto`, or a number above 0, up to 1.

    Raises:
        UsageError: it is none of them.
    """
    if text == "off":
        return "off"
    if text == "auto":
        return "auto"
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        problem = f"--steady {text} is neither off, auto nor a number above 0 and up to 1"
        raise UsageError(problem, hint="leave it out: auto suits most films", name="steady-strength")
    return number


def share_of(strength: Strength) -> float:
    """How much of the film so far stays in a frame, where the film can be followed."""
    if strength == "off":
        return 0.0
    return LARGEST_SHARE * (AUTO if strength == "auto" else strength)
