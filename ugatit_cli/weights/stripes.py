"""Weights whose pictures have no stripes, one pixel wide.

Where up-sampled features vary, neighbouring pixels come from different taps of a kernel (`UpBlock`), and even areas of a picture
get a faint grid of two pixels. The last convolution can be made blind to it: of each row and column of its kernels the part
that changes sign from tap to tap is taken away. Even areas keep their colour, and edges stay as sharp as they were.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

HEAD = "head.weight"


def without_stripes(generator: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights but for the last convolution's: the nearest that answer no stripes, and even areas as before."""
    return {**generator, HEAD: _blind(generator[HEAD])}


def _blind(kernel: Tensor) -> Tensor:
    """O I H W: every row's and every column's sum with alternating signs becomes zero, and its plain sum stays as it is."""
    side = kernel.shape[-1]
    signs = torch.ones(side, dtype=torch.float64)
    signs[1::2] = -1
    without_mean = signs - signs.mean()
    others = torch.eye(side, dtype=torch.float64) - torch.outer(without_mean, signs) / (signs @ without_mean)
    return (others @ kernel.double() @ others.t()).to(kernel.dtype)
