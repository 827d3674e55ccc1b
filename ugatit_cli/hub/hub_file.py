"""A file on the Hub, by the three words that name it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAIN = "main"
COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # what the Hub calls a content by: git's sha1, or the sha256


@dataclass(frozen=True)
class HubFile:
    """A file on the Hub; a `file` of "" is the repository's only model."""

    repo: str
    revision: str = MAIN
    file: str = ""

    @property
    def is_fixed(self) -> bool:
        """Whether it names one commit and one file: what it stands for can never change."""
        return bool(self.file) and COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        revision = "" if self.revision == MAIN else f"@{self.revision}"
        return f"{self.repo}{revision}{f':{self.file}' if self.file else ''}"
