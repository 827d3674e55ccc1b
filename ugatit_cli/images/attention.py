"""Where the network looked: a heat-map in colours, and over the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import DeviceError
from .arrays import Pixels


def heatmap_colours(heatmap: NDArray[np.float32], width: int, height: int) -> Pixels:
    """Attention (h, w), any range, as uint8 (height, width, 3): lowest blue, highest red (OpenCV's JET).

    Raises:
        DeviceError: OpenCV does not load here.
    """
    try:
        import cv2
    except ImportError as error:  # most often libGL.so.1, on a machine without a screen
        raise DeviceError(
            f"heat-maps need OpenCV, which does not load here: {error}",
            hint="pip uninstall opencv-python, then pip install opencv-python-headless",
            name="opencv-missing",
        ) from error
    low, high = float(heatmap.min()), float(heatmap.max())
    small = ((heatmap - low) / ((high - low) or 1) * 255).astype(np.uint8)
    grey = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    colours: Pixels = cv2.applyColorMap(grey, cv2.COLORMAP_JET)[..., ::-1].astype(np.uint8)  # OpenCV says B G R
    return colours


def enlarge_heatmap(heatmap: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Attention (h, w) as (height, width), smooth between its values."""
    return np.asarray(Image.fromarray(heatmap).resize((width, height), Image.Resampling.BILINEAR))


def heatmap_overlay(pixels: Pixels, heatmap: NDArray[np.float32]) -> Pixels:
    """The picture (H, W, 3) half covered by its attention map (h, w), any h and w."""
    height, width = pixels.shape[:2]
    colours = heatmap_colours(heatmap, width, height)
    return (pixels // 2) + (colours // 2) + (pixels & colours & 1)  # their mean, without leaving uint8
