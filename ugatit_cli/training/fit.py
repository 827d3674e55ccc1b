"""The loop: batches in, records out; files of the run folder on the way. It prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Generator as Iteration
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from .. import weights
from ..errors import DivergedError, UsageError
from ..files import writing
from ..network import Generator
from .base import start_from
from .best import BEST_WEIGHTS, mend_weights, read_best, save_weights
from .checkpoints import (
    WEIGHTS,
    checkpoints,
    disk_need,
    disk_need_of,
    diverged,
    diverged_at_once,
    load_checkpoint,
    read_config,
    record_best,
    require_finite,
    require_space,
    save_checkpoint,
    write_config,
)
from .config import TrainConfig, make_config
from .data import UnpairedFolders
from .engine import resolve_precision
from .environment import describe_environment
from .metrics import EVALUATIONS, METRICS, append_line, forget_lines_after, means, read_lines
from .page import PageStatus, write_page
from .preparation import Preparation, keep_survey, prepare
from .samples import write_sample_sheet
from .step import GENERATORS, Trainer
from .trackers import Trackers
from .validation import Evaluation, Validation
from .watchers import Watchers, dated

BAD_STEPS = 3  # in a row that are not finite, before the last checkpoint is loaded again
WARMUP = 1000  # steps for discriminators that know nothing, beside generators that do
DISCRIMINATORS_ANEW = "discriminator"

Pair = tuple[torch.nn.Module, torch.nn.Module]  # the generators a2b and b2a


@dataclass(frozen=True)
class Record:
    """What one step gave: unweighted loss terms by name, and what was written or noticed after it."""

    step: int
    losses: dict[str, float]
    checkpoint: Path | None = None
    warnings: tuple[str, ...] = ()
    evaluation: Evaluation | None = None


@dataclass
class Run:
    """A training run in its folder, which `docs/training.md` describes file by file."""

    folder: Path
    trainer: Trainer
    preparation: Preparation
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.trainer.config
        self._watchers = Watchers(config)
        self.warnings += self._watchers.recall(read_lines(self.folder / METRICS))
        self._untold: list[str] = []  # happened between two records
        self._trackers = Trackers(self.trainer.accelerator, self.folder, config)
        self._environment = describe_environment(self.trainer.device)
        self._validation = Validation(self.preparation.division, config.size, self.trainer.device)
        self._interval: list[dict[str, float]] = []
        self._since = time.monotonic()
        self._seconds_per_step = 0.0

    @classmethod
    def start(
        cls,
        folder: Path,
        config: TrainConfig,
        device: torch.device,
        *,
        preparation: Preparation | None = None,
        pieces: int = 1,
    ) -> Run:
        preparation = preparation or prepare(config)
        config = config.model_copy(update={"precision": resolve_precision(config.precision, device)})
        trainer = Trainer(config, device, pieces=pieces)
        notes = start_from(config.base, trainer) if config.base else []
        if any(DISCRIMINATORS_ANEW in note for note in notes):
            if "discriminator-features" in config.freeze:
                text = f"--freeze discriminator-features keeps what --base brought, and {config.base} brings no discriminators"
                raise UsageError(text, hint="leave it out, or start from a run's folder", name="train-setting")
            if config.warmup is None:
                trainer.config = config = config.model_copy(update={"warmup": min(WARMUP, config.steps // 10)})
                trainer.warmup = config.warmup or 0
            trainer.untranslated_steps = trainer.warmup // 2
        run = cls(folder, trainer, preparation, [*preparation.notes, *notes])
        if run.leads:
            require_space(folder, disk_need(trainer))
            write_config(folder, config)
            keep_survey(folder, preparation.survey)
        return run

    @classmethod
    def resume(
        cls,
        folder: Path,
        device: torch.device,
        *,
        steps: int | None = None,
        preparation: Preparation | None = None,
        pieces: int = 1,
    ) -> Run:
        """Go on from the newest whole checkpoint; `steps` replaces the number of steps that the run was started with.

        Raises:
            UsageError: `steps` are none, or fewer than the run has made; nothing was changed.
        """
        config = read_config(folder)
        if steps is not None:
            config = make_config(config.model_dump() | {"steps": steps})
        preparation = preparation or prepare(config, folder)
        trainer = Trainer(config, device, pieces=pieces)
        notes = load_checkpoint(folder, trainer)
        if steps is not None and steps < trainer.step:
            text = f"--steps {steps} is too few: {folder} is at step {trainer.step} already"
            raise UsageError(text, hint="name the step to end at, counted from the run's start", name="train-setting")
        if trainer.accelerator.is_main_process:
            require_space(folder, disk_need_of(folder, trainer))
            write_config(folder, config)
            keep_survey(folder, preparation.survey)
            _forget_after(folder, trainer.step)
            mend_weights(folder / WEIGHTS, trainer)
        trainer.accelerator.wait_for_everyone()
        return cls(folder, trainer, preparation, [*preparation.notes, *notes])

    @property
    def weights(self) -> Path:
        """Where the weights that translate are."""
        return self.folder / WEIGHTS

    @property
    def best_weights(self) -> Path | None:
        """Where those of the best evaluation are."""
        return self.folder / BEST_WEIGHTS if read_best(self.folder) else None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes; the others only compute."""
        return bool(self.trainer.accelerator.is_main_process)

    @property
    def seconds_per_step(self) -> float:
        """Lately; 0 before the first line of metrics."""
        return self._seconds_per_step

    @property
    def without_improvement(self) -> int:
        """Evaluations since the best one; none counts from before the generators learned."""
        lines = [
            line
            for line in read_lines(self.folder / EVALUATIONS)
            if line["split"] == "select" and line["step"] > self.trainer.warmup
        ]
        last_best = max((number for number, line in enumerate(lines) if line["best"]), default=-1)
        return len(lines) - 1 - last_best

    def agreed(self, flag: bool) -> bool:
        """Whether any process says so: all of them must stop after the same step."""
        accelerator = self.trainer.accelerator
        if accelerator.num_processes == 1:
            return flag
        return bool(accelerator.reduce(torch.tensor(float(flag), device=self.trainer.device)).item())

    def fit(self) -> Iteration[Record, None, None]:
        """Train to the last step, yielding a record after each. Closing the iterator stops between steps.

        Raises:
            DivergedError: losses or weights are not finite, and going back to the last checkpoint did not help.
        """
        self._since = time.monotonic()
        while self.trainer.step < self.trainer.config.steps:
            trouble = yield from self._until_trouble()
            if trouble is None:
                return
            self._go_back(trouble)

    def save(self) -> Path:
        """Write a checkpoint (to resume) and the weights (to translate); returns the checkpoint's folder."""
        checkpoint = save_checkpoint(self.folder, self.trainer, self._environment)
        save_weights(self.weights, self.trainer)
        return checkpoint

    def finish(self) -> list[tuple[str, Evaluation]]:
        """After the last step: measure the last and the best weights on the pictures that chose neither, and close."""
        found = []
        if self.leads and self._evaluates:
            found.append(("last", self._report(self._averages, self.trainer.step, best=False)))
            best = read_best(self.folder)
            if best is not None:
                found.append(("best", self._report(self._best_generators(), best.step, best=True)))
        self.close()
        return found

    def close(self) -> None:
        """The page says that nothing more will come, and the trackers write what they still hold."""
        self.write_page(finished=True)
        self._trackers.close()

    def write_page(self, *, finished: bool = False) -> None:
        if self.leads:
            trainer = self.trainer
            status = PageStatus(
                trainer.step,
                trainer.config.steps,
                self._seconds_per_step,
                tuple(self.warnings),
                finished,
                self._environment,
                trainer.accelerator.num_processes,
            )
            write_page(self.folder, trainer.config, status)

    @property
    def _averages(self) -> Pair:
        return self.trainer.averages[GENERATORS[0]], self.trainer.averages[GENERATORS[1]]

    @property
    def _evaluates(self) -> bool:
        return self.trainer.config.evaluate_every > 0 and self.preparation.division.measurable

    def _until_trouble(self) -> Iteration[Record, None, DivergedError | None]:
        """Steps to the last one (None), or to numbers that are not finite."""
        bad = 0
        with closing(self._batches()) as batches:
            for batch in batches:
                losses = self.trainer.advance(batch)
                wrong = [name for name, value in losses.items() if not math.isfinite(value)]
                bad = bad + 1 if wrong else 0
                if bad == BAD_STEPS:
                    return diverged(self.trainer.step, f"the loss {wrong[0]}")
                try:
                    record = self._after_step(losses)
                except DivergedError as error:
                    return error
                yield record
                patience = self.trainer.config.patience
                if patience and self.agreed(record.evaluation is not None and self.without_improvement >= patience):
                    if self.leads and record.checkpoint is None:
                        self.save()
                    return None
        return None

    def _batches(self) -> Any:
        trainer, (train_a, train_b) = self.trainer, self.preparation.division.train
        accelerator = trainer.accelerator
        place = (accelerator.process_index, accelerator.num_processes, trainer.order)
        return UnpairedFolders(trainer.config, list(train_a), list(train_b), *place).batches(trainer.step + 1)

    def _after_step(self, losses: dict[str, float]) -> Record:
        config, step = self.trainer.config, self.trainer.step
        self._interval.append(losses)
        warnings = [*self._untold, *(self._log() if self._due(config.log_every) else [])]
        self._untold = []
        if self._due(config.save_every) or (self._evaluates and self._due(config.evaluate_every)):
            require_finite(self.trainer)  # in every process, so that all of them go back together
        evaluation = self._evaluate() if self._evaluates and self._due(config.evaluate_every) else None
        checkpoint = self.save() if self.leads and self._due(config.save_every) else None
        if self.leads and self._due(config.sample_every):
            self._sample()
        return Record(step, losses, checkpoint, tuple(warnings), evaluation)

    def _due(self, every: int) -> bool:
        return self.trainer.step % every == 0 or self.trainer.step == self.trainer.config.steps

    def _log(self) -> list[str]:
        """A line of metrics, and what the watchers say to it."""
        now, step = time.monotonic(), self.trainer.step
        self._seconds_per_step = (now - self._since) / len(self._interval)
        line = {
            "step": step,
            "learning_rate": self.trainer.config.learning_rate_at(step),
            "seconds_per_step": self._seconds_per_step,
            **means(self._interval),
            **self.trainer.vitals.take(self.trainer.networks),
        }
        self._interval, self._since = [], now
        if not self.leads:
            return []
        append_line(self.folder / METRICS, line)
        self._trackers.log(line)
        found = self._watchers.look(line)
        self.warnings += dated(step, found)
        return found

    def _evaluate(self) -> Evaluation | None:
        """On the pictures that choose the best checkpoint; every process agrees on what came of it."""
        if not self.leads:
            return None
        began = time.monotonic()
        evaluation = self._validation.measure(*self._averages, "select")
        before = read_best(self.folder)
        better = before is None or before.protocol != evaluation.score.protocol or evaluation.score.value < before.score
        if better:
            value, protocol = evaluation.score.value, evaluation.score.protocol
            record_best(self.folder, self.trainer, value, protocol, environment=self._environment)
        append_line(self.folder / EVALUATIONS, evaluation.line(self.trainer.step, best=better))
        self._trackers.log_evaluation(self.trainer.step, evaluation.numbers)
        self._since += time.monotonic() - began  # it is no part of a step's time
        return evaluation

    def _report(self, generators: Pair, step: int, *, best: bool) -> Evaluation:
        evaluation = self._validation.measure(*generators, "report")
        append_line(self.folder / EVALUATIONS, evaluation.line(step, best=best))
        return evaluation

    def _best_generators(self) -> Pair:
        model = weights.load(self.folder / BEST_WEIGHTS)
        found = []
        for direction in ("a2b", "b2a"):
            generator = Generator(model.config)
            generator.load_state_dict(model.generators[direction])
            found.append(generator.to(self.trainer.device))
        return found[0], found[1]

    def _sample(self) -> None:
        began = time.monotonic()
        target = self.folder / "samples" / f"step-{self.trainer.step:08d}.jpg"
        with writing(target.parent):
            target.parent.mkdir(exist_ok=True)
        shown_a, shown_b = self.preparation.division.shown
        write_sample_sheet(target, self.trainer, list(shown_a), list(shown_b))
        self.write_page()
        self._since += time.monotonic() - began

    def _go_back(self, trouble: DivergedError) -> None:
        """Once in a run: the last checkpoint again, with the pictures in another order.

        Raises:
            DivergedError: it has been tried already, or there is no checkpoint.
        """
        trainer, failed = self.trainer, self.trainer.step
        if not checkpoints(self.folder):
            raise diverged_at_once(trouble, self.folder)
        if trainer.order > 0:
            raise trouble
        trainer.accelerator.wait_for_everyone()
        self._untold += load_checkpoint(self.folder, trainer)
        trainer.order += 1
        self._interval, self._since = [], time.monotonic()
        if self.leads:
            _forget_after(self.folder, trainer.step)
        self._untold.append(
            f"losses or weights were not finite at step {failed}; back to step {trainer.step}, with the pictures in another order"
        )
        self.warnings += dated(failed, self._untold)


def _forget_after(folder: Path, step: int) -> None:
    for name in (METRICS, EVALUATIONS):
        forget_lines_after(folder / name, step)
