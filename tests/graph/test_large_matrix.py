"""The large matrix, kept in several ways: what a product with it costs in exactness."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from graph.graphs import run
from onnx import ModelProto, helper

from ugatit_cli.graph.large_matrix import PIECE, RANK, Storage, low_rank, write_product
from ugatit_cli.graph.planar import FLOAT
from ugatit_cli.graph.writer import GraphWriter

ROWS, COLUMNS = 128, 2 * PIECE + 100
WEIGHT = np.random.default_rng(0).uniform(-1, 1, (ROWS, COLUMNS)).astype(np.float32)
X = np.random.default_rng(1).uniform(0, 1, (2, COLUMNS)).astype(np.float32)
WRONG: dict[Storage, float] = {"fp32": 1e-6, "fp16": 5e-4, "int8": 1e-2}  # of the product, relative to its size


def product(weight: np.ndarray, storage: Storage) -> ModelProto:
    writer = GraphWriter()
    write_product(writer, "image", weight, storage)
    writer.name_last("y")
    given = helper.make_tensor_value_info("image", FLOAT, ["n", weight.shape[1]])
    got = helper.make_tensor_value_info("y", FLOAT, ["n", len(weight)])
    body = helper.make_graph(writer.nodes, "g", [given], [got], list(writer.constants.values()))
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def off(storage: Storage, weight: np.ndarray) -> float:
    [ours] = run(product(weight, storage), X)
    exact = X.astype(np.float64) @ weight.astype(np.float64).T
    return float(np.linalg.norm(ours - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("storage", WRONG)
def test_products_are_as_exact_as_their_storage(storage: Storage) -> None:
    assert off(storage, WEIGHT) < WRONG[storage]


def test_a_matrix_of_low_rank_loses_nothing_by_saying_so() -> None:
    dice = np.random.default_rng(2)
    weight = (dice.normal(size=(ROWS, RANK)) @ dice.normal(size=(RANK, COLUMNS))).astype(np.float32)
    left, right = low_rank(weight)
    assert (left.shape, right.shape) == ((ROWS, RANK), (RANK, COLUMNS))
    assert off("rank64", weight) < 1e-3


def test_low_rank_is_the_best_there_is() -> None:
    left, right = low_rank(WEIGHT)
    values = np.linalg.svd(WEIGHT, compute_uv=False)
    assert np.linalg.norm(WEIGHT - left @ right) == pytest.approx(np.sqrt((values[RANK:] ** 2).sum()), rel=1e-3)


def test_less_space_is_less_space() -> None:
    sizes = [product(WEIGHT, storage).ByteSize() / WEIGHT.nbytes for storage in get_args(Storage)]
    assert sizes == pytest.approx([1, 0.5, 0.25, 0.25], abs=0.02)
