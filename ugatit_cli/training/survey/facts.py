"""What a survey knows, as values that can be kept: nothing here reads a picture."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FORMAT = 1  # of the JSON text; another number is not read
ONCE_LOOKED_FOR = (".avif", ".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings in the surveys that do not say which: a run that began with one keeps to them, and so to its pictures."""

HeldOut = Mapping[str, tuple[str, ...]]
"""Of "a" and "b", the names below the folder of the pictures that are measured on, never trained on."""


@dataclass(frozen=True)
class Facts:
    """One picture file.

    Attributes:
        version: size of the file in bytes and time of its last change in nanoseconds.
        width, height: in pixels, upright; 0 if it cannot be read.
        fingerprint: digest of the decoded pixels: the same for every lossless copy, whatever its name or format.
        thumbnail: small picture for finding what is nearly the same (see `duplicates`).
        problem: why it cannot be read; empty if it can.
        too_large: whether the problem is its size.
    """

    path: Path
    version: tuple[int, int]
    width: int = 0
    height: int = 0
    fingerprint: str = ""
    thumbnail: bytes = b""
    problem: str = ""
    too_large: bool = False


@dataclass(frozen=True)
class PictureSet:
    """The pictures of one folder, in the order of their paths."""

    folder: Path
    facts: tuple[Facts, ...]

    @property
    def good(self) -> list[Facts]:
        return [facts for facts in self.facts if not facts.problem]

    @property
    def usable(self) -> list[Path]:
        return [facts.path for facts in self.good]

    @property
    def unreadable(self) -> list[tuple[Path, str]]:
        """Path and reason."""
        return [(facts.path, facts.problem) for facts in self.facts if facts.problem]

    def name(self, facts: Facts) -> str:
        """How messages call a picture of this folder."""
        return str(facts.path.relative_to(self.folder))


@dataclass(frozen=True)
class Survey:
    """What was found before training.

    Attributes:
        size: side of the training pictures that it was made for.
        sets: by "a", "b", "test_a", "test_b".
        findings: plain sentences, each a warning with what to do.
        endings: of the names that were looked for, in small letters.
        held_out: decided when the run was started; None where that was not recorded.
    """

    size: int
    sets: dict[str, PictureSet]
    findings: tuple[str, ...]
    endings: tuple[str, ...]
    held_out: HeldOut | None = None

    def to_json(self) -> str:
        sets = {
            name: {"folder": str(pictures.folder), "pictures": [_written(facts) for facts in pictures.facts]}
            for name, pictures in self.sets.items()
        }
        content = {"format": FORMAT, "size": self.size, "findings": self.findings, "held_out": self.held_out}
        return json.dumps(content | {"endings": self.endings, "sets": sets})

    @classmethod
    def from_json(cls, text: str) -> Survey:
        """Raises ValueError for anything but what `to_json` gave."""
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ValueError(f"a survey of format {content['format']}")
            sets = {
                name: PictureSet(Path(entry["folder"]), tuple(_read(facts) for facts in entry["pictures"]))
                for name, entry in content["sets"].items()
            }
            endings = tuple(content.get("endings", ONCE_LOOKED_FOR))
            return cls(content["size"], sets, tuple(content["findings"]), endings, _held_out(content))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a survey: {error}") from error


def _held_out(content: dict[str, Any]) -> HeldOut | None:
    names = content.get("held_out")
    return names and {domain: tuple(names[domain]) for domain in ("a", "b")}


def _written(facts: Facts) -> dict[str, Any]:
    thumbnail = b64encode(facts.thumbnail).decode()
    return asdict(facts) | {"path": str(facts.path), "thumbnail": thumbnail}


def _read(entry: dict[str, Any]) -> Facts:
    size, modified = entry["version"]
    own = {"path": Path(entry["path"]), "version": (size, modified), "thumbnail": b64decode(entry["thumbnail"])}
    return Facts(**entry | own)
