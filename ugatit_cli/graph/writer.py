"""A graph while it is written: nodes one after the other, constants beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from .saving import WeightsBeside


class GraphWriter:
    """Methods that add a node return the name of its output, so that nodes nest like calls."""

    def __init__(self, beside: WeightsBeside | None = None) -> None:
        """Large constants go `beside` the graph at once, where there is such a place."""
        self._beside = beside
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self._scope = ""
        self._uses: Counter[str] = Counter()
        self._small: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names of what is added inside begin with `name/`: the layer that it belongs to."""
        outer, self._scope = self._scope, f"{self._scope}{name}/"
        yield
        self._scope = outer

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One node with one output."""
        return self.add_many(kind, *inputs, outputs=1, **attributes)[0]

    def add_many(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        name = self._free_name(kind)
        names = [f"{name}:{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=name, **attributes))
        return names

    def constant(self, values: NDArray[Any] | float | list[int]) -> str:
        """A tensor that is part of the graph; small equal ones are kept once. A float becomes float32, a list int64."""
        if isinstance(values, float):
            values = np.array(values, np.float32)
        elif isinstance(values, list):
            values = np.array(values, np.int64)
        if values.size > 16:
            return self._keep(values)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._small:
            self._small[key] = self._keep(values)
        return self._small[key]

    def name_last(self, output: str) -> None:
        """Give what was added last the name by which the world knows it."""
        self.nodes[-1].output[0] = output

    def _keep(self, values: NDArray[Any]) -> str:
        name = f"{self._scope}constant_{len(self.constants)}"
        values = np.ascontiguousarray(values).reshape(values.shape)  # the former makes a number a list of one
        keep = self._beside.keep if self._beside else numpy_helper.from_array
        self.constants[name] = keep(values, name)
        return name

    def _free_name(self, kind: str) -> str:
        """The layer's first node of a kind bears just its name: `stem/Conv`."""
        name = f"{self._scope}{kind}"
        self._uses[name] += 1
        return name if self._uses[name] == 1 else f"{name}_{self._uses[name]}"
