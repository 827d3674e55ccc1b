"""From the picture to a model's square and back: a turn, a scale and a shift that put the face where the model wants it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .face import Face, FaceFraming

Matrix = NDArray[np.float64]  # 2 x 3: a point of the picture to a point of the square
Pixels = NDArray[np.uint8]
FEATHER = 0.12  # of the square's side, over which a pasted face fades into its picture


def alignment(face: Face, wanted: FaceFraming, size: int) -> Matrix:
    """The eyes become level, and the distance from them to the mouth what the model is used to.

    A face that looks aside has its eyes nearer together, one that nods has them nearer to its mouth: the longer counts.
    """
    across = face.landmarks[1] - face.landmarks[0]
    length = max(float(np.hypot(*(face.mouth - face.eyes))), float(np.hypot(*across)), 1.0)
    scale = wanted.eyes_to_mouth * size / length
    angle = -np.arctan2(across[1], across[0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = size * np.array([wanted.x, wanted.y])
    return np.column_stack([turn, target - turn @ ((face.eyes + face.mouth) / 2)])


def cut(picture: Pixels, matrix: Matrix, size: int) -> Pixels:
    """The square, size x size x 3; beyond the picture's edges it is mirrored."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 1:  # shrunk with all its pixels first: the turn looks at a few of them only
        height, width = picture.shape[:2]
        sides = max(1, round(width * scale)), max(1, round(height * scale))
        picture = np.asarray(cv2.resize(picture, sides, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix @ np.diag([width / sides[0], height / sides[1], 1.0])
    flags = cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def paste(picture: Pixels, square: Pixels, matrix: Matrix) -> None:
    """Put a translated square back into `picture`, which is changed; its edges fade."""
    import cv2

    left, top, right, bottom = _box(matrix, square.shape[0], picture)
    if left >= right or top >= bottom:
        return
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (left, top)
    sides, back = (right - left, bottom - top), cv2.WARP_INVERSE_MAP
    placed = cv2.warpAffine(square, shifted, sides, flags=cv2.INTER_CUBIC | back, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(_fading(square.shape[0]), shifted, sides, flags=cv2.INTER_LINEAR | back)[:, :, None]
    part = picture[top:bottom, left:right]
    part[:] = np.rint(part * (1 - share) + placed * share).clip(0, 255).astype(np.uint8)


def paste_heat(picture: NDArray[np.float32], heat: NDArray[np.float32], matrix: Matrix) -> None:
    """The same for the attention, which both have at a quarter of the size; the stronger one is kept."""
    import cv2

    quarter = matrix.copy()
    quarter[:, 2] /= 4
    height, width = picture.shape
    placed = cv2.warpAffine(heat, quarter, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    np.maximum(picture, placed, out=picture)


def _box(matrix: Matrix, size: int, picture: Pixels) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the square covers of the picture."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]])
    places = np.linalg.solve(matrix[:, :2], (corners - matrix[:, 2]).T).T
    (left, top), (right, bottom) = np.floor(places.min(axis=0)), np.ceil(places.max(axis=0))
    height, width = picture.shape[:2]
    return max(0, int(left)), max(0, int(top)), min(width, int(right)), min(height, int(bottom))


def _fading(size: int) -> NDArray[np.float32]:
    """1 in the middle, 0 at the edges, smooth between."""
    places = (np.arange(size) + 0.5) / size
    ramp = np.clip(np.minimum(places, 1 - places) / FEATHER, 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    return np.outer(smooth, smooth).astype(np.float32)
