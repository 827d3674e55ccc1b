"""Trainings and saves that are killed again and again, in one process that forks: a new one costs two seconds.

    python -m training.killed saves FOLDER        every way to end one save and one record of a best step
    python -m training.killed runs FOLDER STEPS   a run of `ugatit train`, killed at random calls until it is through

Each prints one line of JSON with what happened. OMP_NUM_THREADS must be 1: threads do not outlive a fork.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from training.faults import CHANGES, Countdown, before_call, calls_of, kill, worth_trying
from training.tiny import assert_same_bits, names, trained, untrained

from ugatit_cli.training import fit as loaded_before_the_forks  # noqa: F401
from ugatit_cli.training.best import read_best
from ugatit_cli.training.checkpoint_files import list_checkpoints, verify
from ugatit_cli.training.checkpoints import load_checkpoint, record_best, save_checkpoint
from ugatit_cli.training.run_config import write_config
from ugatit_cli.training.run_lock import hold
from ugatit_cli.training.step import Trainer
from ugatit_cli.weights import load

TRAINING = ["--size", "32", "--channels", "4", "--blocks", "1", "--discriminator-channels", "4", "--log-every", "1"]
TRAINING += ["--evaluate-every", "0", "--track", "none"]  # which take longer than the steps


def in_child(work: Callable[[], object]) -> int:
    """Its exit code; minus nine when it was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stderr.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(number: int, work: Callable[[], object], calls: set[str] = CHANGES) -> Callable[[], None]:
    def run() -> None:
        with before_call(calls, Countdown(number, kill)):
            work()

    return run


# ---------------------------------------------------------------------------------------------------------- saves


def kill_saves(folder: Path) -> dict[str, int]:
    """At each call of a save (of a new step, and of one that has a checkpoint already) and of recording a best step."""
    trainer = trained()
    before = folder / "before"
    write_config(before, trainer.config)
    for step in (1, 2, 3):
        trainer.step = step
        save_checkpoint(before, trainer)
    trainer.step = 2
    record_best(before, trainer, 0.5, "p")
    kills = 0
    for work, step in ((save_checkpoint, 4), (save_checkpoint, 3), (record_the_best, 4)):
        trainer.step = step
        counted = Path(shutil.copytree(before, folder / "counted"))
        calls = calls_of(CHANGES, partial(work, counted, trainer))
        for number in worth_trying(calls, writes=4):
            run = Path(shutil.copytree(before, folder / "run"))
            assert in_child(killed_at(number, partial(work, run, trainer))) == -signal.SIGKILL
            check(run, trainer, {3, step})
            shutil.rmtree(run)
            kills += 1
        shutil.rmtree(counted)
    return {"kills": kills}


def record_the_best(run: Path, trainer: Trainer) -> None:
    record_best(run, trainer, 0.4, "p")


def check(run: Path, trainer: Trainer, steps: set[int]) -> None:
    """What is there now is whole, before and after the next process has put things away."""
    other = untrained(seed=1)
    assert load_checkpoint(run, other) == []
    assert other.step in steps
    assert_same_bits(other, trainer)
    with hold(run):
        pass
    best = read_best(run)
    assert best is not None
    assert load(run / "best.safetensors").metadata["trained_steps"] == str(best.step)
    for step in {best.step, other.step}:
        verify(list_checkpoints(run)[step])
    assert [name for name in names(run) if name.startswith(".") and not name.endswith(".replaced")] == []


# ----------------------------------------------------------------------------------------------------------- runs


def ugatit(*words: str) -> Callable[[], None]:
    from ugatit_cli.cli import app

    return lambda: app(list(words))


def kill_runs(folder: Path, steps: int) -> dict[str, Any]:
    """Every other kill is at a call that hardly ever happens, most of which belong to saves; the others at any call."""
    trained()  # what torch loads at the first step is then loaded for all children
    run, moments = folder / "run", random.Random(1)
    data = ["train", "--a", str(folder / "a"), "--b", str(folder / "b"), *TRAINING, "--steps", str(steps)]
    assert in_child(ugatit(*data, "--out", str(folder / "straight"))) == 0
    code, reached = -signal.SIGKILL, list[int]()
    while code == -signal.SIGKILL:
        begun = list(run.glob("step-*"))
        if not begun:
            shutil.rmtree(run, ignore_errors=True)
        words = ["train", "--resume", str(run)] if begun else [*data, "--save-every", "1", "--out", str(run)]
        calls, most = (CHANGES - {"write"}, 50) if len(reached) % 2 else (CHANGES, 1500)
        code = in_child(killed_at(moments.randint(1, most), ugatit(*words), calls))
        reached.append(newest_step(run))
    assert code == 0, code
    return {"kills": len(reached) - 1, "reached": reached}


def newest_step(run: Path) -> int:
    """Under its final name a checkpoint is whole."""
    folders = sorted(run.glob("step-*"))
    for folder in folders:
        verify(folder)
    return int(folders[-1].name.removeprefix("step-")) if folders else 0


if __name__ == "__main__":
    place = Path(sys.argv[2])
    result = kill_saves(place) if sys.argv[1] == "saves" else kill_runs(place, int(sys.argv[3]))
    sys.stdout.write(json.dumps(result) + "\n")
