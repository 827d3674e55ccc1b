"""What the user wants to work: a device, a backend, a model. Here, and only here, what is optional becomes a must."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ExitCode, UsageError
from .child import Answer, Child
from .computing import closed_way
from .findings import Finding, ok, problem
from .probing import Probes
from .reasons import reason
from .ways import DEVICES, TITLES, WAYS, Way

AUTO = "auto"
MODEL_SECONDS = 300.0  # the first time, a graph is made and two programs are compared
PICTURE_SIDE = 64
TRANSLATE = "from ugatit_cli.cli import main; main()"


@dataclass(frozen=True)
class Asked:
    """`device` and `backend` as the options of `translate`, `auto` for any; `model` a name or a path."""

    device: str = AUTO
    backend: str = AUTO
    model: str | None = None

    @property
    def ways(self) -> list[Way]:
        """All that would do.

        Raises:
            UsageError: that backend never runs on that device.
        """
        found = [way for way in WAYS if self.backend in (AUTO, way.backend) and self.device in (AUTO, way.device)]
        if not found:
            text = f"{TITLES[self.backend]} does not run on {DEVICES[self.device]}"
            raise UsageError(text, hint="leave --backend or --device out", name="options-contradict")
        return found


def asked_findings(asked: Asked, found: Mapping[str, Finding], probes: Probes) -> Iterator[Finding]:
    """`found`: what is known already, by name."""
    if (asked.device, asked.backend) != (AUTO, AUTO):
        yield _device(asked, found, probes)
    if asked.model is not None:
        yield _model(asked, asked.model)


def _device(asked: Asked, found: Mapping[str, Finding], probes: Probes) -> Finding:
    wish = " ".join(f"--{name} {value}" for name, value in _options(asked).items())
    tried = [found.get(way.name) or closed_way(way, probes) for way in asked.ways]
    findings = [finding for finding in tried if finding is not None]
    working = [finding for finding in findings if finding.status == "ok"]
    facts = {"asked": _options(asked)}
    if working:
        return ok("asked-device", f"{wish} works: {working[0].text}", **facts)
    text = f"{wish} does not work: {'; '.join(finding.text for finding in findings)}"
    remedy = next((finding.remedy for finding in findings if finding.remedy), "use --device cpu")
    return problem("asked-device", text, remedy, ExitCode.DEVICE, **facts)


def _options(asked: Asked) -> dict[str, str]:
    values = {"device": asked.device, "backend": asked.backend}
    return {name: value for name, value in values.items() if value != AUTO}


def _model(asked: Asked, model: str) -> Finding:
    """A small picture goes through `ugatit translate`, as the user's own would."""
    options = [word for name, value in _options(asked).items() for word in (f"--{name}", value)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, result = Path(folder, "in.bmp"), Path(folder, "out.png")
            source.write_bytes(_picture(PICTURE_SIDE))
            words = ["translate", str(source), "-o", str(result), "-m", model, "--json", *options]
            answer = Child(TRANSLATE, *words, limit=MODEL_SECONDS).answer()
    except OSError as error:
        text = f"{model} was not tried: {error}"
        return problem("asked-model", text, "export TMPDIR=/path/to/folder", ExitCode.OUTPUT, model=model)
    return judge(model, answer)


def judge(model: str, answer: Answer) -> Finding:
    """After what `ugatit translate` said and ended with."""
    if not answer.fault:
        facts = answer.merged
        by = ", ".join(str(facts[name]) for name in ("backend", "device", "provider") if facts.get(name))
        text = f"{model} translates a picture: {by}"
        return ok("asked-model", text, model=model, backend=facts.get("backend"), device=facts.get("device"))
    said = {label: text for label, _, text in (line.partition(": ") for line in answer.noise)}
    code = _exit_code(answer)
    text = f"{model} does not translate: {said.get('error') or reason(answer)}"
    failed = problem("asked-model", text, said.get("hint", "use another model with -m"), code, model=model)
    return replace(failed, details=answer.noise)


def _exit_code(answer: Answer) -> ExitCode:
    if answer.exit_code is None:
        return ExitCode.RESOURCES
    return ExitCode(answer.exit_code) if answer.exit_code in set(ExitCode) else ExitCode.DEVICE


def _picture(side: int) -> bytes:
    """A BMP file with a ramp of colours, `side` a multiple of 4."""
    size = 3 * side * side
    header = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 54 + size, 0, 54, 40, side, side, 1, 24, 0, size, 0, 0, 0, 0)
    levels = [(255 * x // side, 255 * y // side, 128) for y in range(side) for x in range(side)]
    return header + bytes(level for pixel in levels for level in pixel)
