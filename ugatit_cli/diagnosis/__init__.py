"""Is everything here that the program needs? Each thing is tried, not looked up; whatever may crash or hang, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter

from ..errors import ExitCode
from .asked import Asked, asked_findings
from .clock import clock_findings
from .computing import computing_findings, start_computing
from .devices import device_findings, start_devices
from .findings import Finding, Section
from .memory import memory_findings
from .models import model_findings
from .packages import package_findings
from .pictures import picture_findings, start_pictures
from .probing import Probes
from .processor import processor_findings
from .program import program_findings
from .storage import storage_findings
from .variables import variable_findings
from .video import start_video, video_findings

__all__ = ["Asked", "Finding", "Section", "diagnose", "exit_code"]

Looks = dict[str, list[Callable[[], Iterator[Finding]]]]


def diagnose(asked: Asked) -> Iterator[Section]:
    """Section after section, each as soon as it is known.

    Raises:
        UsageError: what was asked for contradicts itself.
    """
    assert asked.ways  # or it raises, before anything is started
    with Probes() as probes:
        for start in (start_devices, start_computing, start_pictures, start_video):
            start(probes)
        found: dict[str, Finding] = {}
        for name, looks in _sections(asked, probes, found).items():
            begun = perf_counter()
            findings = tuple(finding for look in looks for finding in look())
            found |= {finding.name: finding for finding in findings}
            if findings:
                yield Section(name, findings, perf_counter() - begun)


def _sections(asked: Asked, probes: Probes, found: dict[str, Finding]) -> Looks:
    return {
        "program": [program_findings],
        "machine": [processor_findings, memory_findings, clock_findings],
        "packages": [package_findings],
        "storage": [storage_findings],
        "environment": [variable_findings],
        "models": [model_findings],
        "devices": [lambda: device_findings(probes)],
        "computing": [lambda: computing_findings(probes)],
        "pictures": [lambda: picture_findings(probes)],
        "video": [lambda: video_findings(probes)],
        "asked for": [lambda: asked_findings(asked, found, probes)],
    }


def exit_code(sections: Iterable[Section]) -> ExitCode:
    """Of the first problem; what was asked for comes before everything else."""
    problems = [finding for section in sections for finding in section.findings if finding.status == "problem"]
    problems.sort(key=lambda finding: not finding.name.startswith("asked-"))
    return problems[0].exit_code if problems else ExitCode.OK
