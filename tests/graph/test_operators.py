"""Operators that are let through, and those that are not, whatever they hide behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph.small_graphs import graph, inverted, saved
from onnx import ModelProto, TensorProto, defs, helper

from ugatit_cli.errors import BadModelError, RefusedError, UgatitError
from ugatit_cli.graph.operators import STANDARD, check_operators
from ugatit_cli.graph.screening import screen

node = helper.make_node


def of(kind: str, domain: str = "") -> ModelProto:
    return graph([node(kind, ["x"], ["y"], domain=domain)])


def test_the_list_has_no_name_that_the_standard_lacks() -> None:
    known = {schema.name for schema in defs.get_all_schemas_with_history() if schema.domain == ""}
    assert known >= STANDARD


@pytest.mark.parametrize(("kind", "domain"), [("Tanh", ""), ("Tanh", "ai.onnx"), ("FusedConv", "com.microsoft")])
def test_plain_mathematics_is_let_through(kind: str, domain: str) -> None:
    check_operators(of(kind, domain).graph)


@pytest.mark.parametrize(
    ("kind", "domain"),
    [
        ("EvilOp", "com.evil"),
        ("Tanh", "com.evil"),
        ("Tanh", "com.microsoft"),
        ("EvilOp", ""),
        ("", ""),
        ("RandomNormalLike", ""),
        ("Multinomial", ""),
        ("ImageDecoder", ""),
        ("SequenceConstruct", ""),
        ("Optional", ""),
        ("StringConcat", ""),
        ("TreeEnsemble", "ai.onnx.ml"),
        ("PyOp", "ai.onnx.contrib"),
        ("x" * 10_000, "y" * 10_000),
    ],
)
def test_everything_else_is_not(kind: str, domain: str) -> None:
    with pytest.raises(BadModelError, match="operator .*is not supported") as found:
        check_operators(of(kind, domain).graph)
    assert len(found.value.message) < 150


@pytest.mark.parametrize("kind", ["If", "Loop", "Scan", "SequenceMap"])
def test_control_flow_is_refused(kind: str) -> None:
    with pytest.raises(RefusedError, match=rf"a loop or a branch \({kind}\)"):
        check_operators(of(kind).graph)


@pytest.mark.parametrize("many", [False, True])
def test_a_graph_inside_any_node_is_refused(many: bool) -> None:
    model = inverted()
    inner = [inverted().graph]
    model.graph.node[0].attribute.append(helper.make_attribute("body", inner if many else inner[0]))
    with pytest.raises(RefusedError, match="Neg"):
        check_operators(model.graph)


def test_a_graph_that_is_hidden_behind_another_type(tmp_path: Path) -> None:
    model = inverted()
    hidden = model.graph.node[0].attribute.add(name="alpha", type=1)
    hidden.g.node.add(op_type="Loop")
    with pytest.raises(UgatitError):
        screen(saved(model, tmp_path / "a.onnx"))


def test_functions_are_not_supported(tmp_path: Path) -> None:
    model = inverted()
    model.functions.add(name="f", domain="own")
    with pytest.raises(BadModelError, match="functions of its own"):
        screen(saved(model, tmp_path / "a.onnx"))


@pytest.mark.parametrize(
    ("opset", "ir", "words"), [(999, 9, "opset 999"), (17, 999, "IR version 999"), (1 << 62, 9, "newer version")]
)
def test_newer_versions_are_told_off(opset: int, ir: int, words: str, tmp_path: Path) -> None:
    model = graph(opset=opset)
    model.ir_version = ir
    with pytest.raises(BadModelError, match=words) as found:
        screen(saved(model, tmp_path / "a.onnx"))
    assert "opset" in found.value.hint


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: model.opset_import.pop(),
        lambda model: model.ClearField("ir_version"),
        lambda model: model.graph.ClearField("name"),
        lambda model: model.graph.node[0].input.append("nowhere"),
        lambda model: model.graph.node.append(node("Neg", ["x"], ["y"])),
        lambda model: model.graph.node.append(node("Neg", ["z"], ["z"])),
        lambda model: model.graph.output.append(helper.make_tensor_value_info("none", TensorProto.FLOAT, [1])),
    ],
    ids=["no opset", "no version", "no name", "unknown tensor", "two of a name", "circle", "output that nobody makes"],
)
def test_graphs_that_the_standard_does_not_allow(spoil: object, tmp_path: Path) -> None:
    model = inverted()
    assert callable(spoil)
    spoil(model)
    with pytest.raises(BadModelError, match="not a valid graph"):
        screen(saved(model, tmp_path / "a.onnx"))
