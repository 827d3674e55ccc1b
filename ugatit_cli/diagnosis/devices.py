"""Which GPUs there are, as their driver tells."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .child import Answer
from .findings import Finding, in_words, note, ok
from .probing import Probes

NO_DRIVER = "no NVIDIA driver"  # how `cuda_problem` begins then
HIDING = "CUDA_VISIBLE_DEVICES"


def start_devices(probes: Probes) -> None:
    probes.start("cuda_driver")


def device_findings(probes: Probes) -> Iterator[Finding]:
    yield from judge(probes.answer("cuda_driver"), os.environ.get(HIDING))


def has_cuda(probes: Probes) -> bool:
    return bool(probes.answer("cuda_driver").merged.get("count"))


def why_no_cuda(probes: Probes) -> tuple[str, str]:
    """The reason and the remedy."""
    driver = next(device_findings(probes))
    return driver.text, driver.remedy


def judge(answer: Answer, visible: str | None = None) -> Iterator[Finding]:
    """After what the driver's process said; `visible` is the variable that hides GPUs."""
    facts = answer.merged
    if answer.fault:
        text = f"the NVIDIA driver does not answer: {answer.fault}"
        yield note("cuda-driver", text, "nvidia-smi", **facts).with_details(answer.noise)
    elif not facts.get("count"):
        missing = facts.get("missing", "the NVIDIA driver finds no GPU")
        driver_is_there = not missing.startswith(NO_DRIVER)
        hidden = f"; {HIDING}={visible} may hide it" if visible is not None and driver_is_there else ""
        yield note("cuda-driver", missing + hidden, f"unset {HIDING}" if hidden else "", **facts)
    else:
        text = f"NVIDIA driver for CUDA up to {facts['cuda']}, {facts['count']} GPU{'s' * (facts['count'] != 1)}"
        yield ok("cuda-driver", text, cuda=facts["cuda"], count=facts["count"])
        for number, gpu in enumerate(each["gpu"] for each in answer.facts if "gpu" in each):
            text = f"{gpu['name']}, {in_words(gpu['bytes'])}, compute capability {gpu['capability']}"
            yield ok(f"gpu-{number}", text, **gpu)
