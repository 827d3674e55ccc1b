"""Who looks at the numbers of a run and says when they mean trouble: a plain sentence, and what to do.

Every cause is said once, and again only after it went away. A single bad line says nothing: losses are noisy, so a cause
must hold through `LINES` lines of metrics.jsonl and `STEPS` steps, and is gone after as many without it. The bounds are
far from anything that healthy runs were seen to do; what they were at their worst stands beside each bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from .config import TrainConfig

LINES: Final = 3
STEPS: Final = 100
WARM_UP: Final = 500  # steps in which everything may look ill

Line = Mapping[str, Any]
Check = Callable[[Line], str | None]

STRONG_DISCRIMINATOR: Final = 0.12  # mean of its two adversarial terms; healthy: above 0.26, guessing gives 0.5
BEATEN_GENERATOR: Final = 0.75  # of its own two against strong discriminators; healthy: below 0.64
LOST_DISCRIMINATOR: Final = 0.75  # healthy: up to 1 in the first hundred steps, below 0.57 from then on
COLLAPSED_VARIETY: Final = 0.1  # healthy: down to 0.11 while warming up, then above 0.55
COPIED_CHANGE: Final = 4.0  # levels of 255, what saving as JPEG changes; healthy: above 31
COPYING_WARM_UP: Final = 1000
GREY_ANSWER: Final = 1.0  # no picture in [-1, 1] is on average further than that from plain grey; healthy: below 0.66
GROWTH: Final = 3.0  # over the best so far; healthy: below 1.2
HALF_LIFE: Final = 200  # steps, of the running mean in which growth is looked for
LEAST_GROWN: Final = 0.2  # reconstruction has to be worse than that, 25 levels, to count as grown
SATURATED_RHO: Final = 0.5  # healthy: below 0.12 while warming up, then below 0.02
HIGHEST_RATE, LOWEST_RATE = 2e-3, 1e-6  # the paper's is 1e-4


class Watchers:
    """All causes of one run. Feed it every line of metrics.jsonl in order."""

    def __init__(self, config: TrainConfig) -> None:
        pairs = (("a", "b", "a2b"), ("b", "a", "b2a"))
        checks: list[Check] = [partial(_lost, domain) for domain in "ab"]
        checks += [partial(_strong, domain) for domain in "ab"]
        checks += [partial(_collapsed, source, target, direction) for source, target, direction in pairs]
        checks += [partial(_copying, source, target, direction) for source, target, direction in pairs]
        checks.append(partial(_saturated, config.smoothing))
        self._alarms = [_Alarm(check) for check in checks]
        self._alarms.append(_Alarm(partial(_absurd_rate, config.learning_rate), lines=1, steps=0))
        self._diverging = _Alarm(_Diverging(config.learning_rate))

    def look(self, line: Line) -> list[str]:
        """The sentences that this line gives cause to; most often none."""
        diverges = self._diverging.look(line)
        said = [sentence for alarm in self._alarms if (sentence := alarm.look(line))]
        if self._diverging.on:  # everything else is bad then, too, and follows from it
            return [diverges] if diverges else []
        return said

    def recall(self, lines: Iterable[Line]) -> list[str]:
        """Take note of what a resumed run has said already, and return it, each with its step."""
        return [text for line in lines for text in dated(line["step"], self.look(line))]


def dated(step: int, sentences: Iterable[str]) -> list[str]:
    """As a page lists them that is read long after."""
    return [f"step {step}: {sentence}" for sentence in sentences]


def explain_losses(line: Line, config: TrainConfig) -> str | None:
    """What people ask about the first numbers that they see: why the generators' sum is so large.

    None as long as only the discriminators learn.
    """
    if "generators" not in line:
        return None
    attention = config.cam_weight * (_number(line, "g_cam_a2b") + _number(line, "g_cam_b2a"))
    return (
        f"a generator loss near {line['generators']:.0f} is normal: {attention:.0f} of it are the attention terms, "
        f"as the CAM weight is {config.cam_weight:g}; look at cycle, identity and the samples instead"
    )


class _Alarm:
    """Off or on; changes only when the check disagrees with it for long enough."""

    def __init__(self, check: Check, *, lines: int = LINES, steps: int = STEPS) -> None:
        self._check, self._lines, self._steps = check, lines, steps
        self.on = False
        self._disagreeing: list[int] = []  # steps of the lines in a row that say otherwise

    def look(self, line: Line) -> str | None:
        sentence = self._check(line)
        if (sentence is not None) == self.on:
            self._disagreeing.clear()
            return None
        self._disagreeing.append(line["step"])
        if len(self._disagreeing) < self._lines or line["step"] - self._disagreeing[0] < self._steps:
            return None
        self.on = not self.on
        self._disagreeing.clear()
        return sentence


# ---------------------------------------------------------------------------------------------------------- numbers


def _number(line: Line, name: str) -> float:
    """NaN for what is not known: every comparison with it is false, so that it alarms nobody."""
    value = line.get(name)
    return math.nan if value is None else float(value)


def _mean(line: Line, *names: str) -> float:
    return sum(_number(line, name) for name in names) / len(names)


def _adversarial(line: Line, domain: str) -> tuple[float, float]:
    """The discriminators' and the generator's patch terms in a domain, global and local alike."""
    judges, maker = (_mean(line, f"{side}_global_{domain}", f"{side}_local_{domain}") for side in "dg")
    return judges, maker


# ----------------------------------------------------------------------------------------------------------- checks


def _strong(domain: str, line: Line) -> str | None:
    judges, maker = _adversarial(line, domain)
    if not (line["step"] > WARM_UP and judges < STRONG_DISCRIMINATOR and maker > BEATEN_GENERATOR):
        return None
    return (
        f"the discriminators of {domain.upper()} see through every translated picture (their loss is {judges:.3f}, the "
        f"generator's {maker:.2f}), so it learns nothing from them: use --augment all or more pictures, or a lower --learning-rate"
    )


def _lost(domain: str, line: Line) -> str | None:
    judges, _ = _adversarial(line, domain)
    if not (line["step"] > WARM_UP and judges > LOST_DISCRIMINATOR):
        return None
    return (
        f"the discriminators of {domain.upper()} do worse than guessing (their loss is {judges:.2f}, guessing gives 0.5), "
        "so they teach nothing: use a lower --learning-rate"
    )


def _collapsed(source: str, target: str, direction: str, line: Line) -> str | None:
    variety = _number(line, f"variety_{direction}")
    if not (line["step"] > WARM_UP and variety < COLLAPSED_VARIETY):
        return None
    return (
        f"every picture of {source.upper()} becomes nearly the same picture of {target.upper()} (variety {variety:.2f}, as "
        "varied as the real ones is 1): the generator collapsed; start again with a lower --learning-rate or --augment all"
    )


def _copying(source: str, target: str, direction: str, line: Line) -> str | None:
    change = _number(line, f"change_{direction}")
    if not (line["step"] > COPYING_WARM_UP and change < COPIED_CHANGE):
        return None
    return (
        f"pictures of {source.upper()} come out nearly as they went in ({change:.1f} of 255 levels change): either A and B "
        "show the same, or a lower --identity-weight and --cycle-weight leave more freedom"
    )


def _saturated(smoothing: bool, line: Line) -> str | None:
    at_zero = _number(line, "rho_at_zero")
    at_one = 0.0 if smoothing else _number(line, "rho_at_one")  # with smoothing, they start at their upper bound
    if not (line["step"] > WARM_UP and at_zero + at_one > SATURATED_RHO):
        return None
    return (
        f"{at_zero + at_one:.0%} of the normalisations' rhos stand at a bound ({at_zero:.0%} at 0, {at_one:.0%} at 1), so the "
        "kinds of normalisation no longer mix: use a lower --learning-rate, or --smoothing"
    )


def _absurd_rate(rate: float, _line: Line) -> str | None:
    if LOWEST_RATE <= rate <= HIGHEST_RATE:
        return None
    what = "training will hardly move" if rate < LOWEST_RATE else "training is likely to collapse"
    return f"the learning rate {rate:g} is {rate / 1e-4:g} times the paper's 0.0001, {what}: use --learning-rate 1e-4"


class _Diverging:
    """Whether cycle and identity, which only ever fall in a healthy run, rise again or never fell."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._step = 0
        self._level = math.nan  # running mean over steps, so that it does not matter how often lines come
        self._best = math.inf

    def __call__(self, line: Line) -> str | None:
        now = _mean(line, *(f"g_{term}_{domain}" for term in ("cycle", "identity") for domain in "ab"))
        if math.isnan(now):
            return None
        kept = 0.0 if math.isnan(self._level) else 0.5 ** (max(0, line["step"] - self._step) / HALF_LIFE)
        self._level = now if kept == 0 else kept * self._level + (1 - kept) * now
        self._step, self._best = line["step"], min(self._best, self._level)
        worst = max(_number(line, f"g_cycle_{domain}") for domain in "ab")
        if line["step"] > WARM_UP and worst > GREY_ANSWER:
            what = f"pictures translated there and back are further from the originals than plain grey is ({worst:.2f})"
        elif self._level > max(GROWTH * self._best, LEAST_GROWN):
            what = f"cycle and identity have risen to {self._level:.2f} from {self._best:.2f}"
        else:
            return None
        return f"{what}: the run diverges; start again with --learning-rate {self._rate / 2:g}"
