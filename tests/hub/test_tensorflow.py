"""selfie2anime from a Hub that holds a small checkpoint of the official layout: a part of its bytes, whole and right."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hub.checkpoints import DATA, FOLDER, INDEX, write_checkpoint
from hub.loopback import LoopbackHub, serving

from ugatit_cli import hub, weights
from ugatit_cli.errors import BadModelError, NetworkError, RefusedError
from ugatit_cli.hub import spans
from ugatit_cli.hub.converted import folder_of

REPO = "hylee/UGATIT_model"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / FOLDER, channels=8)


@pytest.fixture
def anime(
    checkpoint: tuple[Path, Path], use_endpoint: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LoopbackHub]:
    """A Hub that has it; gaps are as small here as the tensors are."""
    monkeypatch.setattr(spans, "LARGEST_GAP", 1 << 10)
    index, data = checkpoint
    content: dict[str, bytes | Path] = {INDEX: index.read_bytes(), DATA: data.read_bytes()}
    with serving(LoopbackHub({REPO: content})) as served:
        use_endpoint(served.endpoint)
        yield served


def numbers(path: Path, direction: str = "a2b") -> dict[str, torch.Tensor]:
    return dict(weights.load(path).generators[direction])  # type: ignore[index]


def test_the_name_is_enough(anime: LoopbackHub, checkpoint: tuple[Path, Path]) -> None:
    found = hub.resolve("selfie2anime")
    there, here = numbers(checkpoint[0]), numbers(found.path)
    assert there.keys() == here.keys()
    assert all(torch.equal(here[name], tensor.half().float()) for name, tensor in there.items())
    assert weights.load(found.path).metadata["license"] == "not established"


def test_only_what_is_needed_is_fetched(anime: LoopbackHub, checkpoint: tuple[Path, Path]) -> None:
    path = hub.resolve("selfie2anime").path
    fetched = anime.sent - checkpoint[0].stat().st_size
    assert 2 * path.stat().st_size * 0.9 < fetched < checkpoint[1].stat().st_size / 2
    assert all(request.range for request in anime.gets() if request.path.endswith(DATA))
    assert [each.name for each in folder_of(REPO).iterdir() if "incomplete" in each.name] == []


def test_the_second_time_nobody_is_asked(anime: LoopbackHub) -> None:
    first = hub.resolve("selfie2anime")
    anime.requests.clear()
    assert hub.resolve("selfie2anime") == first
    assert anime.requests == []


def test_the_other_direction_is_another_file(anime: LoopbackHub) -> None:
    with pytest.raises(RefusedError, match=r"generator_A/.+ do not match their checksum"):
        hub.resolve("selfie2anime", direction="b2a")  # which is a hole in this file


def test_a_wrong_byte_is_caught_and_the_next_call_mends_it(anime: LoopbackHub, checkpoint: tuple[Path, Path]) -> None:
    right = checkpoint[1].read_bytes()
    at = next(place for place in range(len(right) * 3 // 4, len(right)) if right[place])
    anime.repos[REPO][DATA] = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
    with pytest.raises(RefusedError, match="checksum in the index"):
        hub.resolve("selfie2anime")
    anime.repos[REPO][DATA] = right
    before = anime.sent
    found = hub.resolve("selfie2anime")
    assert torch.equal(numbers(found.path)["stem.weight"], numbers(checkpoint[0])["stem.weight"].half().float())
    assert anime.sent - before < len(right) / 3  # what was right was kept


def test_a_data_file_that_is_cut_off(anime: LoopbackHub, checkpoint: tuple[Path, Path]) -> None:
    anime.repos[REPO][DATA] = checkpoint[1].read_bytes()[:1000]
    with pytest.raises(BadModelError, match="incomplete"):
        hub.resolve("selfie2anime")


def test_a_server_that_sends_whole_files_only(anime: LoopbackHub) -> None:
    anime.ignores_ranges = True
    with pytest.raises(NetworkError, match="nothing but the whole file"):
        hub.resolve("selfie2anime")
    assert anime.sent < 10e6  # what was under way when the client hung up


def test_another_index_is_not_taken_later(anime: LoopbackHub, tmp_path: Path) -> None:
    import shutil

    hub.resolve("selfie2anime")
    shutil.rmtree(folder_of(REPO))
    shutil.rmtree(tmp_path / "hub")
    index, data = write_checkpoint(tmp_path / "other", channels=3)
    anime.repos[REPO] = {INDEX: index.read_bytes(), DATA: data.read_bytes()}
    with pytest.raises(RefusedError, match="expected"):
        hub.resolve("selfie2anime")


def test_what_was_made_is_verified(anime: LoopbackHub) -> None:
    path = hub.resolve("selfie2anime").path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RefusedError, match="sha256"):
        hub.resolve("selfie2anime")
    assert hub.resolve("selfie2anime").path.is_file()


def test_what_killed_runs_left_is_swept_once_it_is_nobody_s(anime: LoopbackHub) -> None:
    folder = hub.resolve("selfie2anime").path.parent
    old, young = folder / ".0123456789ab.ugatit-part", folder / ".ba9876543210.ugatit-part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    hub.resolve("selfie2anime")
    assert young.exists() and not old.exists()


def test_an_index_that_is_no_index(anime: LoopbackHub) -> None:
    anime.repos[REPO][INDEX] = b"<html>sign in</html>"
    with pytest.raises(BadModelError, match="index"):
        hub.resolve("selfie2anime")


RESOLVE = """
import sys
from huggingface_hub import constants
constants.HF_HUB_CACHE = sys.argv[1]
from ugatit_cli import hub
print(hub.resolve("selfie2anime").path)
"""


def test_killed_again_and_again(anime: LoopbackHub, checkpoint: tuple[Path, Path], quick: Path) -> None:
    size = checkpoint[1].stat().st_size
    anime.pace = size / 6
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", RESOLVE, str(quick)], stdout=subprocess.DEVNULL)
        time.sleep(0.9)
        process.kill()
        process.wait()
        made = list(folder_of(REPO).glob("*.safetensors"))
        assert not made or numbers(made[0])  # whole, if it is there
    anime.pace = 0
    found = hub.resolve("selfie2anime")
    there = numbers(checkpoint[0])
    assert all(torch.equal(tensor, there[name].half().float()) for name, tensor in numbers(found.path).items())
    assert anime.sent < size  # in all five runs
