from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faces.detectors import HEIGHT, LANDMARKS, WIDTH, draw_face, write_detector

from ugatit_cli.errors import BadModelError, UsageError
from ugatit_cli.faces.detector import FaceDetector


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> FaceDetector:
    return FaceDetector(write_detector(tmp_path_factory.mktemp("detector") / "detector.onnx"))


def grey(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def test_a_face_is_found_where_it_is(detector: FaceDetector) -> None:
    picture = grey(320, 240)
    middle = draw_face(picture, 160, 96)
    (face,) = detector(picture)
    assert face.landmarks == pytest.approx(LANDMARKS + middle, abs=0.6)
    assert face.area == pytest.approx(WIDTH * HEIGHT, rel=0.05)


def test_faces_and_none(detector: FaceDetector) -> None:
    picture = grey(500, 333)
    assert detector(picture) == []
    for x in (80, 240, 400):
        draw_face(picture, x, 160)
    assert len(detector(picture)) == 3


def test_a_large_picture_is_looked_at_smaller(detector: FaceDetector) -> None:
    picture = grey(1280, 960)
    picture[320:336, 640:656] = (255, 0, 0)
    (face,) = detector(picture)
    assert face.landmarks.mean(axis=0) == pytest.approx(2 * LANDMARKS.mean(axis=0) + (648, 328), abs=2)


@pytest.mark.parametrize("content", [b"", b"<html>", bytes(range(256))])
def test_what_is_no_detector(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(BadModelError):
        FaceDetector(tmp_path / "x.onnx")


def test_a_graph_of_another_form(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    port = [helper.make_tensor_value_info(name, 1, [1, 3, 32, 32]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Tanh", ["x"], ["y"])], "g", port[:1], port[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8), tmp_path / "x.onnx")
    with pytest.raises(BadModelError, match="YuNet"):
        FaceDetector(tmp_path / "x.onnx")


def test_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        FaceDetector(tmp_path / "missing.onnx")
