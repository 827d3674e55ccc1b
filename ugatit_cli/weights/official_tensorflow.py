"""Weights of the official TensorFlow code (taki0112/UGATIT): one scope's variables, turned into our conventions.

Folded here, so that nothing else need know of it: the order of axes; the flattened map's order before the full variant's
first layer; `--smoothing` (AdaLIN uses rho - 0.1); the one classifier that serves both pools, and whose weights scale the
map with its bias added; biases in the encoder, which the normalisations behind them take away again. What is left are
`affine`, `unbiased` and `truncated` in the configuration.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch

from .. import tensorflow_files
from ..config import Direction, GeneratorConfig
from ..errors import BadModelError
from ..model_file import naming, open_model
from .model import ModelWeights, ReadLater, Tensors
from .shapes import Shapes, generator_shapes, picture_side
from .stored import check_finite, check_fit, few
from .tensorflow_data import DataFiles, ReadBytes, Variable
from .tensorflow_index import MAX_INDEX_BYTES, TensorEntry, TensorIndex, read_index

SCOPES: dict[Direction, str] = {"a2b": "generator_B/", "b2a": "generator_A/"}  # named after what they translate into
SMOOTHING = 0.1
PIECE_BYTES = 64 << 20

_STEM, _FIRST_LINEAR = "conv/conv2d/kernel", "MLP/linear_0/dense/kernel"
_ENCODER_BLOCK = re.compile(r"resblock_\d+/res1/conv_0/conv2d/kernel")
_NOT_NEEDED = re.compile(
    r".+/Adam(_1)?"  # what its optimiser remembered
    r"|(conv|conv_[01]|resblock_\d+/res[12]/conv_0)/conv2d/bias"  # a normalisation takes it away
)
_CLASSIFIER, _OLDER_CLASSIFIER = "CAM_logit", "CAM_logit/dense"  # older versions take other weights for the logits
_UNKNOWN_SMOOTHING = (
    "its folder has not the name that the official program gave it, so it does not tell whether --smoothing was used; "
    "it is read as if, which is that program's default"
)


def read_checkpoint(index_file: Path, smoothing: bool | None) -> ModelWeights:
    """Both generators, as far as they are there; the numbers of one are read when it is asked for, and then checked.

    `smoothing` of None goes by the folder's name.

    Raises:
        BadModelError: no generator, one that does not fit, damaged, or a data file is missing or too short.
    """
    with open_model(index_file) as file:
        index = read_index(file.read(MAX_INDEX_BYTES + 1))
    configs = _configs(index)
    files = DataFiles(index_file, index.shards)
    directions, notes = _complete(index, tuple(configs), files)
    if smoothing is None and tensorflow_files.says_smoothing(index_file) is None:
        notes += (_UNKNOWN_SMOOTHING,)
    smooth = tensorflow_files.takes_smoothing(index_file) if smoothing is None else smoothing

    def read(direction: Direction) -> Tensors:
        with naming(index_file):
            return read_generator(index, direction, files.read, smoothing=smooth)

    config, generators = next(iter(configs.values())), ReadLater(directions, read)
    sha256 = tensorflow_files.digest(index_file, smoothing=smooth)
    return ModelWeights(config, generators, {}, sha256, "official-tensorflow", notes)


def _configs(index: TensorIndex) -> dict[Direction, GeneratorConfig]:
    """Of the generators that are there: the same for both."""
    there = [direction for direction, scope in SCOPES.items() if any(name.startswith(scope) for name in index.tensors)]
    if not there:
        text = f"it holds no generator, only {few(list(index.tensors)) or 'nothing'}"
        raise BadModelError(text, name="model-no-generator")
    configs = {direction: detect(index, direction) for direction in there}
    if len(set(configs.values())) > 1:
        raise BadModelError("its two generators are of different shapes", name="model-shape")
    return configs


def _complete(
    index: TensorIndex, directions: tuple[Direction, ...], files: DataFiles
) -> tuple[tuple[Direction, ...], tuple[str, ...]]:
    """Those whose bytes are all there, and a note about each other one: many a file was cut off at 4 GB when it was unpacked.

    Raises:
        BadModelError: no generator is complete.
    """
    errors = {}
    for direction in directions:
        try:
            files.check(wanted(index, direction))
        except BadModelError as error:
            errors[direction] = error
    if len(errors) == len(directions):
        raise errors[directions[0]]
    whole = tuple(direction for direction in directions if direction not in errors)
    return whole, tuple(f"it cannot translate {direction}: {error.message}" for direction, error in errors.items())


def wanted(index: TensorIndex, direction: Direction) -> dict[str, TensorEntry]:
    """The tensors that `read_generator` reads, by their names in the file.

    Raises:
        BadModelError: the generator does not fit the network.
    """
    config, scope = detect(index, direction), SCOPES[direction]
    return {scope + name: index.tensors[scope + name] for name in _their_shapes(config, _classifier(index, scope))}


def detect(index: TensorIndex, direction: Direction) -> GeneratorConfig:
    """Variant, channels, blocks and, for `full`, the image size; names, shapes and types are checked against them.

    Raises:
        BadModelError: not a U-GAT-IT generator.
    """
    scope = SCOPES[direction]
    found = {name.removeprefix(scope): entry for name, entry in index.tensors.items() if name.startswith(scope)}
    needed = {name: entry for name, entry in found.items() if not _NOT_NEEDED.fullmatch(name)}
    for name, axes in ((_STEM, 4), (_FIRST_LINEAR, 2)):
        if name not in needed or len(needed[name].shape) != axes:
            text = f"it is not a U-GAT-IT generator: {scope}{name} is missing or has a wrong shape"
            raise BadModelError(text, name="model-names")
    channels = needed[_STEM].shape[3]
    blocks = sum(1 for name in needed if _ENCODER_BLOCK.fullmatch(name))
    config = GeneratorConfig("light", channels, blocks, affine=True, unbiased=False, truncated=True)
    inputs = needed[_FIRST_LINEAR].shape[0]
    if inputs != config.width:
        config = replace(config, variant="full", image_size=picture_side(inputs, config.width, scope + _FIRST_LINEAR))
    check_fit(needed, _their_shapes(config, _classifier(index, scope)), scope)
    return config


def read_generator(
    index: TensorIndex,
    direction: Direction,
    read: ReadBytes,
    *,
    smoothing: bool,
    dtype: torch.dtype = torch.float32,
) -> dict[str, torch.Tensor]:
    """Finite contiguous tensors of type `dtype` under our names, each held against its checksum in the index.

    Raises:
        BadModelError: it does not fit the network, a checksum is wrong, or a number is NaN or infinite.
    """
    config, scope = detect(index, direction), SCOPES[direction]
    variables = {name: Variable(name, entry, read) for name, entry in wanted(index, direction).items()}
    scale = variables[f"{scope}{_CLASSIFIER}/kernel"].whole() + variables[f"{scope}{_CLASSIFIER}/bias"].whole()
    check_finite(scale, f"{scope}{_CLASSIFIER}")
    result = {"cam.scale": scale.flatten().to(dtype)}
    for name, official in _layout(config, _classifier(index, scope)).items():
        variable = variables[scope + official]
        large = name == "mlp.0.weight" and not config.any_size
        tensor = _channels_first(variable, config, dtype) if large else _our_axes(variable.whole())
        if smoothing and name.startswith("decoder_blocks.") and name.endswith(".rho"):
            tensor = (tensor - SMOOTHING).clamp_(0, 1)
        result[name] = tensor.to(dtype)
        check_finite(result[name], variable.name)
    return result


def _channels_first(variable: Variable, config: GeneratorConfig, dtype: torch.dtype) -> torch.Tensor:
    """PC x O, whose rows follow the flattened map pixel by pixel -> O x CP; piece by piece, as it is a gigabyte."""
    width, pixels = config.width, (config.image_size // 4) ** 2
    result = torch.empty(width, width, pixels, dtype=dtype)  # O C P
    first = 0
    for piece in variable.pieces(width * max(1, PIECE_BYTES // (4 * width * width))):
        block = piece.view(-1, width, width).permute(2, 1, 0)  # O C p
        result[:, :, first : first + block.shape[2]] = block
        first += block.shape[2]
    return result.flatten(1)


# ---- names and shapes


def _classifier(index: TensorIndex, scope: str) -> str:
    """The layer that makes the logits."""
    return _OLDER_CLASSIFIER if f"{scope}{_OLDER_CLASSIFIER}/kernel" in index.tensors else _CLASSIFIER


def _layout(config: GeneratorConfig, classifier: str) -> dict[str, str]:
    """Our name -> name within the scope, of all but `cam.scale`."""
    layers = {
        **{"stem": "conv/conv2d", "stem_norm": "ins_norm", "head": "G_logit/conv2d", "cam.merge": "conv_1x1/conv2d"},
        **{"cam.average_fc": classifier, "cam.max_fc": classifier},
        **{"mlp.0": "MLP/linear_0/dense", "mlp.2": "MLP/linear_1/dense"},
        **{"gamma": "MLP/gamma/dense", "beta": "MLP/beta/dense"},
    }
    for i in range(2):
        layers |= {f"downs.{i}": f"conv_{i}/conv2d", f"down_norms.{i}": f"ins_norm_{i}"}
        layers |= {f"ups.{i}.conv": f"up_conv_{i}/conv2d", f"ups.{i}.norm": f"layer_ins_norm_{i}"}
    for i in range(config.blocks):
        for n in (1, 2):
            encoder, decoder = f"resblock_{i}/res{n}", f"adaptive_resblock{i}/res{n}"
            layers |= {f"encoder_blocks.{i}.conv{n}": f"{encoder}/conv_0/conv2d"}
            layers |= {f"encoder_blocks.{i}.norm{n}": f"{encoder}/instance_norm"}
            layers |= {f"decoder_blocks.{i}.conv{n}": f"{decoder}/conv_0/conv2d"}
            layers |= {f"decoder_blocks.{i}.norm{n}": f"{decoder}/instance_layer_norm"}
    names = (name.rpartition(".") for name in generator_shapes(config) if name != "cam.scale")
    return {f"{layer}.{part}": f"{layers[layer]}/{'kernel' if part == 'weight' else part}" for layer, _, part in names}


def _their_shapes(config: GeneratorConfig, classifier: str) -> Shapes:
    """By name within the scope."""
    ours = generator_shapes(config)
    shapes = {official: _their_axes(ours[name]) for name, official in _layout(config, classifier).items()}
    return shapes | {f"{_CLASSIFIER}/kernel": (config.width, 1), f"{_CLASSIFIER}/bias": (1,)}


def _their_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """O I k k -> k k I O; O I -> I O; C -> C."""
    return (*shape[2:], *shape[1::-1]) if len(shape) > 1 else shape


def _our_axes(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor.t()).contiguous()
