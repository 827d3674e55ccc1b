"""A whole film in a process of its own, without a network: film.py SOURCE TARGET SECONDS STEADY [KILLS].

SECONDS a frame; segments last a fifth of a second. With KILLS, that many runs are started and killed one after the other,
and a line tells after each how many segments are finished. Then, and without KILLS at once, the film is made to its end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from fractions import Fraction
from pathlib import Path

import typer
from filming.conftest import invert_film
from pipeline.inverting import InvertingBackend

from ugatit_cli.filming import assembling, plan, reading
from ugatit_cli.video import animated, opening

reading.SEGMENT_SECONDS = Fraction(1, 5)  # type: ignore[assignment]
LOADED = assembling, animated, opening  # before the processes part, which would otherwise die while they load


def make(source: Path, target: Path, seconds: float, steady: str) -> int:
    try:
        invert_film(source, target, backend=InvertingBackend(seconds=seconds), steady=steady, extras=("compare",))
    except typer.Exit as end:
        return end.exit_code
    return 0


def kill_again_and_again(source: Path, target: Path, seconds: float, steady: str, kills: int) -> None:
    """By fork, which costs a hundredth of a new process."""
    moments = random.Random(1)
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            os._exit(make(source, target, seconds, steady))
        time.sleep(moments.uniform(0.05, 0.5))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
        if target.exists():
            return
        sys.stdout.write(f"{len(list(plan.work_folder(target).glob('*.state')))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    before, after, pace, strength = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    if len(sys.argv) > 5:
        kill_again_and_again(before, after, pace, strength, int(sys.argv[5]))
    sys.stdout.write("begin\n")
    sys.stdout.flush()
    is_done = after.exists() and not plan.work_folder(after).exists()  # killed in between, the next run tidies up
    sys.exit(0 if is_done else make(before, after, pace, strength))
