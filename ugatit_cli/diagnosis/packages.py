"""The libraries: is everything there that this program requires, new enough, and only once?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from ..errors import ExitCode
from .findings import Finding, note, ok, problem
from .installing import pip

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OURS = "ugatit-cli"
SAME_IMPORT = (  # distributions that write into one folder: the last one installed wins, and breaks the others
    (
        "onnxruntime-gpu",
        "onnxruntime",
        "onnxruntime-directml",
        "onnxruntime-openvino",
        "onnxruntime-rocm",
        "onnxruntime-migraphx",
        "onnxruntime-qnn",
    ),
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
)
OPTIONAL = {"openvino": "the fastest way on many CPUs (--backend openvino)"}
SHOWN = {"torch", "onnx", "onnxruntime-gpu", "opencv-python", "pillow", "numpy"}  # the others share a line
ALSO = ("huggingface-hub", "pillow-heif")


def package_findings() -> Iterator[Finding]:
    """What the metadata of the installed program requires against what the metadata of the others say."""
    try:
        lines = requires(OURS) or []
    except PackageNotFoundError:
        yield note("packages", f"{OURS} is not installed, so what it requires is not known", pip("install", "-e", "."))
        lines = []
    try:
        wanted = requirements_here(lines)
    except ModuleNotFoundError:
        text = "packaging is not installed: it reads what the others must be"
        yield problem("package-packaging", text, pip("install", "packaging"), ExitCode.DEVICE)
        return
    names = {each.name for each in wanted}.union(ALSO, OPTIONAL, *SAME_IMPORT)
    yield from check(wanted, installed_versions(names))


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Those of them that are there."""
    found = {}
    for name in sorted(names):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def requirements_here(lines: Iterable[str]) -> list[Requirement]:
    """Those for this system, the optional ones that are named in OPTIONAL among them."""
    from packaging.requirements import Requirement

    wanted = []
    for requirement in map(Requirement, lines):
        extras = ("", *OPTIONAL)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            wanted.append(requirement)
    return wanted


def check(wanted: Iterable[Requirement], installed: Mapping[str, str]) -> Iterator[Finding]:
    yield from _clashes(installed)
    required = {each.name: each for each in wanted}
    others = []
    for name, requirement in sorted(required.items()):
        finding = _required(requirement, installed)
        if finding.status == "ok" and name not in SHOWN | set(OPTIONAL):
            others.append(f"{name} {installed[name]}")
        else:
            yield finding
    for name in (name for name in OPTIONAL if name not in required):
        yield _optional(name, name, installed)
    others += [f"{name} {installed[name]}" for name in ALSO if name in installed]
    if others:
        yield ok("packages", ", ".join(others), versions=dict(line.split() for line in others))


def _clashes(installed: Mapping[str, str]) -> Iterator[Finding]:
    for group in SAME_IMPORT:
        there = [name for name in group if name in installed]
        if len(there) > 1:
            text = f"{' and '.join(there)} are both installed, and overwrite each other's files"
            remedy = f"{pip('uninstall', '-y', *there)} && {pip('install', there[0])}"
            yield problem(f"duplicate-{group[1]}", text, remedy, ExitCode.DEVICE, installed=there)


def _required(requirement: Requirement, installed: Mapping[str, str]) -> Finding:
    name, wanted = requirement.name, f"{requirement.name}{requirement.specifier}"
    if name in OPTIONAL and requirement.marker is not None:
        return _optional(name, wanted, installed, requirement)
    instead = _stand_in(name, installed)
    if name not in installed and instead is None:
        text = f"{name} is not installed"
        return problem(f"package-{name}", text, pip("install", wanted), ExitCode.DEVICE, wanted=wanted)
    there = name if name in installed else str(instead)
    facts = {"version": installed[there], "wanted": wanted}
    if not _fits(requirement, installed[there]):
        text = f"{there} {installed[there]} does not fit: {wanted} is required"
        remedy = pip("install", f"{there}{requirement.specifier}")
        return problem(f"package-{name}", text, remedy, ExitCode.DEVICE, **facts)
    text = f"{there} {installed[there]}" + (f", in place of {name}" if there != name else "")
    return ok(f"package-{name}", text, **facts)


def _stand_in(name: str, installed: Mapping[str, str]) -> str | None:
    """Another distribution that brings the same modules."""
    groups = [group for group in SAME_IMPORT if name in group]
    return next((other for group in groups for other in group if other in installed), None)


def _optional(name: str, wanted: str, installed: Mapping[str, str], requirement: Requirement | None = None) -> Finding:
    """`wanted` is the name, or the name with the versions that fit."""
    if name not in installed:
        return note(f"package-{name}", f"{name} is not installed: {OPTIONAL[name]}", pip("install", wanted))
    facts = {"version": installed[name], "wanted": wanted}
    if requirement is not None and not _fits(requirement, installed[name]):
        text = f"{name} {installed[name]} is not tried with this program: {wanted} is"
        return note(f"package-{name}", text, pip("install", wanted), **facts)
    return ok(f"package-{name}", f"{name} {installed[name]}", **facts)


def _fits(requirement: Requirement, there: str) -> bool:
    return requirement.specifier.contains(there, prereleases=True)
