"""Time, memory and numbers of our generator beside the plain one, which is written straight from the paper.

    python benchmarks/generator.py [--channels 64] [--size 256] [--batches 1,8] [--variants light,full]
                                   [--runs 10] [--json FILE]

Both forms get the same random weights and the same random pictures, and turn uint8 pictures into uint8
pictures: ours through the backend that `ugatit translate` uses, the plain one in eager mode. Each lives in
a fresh process of its own, so that neither has the other's memory or allocator settings. Time: both are called in
turn, in pairs, the first of a pair alternating; medians of the calls, and the median of the pairs' ratios, by the
clock and, for a machine that does other work meanwhile, of CPU time.
Memory: the process's peak, less what it held once libraries and weights were in place. Difference: in levels
of 255, of the networks' images before rounding, and of the finished pixels. Set OMP_NUM_THREADS to choose the number of threads.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

REPOSITORY = Path(__file__).resolve().parents[1]
FORMS = ("ours", "plain")
WARM_UPS = 2
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    variant: str
    batch: int
    channels: int
    size: int


@dataclass(frozen=True)
class Comparison:
    """Seconds per call, one per run, by the clock and of CPU time; peak memory in MiB; differences in levels of 255."""

    case: Case
    threads: int
    seconds: dict[str, list[float]]
    cpu_seconds: dict[str, list[float]]
    memory: dict[str, float]
    largest_difference: float
    mean_difference: float
    largest_pixel_difference: int

    def medians(self) -> dict[str, float]:
        return {form: statistics.median(self.seconds[form]) for form in FORMS}


def median_ratio(seconds: dict[str, list[float]]) -> float:
    """How many times faster ours is: the median over the pairs, which is steadier than the ratio of medians."""
    pairs = zip(seconds["plain"], seconds["ours"], strict=True)
    return statistics.median(plain / ours for plain, ours in pairs)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], Case(**json.loads(sys.argv[3])))
        return
    arguments = parse_arguments()
    cases = [
        Case(variant, int(batch), arguments.channels, arguments.size)
        for variant in arguments.variants.split(",")
        for batch in arguments.batches.split(",")
    ]
    comparisons = []
    for case in cases:
        comparisons.append(compare(case, arguments.runs))
        print_row(comparisons[-1], heading=len(comparisons) == 1)
    if arguments.json:
        arguments.json.write_text(json.dumps([summary(comparison) for comparison in comparisons], indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, a multiple of 4")
    parser.add_argument("--batches", default="1,8", help="pictures per call, separated by commas")
    parser.add_argument("--variants", default="light,full", help="separated by commas")
    parser.add_argument("--runs", type=int, default=10, help="pairs of calls that are timed")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    arguments = parser.parse_args()
    if not set(arguments.variants.split(",")) <= {"light", "full"}:
        parser.error(f"--variants: light, full or both, not {arguments.variants!r}")
    return arguments


def compare(case: Case, runs: int) -> Comparison:
    """Both forms, alive side by side, called in turn."""
    import numpy as np

    seconds: dict[str, list[float]] = {form: [] for form in FORMS}
    cpu_seconds: dict[str, list[float]] = {form: [] for form in FORMS}
    with tempfile.TemporaryDirectory() as folder:
        workers = {form: start_worker(form, case) for form in FORMS}
        for run in range(WARM_UPS + runs):
            for form in FORMS if run % 2 else FORMS[::-1]:
                taken = ask(workers[form], "call")
                if run >= WARM_UPS:
                    seconds[form].append(taken["seconds"])
                    cpu_seconds[form].append(taken["cpu_seconds"])
        reports = {form: ask(workers[form], str(Path(folder, f"{form}.npz"))) for form in FORMS}
        for worker in workers.values():
            worker.communicate(timeout=60)
        with np.load(Path(folder, "ours.npz")) as ours, np.load(Path(folder, "plain.npz")) as plain:
            difference = np.abs(ours["image"] - plain["image"]) * 127.5
            pixel_difference = np.abs(ours["pixels"].astype(int) - plain["pixels"])
    memory = {form: reports[form]["memory"] for form in FORMS}
    differences = float(difference.max()), float(difference.mean()), int(pixel_difference.max())
    return Comparison(case, reports["ours"]["threads"], seconds, cpu_seconds, memory, *differences)


def start_worker(form: str, case: Case) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--worker", form, json.dumps(asdict(case))]
    # The checkout's own package, also where none or another one is installed.
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(worker: subprocess.Popen[str], question: str) -> dict[str, Any]:
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(question + "\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        sys.exit(f"a measuring process ended early (exit code {worker.wait()}): its message is above")
    found: dict[str, Any] = json.loads(answer)
    return found


def work(form: str, case: Case) -> None:
    """A process with one form: each line "call" is one timed call; the last line names the file for the image."""
    import numpy as np
    import torch

    state = random_weights(case)
    pixels = np.random.default_rng(0).integers(0, 256, (case.batch, case.size, case.size, 3), dtype=np.uint8)
    baseline = peak_memory()
    translate = {"ours": our_translation, "plain": plain_translation}[form](case, state)
    del state  # whoever keeps a copy in another layout may let go of this one
    for question in sys.stdin:
        if question.strip() != "call":
            break
        start, cpu_start = time.perf_counter(), time.process_time()
        translate(pixels)
        taken = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}
        print(json.dumps(taken), flush=True)
    else:
        return  # the asking process is gone
    memory = (peak_memory() - baseline) / MEBIBYTE
    image = {"ours": our_image, "plain": plain_image}[form](case, random_weights(case), pixels)
    np.savez(question.strip(), image=image.numpy(), pixels=translate(pixels))
    print(json.dumps({"memory": memory, "threads": torch.get_num_threads()}), flush=True)


def peak_memory() -> int:
    """The most bytes this process has held in RAM so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def random_weights(case: Case) -> dict[str, torch.Tensor]:
    """As training starts from, but with every rho drawn from [0, 1], so that both kinds of statistics count."""
    import torch

    torch.manual_seed(0)
    network = load_reference().PlainGenerator(generator_config(case))
    state: dict[str, torch.Tensor] = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("rho"):
            tensor.uniform_(0, 1)
    return state


