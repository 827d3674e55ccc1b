"""The numbers in TensorBoard, or wherever accelerate can send them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, filter_trackers

from ..errors import UsageError
from .config import TrainConfig

PROJECT = "ugatit"


class Trackers:
    """Opened with the first number, so that a run that cannot start leaves nothing behind."""

    def __init__(self, accelerator: Accelerator, folder: Path, config: TrainConfig) -> None:
        self._accelerator = accelerator
        self._folder = folder
        self._config = config
        self._wanted = [name for name in config.track if name != "none"]
        self._open = False
        check_trackers(self._wanted)

    def log(self, line: dict[str, Any]) -> None:
        """One line of metrics.jsonl, without its histogram."""
        numbers = {name: value for name, value in line.items() if isinstance(value, (int, float)) and name != "step"}
        self._send(numbers, line["step"])

    def log_evaluation(self, step: int, numbers: dict[str, dict[str, Any]]) -> None:
        flat = {
            f"evaluation/{direction}/{name}": value
            for direction, found in numbers.items()
            for name, value in found.items()
            if isinstance(value, float)
        }
        self._send(flat, step)

    def close(self) -> None:
        if self._open:
            self._accelerator.end_training()

    def _send(self, numbers: dict[str, Any], step: int) -> None:
        if not self._wanted:
            return
        if not self._open:
            self._accelerator.project_configuration.logging_dir = str(self._folder / "tensorboard")
            self._accelerator.log_with = filter_trackers(self._wanted, self._accelerator.logging_dir)
            self._accelerator.init_trackers(PROJECT, self._settings())
            self._open = True
        self._accelerator.log(numbers, step=step)

    def _settings(self) -> dict[str, Any]:
        """Numbers and text only: trackers take nothing else."""
        settings = self._config.model_dump(mode="json")
        return {name: value if isinstance(value, (int, float)) else str(value) for name, value in settings.items()}


def check_trackers(names: list[str]) -> None:
    """Raises UsageError for a tracker that accelerate does not know, or whose package is not installed."""
    known = {str(name) for name in LOGGER_TYPE_TO_CLASS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"--track {unknown[0]}: there is no such tracker",
            hint=f"use one of: none, {', '.join(sorted(known))}",
            name="tracker-unknown",
        )
    available = {str(name) for name in filter_trackers(list(names), "logs")}
    missing = [name for name in names if name not in available]
    if missing:
        raise UsageError(
            f"--track {missing[0]}: its package is not installed",
            hint=f"pip install {missing[0]}",
            name="tracker-missing",
        )
