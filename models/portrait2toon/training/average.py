"""The mean of two models' weights, of which one went on from the other: what both draw stays, what only one does fades.

python average.py ONE.safetensors OTHER.safetensors MEAN.safetensors

Deep Network Interpolation, arXiv 1811.10515, with the weight one half.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file


def main() -> None:
    one, other, mean = map(Path, sys.argv[1:4])
    with safe_open(one, "pt") as file:
        metadata = file.metadata()
    first, second = load_file(one), load_file(other)
    if first.keys() != second.keys():
        sys.exit(f"error: {one} and {other} are not of one network")
    save_file({name: (first[name].float() + second[name].float()) / 2 for name in first}, mean, metadata)


if __name__ == "__main__":
    main()
