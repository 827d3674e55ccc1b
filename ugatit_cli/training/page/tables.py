"""The parts of the page that need no script: where the run stands, what was found, and with what it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ...shell import command_line
from ..config import TrainConfig
from .evaluations import DIRECTIONS, Group
from .records import Found
from .text import markup

if TYPE_CHECKING:
    from . import PageStatus

MEASURES: Final = {  # name in evaluations.jsonl: heading, digits
    "kid": ("KID", 4),
    "kid_input": ("KID of the untranslated pictures", 4),
    "fid": ("FID", 1),
    "change": ("Change of the pictures, levels of 255", 1),
    "diversity": ("Diversity, 1 is that of the targets", 2),
    "l1": ("Distance to the true pictures (L1)", 2),
    "psnr": ("PSNR to the true pictures, dB", 2),
    "ssim": ("SSIM to the true pictures", 3),
}
SETS: Final = {"a": "A, training", "b": "B, training", "test_a": "A, held out", "test_b": "B, held out"}
ARROWS: Final = {"a2b": "A to B", "b2a": "B to A"}
SPLITS: Final = {
    "select": "On the held-out pictures that choose the best step",
    "report": "On held-out pictures kept apart for the report",
}


def progress(status: PageStatus, config: TrainConfig, now: datetime) -> str:
    """The bar and the line under it; `now` with its time zone."""
    share = 100 * status.step / max(status.steps, 1)
    facts = [f"<b>step {status.step:,}</b> of {status.steps:,}"]
    if status.seconds_per_step > 0:
        pictures = 2 * config.batch_size * status.processes / status.seconds_per_step
        facts.append(f"{status.seconds_per_step:.3g} s a step, {pictures:.3g} pictures a second")
    if status.finished:
        facts.append("finished" if status.step >= status.steps else "stopped")
    elif status.seconds_per_step > 0 and status.step < status.steps:
        facts.append(f"about {duration((status.steps - status.step) * status.seconds_per_step)} left")
    facts.append(f"written {now:%Y-%m-%d %H:%M} {markup(now.tzname() or '')}")
    bar = f'<div class="bar" role="img" aria-label="{share:.0f} percent done"><i style="width:{share:.2f}%"></i></div>'
    return bar + '<p class="facts">' + "".join(f"<span>{fact}</span>" for fact in facts) + "</p>"


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days} d {hours_left} h"
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min" if minutes else f"{round(seconds)} s"


def warnings(sentences: Iterable[str]) -> str:
    return _list("Warnings", sentences, "warnings")


def survey(found: Found | None) -> str:
    """What was found before the first step, or nothing."""
    if found is None:
        return ""
    rows = [(SETS.get(name, name), f"{count:,} pictures in {folder}") for name, folder, count in found.sets]
    findings = _list("", found.findings, "findings") or '<p class="note">Nothing to complain about.</p>'
    return f"<section><h2>The pictures</h2>{_table(rows)}{findings}</section>"


def settings(config: TrainConfig) -> str:
    """What differs from the defaults; the rest is folded away."""
    changed: list[tuple[str, ...]] = []
    default: list[tuple[str, ...]] = []
    for name, field in TrainConfig.model_fields.items():
        value = getattr(config, name)
        row = (_option(name), _shown(value), field.description or "")
        (default if value == field.get_default(call_default_factory=True) else changed).append(row)
    rest = f"<details><summary>{len(default)} settings at their defaults</summary>{_table(default)}</details>"
    return f'<div class="settings">{_table(changed)}{rest if default else ""}</div>'


def environment(facts: Mapping[str, str], config: TrainConfig) -> str:
    """Versions and hardware, and the command that repeats the run."""
    rows = [(name.replace("_", " "), value) for name, value in facts.items()]
    return _table([*rows, ("seed", str(config.seed))]) + f"<pre>{markup(command(config))}</pre>"


def command(config: TrainConfig) -> str:
    """The command line that starts such a run: rebuilt from the settings, so nothing else that was typed is in it."""
    words = ["ugatit", "train"]
    for name, field in TrainConfig.model_fields.items():
        value = getattr(config, name)
        if value == field.get_default(call_default_factory=True):
            continue
        if isinstance(value, bool):
            words.append(_option(name) if value else _option(f"no_{name}"))
            continue
        for item in value if isinstance(value, list | tuple) else [value]:
            words += [_option(name), str(item)]
    return command_line(words)


def evaluations(groups: list[Group]) -> str:
    """Tables for each group: the numbers of the chosen step, and of the newest where none was chosen or for the report."""
    return "".join(_evaluation(group, number) for number, group in enumerate(groups, 1))


def _evaluation(group: Group, number: int) -> str:
    steps, best = group["steps"], group["best"]
    shown = [] if best is None else [steps.index(best)]
    if best is None or (group["split"] == "report" and steps[-1] != best):
        shown.append(len(steps) - 1)
    heading = SPLITS.get(group["split"], group["split"])
    tables = "".join(_numbers(group, index) for index in shown)
    return f'<h3>{markup(heading)}</h3>{tables}<p class="note">Protocol {number}: {markup(group["protocol"])}</p>'


def _numbers(group: Group, index: int) -> str:
    step = group["steps"][index]
    known = [name for name in MEASURES if any(name in group[direction] for direction in DIRECTIONS)]
    rows = [
        (MEASURES[name][0], *(_measure(group[direction], name, index) for direction in DIRECTIONS)) for name in known
    ]
    which = f"the best, step {step:,.0f}" if step == group["best"] else f"step {step:,.0f}"
    return _table(rows, head=(which, *(ARROWS[direction] for direction in DIRECTIONS)))


def _measure(columns: dict[str, list[float | None]], name: str, index: int) -> str:
    value = columns.get(name, [None] * (index + 1))[index]
    if value is None:
        return "–"
    digits = MEASURES[name][1]
    low, high = (columns.get(f"{name}_{end}", [None] * (index + 1))[index] for end in ("low", "high"))
    interval = f" ({low:.{digits}f} to {high:.{digits}f})" if low is not None and high is not None else ""
    return f"{value:.{digits}f}{interval}"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else str(value)


def _table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ()) -> str:
    first = f"<thead><tr>{''.join(f'<th scope=col>{markup(text)}</th>' for text in head)}</tr></thead>" if head else ""
    body = "".join(
        f"<tr><th scope=row>{markup(name)}</th>{''.join(f'<td>{markup(text)}</td>' for text in rest)}</tr>"
        for name, *rest in rows
    )
    return f'<div class="scroll"><table>{first}<tbody>{body}</tbody></table></div>'


def _list(heading: str, sentences: Iterable[str], name: str) -> str:
    items = "".join(f"<li>{markup(sentence)}</li>" for sentence in sentences)
    title = f"<h2>{heading}</h2>" if heading else ""
    return f'<section class="{name}">{title}<ul>{items}</ul></section>' if items else ""
