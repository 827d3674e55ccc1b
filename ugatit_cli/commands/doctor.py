"""`ugatit doctor`: what is here, what works, and how to mend the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from ..console import Console, Verbosity, escape
from ..errors import ExitCode
from . import options

if TYPE_CHECKING:
    from ..diagnosis import Finding, Section

WIDTH = 9  # of the column that says ok, note or problem

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME|PATH", show_default="none", help="Also check that this model translates."
    ),
]


def doctor(
    model: ModelOption = None,
    device: options.RunDeviceOption = "auto",
    backend: options.BackendOption = "auto",
    as_json: options.JsonOption = False,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Check the installation: versions, devices, a real inference on each, disks, video encoders, the bundled models.

    Every line begins with ok, note or problem; a problem has its remedy below it and decides the exit code. What is
    optional is no problem, unless --device, --backend or --model ask for it.
    """
    from ..diagnosis import Asked, diagnose, exit_code

    console = Console(options.verbosity(verbose, quiet))
    begun = perf_counter()
    sections = []
    for section in diagnose(Asked(device, backend, model)):
        sections.append(section)
        if not as_json:
            _show(section, console)
    code, counts = exit_code(sections), _counts(sections)
    seconds = perf_counter() - begun
    if as_json:
        console.write(_json(sections, counts | {"seconds": round(seconds, 3)}, code))
    console.note(f"{_plural(counts['problems'], 'problem')}, {_plural(counts['notes'], 'note')}; {seconds:.1f} s")
    raise typer.Exit(code)


def _show(section: Section, console: Console) -> None:
    """With --quiet problems only, with --verbose also what libraries said."""
    shown = [each for each in section.findings if each.status == "problem" or console.verbosity > Verbosity.QUIET]
    lines = [
        line for finding in shown for line in doctor_lines(finding, verbose=console.verbosity == Verbosity.VERBOSE)
    ]
    if lines:
        took = f"   {section.seconds:.1f} s" if console.verbosity == Verbosity.VERBOSE else ""
        console.write("".join(f"{line}\n" for line in [f"{section.name}{took}", *lines]).encode())


def doctor_lines(finding: Finding, *, verbose: bool) -> Iterator[str]:
    yield f"  {finding.status:{WIDTH}}{escape(finding.text)}"
    if finding.remedy:
        yield f"  {'':{WIDTH}}remedy: {escape(finding.remedy)}"
    if verbose:
        yield from (f"  {'':{WIDTH}}{escape(line)}" for line in finding.details)


def _counts(sections: list[Section]) -> dict[str, int]:
    found = [finding.status for section in sections for finding in section.findings]
    return {"ok": found.count("ok"), "notes": found.count("note"), "problems": found.count("problem")}


def _plural(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'s' * (count != 1)}"


def _json(sections: list[Section], summary: dict[str, Any], code: ExitCode) -> bytes:
    document = {
        "ugatit": __version__,
        "command": "doctor",
        "sections": [asdict(section) for section in sections],
        "summary": summary,
        "exit_code": int(code),
    }
    return (json.dumps(document, indent=1) + "\n").encode("ascii")
