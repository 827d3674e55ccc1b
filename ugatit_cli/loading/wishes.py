"""What was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ..config import Direction

if TYPE_CHECKING:
    from ..backends import Backend
    from ..graph.facts import ValueRange

BackendChoice = Literal["auto", "torch", "onnx", "openvino"]
FEW = 4
MOST_AT_ONCE = 4  # each takes the memory of its maps
MANY = 1 << 30  # pictures, where nobody has counted

Device = Literal["auto", "cpu", "cuda", "mps", "tensorrt"]


@dataclass(frozen=True)
class Wish:
    """How a model shall run.

    Attributes:
        direction: None for the model's default.
        value_range, bgr: of a graph that does not say so itself.
        pictures: how many there are to translate; None for no telling.
    """

    direction: Direction | None = None
    backend: BackendChoice = "auto"
    device: Device = "auto"
    value_range: ValueRange | None = None
    bgr: bool = False
    pictures: int | None = None

    @property
    def at_once(self) -> int:
        """How many pictures a CPU translates at the same time: whole ones for each core leave fewer waiting for each other than
        shares of one do, above all where files are decoded and encoded beside them."""
        from ..backends.cores import allowed_cores

        return 1 if self.pictures is None or self.few else min(MOST_AT_ONCE, allowed_cores())

    @property
    def few(self) -> bool:
        """So few pictures that starting takes longer than translating them."""
        return self.pictures is not None and self.pictures < FEW


@dataclass(frozen=True)
class LoadedModel:
    """A model that runs.

    Attributes:
        sha256: of the file that was asked for.
        direction: None for a graph that does not say which one it has.
        kind: `light`, `full`, or `graph`.
        reason: why this backend, in a few words.
        notes: what the user should know, a sentence each.
    """

    backend: Backend
    sha256: str
    direction: Direction | None
    kind: str
    reason: str
    notes: tuple[str, ...] = ()

    def with_note(self, note: str) -> LoadedModel:
        return replace(self, notes=(*self.notes, note))
