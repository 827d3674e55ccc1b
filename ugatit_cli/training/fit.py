"""The loop: batches in, records out; files of the run folder on the way. It prints nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from .. import weights
from ..config import Direction
from ..files import write_atomically, writing
from .base import start_from
from .checkpoints import WEIGHTS, diverged, load_checkpoint, read_config, save_checkpoint, write_config
from .config import TrainConfig
from .data import UnpairedFolders
from .samples import write_sample_sheet
from .step import Trainer

METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class Record:
    """What one step gave: unweighted loss terms by name, and what was written after it."""

    step: int
    losses: dict[str, float]
    checkpoint: Path | None = None


@dataclass
class Run:
    """A training run in its folder: config.json, step-*/, samples/, metrics.jsonl."""

    folder: Path
    trainer: Trainer
    pictures: UnpairedFolders
    notes: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, config: TrainConfig, device: torch.device) -> Run:
        pictures = UnpairedFolders.open(config)
        trainer = Trainer(config, device)
        notes = start_from(config.base, trainer) if config.base else []
        write_config(folder, config)
        return cls(folder, trainer, pictures, notes)

    @classmethod
    def resume(cls, folder: Path, device: torch.device, *, steps: int | None = None) -> Run:
        """Go on from the newest whole checkpoint; `steps` replaces the number of steps that the run was started with."""
        config = read_config(folder)
        if steps is not None:
            config = config.model_copy(update={"steps": steps})
        run = cls(folder, Trainer(config, device), UnpairedFolders.open(config))
        run.notes = load_checkpoint(folder, run.trainer)
        write_config(folder, config)
        run._forget_metrics_after(run.trainer.step)
        return run

    @property
    def weights(self) -> Path:
        """Where the weights that translate are."""
        return self.folder / WEIGHTS

    def fit(self) -> Generator[Record, None, None]:
        """Train to the last step, yielding a record after each. Closing the iterator stops between steps.

        Raises:
            DivergedError: a loss is not finite; the last checkpoint is from before that.
        """
        interval: list[dict[str, float]] = []
        for batch in self.pictures.batches(self.trainer.step + 1):
            losses = self.trainer.advance(batch)
            self._stop_if_diverged(losses)
            interval.append(losses)
            if self._due(self.trainer.config.log_every):
                self._append_metrics(interval)
                interval = []
            if self._due(self.trainer.config.sample_every):
                self._sample()
            yield Record(self.trainer.step, losses, self.save() if self._due(self.trainer.config.save_every) else None)

    def save(self) -> Path:
        """Write a checkpoint (to resume) and the weights (to translate); returns the checkpoint's folder."""
        checkpoint = save_checkpoint(self.folder, self.trainer)
        generators: dict[Direction, dict[str, torch.Tensor]] = {
            "a2b": self.trainer.averages["generator_a2b"].module.state_dict(),
            "b2a": self.trainer.averages["generator_b2a"].module.state_dict(),
        }
        metadata = {"trained_steps": str(self.trainer.step)}
        weights.save(self.weights, self.trainer.config.generator, generators, metadata=metadata)
        return checkpoint

    def _due(self, every: int) -> bool:
        return self.trainer.step % every == 0 or self.trainer.step == self.trainer.config.steps

    def _sample(self) -> None:
        target = self.folder / "samples" / f"step-{self.trainer.step:08d}.png"
        with writing(target.parent):
            target.parent.mkdir(exist_ok=True)
        write_sample_sheet(target, self.trainer, self.pictures)

    def _stop_if_diverged(self, losses: dict[str, float]) -> None:
        bad = [name for name, value in losses.items() if not math.isfinite(value)]
        if bad:
            raise diverged(self.trainer.step, f"the loss {bad[0]}")

    def _append_metrics(self, interval: list[dict[str, float]]) -> None:
        step = self.trainer.step
        means = {name: sum(losses[name] for losses in interval) / len(interval) for name in interval[0]}
        line = {"step": step, "learning_rate": self.trainer.config.learning_rate_at(step), **means}
        path = self.folder / METRICS
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _forget_metrics_after(self, step: int) -> None:
        path = self.folder / METRICS
        if path.exists():
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
            write_atomically(path, "".join(f"{line}\n" for line in kept).encode())


def _step_of(line: str) -> float:
    """The step of a metrics line; a line that a kill cut off belongs to no step that is kept."""
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return math.inf
