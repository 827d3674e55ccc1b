"""A real inference by every program on every device that can be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ExitCode
from .child import Answer
from .devices import has_cuda, why_no_cuda
from .findings import Finding, note, ok, problem
from .installing import pip, pip_again
from .probes.tiny_network import LARGEST_DIFFERENCE
from .probing import Probes
from .reasons import reason
from .ways import TITLES, WAYS, Way

NEEDS_NVIDIA = ("cuda", "tensorrt")
INSTALL_DRIVER = "install NVIDIA's driver (a container wants docker run --gpus all), or use --device cpu"
PYTORCH_BUILDS = "take the build for your system from https://pytorch.org/get-started/locally/"


def start_computing(probes: Probes) -> None:
    """The ways that are there on every machine."""
    for way in WAYS:
        if way.device == "cpu" and way.installed:
            probes.start(way.probe, way.word)


def computing_findings(probes: Probes) -> Iterator[Finding]:
    for way in WAYS:
        if way.backend == "onnx" and way.device == "cpu" and way.installed:
            yield from _listed(probes.answer(way.probe, way.word))
        closed = closed_way(way, probes)
        if closed is None:
            yield judge(way, probes.answer(way.probe, way.word))
        elif way.device == "cuda" and has_cuda(probes):  # there is a GPU, and it stays idle
            yield closed


def closed_way(way: Way, probes: Probes) -> Finding | None:
    """Why this way is not even tried; None where it is."""
    if not way.installed:
        return note(way.name, f"{way.title}: {way.module} is not installed", pip("install", way.module))
    if way.device == "cpu":
        return None
    if way.device in NEEDS_NVIDIA and not has_cuda(probes):
        missing, remedy = why_no_cuda(probes)
        return note(way.name, f"{way.title}: {missing}", remedy or INSTALL_DRIVER)
    on_cpu = probes.answer(way.probe, way.on_cpu().word)
    facts = on_cpu.merged
    if "version" not in facts:
        return note(way.name, f"{way.title}: {reason(on_cpu)}", pip_again(way.module))
    if way.word in facts.get("listed", facts.get("devices", ())):
        return None
    return _not_built(way, facts)


def _not_built(way: Way, facts: Mapping[str, Any]) -> Finding:
    text = f"{way.title}: this {TITLES[way.backend]} has no {way.word} here"
    if way.backend == "torch" and way.device == "cuda" and facts.get("cuda") is None:
        return note(way.name, f"{way.title}: it is built for the CPU", PYTORCH_BUILDS)
    if way.backend == "onnx":
        return note(way.name, text, pip("install", "onnxruntime-gpu"))
    return note(way.name, text, "use --device cpu")


def judge(way: Way, answer: Answer) -> Finding:
    """After what the process said."""
    facts = answer.merged
    if answer.fault:
        return _failed(way, answer)
    if facts["provider"] != way.word:
        text = f"{way.title} does not compute there, but on {facts['provider']}"
        return problem(way.name, text, "use another --device", ExitCode.DEVICE, **facts)
    if not facts["difference"] <= LARGEST_DIFFERENCE:  # also where it is no number
        text = f"{way.title} computes wrongly: off by {facts['difference']:.2g} where NumPy gives the truth"
        remedy = pip_again(way.module) if way.device == "cpu" else "use --device cpu"
        return problem(way.name, text, remedy, ExitCode.DEVICE, **facts)
    version = ", ".join([str(facts["version"]), *([f"built for {facts['built_for']}"] if "built_for" in facts else [])])
    took = f"off by {facts['difference']:.1g} at most; {facts['seconds']:.1f} s with its loading, beside the others"
    return ok(way.name, f"{way.title} computes right: {version}", **facts).with_details((took,))


def _failed(way: Way, answer: Answer) -> Finding:
    """What everybody uses has to work, and what is only there for some may fail."""
    text = f"{way.title} does not work: {reason(answer)}"
    if way.device == "cpu":
        failed = problem(way.name, text, pip_again(way.module), ExitCode.DEVICE, **answer.merged)
    else:
        more = {
            "onnx-cuda": pip("install", "onnxruntime-gpu[cuda,cudnn]"),
            "torch-cuda": PYTORCH_BUILDS,
            "onnx-tensorrt": "use --device cuda",
        }
        failed = note(way.name, text, more.get(way.name, "use --device cpu"), **answer.merged)
    return failed.with_details(answer.noise)


def _listed(answer: Answer) -> Iterator[Finding]:
    names = answer.merged.get("listed")
    if names:
        text = f"ONNX Runtime was built with {', '.join(names)}"
        yield ok("onnx-providers", text, providers=names)
