"""The README.md of a model: front matter that the Hub reads, and what a person wants to know."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..config import Direction, GeneratorConfig
from ..shell import command_line
from .about import NOT_STATED, About

_HUB_LICENSES = (
    "mit",
    "apache-2.0",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "openrail",
)
_LIBRARY_TAGS = ("ugatit", "image-to-image", "unpaired-image-to-image-translation")


@dataclass(frozen=True)
class Facts:
    """What was read from the file.

    Attributes:
        config: None for a graph.
        format, sha256: of the file that this model was made from.
    """

    config: GeneratorConfig | None
    directions: tuple[Direction, ...]
    image_size: int
    format: str
    sha256: str


def write_card(about: About, facts: Facts, *, usage: str, files: dict[str, str]) -> str:
    """`usage` is what to write after `--model`; `files` says what each file of the folder is."""
    parts = [_front_matter(about), f"# {_plain(about.name)}", _summary(about, facts)]
    if "samples.jpg" in files:
        parts.append("![Photographs and what the model makes of them](samples.jpg)")
    parts += [_table(about, facts), "## Use", _usage(usage), "## Files", _file_list(files)]
    return "\n\n".join(parts) + "\n"


def _front_matter(about: About) -> str:
    known = about.license.lower() if about.license.lower() in _HUB_LICENSES else "other"
    lines = ["license: " + known, "pipeline_tag: image-to-image", "library_name: ugatit", "tags:"]
    return "\n".join(["---", *lines, *(f"- {tag}" for tag in _LIBRARY_TAGS), "---"])


def _summary(about: About, facts: Facts) -> str:
    sides = {"a2b": (about.domain_a, about.domain_b), "b2a": (about.domain_b, about.domain_a)}
    ways = " and ".join(f"{_plain(sides[each][0])} into {_plain(sides[each][1])}" for each in facts.directions)
    return f"U-GAT-IT, unpaired image-to-image translation: {ways or 'pictures into pictures'}."


def _table(about: About, facts: Facts) -> str:
    config = facts.config
    network = f"{config.variant}, {config.channels} channels, {config.blocks} blocks" if config else "an ONNX graph"
    rows = {
        "Network": network,
        "Trained at": f"{facts.image_size} x {facts.image_size} pixels",
        "Directions": ", ".join(f"`{each}`" for each in facts.directions) or NOT_STATED,
        "Licence": _plain(about.license),
        "Source": _plain(about.source),
        "Made from": f"{facts.format}, sha256 `{facts.sha256}`",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows.items())])


def _usage(usage: str) -> str:
    line = command_line(["ugatit", "translate", "me.jpg", "-o", "drawing.png", "--model", usage])
    return f"```sh\n{line}\n```"


def _file_list(files: dict[str, str]) -> str:
    return "\n".join(f"- `{name}`: {text}" for name, text in files.items())


def _plain(text: str) -> str:
    """One line that is neither markup nor the end of a table's cell."""
    return re.sub(r"([|<>`\[\]*_\\])", r"\\\1", " ".join(text.split()))
