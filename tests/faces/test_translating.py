"""Faces through a backend that turns pictures into their negatives: it can be seen what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from ugatit_cli.errors import ResourceError
from ugatit_cli.faces.alignment import Pixels
from ugatit_cli.faces.crops import FaceCrops
from ugatit_cli.faces.face import Face, FaceFraming
from ugatit_cli.faces.translating import FaceTranslator, FaceWish
from ugatit_cli.framing import Framing

SIZE = 32
LANDMARKS = np.array([[-8, -6], [8, -6], [0, 2], [-5, 10], [5, 10]], float)
PLACES = ((40, 50), (140, 60))


@dataclass
class Negative:
    """Remembers the shapes that it was given."""

    name: str = "negative"
    provider: str = "test"
    device: str = "cpu"
    image_size: int = SIZE
    any_size: bool = False
    memory: int = 64  # pictures that fit into it
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, pictures: Pixels) -> Pixels:
        if len(pictures) > self.memory:
            raise ResourceError("too many", name="out-of-memory")
        self.shapes.append(pictures.shape)
        return 255 - pictures

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, np.ndarray]:
        return self(pictures), np.ones((len(pictures), pictures.shape[1] // 4, pictures.shape[2] // 4), np.float32)


def wish(count: int = 2, *, only_largest: bool = False) -> FaceWish:
    faces = [Face(LANDMARKS * (1 - 0.3 * i) + place, 4 - i) for i, place in enumerate(PLACES)][:count]
    return FaceWish(lambda picture: faces, FaceFraming(), only_largest, Framing("stretch", SIZE, False))


def grey(height: int = 120, width: int = 202) -> Pixels:
    return np.full((height, width, 3), 200, np.uint8)


def test_all_faces_go_through_the_network_together() -> None:
    backend = Negative(device="cuda")
    translator = FaceTranslator(backend, wish())
    (output,) = translator(grey()[None])
    assert backend.shapes == [(2, SIZE, SIZE, 3)]
    assert all(output[y, x, 0] == 55 for x, y in PLACES)
    assert output[0, 100].tolist() == [200, 200, 200]
    assert output.shape == grey().shape


def test_only_the_largest() -> None:
    (output,) = FaceTranslator(Negative(), wish(only_largest=True))(grey()[None])
    assert [output[y, x, 0] for x, y in PLACES] == [55, 200]


def test_without_a_face_the_whole_picture_is_translated() -> None:
    backend = Negative()
    translator = FaceTranslator(backend, wish(0))
    (output,) = translator(grey()[None])
    assert (backend.shapes, translator.without, translator.pictures) == ([(1, SIZE, SIZE, 3)], 1, 1)
    assert (output == 55).all() and output.shape == grey().shape


@pytest.mark.parametrize("count", [0, 2])
def test_the_attention_lies_where_the_faces_are(count: int) -> None:
    outputs, heats = FaceTranslator(Negative(), wish(count)).translate_with_heatmap(grey()[None])
    assert heats.shape == (1, 30, 51)
    assert [heats[0][y // 4, x // 4] for x, y in PLACES] == pytest.approx([1, 1])
    assert heats[0][0, 25] == (0 if count else 1)


@pytest.mark.parametrize(("height", "width"), [(12, 900), (900, 12)])
def test_a_long_picture_without_a_face(height: int, width: int) -> None:
    nothing = replace(wish(0), whole=Framing("pad", 60, False))  # it is shown one pixel thick, between quarters
    picture = grey(height, width)
    outputs, heats = FaceTranslator(Negative(), nothing).translate_with_heatmap(picture[None])
    assert (outputs[0] == 55).all() and (heats[0] == 1).all()
    assert (FaceTranslator(Negative(), nothing)(picture[None])[0] == outputs[0]).all()


def test_a_picture_keeps_its_size_on_the_way() -> None:
    framed = FaceTranslator(Negative(), wish()).frame(grey())
    assert framed.pixels.shape == grey().shape and framed.source_box == (0, 0, 202, 120)


def crowd(count: int) -> tuple[FaceWish, Pixels]:
    """So many faces in a row, each of a shade of its own."""
    faces = [Face(LANDMARKS + (40 + 60 * i, 50), count - i) for i in range(count)]
    picture = grey(100, 60 * count + 20)
    for i in range(count):
        picture[30:70, 20 + 60 * i : 60 + 60 * i] = 10 * i
    return FaceWish(lambda picture: faces, FaceFraming(), False, Framing("stretch", SIZE, False)), picture


@pytest.mark.parametrize(
    ("device", "batch_size", "memory", "expected"),
    [
        ("cuda", None, 64, [12, 12]),
        ("cuda", None, 8, [6, 6, 6, 6]),
        ("cuda", None, 2, [1] * 24),
        ("cuda", 5, 64, [5, 5, 2, 5, 5, 2]),
        ("cpu", None, 64, [1] * 24),
        ("cpu", 8, 3, [2] * 12),
    ],
)
@pytest.mark.parametrize("kind", [FaceTranslator, FaceCrops])
def test_more_faces_than_fit_go_through_in_parts(
    kind: type[FaceTranslator | FaceCrops], device: str, batch_size: int | None, memory: int, expected: list[int]
) -> None:
    """And what did not fit is not tried again."""
    wish, picture = crowd(12)
    backend, plenty = Negative(device=device, memory=memory), Negative(device="cuda")
    translator, reference = kind(backend, wish, batch_size), kind(plenty, wish)
    framed = translator.frame(picture).pixels[None]
    outputs, heats = translator.translate_with_heatmap(framed)
    assert (outputs == translator(framed)).all() and (outputs == reference(framed)).all()
    assert (heats == reference.translate_with_heatmap(framed)[1]).all()
    assert [shape[0] for shape in backend.shapes] == expected


@pytest.mark.parametrize("kind", [FaceTranslator, FaceCrops])
def test_one_face_that_does_not_fit_is_the_runs_error(kind: type[FaceTranslator | FaceCrops]) -> None:
    wish, picture = crowd(3)
    translator = kind(Negative(device="cuda", memory=0), wish)
    with pytest.raises(ResourceError):
        translator(translator.frame(picture).pixels[None])


def test_crops_are_a_strip_of_faces() -> None:
    backend = Negative(device="cuda")
    crops = FaceCrops(backend, wish())
    framed = crops.frame(grey())
    assert framed.pixels.shape == (SIZE, 2 * SIZE, 3)
    framed.pixels[:, SIZE:] = 10  # the second face
    (output,) = crops(framed.pixels[None])
    assert backend.shapes == [(2, SIZE, SIZE, 3)]
    assert (output[:, :SIZE] == 55).all() and (output[:, SIZE:] == 245).all()


def test_the_crop_of_a_picture_without_faces_is_its_middle() -> None:
    crops = FaceCrops(Negative(), wish(0))
    assert (crops.frame(grey()).pixels.shape, crops.without) == ((SIZE, SIZE, 3), 1)
