"""Which video encoders work here, in their own words: some frames went through each."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from .child import Answer
from .findings import Finding, note, ok
from .installing import pip_again
from .probing import Probes
from .reasons import reason

SOFTWARE = ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "libaom-av1", "prores_ks")
HARDWARE = tuple(
    f"{codec}_{maker}"
    for maker in ("nvenc", "videotoolbox", "vaapi", "qsv", "amf", "mf", "v4l2m2m")
    for codec in ("h264", "hevc", "av1")
)


def start_video(probes: Probes) -> None:
    """Drivers of hardware apart: where one crashes, the others are tried all the same."""
    if find_spec("av") is not None:
        probes.start("video_encoders", *SOFTWARE)
        probes.start("video_encoders", *HARDWARE)


def video_findings(probes: Probes) -> Iterator[Finding]:
    if find_spec("av") is None:
        yield note("video", "PyAV is not installed, so no encoder was tried")
        return
    software, hardware = (probes.answer("video_encoders", *names) for names in (SOFTWARE, HARDWARE))
    if "version" not in software.merged:
        text = f"PyAV does not work: {reason(software)}"
        yield note("video", text, pip_again("av")).with_details(software.noise)
        return
    yield ok("video", f"PyAV {software.merged['version']}", version=software.merged["version"])
    yield from judge(software, in_hardware=False)
    yield from judge(hardware, in_hardware=True)


def judge(answer: Answer, *, in_hardware: bool) -> Iterator[Finding]:
    """After what the process said. That hardware is not there is usual: what fails in it shares a line."""
    faults = {}
    for name in answer.merged.get("there", ()):
        facts = next((each for each in answer.facts if each.get("encoder") == name), {})
        if "bytes" in facts:
            yield ok(f"encoder-{name}", f"{name} encodes, {facts['ms']} ms", milliseconds=facts["ms"])
        else:
            faults[name] = facts.get("fault") or _silent(name, answer)
    details = tuple(f"{name}: {fault}" for name, fault in faults.items())
    if in_hardware and faults:
        text = f"no hardware or driver for {', '.join(faults)}"
        yield note("hardware-encoders", text, faults=faults).with_details(details)
    elif not in_hardware:
        for name, fault in faults.items():
            yield note(f"encoder-{name}", f"{name} does not encode: {fault}")


def _silent(name: str, answer: Answer) -> str:
    begun = {each["begun"] for each in answer.facts if "begun" in each}
    return answer.fault if name in begun else "not tried, as the process ended before"
