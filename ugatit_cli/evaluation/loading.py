"""From what `--features` says to a network that describes pictures."""

from __future__ import annotations

from pathlib import Path

import torch

from .builtin import BuiltinFeatures
from .features import FeatureNetwork
from .inception_file import load_inception

BUILTIN = "builtin"


def load_features(choice: str, device: torch.device | str = "cpu") -> FeatureNetwork:
    """`builtin`, or the path of a file with the FID Inception's weights, which then runs on `device`.

    The built-in features stay on the CPU: they are cheap there and round the same everywhere.

    Raises:
        UsageError, BadModelError, RefusedError: as `load_inception` does.
    """
    return BuiltinFeatures() if choice == BUILTIN else load_inception(Path(choice)).to(device)
