"""The published state dict of the FID Inception (pt_inception-2015-12-05): its names and shapes, and files of that form."""

from __future__ import annotations

import torch
from torch import Tensor

FLOATS_WITHOUT_CLASSIFIER = 21_785_568 + 2 * 17_216  # weights that torchvision counts, and running mean and variance

STEM = """
Conv2d_1a_3x3 32x3x3x3
Conv2d_2a_3x3 32x32x3x3
Conv2d_2b_3x3 64x32x3x3
Conv2d_3b_1x1 80x64x1x1
Conv2d_4a_3x3 192x80x3x3
"""
SMALL = """
branch1x1 64xINx1x1
branch5x5_1 48xINx1x1
branch5x5_2 64x48x5x5
branch3x3dbl_1 64xINx1x1
branch3x3dbl_2 96x64x3x3
branch3x3dbl_3 96x96x3x3
branch_pool POOLxINx1x1
"""
FIRST_REDUCTION = """
branch3x3 384x288x3x3
branch3x3dbl_1 64x288x1x1
branch3x3dbl_2 96x64x3x3
branch3x3dbl_3 96x96x3x3
"""
MIDDLE = """
branch1x1 192x768x1x1
branch7x7_1 Cx768x1x1
branch7x7_2 CxCx1x7
branch7x7_3 192xCx7x1
branch7x7dbl_1 Cx768x1x1
branch7x7dbl_2 CxCx7x1
branch7x7dbl_3 CxCx1x7
branch7x7dbl_4 CxCx7x1
branch7x7dbl_5 192xCx1x7
branch_pool 192x768x1x1
"""
SECOND_REDUCTION = """
branch3x3_1 192x768x1x1
branch3x3_2 320x192x3x3
branch7x7x3_1 192x768x1x1
branch7x7x3_2 192x192x1x7
branch7x7x3_3 192x192x7x1
branch7x7x3_4 192x192x3x3
"""
WIDE = """
branch1x1 320xINx1x1
branch3x3_1 384xINx1x1
branch3x3_2a 384x384x1x3
branch3x3_2b 384x384x3x1
branch3x3dbl_1 448xINx1x1
branch3x3dbl_2 384x448x3x3
branch3x3dbl_3a 384x384x1x3
branch3x3dbl_3b 384x384x3x1
branch_pool 192xINx1x1
"""
BLOCKS = {
    "": (STEM, {}),
    "Mixed_5b.": (SMALL, {"IN": 192, "POOL": 32}),
    "Mixed_5c.": (SMALL, {"IN": 256, "POOL": 64}),
    "Mixed_5d.": (SMALL, {"IN": 288, "POOL": 64}),
    "Mixed_6a.": (FIRST_REDUCTION, {}),
    "Mixed_6b.": (MIDDLE, {"C": 128}),
    "Mixed_6c.": (MIDDLE, {"C": 160}),
    "Mixed_6d.": (MIDDLE, {"C": 160}),
    "Mixed_6e.": (MIDDLE, {"C": 192}),
    "Mixed_7a.": (SECOND_REDUCTION, {}),
    "Mixed_7b.": (WIDE, {"IN": 1280}),
    "Mixed_7c.": (WIDE, {"IN": 2048}),
}
CLASSIFIER = {"fc.weight": (1008, 2048), "fc.bias": (1008,)}


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the published file but the classifier's two."""
    shapes: dict[str, tuple[int, ...]] = {}
    for prefix, (table, sides) in BLOCKS.items():
        for line in table.split("\n")[1:-1]:
            name, text = line.split()
            shape = tuple(int(sides.get(side, side)) for side in text.split("x"))
            shapes[f"{prefix}{name}.conv.weight"] = shape
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{prefix}{name}.bn.{part}"] = shape[:1]
    return shapes


def random_state(*, classifier: bool = True, counters: bool = False) -> dict[str, Tensor]:
    """Random numbers that let signals through: convolutions by their fan-in, normalisations near the identity."""
    random = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}
    for name, shape in {**published_shapes(), **(CLASSIFIER if classifier else {})}.items():
        if name.endswith(("running_var", "bn.weight")):
            state[name] = torch.rand(shape, generator=random) + 0.5
        else:
            fan_in = max(1, torch.Size(shape[1:]).numel())
            state[name] = torch.randn(shape, generator=random) * (2 / fan_in) ** 0.5 * (1 if len(shape) == 4 else 0.1)
        if counters and name.endswith("running_var"):
            state[name.replace("running_var", "num_batches_tracked")] = torch.tensor(7)
    return state
