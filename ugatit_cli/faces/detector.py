"""Where the faces are: OpenCV's detector with a graph of YuNet's form."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadModelError, DeviceError
from ..model_file import naming, open_model
from .face import Face

LONGEST_SIDE = 640  # of the picture that is looked at; larger faces than half of it are found all the same
LEAST_SCORE = 0.7
OVERLAP, MOST_CANDIDATES = 0.3, 1000


class FaceDetector:
    """Finds faces, the largest first."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError or BadModelError where the graph cannot be used, DeviceError where OpenCV does not load."""
        try:
            import cv2
        except ImportError as error:
            text = f"OpenCV, which finds faces, does not load: {error}"
            hint = "pip install --force-reinstall opencv-python-headless, or write --faces off"
            raise DeviceError(text, hint=hint, name="opencv-missing") from error
        self._cv2, self._alone = cv2, threading.Lock()
        with naming(path, "face detector"), open_model(path) as file:
            graph = np.frombuffer(file.read(), np.uint8)
        try:
            self._detector = cv2.FaceDetectorYN.create(
                "onnx", graph, np.empty(0, np.uint8), (32, 32), LEAST_SCORE, OVERLAP, MOST_CANDIDATES
            )
            self(np.zeros((32, 32, 3), np.uint8))
        except cv2.error as error:
            text = f"cannot use the face detector {path}: it is no graph of YuNet's form"
            raise BadModelError(text, hint="leave --face-model out", name="face-detector") from error

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """`pixels` uint8 (H, W, 3), RGB."""
        height, width = pixels.shape[:2]
        factor = min(1.0, LONGEST_SIDE / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        looked_at = self._cv2.resize(pixels, size, interpolation=self._cv2.INTER_AREA)
        with self._alone:  # it remembers the size
            self._detector.setInputSize(size)
            _, rows = self._detector.detect(np.ascontiguousarray(looked_at[:, :, ::-1]))
        scale = np.array([width / size[0], height / size[1]])
        found = [_face(row, scale) for row in (rows if rows is not None else [])]
        return sorted(found, key=lambda face: -face.area)


def _face(row: NDArray[np.float32], scale: NDArray[np.float64]) -> Face:
    """A row has the box (left, top, width, height), five points and a score, in pixels of what was looked at."""
    landmarks = row[4:14].reshape(5, 2).astype(float) * scale
    return Face(landmarks, float(row[2] * row[3]) * float(scale.prod()))
