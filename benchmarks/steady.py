"""How much a translated film flickers, with steadying and without, on films made from one photograph.

    python benchmarks/steady.py [--model FILE] [--backend auto] [--size 96] [--frames 96] [--strength auto]
                                [--sheets FOLDER] [--json FILE]

The films, arrays of frames without a file: `pan`, a window that moves by parts of a pixel; `noise`, Gaussian, 5 levels;
`light`, a ramp to 70 % and steps after it; `object`, a coloured square that crosses a picture which stands still; `lamp`,
the same under a light that jumps by a quarter; `cut`, the object, and after half the frames another scene.

Flicker is the mean change from frame to frame in levels, where the film can be followed: the earlier frame is carried along
the film's optical flow and compared with the later one. It stands beside the film's own. Sharpness is the mean slope of the
brightness, beside the plain translation's. Time is that of all frames, beside the plain translation's; both are run in turn.
`bleeding` is how far the first frame of the second scene is from its plain translation, at the worst pixel.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from ugatit_cli.backends import Backend
from ugatit_cli.loading import Wish, load_model
from ugatit_cli.steadying import Steadier, Strength, parse_strength
from ugatit_cli.steadying.flicker import change_along, sharpness
from ugatit_cli.steadying.motion import find_motion

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOGRAPH = REPOSITORY / "examples" / "hopper.jpg"
MODEL = REPOSITORY / "models" / "portrait2toon" / "weights.safetensors"
ROUNDS = 3
SHEET_COLUMNS = 8

Film = list[NDArray[np.uint8]]


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UGATIT_CACHE"] = cache
        backend = load_model(arguments.model, "", Wish(backend=arguments.backend)).backend
        size = arguments.size or backend.image_size
        found = {}
        for name, make in FILMS.items():
            film = make(size, arguments.frames)
            plain, steadied, numbers = compare(film, backend, arguments.strength)
            print(f"{name:7}", "  ".join(f"{key} {value:.3g}" for key, value in numbers.items()), flush=True)
            found[name] = numbers
            if arguments.sheets:
                save_sheet(arguments.sheets / f"{name}.png", film, plain, steadied)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--backend", default="auto", choices=["auto", "torch", "onnx", "openvino"])
    parser.add_argument("--size", type=int, help="side of the frames; the model's own where it is left out")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--strength", type=parse_strength, default="auto")
    parser.add_argument("--sheets", type=Path, help="put contact sheets there: the film, plain, steadied")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    return parser.parse_args()


def photograph(size: int) -> NDArray[np.float32]:
    """Its middle, float32 size x size x 3, RGB."""
    picture = cv2.imread(str(PHOTOGRAPH))
    assert picture is not None
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    middle = cv2.resize(picture[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    return middle[..., ::-1].astype(np.float32)


def as_film(frames: list[NDArray[np.float32]]) -> Film:
    return [np.rint(frame).clip(0, 255).astype(np.uint8) for frame in frames]


def pan(size: int, frames: int) -> Film:
    wide = photograph(size * 4 // 3)
    ends = np.linspace(0, size // 3, frames)
    windows = (np.array([[1, 0, -end], [0, 1, -0.4 * end]]) for end in ends)
    shown = (cv2.warpAffine(wide, window, (size, size), flags=cv2.INTER_CUBIC) for window in windows)
    return as_film([np.asarray(frame, np.float32) for frame in shown])


def noise(size: int, frames: int) -> Film:
    still, random = photograph(size), np.random.default_rng(0)
    return as_film([still + random.normal(0, 5, still.shape).astype(np.float32) for _ in range(frames)])


def light(size: int, frames: int) -> Film:
    ramp = np.linspace(1, 0.7, frames // 2)
    steps = np.array([0.7, 0.9, 0.75, 1])[np.arange(frames - len(ramp)) * 4 // (frames - len(ramp))]
    return as_film([photograph(size) * gain for gain in (*ramp, *steps)])


def moving_object(size: int, frames: int) -> Film:
    side = size // 4
    square = np.empty((side, side, 3), np.float32)
    square[:] = 230, 60, 40
    square[side // 4 : -side // 4, side // 4 : -side // 4] = 40, 80, 220
    film, top = [], size * 5 // 8
    for left in np.linspace(-side, size, frames).astype(int):
        frame = photograph(size)
        first, last = max(0, left), min(size, left + side)
        frame[top : top + side, first:last] = square[:, first - left : last - left]
        film.append(frame)
    return as_film(film)


def lamp(size: int, frames: int) -> Film:
    film = moving_object(size, frames)
    return as_film([frame * (1.25 if place % 8 == 0 else 1) for place, frame in enumerate(film)])


def cut(size: int, frames: int) -> Film:
    """The second scene is the photograph upside down."""
    second = [np.ascontiguousarray(frame[::-1]) for frame in pan(size, frames - frames // 2)]
    return moving_object(size, frames // 2) + second


FILMS: dict[str, Callable[[int, int], Film]] = {
    **{"pan": pan, "noise": noise, "light": light, "object": moving_object},
    **{"lamp": lamp, "cut": cut},
}


def compare(film: Film, backend: Backend, strength: Strength) -> tuple[Film, Film, dict[str, float]]:
    """The plain translation, the steadied one, and what was measured; the first round of both only warms up."""
    seconds: dict[str, list[float]] = {"off": [], "on": []}
    shown: dict[str, Film] = {}
    for _ in range(ROUNDS + 1):
        for name, wanted in (("off", "off"), ("on", strength)):
            begun = perf_counter()
            steadier = Steadier(backend, wanted)
            shown[name] = [each.pixels for each in (*steadier.push(film), *steadier.finish())]
            seconds[name].append(perf_counter() - begun)
    numbers = score(film, shown["off"], shown["on"])
    ratios = [on / off for off, on in zip(seconds["off"][1:], seconds["on"][1:], strict=True)]
    return shown["off"], shown["on"], numbers | {"time": float(np.median(ratios))}


def score(film: Film, plain: Film, steadied: Film) -> dict[str, float]:
    motions = [find_motion(before, after) for before, after in zip(film, film[1:], strict=False)]
    cuts = [place for place, motion in enumerate(motions) if motion.is_cut]

    def flicker(frames: Film) -> float:
        pairs = zip(motions, frames, frames[1:], strict=False)
        return float(np.mean([change_along(*pair) for place, pair in enumerate(pairs) if place not in cuts]))

    numbers = {"film": flicker(film), "off": flicker(plain), "on": flicker(steadied)}
    numbers["on/off"] = numbers["on"] / max(numbers["off"], 1e-9)
    numbers["sharpness"] = float(np.mean([*map(sharpness, steadied)]) / np.mean([*map(sharpness, plain)]))
    for place in cuts:
        numbers["bleeding"] = float(np.abs(steadied[place + 1].astype(int) - plain[place + 1]).max())
    return numbers


def save_sheet(path: Path, *rows: Film) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    step = max(1, len(rows[0]) // SHEET_COLUMNS)
    sheet = np.concatenate([np.concatenate(row[step // 2 :: step], axis=1) for row in rows])
    cv2.imwrite(str(path), np.ascontiguousarray(sheet[..., ::-1]))


if __name__ == "__main__":
    main()
