"""The mean of two models' weights, of which one went on from the other: what both draw stays, what only one does fades.

python average.py ONE.safetensors OTHER.safetensors MEAN.safetensors [SHARE]

Deep Network Interpolation, arXiv 1811.10515; SHARE is that of ONE, one half if nothing is said. Shape, size and texts are those of ONE.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ugatit_cli import weights


def main() -> None:
    one, other = (weights.load(Path(path)) for path in sys.argv[1:3])
    share = float(sys.argv[4]) if len(sys.argv) > 4 else 0.5
    generators = {}
    for direction, state in one.generators.items():
        partner = other.generator(direction)[1]
        generators[direction] = {name: share * tensor + (1 - share) * partner[name] for name, tensor in state.items()}
    weights.save(Path(sys.argv[3]), one.config, generators, metadata=one.metadata)


if __name__ == "__main__":
    main()
