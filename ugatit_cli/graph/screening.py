"""Any ONNX file -> what it takes and gives, after a look at everything that it would do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from onnx import ModelProto

from ..errors import BadModelError, UsageError
from ..files import sha256_of
from ..model_file import HEAD_BYTES, known_stranger, naming, open_model
from .external_data import check_external_data
from .facts import DEFAULT_SIZE, GraphFacts, ValueRange
from .metadata import about_model, apply_properties, says_range
from .operators import check_operators, is_quantised
from .outline import read_outline
from .ports import Port, find_heatmap, find_input, find_output
from .sizes import check_sizes, check_weights, shapes_of_one_picture
from .validity import check_names, check_validity, without_weights

MOST_BYTES = (2 << 30) - 1  # protobuf's own limit
MOST_TEXT = 4096  # of one property that is kept
NO_RANGE = "the graph does not say which values it expects: -1 to 1 is taken; --input-range says otherwise"


@dataclass(frozen=True)
class Screened:
    """A graph that may be run.

    Attributes:
        path: the file that was looked at, links followed: to open a link instead would take weights from beside the link.
        sha256: of the file, or of it and the weights beside it.
        notes: what the user should know, a sentence each.
        quantised: whether it computes with whole numbers in place of some floats.
        about: what it says about the model: licence, origin, domains; not trusted, only shown.
    """

    path: Path
    facts: GraphFacts
    sha256: str
    notes: tuple[str, ...]
    quantised: bool
    about: Mapping[str, str]


def screen(path: Path, *, value_range: ValueRange | None = None, bgr: bool = False) -> Screened:
    """What is said here wins over what the file says.

    Raises:
        UsageError: the file does not exist, or has another range than `value_range`.
        BadModelError: damaged, or not a graph that turns pictures into pictures of their size.
        RefusedError: it would reach outside its folder, run for ever, or take all memory.
    """
    with naming(path):
        model = _read(path)
        external = _check(model, path)
        facts = _facts(model)
        if value_range and facts.element == "uint8" and value_range != facts.value_range:
            text = f"it takes bytes, from 0 to 255, and --input-range says {value_range}"
            raise UsageError(text, hint="leave --input-range out", name="options-contradict")
        notes = () if value_range or facts.element == "uint8" or says_range(_properties(model)) else (NO_RANGE,)
        facts = replace(facts, value_range=value_range) if value_range else facts
        facts = replace(facts, colours="bgr") if bgr else facts
        digest_of_all, about = _digest(path, external), about_model(_properties(model))
        return Screened(path.resolve(), facts, digest_of_all, notes, is_quantised(model.graph), about)


def digest(path: Path) -> str:
    """The same as `Screened.sha256`; raises as `screen` does."""
    with naming(path):
        return _digest(path, _check(_read(path), path))


def _read(path: Path) -> ModelProto:
    """Without the numbers of its weights."""
    with open_model(path) as file:
        stranger = known_stranger(file.read(HEAD_BYTES))
        if stranger is not None:
            raise stranger
        if file.seek(0, 2) > MOST_BYTES:
            raise BadModelError("it has more than 2 GiB, which an ONNX file cannot have", name="model-too-large")
        model = read_outline(file)
    if not model.graph.node:
        text = "it is damaged or not an ONNX graph at all: nothing is computed in it"
        raise BadModelError(text, name="model-damaged")
    return model


def _check(model: ModelProto, path: Path) -> frozenset[Path]:
    """What it must not hold, and where its weights may lie; the files of these."""
    _check_versions(model)
    if model.functions:
        raise BadModelError("it brings functions of its own, which are not supported", name="model-operator")
    check_names(model.graph)
    check_operators(model.graph)
    check_weights(model.graph)
    return check_external_data(model.graph, path.resolve().parent)


def _check_versions(model: ModelProto) -> None:
    newest = onnx.defs.onnx_opset_version()
    opsets = [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    if model.ir_version > onnx.IR_VERSION or any(version > newest for version in opsets):
        found = f"IR version {model.ir_version}, opset {max(opsets, default=0)}"
        text = f"it is of a newer version than this program knows ({found})"
        raise BadModelError(text, hint=f"export it with opset {newest} or older", name="model-version")


def _facts(model: ModelProto) -> GraphFacts:
    given = find_input(model.graph)
    facts = apply_properties(_facts_of_input(given), _properties(model))
    bare = without_weights(model)
    check_validity(bare)
    check_sizes(model.graph)
    shapes = shapes_of_one_picture(bare, given, facts.image_size)
    output = find_output(model.graph, given, shapes)
    return replace(facts, output=output.name, heatmap=find_heatmap(model.graph, output, shapes))


def _facts_of_input(given: Port) -> GraphFacts:
    height, width = given.sides
    return GraphFacts(
        input=given.name,
        output="",
        layout=given.layout,
        element=given.element,
        value_range="0..255" if given.element == "uint8" else "-1..1",
        batch=given.batch,
        height=height,
        width=width,
        image_size=height or DEFAULT_SIZE,
    )


def _properties(model: ModelProto) -> dict[str, str]:
    """Texts only: protobuf gives bytes for what is not UTF-8."""
    pairs = [(entry.key, entry.value) for entry in model.metadata_props]
    return {key: text[:MOST_TEXT] for key, text in pairs if isinstance(key, str) and isinstance(text, str)}


def _digest(path: Path, external: frozenset[Path]) -> str:
    own = sha256_of(path)
    if not external:
        return own
    return hashlib.sha256("".join([own, *(sha256_of(each) for each in sorted(external))]).encode()).hexdigest()
