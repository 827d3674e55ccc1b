"""The processes of one diagnosis: started early, so that they run beside each other; none of them outlives it."""

from __future__ import annotations

from types import TracebackType

from .child import LIMIT_SECONDS, Answer, Child

_CODE = "import sys; from ugatit_cli.diagnosis.probes import main; main(sys.argv[1], sys.argv[2:])"


class Probes:
    """A probe is known by its name and words: asked for twice, it runs once."""

    def __init__(self, limit: float = LIMIT_SECONDS) -> None:
        self._limit = limit
        self._children: dict[tuple[str, ...], Child] = {}

    def start(self, name: str, *words: str) -> None:
        """`name` is a module in `probes/`."""
        if (name, *words) not in self._children:
            self._children[name, *words] = Child(_CODE, name, *words, limit=self._limit)

    def answer(self, name: str, *words: str) -> Answer:
        self.start(name, *words)
        return self._children[name, *words].answer()

    def __enter__(self) -> Probes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for child in self._children.values():
            child.stop()
