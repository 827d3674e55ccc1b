"""What processes say, written down by hand: for machines that are not here."""

from __future__ import annotations

from typing import Any

from ugatit_cli.diagnosis.child import Answer


def answered(*facts: dict[str, Any]) -> Answer:
    return Answer(facts, "", (), 0)


def failed(fault: str, *facts: dict[str, Any], noise: tuple[str, ...] = ()) -> Answer:
    return Answer(facts, fault, noise or (fault,), 1)
