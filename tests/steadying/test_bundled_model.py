"""What steadying is worth with the bundled model, on films of four kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from steadying.films import Pixels, flicker, levels, moved, photograph, with_square

from ugatit_cli.backends import Backend
from ugatit_cli.loading import Wish, load_model
from ugatit_cli.steadying import Steadier
from ugatit_cli.steadying.flicker import sharpness

MODEL = Path(__file__).resolve().parents[2] / "models" / "portrait2toon" / "weights.safetensors"
FRAMES, SIZE = 32, 160


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UGATIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = load_model(MODEL, "", Wish(backend="onnx", device="cpu")).backend
        [*Steadier(found, "auto").push([photograph(SIZE)] * FRAMES)]
    return found


def film(kind: str) -> list[Pixels]:
    still, random = photograph(SIZE), np.random.default_rng(0)
    if kind == "pan":
        return [moved(still, -0.6 * place, -0.25 * place) for place in range(FRAMES)]
    if kind == "noise":
        return [levels(still + random.normal(0, 5, still.shape)) for _ in range(FRAMES)]
    if kind == "light":
        return [
            levels(still * gain) for gain in (*np.linspace(1, 0.7, FRAMES // 2), *[0.7, 0.9, 0.75, 1] * (FRAMES // 8))
        ]
    return [with_square(still, int(left), 60, 24) for left in np.linspace(-24, SIZE, FRAMES)]


@pytest.mark.parametrize(("kind", "most"), [("pan", 0.6), ("noise", 0.5), ("light", 1.0), ("object", 0.5)])
def test_a_film_flickers_less_and_stays_sharp(kind: str, most: float, backend: Backend) -> None:
    frames, steadier = film(kind), Steadier(backend, "auto")
    plain = [backend(frame[None])[0] for frame in frames]
    shown = [each.pixels for each in (*steadier.push(frames), *steadier.finish())]
    assert flicker(frames, shown) <= most * flicker(frames, plain)
    assert np.mean([*map(sharpness, shown)]) == pytest.approx(np.mean([*map(sharpness, plain)]), rel=0.05)
