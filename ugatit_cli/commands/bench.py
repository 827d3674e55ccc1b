"""`ugatit bench`: which way to run a model is the fastest on this machine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import __version__, hub
from ..console import Console
from ..errors import DeviceError, UsageError
from ..files import writing
from . import options
from .report import errors_as_json

if TYPE_CHECKING:
    from ..benchmarking.contest import Contest, Measured

LEAST_PSNR = 35.0  # dB: what is further from PyTorch is shown, and not marked as the best

BatchSizesOption = Annotated[
    str, typer.Option("--batch-sizes", metavar="N,N...", help="How many pictures at a time, separated by commas.")
]
RunsOption = Annotated[int, typer.Option("--runs", min=1, max=1000, metavar="N", help="Timed calls of each way.")]


def bench(
    model: options.ModelOption = hub.BY_NAME + hub.DEFAULT_MODEL,
    size: options.SizeOption = None,
    batch_sizes: BatchSizesOption = "1,4",
    runs: RunsOption = 5,
    as_json: options.JsonOption = False,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Measure every backend, precision and batch size that this machine offers, each in a process of its own.

    Times are medians; the difference is to PyTorch in fp32 on photographs, in dB (more is nearer) and at most in levels of 255.
    The best choice that stays above 35 dB is marked.
    """
    console = Console(options.verbosity(verbose, quiet))
    with errors_as_json(console, "bench", wanted=as_json), console.captured_noise(), _temporary_folder() as folder:
        batches = _batches(batch_sizes)
        path = hub.resolve(model, watcher=console).path
        contest = _prepare(path, size, batches, runs, folder)
        found = []
        ways = contest.ways()
        with console.progress(len(ways)) as advance:
            for measured in contest.run():
                found.append(measured)
                advance()
    _show(found, contest, console, as_json=as_json)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with writing(Path("temporary files")):
        kept = tempfile.TemporaryDirectory(prefix="ugatit-", ignore_cleanup_errors=True)
    with kept as folder:
        yield Path(folder)


def _batches(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isascii() and word.isdecimal() and 1 <= int(word) <= options.MOST_PICTURES for word in words):
        hint = f"numbers from 1 to {options.MOST_PICTURES}, such as 1,4,8"
        raise UsageError(f"--batch-sizes does not understand {text!r}", hint=hint, name="batch-sizes")
    return tuple(dict.fromkeys(int(word) for word in words))


def _prepare(path: Path, size: int | None, batches: tuple[int, ...], runs: int, folder: Path) -> Contest:
    from .. import weights
    from ..benchmarking.contest import Contest
    from ..graph.reading import is_graph

    if is_graph(path):
        text = f"{path} is an ONNX graph, and weights are needed to compare all ways"
        raise UsageError(text, hint="name weights with --model", name="model-onnx")
    loaded = weights.load(path)
    if size is not None and size != loaded.config.image_size and not loaded.config.any_size:
        text = f"this model works at {loaded.config.image_size} pixels only"
        raise UsageError(text, hint="leave --size out", name="size-fixed")
    return Contest(path, loaded, size or loaded.config.image_size, batches, runs, folder)


def _show(found: list[Measured], contest: Contest, console: Console, *, as_json: bool) -> None:
    from ..benchmarking.contest import best

    chosen = best(found, LEAST_PSNR)
    if as_json:
        rows = [{**each.as_dict(), "best": each is chosen} for each in found]
        facts = {"ugatit": __version__, "command": "bench", "size": contest.size, "rows": rows}
        console.write((json.dumps(facts, indent=1) + "\n").encode())
    else:
        console.write("".join(f"{line}\n" for line in table(found, chosen, contest.size)).encode())
    if chosen is None:
        raise DeviceError(
            "nothing here runs this model as PyTorch does in fp32", hint="see ugatit doctor", name="bench-nothing"
        )


def table(found: list[Measured], chosen: Measured | None, size: int) -> list[str]:
    """A line for each way, and what the columns are."""
    title = f"{size}x{size} pixels; * is the best above {LEAST_PSNR:g} dB"
    head = (
        f"  {'backend':9} {'device':7} {'prec.':5} {'batch':>5} {'ms':>9} {'pict./s':>8} {'load s':>7} {'first s':>7}"
    )
    lines = [title, f"{head} {'peak MB':>8} {'PSNR':>6} {'largest':>7}"]
    for each in found:
        way, mark = each.way, "*" if each is chosen else " "
        begin = f"{mark} {way.backend:9} {way.device:7} {way.precision:5} {way.batch:>5}"
        if each.problem:
            lines.append(f"{begin} {each.problem}")
            continue
        numbers = each.numbers
        times = f"{1000 * numbers['seconds']:9.1f} {each.pictures_per_second:8.2f} {numbers['load_seconds']:7.2f}"
        memory = f"{numbers['first_seconds']:7.2f} {numbers['peak_bytes'] / 1e6:8.0f}"
        psnr, largest = (f"{each.parity.psnr:.1f}", str(each.parity.largest)) if each.parity else ("-", "-")
        lines.append(f"{begin} {times} {memory} {psnr:>6} {largest:>7}")
    return lines
