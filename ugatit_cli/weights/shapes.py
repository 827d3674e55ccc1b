"""Names and shapes of every tensor in a generator, without building one."""

from __future__ import annotations

import math

from ..config import GeneratorConfig
from ..errors import BadModelError

Shapes = dict[str, tuple[int, ...]]


def generator_shapes(config: GeneratorConfig) -> Shapes:
    """Names and shapes of `Generator(config).state_dict()`."""
    shapes = _weight_shapes(config)
    return shapes | _affine_shapes(config) if config.affine else shapes


def _weight_shapes(config: GeneratorConfig) -> Shapes:
    channels, width = config.channels, config.width
    block = (width, width, 3, 3)
    shapes: Shapes = {"stem.weight": (channels, 3, 7, 7)}
    shapes |= {f"downs.{i}.weight": (channels * 2 ** (i + 1), channels * 2**i, 3, 3) for i in range(2)}
    for i in range(config.blocks):
        shapes |= {f"encoder_blocks.{i}.conv{n}.weight": block for n in (1, 2)}
    shapes |= {"cam.merge.weight": (width, 2 * width, 1, 1), "cam.merge.bias": (width,)}
    shapes |= {"cam.average_fc.weight": (1, width), "cam.max_fc.weight": (1, width)}
    shapes |= {"mlp.0.weight": (width, config.mlp_inputs), "mlp.2.weight": (width, width)}
    shapes |= {"gamma.weight": (width, width), "beta.weight": (width, width)}
    for i in range(config.blocks):
        shapes |= {f"decoder_blocks.{i}.conv{n}.weight": block for n in (1, 2)}
        shapes |= {f"decoder_blocks.{i}.norm{n}.rho": (width,) for n in (1, 2)}
    for i, outputs in enumerate((channels * 2, channels)):
        shapes[f"ups.{i}.conv.weight"] = (outputs, outputs * 2, 3, 3)
        shapes |= {f"ups.{i}.norm.{part}": (outputs,) for part in ("rho", "gamma", "beta")}
    return shapes | {"head.weight": (3, channels, 7, 7)}


def _affine_shapes(config: GeneratorConfig) -> Shapes:
    """What `config.affine` adds."""
    channels, width = config.channels, config.width
    norms = {"stem_norm": channels, "down_norms.0": channels * 2, "down_norms.1": width}
    biases = {"cam.average_fc": 1, "cam.max_fc": 1, "ups.0.conv": channels * 2, "ups.1.conv": channels, "head": 3}
    biases |= dict.fromkeys(("mlp.0", "mlp.2", "gamma", "beta"), width)
    for i in range(config.blocks):
        norms |= {f"encoder_blocks.{i}.norm{n}": width for n in (1, 2)}
        biases |= {f"decoder_blocks.{i}.conv{n}": width for n in (1, 2)}
    shapes: Shapes = {f"{layer}.{part}": (size,) for layer, size in norms.items() for part in ("gamma", "beta")}
    shapes["cam.scale"] = (width,)
    return shapes | {f"{layer}.bias": (size,) for layer, size in biases.items()}


def picture_side(inputs: int, width: int, name: str) -> int:
    """Side of the pictures of a full generator whose MLP sees width x (side / 4) squared numbers.

    Raises:
        BadModelError: no side fits; `name` is the tensor's.
    """
    side = math.isqrt(inputs // width)
    if side * side * width != inputs:
        text = f"{name} takes {inputs} numbers, which is the shape of no picture size at {width} channels"
        raise BadModelError(text, name="model-shape")
    return side * 4
