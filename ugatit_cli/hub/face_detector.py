"""The face detector: a small graph on the Hub whose digest is pinned."""

from __future__ import annotations

import tomllib
from pathlib import Path

from .fetching import fetch, find_fetched
from .hub_file import HubFile
from .registry import models_folder
from .watching import Watcher

DETECTOR_FILE = "face-detector.toml"


def fetch_face_detector(watcher: Watcher) -> Path:
    """Its verified file; no request is made where it is in the cache.

    Raises:
        NetworkError, RefusedError, ResourceError, OutputError: as `hub.resolve` does.
    """
    path, _ = fetch(*_pinned(), watcher)
    return path


def find_face_detector() -> Path | None:
    """Its verified file where it is in the cache; nothing is fetched.

    Raises:
        RefusedError: its content is damaged; it is removed.
    """
    return find_fetched(*_pinned())


def _pinned() -> tuple[HubFile, str]:
    """Where it is, and its sha256."""
    row = tomllib.loads((models_folder() / DETECTOR_FILE).read_text(encoding="utf-8"))
    return HubFile(row["repo"], file=row["file"]), row["sha256"]
