"""Trouble is named, once, for as long as it lasts; healthy runs, and what looks odd in them, are left alone.

`recorded.json` holds what real runs gave, by number and line: of four or eight channels at 32 pixels on drawn and shaded
emoji, which something was done to, and healthy ones; one of those has 32 channels at 64 pixels on portraits and cartoon
heads (and no vitals, which there were not then).
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.watchers import Watchers, explain_losses

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text(encoding="utf-8"))

HEALTHY: dict[str, Any] = {
    **{f"d_{scope}_{domain}{cam}": 0.4 for scope in ("global", "local") for domain in "ab" for cam in ("", "_cam")},
    **{f"g_{scope}_{domain}{cam}": 0.4 for scope in ("global", "local") for domain in "ab" for cam in ("", "_cam")},
    **{f"g_{term}_{domain}": 0.2 for term in ("cycle", "identity") for domain in "ab"},
    "g_cam_a2b": 0.2, "g_cam_b2a": 0.3, "discriminators": 3.2, "generators": 504.0, "learning_rate": 1e-4,
    "change_a2b": 50.0, "change_b2a": 40.0, "variety_a2b": 0.8, "variety_b2a": 0.9,
    "rho_mean": 0.8, "rho_at_zero": 0.02, "rho_at_one": 0.01, "rho_histogram": [9, 0, 0, 0, 0, 0, 0, 0, 9, 1],
}  # fmt: skip

STRONG_B = {"d_global_b": 0.01, "d_local_b": 0.02, "g_global_b": 0.97, "g_local_b": 0.95}
ILLS: dict[str, tuple[dict[str, Any], str]] = {
    "strong": (STRONG_B, "discriminators of B see through every translated picture .*0.015.*0.96.*--augment all"),
    "lost": (
        {"d_global_a": 1.4, "d_local_a": 0.6},
        "discriminators of A do worse than guessing .*1.00.*--learning-rate",
    ),
    "collapsed": ({"variety_b2a": 0.03}, r"every picture of B becomes nearly the same picture of A \(variety 0.03"),
    "copying": (
        {"change_a2b": 1.26},
        r"pictures of A come out nearly as they went in \(1.3 of 255 .*--identity-weight",
    ),
    "saturated": ({"rho_at_zero": 0.5, "rho_at_one": 0.25}, r"75% of .*rhos .*\(50% at 0, 25% at 1\).*--smoothing"),
    "grey": ({"g_cycle_b": 1.2}, r"further from the originals than plain grey is \(1.20\).*--learning-rate 5e-05"),
    "grown": ({f"g_{t}_{d}": 0.7 for t in ("cycle", "identity") for d in "ab"}, r"risen to 0.6\d from 0.20.*diverges"),
}


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig(a=Path("a"), b=Path("b"))


def look(watchers: Watchers, steps: range, **numbers: Any) -> list[str]:
    """Everything said while these lines come."""
    return [said for step in steps for said in watchers.look(HEALTHY | numbers | {"step": step})]


def after_a_healthy_start(config: TrainConfig) -> Watchers:
    watchers = Watchers(config)
    assert look(watchers, range(50, 2001, 50)) == []
    return watchers


def recorded(name: str) -> list[dict[str, Any]]:
    columns = RECORDED[name]
    return [dict(zip(columns, numbers, strict=True)) for numbers in zip(*columns.values(), strict=True)]


# ------------------------------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize("ill", ILLS)
def test_each_ill_is_named_once(ill: str, config: TrainConfig) -> None:
    numbers, says = ILLS[ill]
    (said,) = look(after_a_healthy_start(config), range(2050, 5001, 50), **numbers)
    assert re.search(says, said), said


@pytest.mark.parametrize("ill", ILLS)
def test_an_ill_that_comes_back_is_named_again(ill: str, config: TrainConfig) -> None:
    numbers, _ = ILLS[ill]
    watchers = after_a_healthy_start(config)
    assert len(look(watchers, range(2050, 5001, 50), **numbers)) == 1
    assert look(watchers, range(5050, 8001, 50)) == []
    assert len(look(watchers, range(8050, 11001, 50), **numbers)) == 1


@pytest.mark.parametrize("ill", ILLS)
def test_a_bad_moment_is_no_ill(ill: str, config: TrainConfig) -> None:
    numbers, _ = ILLS[ill]
    watchers = after_a_healthy_start(config)
    for start in range(2000, 6000, 400):
        assert look(watchers, range(start + 50, start + 101, 50), **numbers) == []  # two lines
        assert look(watchers, range(start + 150, start + 401, 50)) == []


@pytest.mark.parametrize("ill", ILLS)
def test_lines_of_single_steps_must_hold_for_a_hundred(ill: str, config: TrainConfig) -> None:
    numbers, _ = ILLS[ill]
    watchers = after_a_healthy_start(config)
    assert look(watchers, range(2001, 2100), **numbers) == []
    assert len(look(watchers, range(2100, 3000), **numbers)) == 1


@pytest.mark.parametrize("ill", ILLS)
def test_a_bad_moment_does_not_hide_that_it_goes_on(ill: str, config: TrainConfig) -> None:
    """One good line between does not make it new."""
    numbers, _ = ILLS[ill]
    watchers = after_a_healthy_start(config)
    assert len(look(watchers, range(2050, 3001, 50), **numbers)) == 1
    assert look(watchers, range(3050, 3051)) == []
    assert look(watchers, range(3100, 5001, 50), **numbers) == []


@pytest.mark.parametrize("ill", ILLS)
def test_a_resumed_run_does_not_repeat_itself(ill: str, config: TrainConfig) -> None:
    numbers, _ = ILLS[ill]
    resumed = Watchers(config)
    resumed.recall(HEALTHY | {"step": step} for step in range(50, 2001, 50))
    resumed.recall(HEALTHY | numbers | {"step": step} for step in range(2050, 5001, 50))
    assert look(resumed, range(5050, 8001, 50), **numbers) == []


@pytest.mark.parametrize("ill", ["strong", "collapsed", "copying", "lost", "saturated", "grey"])
def test_what_every_run_begins_with_is_no_ill(ill: str, config: TrainConfig) -> None:
    numbers, _ = ILLS[ill]
    assert look(Watchers(config), range(50, 501, 50), **numbers) == []


@pytest.mark.parametrize("unknown", [None, math.nan, "absent"])
def test_what_is_not_known_alarms_nobody(unknown: float | str | None, config: TrainConfig) -> None:
    watchers = Watchers(config)
    for step in range(50, 5001, 50):
        line = {name: unknown for name in HEALTHY} if unknown != "absent" else {}
        assert watchers.look(line | {"step": step}) == []


def test_guessing_discriminators_are_no_ill(config: TrainConfig) -> None:
    """Half right is what a perfect generator leaves them."""
    guessing = {f"d_{scope}_{domain}": 0.5 for scope in ("global", "local") for domain in "ab"}
    even = {f"g_{scope}_{domain}": 0.25 for scope in ("global", "local") for domain in "ab"}
    assert look(after_a_healthy_start(config), range(2050, 9001, 50), **guessing, **even) == []


def test_a_very_good_reconstruction_may_double(config: TrainConfig) -> None:
    watchers = Watchers(config)
    terms = [f"g_{term}_{domain}" for term in ("cycle", "identity") for domain in "ab"]
    assert look(watchers, range(50, 3001, 50), **dict.fromkeys(terms, 0.03)) == []
    assert look(watchers, range(3050, 6001, 50), **dict.fromkeys(terms, 0.15)) == []


def test_rhos_that_start_at_their_bound_are_no_ill(config: TrainConfig) -> None:
    smoothing = Watchers(config.model_copy(update={"smoothing": True}))
    assert look(smoothing, range(50, 5001, 50), rho_at_one=0.8) == []


# ------------------------------------------------------------------------------------------------------ learning rate


@pytest.mark.parametrize(
    ("rate", "says"),
    [
        (0.1, "1000 times the paper's .* likely to collapse"),
        (1e-7, "0.001 times .* hardly move"),
        (2e-3, ""),
        (1e-5, ""),
    ],
)
def test_an_absurd_learning_rate_is_named_at_once(rate: float, says: str, config: TrainConfig) -> None:
    watchers = Watchers(config.model_copy(update={"learning_rate": rate}))
    said = watchers.look(HEALTHY | {"step": 50})
    assert len(said) == bool(says)
    assert all(re.search(says, sentence) for sentence in said)
    assert look(watchers, range(100, 3001, 50)) == []


# ------------------------------------------------------------------------------------------------------ recorded runs


@pytest.mark.parametrize("name", ["healthy emoji", "healthy portraits"])
def test_healthy_runs_raise_no_alarm(name: str, config: TrainConfig) -> None:
    watchers = Watchers(config)
    lines = recorded(name)
    assert len(lines) >= 50 and lines[-1]["step"] >= 2000
    assert [said for line in lines for said in watchers.look(line)] == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "learning rate 0.1",
            ["learning rate 0.1 is 1000 times", "B do worse than guessing", "A becomes nearly the same"],
        ),
        ("rate to 0.3 at step 500", ["further from the originals than plain grey"]),
        ("one picture for all of A", ["B see through every", "A becomes nearly the same picture of B"]),
        ("copies", ["A come out nearly as they went in", "B come out nearly as they went in"]),
        ("generators stopped at step 200", ["A see through every", "B see through every"]),
    ],
)
def test_what_was_done_to_a_run_is_named(name: str, says: list[str], config: TrainConfig) -> None:
    rate = recorded(name)[0]["learning_rate"]
    watchers = Watchers(config.model_copy(update={"learning_rate": rate}))
    said = [sentence for line in recorded(name) for sentence in watchers.look(line)]
    assert len(said) == len(says), said
    for pattern in says:
        assert any(re.search(pattern, sentence) for sentence in said), said


def test_a_recording_resumed_anywhere_says_the_same(config: TrainConfig) -> None:
    """What is said before and after a kill, together, is what a run says that was never killed."""
    lines = recorded("generators stopped at step 200")
    straight = Watchers(config)
    expected = [said for line in lines for said in straight.look(line)]
    for stop in range(1, len(lines)):
        before, after = Watchers(config), Watchers(config)
        said = [sentence for line in lines[:stop] for sentence in before.look(line)]
        recalled = after.recall(lines[:stop])
        assert [re.sub(r"^step \d+: ", "", text) for text in recalled] == said
        assert said + [sentence for line in lines[stop:] for sentence in after.look(line)] == expected


def test_only_the_root_is_named_when_all_goes_wrong(config: TrainConfig) -> None:
    at_once = [numbers for ill, (numbers, _) in ILLS.items() if ill != "grown"]
    everything = {name: value for numbers in at_once for name, value in numbers.items()}
    (said,) = look(after_a_healthy_start(config), range(2050, 5001, 50), **everything)
    assert "the run diverges" in said


# ------------------------------------------------------------------------------------------------------ explanations


def test_the_large_generator_loss_is_explained(config: TrainConfig) -> None:
    said = explain_losses(HEALTHY, config)
    assert said is not None and "near 504 is normal: 500 of it" in said and "the CAM weight is 1000" in said


def test_there_is_nothing_to_explain_while_only_the_discriminators_learn(config: TrainConfig) -> None:
    assert explain_losses({"step": 50, "discriminators": 4.0}, config) is None
