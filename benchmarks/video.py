"""`ugatit video` beside the bare model: frames a second, and memory over a short and a long film.

    python benchmarks/video.py [--size 256] [--channels 64] [--model FILE] [--film 640x360] [--frames 60] [--times 10]
                               [--steady off] [--skip-memory]

A generated film (a photograph that moves) goes through the command, in a process of its own, and the same number of frames of
the same working size through the bare backend, in another, one after the other, three times after one that is not counted; ratios
are medians. The bare backend takes them one by one, and in the batches that the command would make. Random weights, or with --model a
file's own. The command's rate is that of its report: reading, translating, encoding and writing segments, without
loading the model and joining at the end. Memory is the peak of the process over a film, and over one --times as long, with a tiny model,
for the frames are what could pile up.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from time import perf_counter

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOGRAPH = REPOSITORY / "examples" / "hopper.jpg"
ROUNDS = 3


def main() -> None:
    if sys.argv[1:2] == ["--bare"]:
        bare(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        model = arguments.model or random_model(place / "random.safetensors", arguments.channels, 4, arguments.size)
        compare(place, model, arguments)
        if not arguments.skip_memory:
            memory(place, arguments)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="the side that the model works at")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--model", type=Path, help="weights in place of random ones")
    parser.add_argument("--film", default="640x360", help="width and height of the film")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--times", type=int, default=10, help="how much longer the long film is")
    parser.add_argument("--steady", default="off")
    parser.add_argument("--skip-memory", action="store_true")
    return parser.parse_args()


def random_model(path: Path, channels: int, blocks: int, size: int) -> Path:
    import torch

    from ugatit_cli import weights
    from ugatit_cli.config import GeneratorConfig
    from ugatit_cli.network import Generator

    config = GeneratorConfig("light", channels, blocks, size)
    torch.manual_seed(0)
    state = Generator(config).state_dict()
    weights.save(path, config, {"a2b": state}, metadata={})
    return path


def film(path: Path, size: str, frames: int) -> Path:
    import av
    import numpy as np
    from PIL import Image

    width, height = map(int, size.split("x"))
    with Image.open(PHOTOGRAPH) as image:
        photograph = np.asarray(image.convert("RGB").resize((2 * width, height)))
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=Fraction(30))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            left = 2 * number % width
            picture = np.ascontiguousarray(photograph[:, left : left + width])
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
    return path


def compare(place: Path, model: Path, arguments: argparse.Namespace) -> None:
    source = film(place / "film.mp4", arguments.film, arguments.frames)
    command_rates: list[float] = []
    bare_rates: dict[str, list[float]] = {"frame by frame": [], "in batches": []}
    for number in range(ROUNDS + 1):  # the first round makes the graphs, and is not counted
        words = [str(source), str(place / f"{number}.mp4"), "-m", str(model), "--steady", arguments.steady]
        command_rates.append(command(words)["fps"])
        found, _ = run([sys.executable, __file__, "--bare", str(model), str(source)])
        for name, rate in zip(bare_rates, found.split(), strict=True):
            bare_rates[name].append(float(rate))
    print(
        f"{arguments.frames} frames of {arguments.film}, steady {arguments.steady}, {len(os.sched_getaffinity(0))} cores"
    )
    rates = command_rates[1:]
    print(f"ugatit video                {statistics.median(rates):7.2f} fps")
    for name, counted in bare_rates.items():
        share = statistics.median(a / b for a, b in zip(rates, counted[1:], strict=True))
        print(f"bare model, {name:14s}  {statistics.median(counted[1:]):7.2f} fps, of which {100 * share:.0f} %")


def bare(model: Path, source: Path) -> None:
    """Prints frames a second of the backend that the command takes, over frames that are read already: one by one, and in
    the batches that the command would make."""
    import numpy as np

    from ugatit_cli.backends.batching import measured_batch_size
    from ugatit_cli.framing import Framing, frame
    from ugatit_cli.loading import MANY, Wish, load_model
    from ugatit_cli.video.reading import VideoSource

    for wish in (Wish(), Wish(pictures=MANY)):
        backend = load_model(model, "", wish).backend
        shape = Framing("keep", backend.image_size, backend.any_size)
        seen = np.stack([frame(each.pixels, shape).pixels for each in VideoSource(source).frames()])
        batch = measured_batch_size(backend, *seen.shape[1:3])
        backend(seen[:batch])
        begun = perf_counter()
        for first in range(0, len(seen), batch):
            backend(seen[first : first + batch])
        print(len(seen) / (perf_counter() - begun))


def memory(place: Path, arguments: argparse.Namespace) -> None:
    model = random_model(place / "tiny.safetensors", 4, 1, 32)
    peaks = []
    # The first fills the cache of graphs; the second is longer than all that waits anywhere: x264 alone holds 60 frames.
    for count in (40, 400, 400 * arguments.times):
        source = film(place / f"{count}.mp4", arguments.film, count)
        words = [str(source), str(place / f"m{count}.mp4"), "-m", str(model), "--steady", arguments.steady]
        peaks.append(command([*words, "--preset", "ultrafast"])["peak"])
    short, long = peaks[1:]
    print(f"peak memory: {short} MB over 400 frames, {long} MB over {400 * arguments.times}: {long / short:.3f} times")


COMMAND = """
import re, runpy, sys
from pathlib import Path
try:
    runpy.run_module("ugatit_cli", run_name="__main__")
finally:
    sys.stderr.write(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def command(words: list[str]) -> dict[str, float]:
    """The report of `ugatit video`: frames a second; and the peak in MB."""
    out, err = run([sys.executable, "-c", COMMAND, "video", *words, "--json", "--backend", "auto"])
    (item,) = json.loads(out)["items"]
    return {"fps": item["fps"], "peak": int(err.split()[-1]) // 1024}


def run(words: list[str]) -> tuple[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout, done.stderr


if __name__ == "__main__":
    main()
