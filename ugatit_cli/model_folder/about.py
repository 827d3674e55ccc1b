"""What a card says about a model, and a registry row repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

NOT_STATED = "not stated"


@dataclass(frozen=True)
class About:
    """Attributes:
    name: what the model is called.
    license, source: of the weights, and where they come from.
    domain_a, domain_b: what the pictures of either side are, in two or three words.
    """

    name: str
    license: str = NOT_STATED
    source: str = NOT_STATED
    domain_a: str = "domain A"
    domain_b: str = "domain B"

    def to_metadata(self) -> dict[str, str]:
        """As texts inside the weights, without what is not known."""
        return {"model": self.name} | {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "name" and getattr(self, field.name) != field.default
        }

    @classmethod
    def from_texts(cls, name: str, *sources: Mapping[str, str | None]) -> About:
        """Each text from the first source that has it."""
        known = {field.name for field in fields(cls)} - {"name"}
        found = {key: text for source in reversed(sources) for key, text in source.items() if key in known and text}
        return cls(name, **found)
