"""Weights of the official PyTorch code (znxlwm/UGATIT-pytorch): its names, told from keys and shapes.

Recognised are complete checkpoints (six networks, as a nested dict or with the network's name before each
tensor's) and the state dict of one generator or discriminator alone, each with or without DataParallel's `module.`, and
also one level further down, as training frameworks keep them (`state_dict` beside an epoch and optimisers); and what
forks made of it: averaged generators (`genA2B_ema`), and an MLP that sees the means of k x k areas, with one layer or two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BufferedReader

import torch

from ..config import Direction, GeneratorConfig
from ..errors import BadModelError
from .model import ModelWeights
from .shapes import Shapes, generator_shapes, picture_side
from .stored import Container, StoredTensor, check_fit, few, read_tensor

GENERATORS: dict[str, Direction] = {"genA2B": "a2b", "genB2A": "b2a"}
NETWORKS = (*GENERATORS, "disGA", "disGB", "disLA", "disLB")
_PARALLEL = "module."
_AVERAGED = "_ema"
_NAMES = (*NETWORKS, *(name + _AVERAGED for name in GENERATORS))  # averaged or not
_AVERAGE_COUNT = "n_averaged"  # beside the weights of torch's own AveragedModel
_MLP = ("FC.0.weight", "FC.2.weight")
_SMALLEST_FULL = 16  # pixels; what sees fewer areas is a light generator that pools them
_BARE_NOTE = "the file does not say which way its generator translates; it is used as a2b"
_STEM = "DownBlock.1.weight"
_ENCODER_BLOCK = re.compile(r"DownBlock\.\d+\.conv_block\.1\.weight")
_RELATIVE = re.compile(r"(HourGlass|EncodeBlock|DecodeBlock)\d\..+")
_DISCRIMINATOR_CONV = re.compile(r"model\.\d+\.weight_orig")


@dataclass(frozen=True)
class _StateDict:
    """One network's tensors under the official names; `prefix` is what the file puts before them."""

    prefix: str
    tensors: Mapping[str, StoredTensor]


def read_official(file: BufferedReader, container: Container, sha256: str) -> ModelWeights:
    """The generators of an official checkpoint, or a bare generator as a2b with a note.

    Raises:
        BadModelError: no generator, or one that does not fit the network.
    """
    networks, notes = _prefer_averages(_networks(container.tree))
    wanted = {
        GENERATORS.get(name, "a2b"): state
        for name, state in networks.items()
        if name in GENERATORS or _is_bare_generator(name, state)
    }
    if not wanted:
        raise _no_generator(networks)
    configs = {direction: detect_generator(state.tensors, state.prefix) for direction, state in wanted.items()}
    if len(set(configs.values())) > 1:
        raise BadModelError("its two generators are of different shapes", name="model-shape")
    generators = {
        direction: _read_generator(file, container, state, configs[direction]) for direction, state in wanted.items()
    }
    notes += (_BARE_NOTE,) if "" in networks else ()
    config = next(iter(configs.values()))
    return ModelWeights(config, generators, container.metadata, sha256, container.format, notes)


# ---- which networks are there


def _networks(tree: Mapping[str, object]) -> dict[str, _StateDict]:
    """The state dicts in the file by official name; "" is a network that stands alone."""
    if not tree:
        raise BadModelError("it is empty: no weights are in it", name="model-no-generator")
    outer, tree = _unwrapped(tree)
    nested = {name: tree[name] for name in _NAMES if name in tree}
    flat = {
        name: {key.removeprefix(f"{name}."): value for key, value in tree.items() if _starts(key, f"{name}.")}
        for name in _NAMES
    }
    networks = nested or {name: tensors for name, tensors in flat.items() if tensors}
    if networks:
        return {name: _state_dict(tensors, f"{outer}{name}.") for name, tensors in networks.items()}
    return {"": _state_dict(tree, outer)}