def generator_config(case: Case) -> Any:
    from ugatit_cli.config import GeneratorConfig

    return GeneratorConfig(case.variant, case.channels, image_size=case.size)  # type: ignore[arg-type]


def load_reference() -> ModuleType:
    """The plain form. By path, because the tests are no package: nothing installs them, and nothing should."""
    specification = importlib.util.spec_from_file_location("reference", REPOSITORY / "tests" / "reference.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def our_translation(case: Case, state: dict[str, torch.Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    from ugatit_cli.backends import load_backend

    return load_backend(generator_config(case), state, "cpu")


def plain_translation(case: Case, state: dict[str, torch.Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    network = plain_network(case, state)

    def translate(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            image = network(to_tensor(pixels))[0]
            levels = torch.clamp(torch.round((image * 0.5 + 0.5) * 255), 0, 255).to(torch.uint8)
            result: np.ndarray = levels.permute(0, 2, 3, 1).contiguous().numpy()
            return result

    return translate


def plain_network(case: Case, state: dict[str, torch.Tensor]) -> torch.nn.Module:
    import torch

    with torch.device("meta"):  # no second copy of the weights, in memory or in time
        network: torch.nn.Module = load_reference().PlainGenerator(generator_config(case))
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def our_image(case: Case, state: dict[str, torch.Tensor], pixels: np.ndarray) -> torch.Tensor:
    import torch

    from ugatit_cli.network import Generator

    with torch.device("meta"):
        network = Generator(generator_config(case))
    network.load_state_dict(state, assign=True)
    with torch.inference_mode():
        image: torch.Tensor = network.eval()(to_tensor(pixels)).image
        return image


def plain_image(case: Case, state: dict[str, torch.Tensor], pixels: np.ndarray) -> torch.Tensor:
    import torch

    with torch.inference_mode():
        image: torch.Tensor = plain_network(case, state)(to_tensor(pixels))[0]
        return image


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """uint8 N H W 3 -> float N 3 H W in [-1, 1]."""
    import torch

    return (torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float() / 255 - 0.5) / 0.5


def print_row(comparison: Comparison, *, heading: bool) -> None:
    case, milliseconds = comparison.case, {form: 1000 * value for form, value in comparison.medians().items()}
    memory = comparison.memory
    if heading:
        print(f"{case.channels} channels, {case.size}x{case.size}, {comparison.threads} thread(s), CPU")
        print(f"{'':12} {'milliseconds a call':^35}  {'peak MiB':^24}  {'difference (levels)':^27}")
        columns = f"{'plain':>9} {'ours':>9} {'ratio':>7} {'(CPU)':>7}  {'plain':>8} {'ours':>7} {'ratio':>7}"
        print(f"{'variant':7} {'N':>4} {columns}  {'largest':>10} {'mean':>9} {'pixels':>6}")
    print(
        f"{case.variant:7} {case.batch:>4} {milliseconds['plain']:9.1f} {milliseconds['ours']:9.1f}"
        f" {median_ratio(comparison.seconds):7.2f} {median_ratio(comparison.cpu_seconds):7.2f}"
        f"  {memory['plain']:8.0f} {memory['ours']:7.0f} {memory['plain'] / memory['ours']:7.2f}"
        f"  {comparison.largest_difference:10.1e} {comparison.mean_difference:9.1e} {comparison.largest_pixel_difference:6}",
        flush=True,
    )


def summary(comparison: Comparison) -> dict[str, Any]:
    ratios = {
        "speed_ratio": median_ratio(comparison.seconds),
        "cpu_speed_ratio": median_ratio(comparison.cpu_seconds),
    }
    return {**asdict(comparison), "median_seconds": comparison.medians(), **ratios}


if __name__ == "__main__":
    main()
