"""A whole batch in a process of its own, without a network: batch.py FOLDER SECONDS [KILLS].

From FOLDER/in to FOLDER/out, SECONDS a picture. With KILLS, that many batches are started and killed one after the
other, and a line tells after each how many pictures are done.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image
from pipeline.inverting import InvertingBackend

from ugatit_cli.framing import Framing
from ugatit_cli.pipeline import Choices, OutputOptions, Settings, claim_outputs, make_plan, sort_jobs, watch_signals
from ugatit_cli.pipeline.pictures import Translator, run_jobs
from ugatit_cli.pipeline.writing import Writer

SETTINGS = Settings(direction=None, size=None, fit="keep", output_size="source", quality=95)
CHOICES = Choices("refuse", model="m", settings=SETTINGS.digest())


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def translate_folder(folder: Path, seconds: float) -> int:
    jobs = make_plan([str(folder / "in")], OutputOptions(str(folder / "out"), None, "inverted"), recursive=True)
    with claim_outputs(jobs) as journals, watch_signals(lambda: say("stopping")) as interruption:
        pending = sort_jobs(jobs, journals, CHOICES)
        say(f"{len(pending.todo)} to do")
        backend = InvertingBackend(seconds=seconds)
        translator = Translator(backend, Framing("keep", 32, True), CHOICES.origin, stopped=interruption.requested)
        with closing(run_jobs(pending.todo, translator, Writer(SETTINGS, journals))) as outcomes:
            for outcome in outcomes:
                say(type(outcome).__name__)
    return interruption.exit_code if interruption.requested() else 0


def kill_again_and_again(folder: Path, seconds: float, kills: int) -> None:
    """By fork, which costs a hundredth of a new process; every second kill waits until the first file is written."""
    moments = random.Random(1)
    for kill in range(kills):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 1)
            os._exit(translate_folder(folder, seconds))
        os.close(writer)
        with open(reader) as lines:
            for _ in range(2 * (kill % 2)):
                lines.readline()
            time.sleep(moments.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
        say(str(len(whole_results(folder))))


def whole_results(folder: Path) -> set[str]:
    """Names of the results, each of which must be the opposite of a picture with its number as red."""
    names = set()
    for path in (folder / "out").glob("*.png"):
        with Image.open(path) as image:
            assert (np.asarray(image) == [255 - int(path.stem), 255, 255]).all(), path.name
        names.add(path.name)
    return names


if __name__ == "__main__":
    place, pace = Path(sys.argv[1]), float(sys.argv[2])
    if len(sys.argv) > 3:
        kill_again_and_again(place, pace, int(sys.argv[3]))
    else:
        sys.exit(translate_folder(place, pace))