def _unwrapped(tree: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """What holds the networks, the tree or its only part that does; and what the file puts before the names in it."""
    if _holds_networks(tree):
        return "", tree
    parts = {name: part for name, part in tree.items() if isinstance(part, Mapping) and _holds_networks(part)}
    if len(parts) != 1:
        return "", tree
    ((name, part),) = parts.items()
    return f"{name}.", part


def _holds_networks(tree: Mapping[str, object]) -> bool:
    names = {key.removeprefix(_PARALLEL) for key in tree if isinstance(key, str)}
    return _STEM in names or any(name.split(".")[0] in _NAMES for name in names)


def _prefer_averages(networks: Mapping[str, _StateDict]) -> tuple[dict[str, _StateDict], tuple[str, ...]]:
    """Averaged generators in the place of the others, which training swings about; and a note that says so."""
    averaged = [name for name in GENERATORS if name + _AVERAGED in networks]
    chosen = {
        name: networks.get(name + _AVERAGED, state) for name, state in networks.items() if name in NETWORKS or not name
    }
    chosen |= {name: networks[name + _AVERAGED] for name in averaged}
    note = f"it holds averaged weights ({', '.join(name + _AVERAGED for name in averaged)}), which are used"
    return chosen, (note,) if averaged else ()


def _starts(key: object, prefix: str) -> bool:
    return isinstance(key, str) and key.startswith(prefix)


def _state_dict(value: object, prefix: str) -> _StateDict:
    name = prefix.rstrip(".") or "it"
    if not isinstance(value, Mapping):
        raise BadModelError(f"it is not a checkpoint: {name} is not a state dict", name="model-unknown-format")
    if not all(isinstance(key, str) for key in value):
        raise BadModelError(f"it is not a checkpoint: not all keys of {name} are names", name="model-unknown-format")
    strangers = [prefix + key for key, tensor in value.items() if not isinstance(tensor, StoredTensor)]
    if strangers:
        raise BadModelError(f"it is not a checkpoint: not a tensor: {few(strangers)}", name="model-unknown-format")
    value = {key: tensor for key, tensor in value.items() if key != _AVERAGE_COUNT}
    if value and all(key.startswith(_PARALLEL) for key in value):
        return _StateDict(prefix + _PARALLEL, {key.removeprefix(_PARALLEL): tensor for key, tensor in value.items()})
    return _StateDict(prefix, value)


def _is_bare_generator(name: str, state: _StateDict) -> bool:
    return name == "" and not any(map(_DISCRIMINATOR_CONV.fullmatch, state.tensors))


def _no_generator(networks: Mapping[str, _StateDict]) -> BadModelError:
    there = few([name for name in networks if name]) or "one"
    return BadModelError(f"it holds no generator, only discriminators ({there})", name="model-no-generator")


# ---- what shape they have


def detect_generator(tensors: Mapping[str, StoredTensor], prefix: str = "") -> GeneratorConfig:
    """Variant, channels, blocks and, for `full`, the image size; names, shapes and types are checked against them.

    Raises:
        BadModelError: not a U-GAT-IT generator; names are given as the file spells them, `prefix` included.
    """
    known = set(_generator_layout(GeneratorConfig(blocks=1)).names.values())
    if any(map(_RELATIVE.fullmatch, tensors)):
        text = "it is a photo2cartoon generator (hourglass blocks, soft-AdaLIN), which is recognised and not supported"
        raise BadModelError(text, hint="run it with the program it comes from", name="model-unsupported")
    if not known & set(tensors):
        text = f"it is not a U-GAT-IT generator: unexpected {few([prefix + name for name in tensors])}"
        raise BadModelError(text, name="model-names")
    stem, first = tensors.get(_STEM), tensors.get("FC.0.weight")
    if stem is None or first is None or not stem.shape or len(first.shape) != 2:
        raise _unusable_anchor(tensors, prefix)
    channels = stem.shape[0]
    blocks = sum(1 for name in tensors if _ENCODER_BLOCK.fullmatch(name))
    config = GeneratorConfig("light", channels, blocks)
    if first.shape[1] != config.width:
        side = picture_side(first.shape[1], config.width, f"{prefix}FC.0.weight")
        pools = side < _SMALLEST_FULL or _MLP[1] not in tensors
        config = replace(config, pool=side // 4) if pools else replace(config, variant="full", image_size=side)
    check_fit(tensors, _generator_layout(config, one_layer=_has_one_layer(config, tensors)).shapes, prefix)
    return config


def _has_one_layer(config: GeneratorConfig, tensors: Mapping[str, StoredTensor]) -> bool:
    """Whether the MLP, of a fork that pools, does without its second layer."""
    return config.pool > 1 and _MLP[1] not in tensors


def _unusable_anchor(tensors: Mapping[str, StoredTensor], prefix: str) -> BadModelError:
    missing = [prefix + name for name in (_STEM, "FC.0.weight") if name not in tensors]
    if missing:
        return BadModelError(f"its tensors do not fit a U-GAT-IT network: missing {few(missing)}", name="model-names")
    return BadModelError(f"{prefix}{_STEM} or {prefix}FC.0.weight has a wrong shape", name="model-shape")


# ---- their names there and here


@dataclass(frozen=True)
class _Layout:
    """One network there and here: our name -> official name, our shapes, official shapes (by official name)."""

    names: dict[str, str]
    ours: Shapes
    shapes: Shapes


def _generator_layout(config: GeneratorConfig, *, one_layer: bool = False) -> _Layout:
    names = {
        "stem.weight": _STEM,
        **{f"downs.{i}.weight": f"DownBlock.{5 + 4 * i}.weight" for i in range(2)},
        "cam.average_fc.weight": "gap_fc.weight",
        "cam.max_fc.weight": "gmp_fc.weight",
        **{f"cam.merge.{part}": f"conv1x1.{part}" for part in ("weight", "bias")},
        **{f"mlp.{i}.weight": f"FC.{i}.weight" for i in (0, 2)},
        **{name: name for name in ("gamma.weight", "beta.weight")},
        **{f"ups.{i}.conv.weight": f"UpBlock2.{2 + 5 * i}.weight" for i in range(2)},
        **{
            f"ups.{i}.norm.{part}": f"UpBlock2.{3 + 5 * i}.{part}"
            for i in range(2)
            for part in ("rho", "gamma", "beta")
        },
        "head.weight": "UpBlock2.11.weight",
    }
    for i in range(config.blocks):
        for n in (1, 2):
            names[f"encoder_blocks.{i}.conv{n}.weight"] = f"DownBlock.{12 + i}.conv_block.{4 * n - 3}.weight"
            names[f"decoder_blocks.{i}.conv{n}.weight"] = f"UpBlock1_{i + 1}.conv{n}.weight"
            names[f"decoder_blocks.{i}.norm{n}.rho"] = f"UpBlock1_{i + 1}.norm{n}.rho"
    if one_layer:
        del names["mlp.2.weight"]
    ours = generator_shapes(config)
    return _Layout(names, ours, {official: _official_shape(name, ours[name]) for name, official in names.items()})


def _official_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Norm parameters are 1 x C x 1 x 1 there, C here."""
    return (1, *shape, 1, 1) if ".norm" in name else shape


def _read_generator(
    file: BufferedReader, container: Container, state: _StateDict, config: GeneratorConfig
) -> dict[str, torch.Tensor]:
    """A layer that is not there does nothing: what it gets has no negative numbers for its ReLU to take away."""
    one_layer = _has_one_layer(config, state.tensors)
    tensors = _read(file, container, state, _generator_layout(config, one_layer=one_layer))
    return tensors | {"mlp.2.weight": torch.eye(config.width)} if one_layer else tensors


def _read(file: BufferedReader, container: Container, state: _StateDict, layout: _Layout) -> dict[str, torch.Tensor]:
    return {
        name: read_tensor(file, container, state.tensors[official], state.prefix + official).reshape(layout.ours[name])
        for name, official in layout.names.items()
    }
