"""What training gains, measured on pictures whose true translation is known.

    python benchmarks/quality.py --data DIR [--size 64] [--channels 32] [--discriminator-channels 32] [--steps 2500]
                                 [--learning-rate 2e-4] [--seed 0] [--arms official,color,all] [--out FOLDER] [--json FILE]

DIR holds trainA, trainB, testA and testB; two files whose names are equal up to the last underscore show the same thing.
Training is unpaired. What it may not see are the test pictures: a training picture goes when its name is one of theirs, or when it
looks like one of them (less than 2.5 levels apart in mean, at 32x32, in either domain), and its counterpart goes with it.

An arm is one training, in a process of its own: "official" is the paper's objective and nothing else, every other arm adds
to it what its name says; the seed, the steps and the order of the pictures are the same. Each is measured twice, with the
networks as they are and with their running averages. The test pictures are resized as in training, translated in both
directions and compared with the true ones in levels: L1, PSNR and SSIM, each the mean over the pictures, beside the untranslated
input. Differences are paired, picture by picture, with a 95 % bootstrap interval over the pictures; chance between two trainings,
which another --seed shows, is not in it.

--out keeps the runs: stopped at any moment, the same command goes on where it was. There, too: curve.json of each arm (scores
at every checkpoint) and contact-sheet.png. The defaults take an hour and a half on one core; with a GPU, the real thing is
--size 256 --channels 64 --discriminator-channels 64 --learning-rate 1e-4 --steps 100000 --measure-every 5000.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from ugatit_cli.config import Direction
    from ugatit_cli.training.config import TrainConfig
    from ugatit_cli.training.fit import Run
    from ugatit_cli.training.step import Trainer

REPOSITORY = Path(__file__).resolve().parents[1]
PURE: dict[str, Any] = {"augment": "none"}  # whatever a run adds to the paper's objective unasked is turned off here
ARMS: dict[str, dict[str, Any]] = {
    "official": PURE,
    "color": {"augment": "color"},
    "all": {"augment": "all"},
    "default": {},
}
DIRECTIONS: tuple[Direction, ...] = ("a2b", "b2a")
KINDS = ("raw", "averaged")
SCORES = {"psnr": "PSNR", "ssim": "SSIM", "l1": "L1"}
NEAR_SIDE, NEAR_LEVELS = 32, 2.5
AT_ONCE = 8  # pictures through a network together
RESAMPLES = 10_000
UNTRANSLATED = "untranslated"

SHEET_ROWS, CELL, GAP, HEADING = 10, 96, 4, 18  # the last three in pixels

Scores = dict[str, "np.ndarray"]  # by name, one number for each test picture


@dataclass(frozen=True)
class Protocol:
    """All that the arms share."""

    data: str
    size: int
    channels: int
    discriminator_channels: int
    steps: int
    learning_rate: float
    seed: int
    measure_every: int
    device: str


@dataclass(frozen=True)
class TestPairs:
    """The test pictures, uint8 N H W 3 each, row by row the same thing."""

    a: np.ndarray
    b: np.ndarray

    def source(self, direction: Direction) -> np.ndarray:
        return self.a if direction == "a2b" else self.b

    def truth(self, direction: Direction) -> np.ndarray:
        return self.b if direction == "a2b" else self.a


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        work(Path(sys.argv[2]), sys.argv[3], Protocol(**json.loads(sys.argv[4])))
        return
    arguments = parse_arguments()
    protocol = Protocol(**{name: getattr(arguments, name) for name in Protocol.__dataclass_fields__})
    sys.path.insert(0, str(REPOSITORY))
    left_out = choose_training_pictures(Path(protocol.data), arguments.out)
    print(heading(protocol, left_out), flush=True)
    pairs = read_test_pairs(protocol)
    translated = {UNTRANSLATED: {direction: pairs.source(direction) for direction in DIRECTIONS}}
    print_table(measure_all(translated, pairs))
    for arm in arguments.arms:
        train(arm, arguments.out, protocol)
        translated |= read_translations(arguments.out / arm, arm)
    scores = measure_all(translated, pairs)
    print_table(scores)
    print_differences(scores, reference=arguments.arms[0])
    write_sheet(arguments.out / "contact-sheet.png", translated, pairs)
    if arguments.json:
        report = summary(protocol, left_out, scores, reference=arguments.arms[0])
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with trainA, trainB, testA and testB")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures, a multiple of 4")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--discriminator-channels", type=int, default=32)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure-every", type=int, default=250, help="steps between checkpoints, which are measured")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--arms", default="official,color,all", help=f"of {', '.join(ARMS)}; the others are compared with the first"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/quality"), help="folder for the runs and the sheet")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    arguments = parser.parse_args()
    arguments.data = str(Path(arguments.data).resolve())
    arguments.arms = arguments.arms.split(",")
    if not set(arguments.arms) <= set(ARMS):
        parser.error(f"--arms: some of {', '.join(ARMS)}, not {','.join(arguments.arms)}")
    return arguments


def heading(protocol: Protocol, left_out: list[str]) -> str:
    shape = f"{protocol.size}x{protocol.size}, {protocol.channels} channels, discriminators {protocol.discriminator_channels}"
    course = f"{protocol.steps} steps, rate {protocol.learning_rate:g}, seed {protocol.seed}"
    return (
        f"light, {shape}; {course}\nleft out of training, as too like a test picture: {', '.join(left_out) or 'none'}"
    )


# the pictures


def thing(path: Path) -> str:
    """What a file shows: its name up to the last underscore."""
    return path.stem.rsplit("_", 1)[0]


def choose_training_pictures(data: Path, out: Path) -> list[str]:
    """Copy to out/pictures what may be trained on; returns what may not. Once done it is only looked up."""
    record = out / "pictures" / "left-out.json"
    if not record.exists():
        left_out = sorted(find_test_pictures_in_training(data))
        for domain in ("A", "B"):
            target = out / "pictures" / domain
            target.mkdir(parents=True, exist_ok=True)
            for path in (data / f"train{domain}").iterdir():
                if thing(path) not in left_out:
                    shutil.copyfile(path, target / path.name)
        record.write_text(json.dumps(left_out))
    found: list[str] = json.loads(record.read_text())
    return found


def find_test_pictures_in_training(data: Path) -> set[str]:
    """The things among the training pictures that the test shows, too."""
    import numpy as np

    found = set()
    for domain in ("A", "B"):
        tests, trainings = (sorted((data / f"{part}{domain}").iterdir()) for part in ("test", "train"))
        test_pixels = np.stack([read(path, NEAR_SIDE) for path in tests]).astype(np.float32)  # N 32 32 3
        names = {thing(path) for path in tests}
        for path in trainings:
            distances = np.abs(test_pixels - read(path, NEAR_SIDE)).mean(axis=(1, 2, 3))
            if thing(path) in names or distances.min() < NEAR_LEVELS:
                found.add(thing(path))
    return found


def read_test_pairs(protocol: Protocol) -> TestPairs:
    import numpy as np

    paths = [
        {thing(path): path for path in sorted(Path(protocol.data, f"test{domain}").iterdir())} for domain in ("A", "B")
    ]
    things = sorted(paths[0].keys() & paths[1].keys())
    return TestPairs(*(np.stack([read(domain[name], protocol.size) for name in things]) for domain in paths))


def read(path: Path, size: int) -> np.ndarray:
    from ugatit_cli import images

    return images.resize(images.read(path).pixels, size, size)


# the training


def train(arm: str, out: Path, protocol: Protocol) -> None:
    command = [sys.executable, __file__, "--worker", str(out.resolve()), arm, json.dumps(asdict(protocol))]
    # The checkout's own package, also where none or another one is installed.
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    code = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
    if code != 0:
        sys.exit(
            f"the training {arm} ended early (exit code {code}): its message is above; the same command goes on with it"
        )


def work(out: Path, arm: str, protocol: Protocol) -> None:
    """A process with one arm: start or go on, measure at every checkpoint, leave the last translations behind."""
    import numpy as np

    pairs, run = read_test_pairs(protocol), open_run(out, arm, protocol)
    translations = follow(run, arm, pairs) if run.trainer.step else {}
    for record in run.fit():
        if record.checkpoint is not None:
            translations = follow(run, arm, pairs)
    arrays = {
        f"{kind} {direction}": pixels for kind, both in translations.items() for direction, pixels in both.items()
    }
    np.savez(run.folder / "translations.npz", **arrays)  # type: ignore[arg-type]


def open_run(out: Path, arm: str, protocol: Protocol) -> Run:
    from ugatit_cli.backends.pytorch import choose_device
    from ugatit_cli.training.checkpoints import read_config
    from ugatit_cli.training.fit import Run

    folder, config, device = out / arm, arm_config(out, arm, protocol), choose_device(protocol.device)
    if not list(folder.glob("step-*")):
        return Run.start(folder, config, device)
    there = read_config(folder)  # where a run also writes what it made of the settings that nobody gave
    if any(getattr(there, name) != getattr(config, name) for name in config.model_fields_set):
        sys.exit(f"{folder} is a run with other settings: name another --out, or remove it")
    return Run.resume(folder, device)


def arm_config(out: Path, arm: str, protocol: Protocol) -> TrainConfig:
    from ugatit_cli.training.config import make_config

    shared = asdict(protocol)
    every, unused = shared.pop("measure_every"), ("data", "device")
    settings = {name: value for name, value in shared.items() if name not in unused}
    # every picture is trained on, and none is measured on but here
    measured_here = {"hold_out": 0, "evaluate_every": 0, "save_every": every, "sample_every": every}
    folders = {"a": out / "pictures" / "A", "b": out / "pictures" / "B"}
    return make_config(folders | settings | measured_here | ARMS[arm])


def follow(run: Run, arm: str, pairs: TestPairs) -> dict[str, dict[Direction, np.ndarray]]:
    """Translate the test pictures as the networks stand, and add the scores to the arm's curve."""
    trainer = run.trainer
    translations = {
        kind: {direction: translate(trainer, kind, direction, pairs.source(direction)) for direction in DIRECTIONS}
        for kind in KINDS
    }
    point = {kind: means(scores) for kind, scores in measure_all(translations, pairs).items()}
    path = run.folder / "curve.json"
    curve = json.loads(path.read_text()) if path.exists() else {}
    earlier = {step: value for step, value in curve.items() if int(step) < trainer.step}
    path.write_text(json.dumps({**earlier, str(trainer.step): point}, indent=1))
    psnr = {kind: [f"{point[kind][direction]['psnr']:.2f}" for direction in DIRECTIONS] for kind in KINDS}
    numbers = ", ".join(f"{kind} {' and '.join(values)}" for kind, values in psnr.items())
    print(f"{arm}, step {trainer.step}: PSNR of A to B and B to A: {numbers}", flush=True)
    return translations


