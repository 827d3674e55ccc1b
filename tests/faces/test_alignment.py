"""The way into the square and back, by faces whose places are given."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ugatit_cli.faces.alignment import alignment, cut, paste
from ugatit_cli.faces.face import Face, FaceFraming

SIZE = 96
UPRIGHT = np.array([[-15, -12], [15, -12], [0, 2], [-10, 18], [10, 18]], float)
WANTED = FaceFraming(0.5, 0.6, 0.25)


def face_at(x: float, y: float, scale: float = 1, degrees: float = 0) -> Face:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Face(UPRIGHT @ turn.T * scale + (x, y), 1)


def placed(matrix: np.ndarray, point: np.ndarray) -> np.ndarray:
    return np.asarray(matrix[:, :2] @ point + matrix[:, 2])


@pytest.mark.parametrize("degrees", [0, 30, -75, 180])
@pytest.mark.parametrize("scale", [0.3, 1, 6])
def test_every_face_comes_to_the_same_place(scale: float, degrees: float) -> None:
    matrix = alignment(face_at(200, 150, scale, degrees), WANTED, SIZE)
    eyes, mouth = (
        placed(matrix, point)
        for point in (face_at(200, 150, scale, degrees).eyes, face_at(200, 150, scale, degrees).mouth)
    )
    assert (eyes + mouth) / 2 == pytest.approx((0.5 * SIZE, 0.6 * SIZE))
    assert mouth - eyes == pytest.approx((0, 0.25 * SIZE))


def test_a_face_that_looks_aside_is_not_enlarged() -> None:
    aside = Face(face_at(200, 150).landmarks * (0.3, 1) + (140, 0), 1)
    frontal = face_at(200, 150)
    scales = [np.linalg.det(alignment(face, WANTED, SIZE)[:, :2]) for face in (aside, frontal)]
    assert scales[0] == pytest.approx(scales[1])


def test_landmarks_in_one_point_do_no_harm() -> None:
    matrix = alignment(Face(np.zeros((5, 2)), 1), WANTED, SIZE)
    assert np.isfinite(matrix).all()
    assert cut(np.zeros((40, 50, 3), np.uint8), matrix, SIZE).shape == (SIZE, SIZE, 3)


def smooth_picture(width: int = 300, height: int = 200) -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 256, (height // 20, width // 20, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("degrees", [0, 25, -140])
def test_what_is_cut_and_pasted_unchanged_changes_nothing(degrees: float) -> None:
    picture = smooth_picture()
    matrix = alignment(face_at(150, 90, 0.8, degrees), WANTED, SIZE)
    result = picture.copy()
    paste(result, cut(picture, matrix, SIZE), matrix)
    assert np.abs(result.astype(int) - picture).max() < 12
    assert np.abs(result.astype(int) - picture).mean() < 0.6


def test_the_paste_is_whole_in_the_middle_and_fades_to_nothing() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    matrix = alignment(face_at(150, 90), WANTED, SIZE)
    paste(picture, np.full((SIZE, SIZE, 3), 255, np.uint8), matrix)
    assert picture[90, 150].tolist() == [255, 255, 255]
    assert picture[:3].max() == picture[-3:].max() == 0
    assert np.abs(np.diff(picture[90, :, 0].astype(int))).max() < 40  # no edge


@pytest.mark.parametrize(("x", "y"), [(2, 3), (298, 199), (150, -20), (-500, 90)])
def test_faces_at_the_edge_and_beyond(x: int, y: int) -> None:
    picture = smooth_picture()
    matrix = alignment(face_at(x, y), WANTED, SIZE)
    square = cut(picture, matrix, SIZE)
    paste(picture, square, matrix)
    assert (square.shape, picture.shape) == ((SIZE, SIZE, 3), (200, 300, 3))
