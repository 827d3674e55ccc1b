"""The mean of two models' weights, of which one went on from the other: what both draw stays, what only one does fades.

python average.py ONE.safetensors OTHER.safetensors MEAN.safetensors

Deep Network Interpolation, arXiv 1811.10515, with the weight one half. Shape, size and texts are those of ONE.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ugatit_cli import weights


def main() -> None:
    one, other = (weights.load(Path(path)) for path in sys.argv[1:3])
    generators = {}
    for direction, state in one.generators.items():
        partner = other.generator(direction)[1]
        generators[direction] = {name: (tensor + partner[name]) / 2 for name, tensor in state.items()}
    weights.save(Path(sys.argv[3]), one.config, generators, metadata=one.metadata)


if __name__ == "__main__":
    main()