def translate(trainer: Trainer, kind: str, direction: Direction, pixels: np.ndarray) -> np.ndarray:
    """Through the backend that `ugatit translate` uses, on a copy of the weights."""
    import numpy as np

    from ugatit_cli.backends import load_backend

    name = f"generator_{direction}"
    network = trainer.averages[name].module if kind == "averaged" else getattr(trainer.networks, name)
    tensors = {key: tensor.detach().clone() for key, tensor in network.state_dict().items()}
    backend = load_backend(trainer.config.generator, tensors, trainer.device.type)
    return np.concatenate([backend(pixels[first : first + AT_ONCE]) for first in range(0, len(pixels), AT_ONCE)])


def read_translations(folder: Path, arm: str) -> dict[str, dict[Direction, np.ndarray]]:
    import numpy as np

    with np.load(folder / "translations.npz") as arrays:
        return {
            label(arm, kind): {direction: arrays[f"{kind} {direction}"] for direction in DIRECTIONS} for kind in KINDS
        }


def label(arm: str, kind: str) -> str:
    return arm if kind == "raw" else f"{arm}, {kind}"


# the scores


def measure_all(
    translations: dict[str, dict[Direction, np.ndarray]], pairs: TestPairs
) -> dict[str, dict[Direction, Scores]]:
    return {
        name: {direction: measure(pixels, pairs.truth(direction)) for direction, pixels in both.items()}
        for name, both in translations.items()
    }


