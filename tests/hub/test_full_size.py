"""selfie2anime at its full size: a checkpoint of 8 GB in a sparse file, of which 1.1 GB are fetched. `pytest -m slow -s` shows numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub.checkpoints import DATA, FOLDER, INDEX, write_checkpoint
from hub.loopback import LoopbackHub, serving

REPO = "hylee/UGATIT_model"
RESOLVE = """
import resource, sys, time
from huggingface_hub import constants
constants.HF_HUB_CACHE = sys.argv[1]
from ugatit_cli import hub
begun = time.perf_counter()
path = hub.resolve("selfie2anime").path
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, path.stat().st_size)
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / FOLDER, channels=64, blocks=4, size=256)


@pytest.fixture
def anime(checkpoint: tuple[Path, Path], use_endpoint: Callable[[str], None]) -> Iterator[LoopbackHub]:
    index, data = checkpoint
    with serving(LoopbackHub({REPO: {INDEX: index, DATA: data}})) as served:
        served.etags = {INDEX: _sha256(index), DATA: "0" * 64}
        use_endpoint(served.endpoint)
        yield served


def _sha256(path: Path) -> str:
    from ugatit_cli.files import sha256_of

    return sha256_of(path)


def say(text: str) -> None:
    sys.stderr.write(f"\n{text}")


def start(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", RESOLVE, str(cache)], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_seventh_is_fetched_in_bounded_memory(anime: LoopbackHub, checkpoint: tuple[Path, Path], quick: Path) -> None:
    process = start(quick)
    seconds, peak, size = map(float, process.communicate()[0].split())
    whole = checkpoint[1].stat().st_size
    say(f"fetched {anime.sent / 1e6:.0f} of {whole / 1e6:.0f} MB in {len(anime.gets())} requests and {seconds:.1f} s")
    say(f"peak memory {peak / 1e6:.0f} MB, kept {size / 1e6:.0f} MB")
    assert whole > 8e9
    assert anime.sent < 1.13e9
    assert peak < 1.7e9
    assert size < 0.57e9


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_interruption_costs_nothing(anime: LoopbackHub, quick: Path) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        process = start(quick)
        goal = anime.sent + 300e6
        while anime.sent < goal and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, number)
        process.communicate()
    process = start(quick)
    assert process.communicate()[0]
    say(f"interrupted and killed on the way: {anime.sent / 1e6:.0f} MB were sent in all")
    assert anime.sent < 1.15e9
