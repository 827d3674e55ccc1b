"""OpenCV and Pillow at work: both must load, and know the formats that the program reads and writes."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ExitCode
from .child import Answer
from .findings import Finding, note, ok, problem
from .installing import pip, pip_again
from .probing import Probes

TITLES = {"opencv": "OpenCV", "pillow": "Pillow"}
DISTRIBUTIONS = {"opencv": "opencv-python", "pillow": "pillow"}
HEADLESS = f"{pip('uninstall', '-y', 'opencv-python')} && {pip('install', 'opencv-python-headless')}"


def start_pictures(probes: Probes) -> None:
    for library in TITLES:
        probes.start("pictures", library)


def picture_findings(probes: Probes) -> Iterator[Finding]:
    for library in TITLES:
        yield judge(library, probes.answer("pictures", library))


def judge(library: str, answer: Answer) -> Finding:
    """`opencv` or `pillow`, after what its process said."""
    title, facts = TITLES[library], answer.merged
    if answer.fault:
        remedy = pip_again(DISTRIBUTIONS[library])
        if library == "opencv" and any(name in answer.fault for name in ("libGL", "libgthread", "libX")):
            remedy = HEADLESS  # a server without a screen lacks these
        return problem(library, f"{title} does not work: {answer.fault}", remedy, ExitCode.DEVICE).with_details(
            answer.noise
        )
    lacks = [ending for ending, works in facts["formats"].items() if not works]
    text = f"{title} {facts['version']}"
    if lacks:
        remedy = pip_again(DISTRIBUTIONS[library])
        return note(library, f"{text} cannot write and read {', '.join(lacks)}", remedy, **facts)
    return ok(library, f"{text} writes and reads {', '.join(facts['formats'])}", **facts)