def measure(pixels: np.ndarray, truths: np.ndarray) -> Scores:
    from ugatit_cli.evaluation.truths import compare

    l1, psnr, ssim = compare(pixels, truths).numpy().T
    return {"l1": l1, "psnr": psnr, "ssim": ssim}


def means(scores: dict[Direction, Scores]) -> dict[Direction, dict[str, float]]:
    return {
        direction: {name: float(values.mean()) for name, values in one.items()} for direction, one in scores.items()
    }


def difference(ours: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """The mean difference of two rows of scores, and its 95 % interval over redrawn pictures."""
    import numpy as np

    paired = ours - reference
    drawn = np.random.default_rng(0).integers(0, len(paired), (RESAMPLES, len(paired)))
    low, high = np.quantile(paired[drawn].mean(axis=1), (0.025, 0.975))
    return float(paired.mean()), float(low), float(high)


# what people look at


def print_table(rows: dict[str, dict[Direction, Scores]]) -> None:
    columns = f"{'PSNR':>7} {'SSIM':>7} {'L1':>6}"
    print(f"\n{'':20} {'A to B':^22}   {'B to A':^22}\n{'':20} {columns}   {columns}")
    for name, scores in rows.items():
        cells = [
            f"{mean['psnr']:7.2f} {mean['ssim']:7.3f} {mean['l1']:6.1f}"
            for mean in (means(scores)[direction] for direction in DIRECTIONS)
        ]
        print(f"{name:20} {'   '.join(cells)}")
    print(flush=True)


def print_differences(rows: dict[str, dict[Direction, Scores]], *, reference: str) -> None:
    print(f"less {reference}, picture by picture: mean (95 % interval)")
    print(f"{'':20} {'':6}  " + " ".join(f"{title:^28}" for title in SCORES.values()))
    for name in (name for name in rows if name != reference):
        for direction in DIRECTIONS:
            found = (difference(rows[name][direction][key], rows[reference][direction][key]) for key in SCORES)
            cells = [f"{f'{mean:+.3f} ({low:+.3f} to {high:+.3f})':^28}" for mean, low, high in found]
            print(f"{name:20} {direction[0].upper()} to {direction[2].upper()}  {' '.join(cells)}")
    print(flush=True)


def write_sheet(path: Path, translated: dict[str, dict[Direction, np.ndarray]], pairs: TestPairs) -> None:
    """About ten test pictures: the input, every row of the table, the truth; A to B on the left, B to A on the right."""
    import numpy as np
    from PIL import Image, ImageDraw

    rows = np.linspace(0, len(pairs.a) - 1, min(SHEET_ROWS, len(pairs.a))).round().astype(int)
    titles = ["input", *(name for name in translated if name != UNTRANSLATED), "truth"]
    truths = {direction: pairs.truth(direction) for direction in DIRECTIONS}
    columns = [
        (title, both[direction])
        for direction in DIRECTIONS
        for title, both in zip(titles, [*translated.values(), truths], strict=True)
    ]
    size = len(columns) * (CELL + GAP) + GAP, HEADING + len(rows) * (CELL + GAP)
    sheet = Image.new("RGB", size, "white")
    for number, (title, pixels) in enumerate(columns):
        left = GAP + number * (CELL + GAP)
        ImageDraw.Draw(sheet).text((left, 2), title, "black")
        for row, picture in enumerate(pixels[rows]):
            sheet.paste(enlarged(picture), (left, HEADING + row * (CELL + GAP)))
    sheet.save(path)


def enlarged(pixels: np.ndarray) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels).resize((CELL, CELL), Image.Resampling.BICUBIC)


def summary(
    protocol: Protocol, left_out: list[str], rows: dict[str, dict[Direction, Scores]], *, reference: str
) -> dict[str, Any]:
    """Means, differences from the reference with their intervals, and every picture's scores."""
    differences = {
        name: {
            direction: {key: difference(scores[direction][key], rows[reference][direction][key]) for key in SCORES}
            for direction in DIRECTIONS
        }
        for name, scores in rows.items()
        if name != reference
    }
    pictures = {
        name: {direction: {key: one.tolist() for key, one in scores[direction].items()} for direction in DIRECTIONS}
        for name, scores in rows.items()
    }
    return {
        "protocol": asdict(protocol) | {"left_out": left_out},
        "means": {name: means(scores) for name, scores in rows.items()},
        f"differences_from_{reference}": differences,
        "pictures": pictures,
    }


if __name__ == "__main__":
    main()
