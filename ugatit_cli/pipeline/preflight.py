"""What can be known about the outputs' disk before the model is loaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..errors import OutputError, ResourceError, UsageError
from .plan import Job

# Drawings take about as much room as photographs, and some formats far less: only what is hopeless is refused.
LEAST_SHARE = 4
LEAST_BYTES = 2**20


def check_folders(jobs: Iterable[Job]) -> None:
    """Every output's folder is there or can be made, and can be written.

    Raises:
        UsageError: something on its path is a file.
        OutputError: no permission.
    """
    for folder in {target.parent for job in jobs for target in job.targets.values()}:
        there = _nearest(folder)
        if not there.is_dir():
            text = f"cannot write into {folder}: {there} is a file, not a folder"
            raise UsageError(text, hint="choose another place with -o", name="output-not-a-folder")
        if not os.access(there, os.W_OK | os.X_OK):
            text = f"cannot write into {there}: permission denied"
            raise OutputError(text, hint="choose another place with -o", name="output-unwritable")


def check_space(jobs: Iterable[Job]) -> None:
    """Raises ResourceError where a disk has hardly any room left for these outputs."""
    wanted: dict[Path, int] = {}
    for job in jobs:
        if "result" in job.targets:
            folder = _nearest(job.targets["result"].parent)
            size = job.source.status.st_size if job.source.status else 0
            wanted[folder] = wanted.get(folder, 0) + size * len(job.targets)
    for folder, input_bytes in wanted.items():
        free, need = shutil.disk_usage(folder).free, max(LEAST_BYTES, input_bytes // LEAST_SHARE)
        if free < need:
            text = f"the disk of {folder} has {free >> 20} MB left, and about {need >> 20} MB are needed"
            raise ResourceError(text, hint="free some space, or choose another place with -o", name="disk-full")


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that exists."""
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path("."))
