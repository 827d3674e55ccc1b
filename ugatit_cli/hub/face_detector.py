"""The face detector: a small graph on the Hub whose digest is pinned."""

from __future__ import annotations

import tomllib
from pathlib import Path

from .fetching import fetch
from .hub_file import HubFile
from .registry import models_folder
from .watching import Watcher

DETECTOR_FILE = "face-detector.toml"


def fetch_face_detector(watcher: Watcher) -> Path:
    """Its verified file; no request is made where it is in the cache.

    Raises:
        NetworkError, RefusedError, ResourceError, OutputError: as `hub.resolve` does.
    """
    row = tomllib.loads((models_folder() / DETECTOR_FILE).read_text(encoding="utf-8"))
    path, _ = fetch(HubFile(row["repo"], file=row["file"]), row["sha256"], watcher)
    return path
