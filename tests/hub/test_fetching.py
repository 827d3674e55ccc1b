"""Files of a Hub that behaves: asked for once, trusted as they were first, shared with other programs."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub.loopback import COMMIT, CONTENT, SHA256, LoopbackHub

from ugatit_cli import hub
from ugatit_cli.errors import BadModelError, NetworkError, RefusedError, UsageError
from ugatit_cli.hub import client
from ugatit_cli.hub.cached import PART_SUFFIX
from ugatit_cli.hub.fetching import fetch
from ugatit_cli.hub.first_uses import forget_first_use
from ugatit_cli.hub.hub_file import HubFile
from ugatit_cli.hub.watching import Unwatched

TOON = HubFile("me/toon", file="weights.safetensors")


class Noting(Unwatched):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("word", ["me/toon", "hub:me/toon", "me/toon:weights.safetensors", "me/toon@main"])
def test_a_repository_works_by_name(word: str, loopback: LoopbackHub) -> None:
    found = hub.resolve(word)
    assert (found.path.read_bytes(), found.sha256, found.path.name) == (CONTENT, SHA256, "weights.safetensors")


def test_the_second_time_nobody_is_asked(loopback: LoopbackHub) -> None:
    first = hub.resolve("me/toon")
    loopback.requests.clear()
    assert hub.resolve("me/toon") == first
    assert loopback.requests == []


def test_unverified_is_said_once(loopback: LoopbackHub) -> None:
    watcher = Noting()
    for _ in range(2):
        hub.resolve("me/toon", watcher=watcher)
    assert [note for note in watcher.notes if "unverified" in note] == watcher.notes
    assert len(watcher.notes) == 1


@pytest.mark.parametrize("missing", [1, 1000])
def test_a_server_that_begins_anew_sends_the_whole_file(missing: int, loopback: LoopbackHub, quick: Path) -> None:
    part = quick / "models--me--toon" / "blobs" / f"{SHA256}{PART_SUFFIX}"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:-missing])
    loopback.ignores_ranges = True
    assert hub.resolve("me/toon").path.read_bytes() == CONTENT
    assert len(loopback.gets()) == 2  # the list of files, and the file


def test_another_part_of_a_file_of_unknown_size(loopback: LoopbackHub, quick: Path) -> None:
    part = quick / "models--me--toon" / "blobs" / f"{SHA256}{PART_SUFFIX}"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    loopback.hides_size = loopback.shifts_ranges = True
    with pytest.raises(NetworkError, match="what the server sends is not the file$"):
        fetch(TOON, "", Unwatched())
    loopback.shifts_ranges = False
    assert fetch(TOON, "", Unwatched())[0].read_bytes() == CONTENT


@pytest.mark.parametrize("pinned", ["", SHA256])
def test_a_digest_that_is_a_path_leads_nowhere(pinned: str, loopback: LoopbackHub, tmp_path: Path) -> None:
    precious = tmp_path / ("x" * 55)
    precious.write_bytes(b"precious")
    loopback.etags["weights.safetensors"] = f"../../../{precious.name}"  # as long as a sha256
    if pinned:
        assert fetch(TOON, pinned, Unwatched())[0].read_bytes() == CONTENT
    else:
        with pytest.raises(NetworkError, match="does not say its digest"):
            fetch(TOON, pinned, Unwatched())
    assert precious.read_bytes() == b"precious"


@pytest.mark.parametrize("commit", ["../../../planted", "../../../planted".ljust(40, "x"), "5A" * 20, "5a" * 32])
def test_what_is_no_commit_becomes_no_path(commit: str, loopback: LoopbackHub, tmp_path: Path) -> None:
    loopback.commit = commit
    with pytest.raises(NetworkError, match="does not answer as a Hub does") as caught:
        fetch(TOON, SHA256, Unwatched())
    assert (caught.value.name, list(tmp_path.rglob("*"))) == ("hub-answer", [])


def test_another_commit_than_was_asked_for(loopback: LoopbackHub) -> None:
    with pytest.raises(NetworkError, match="does not answer as a Hub does"):
        fetch(HubFile("me/toon", "6b" * 20, TOON.file), SHA256, Unwatched())
    assert fetch(HubFile("me/toon", COMMIT, TOON.file), SHA256, Unwatched())[0].read_bytes() == CONTENT


@pytest.mark.parametrize("begun", ["offline", "online"])
def test_a_newer_file_of_another_program_stays(
    begun: str, loopback: LoopbackHub, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants, hf_hub_download

    newer = Path(hf_hub_download("me/toon", "weights.safetensors", cache_dir=quick, endpoint=loopback.endpoint))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", begun == "offline")
    with pytest.raises(NetworkError if begun == "offline" else RefusedError):
        fetch(TOON, "ab" * 32, Unwatched())
    assert newer.read_bytes() == CONTENT
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    newer.resolve().write_bytes(bytes(len(CONTENT)))  # damaged, it is of no use to anybody
    with pytest.raises(RefusedError):
        fetch(TOON, "ab" * 32, Unwatched())
    assert not newer.exists()


def test_another_content_under_the_same_name_is_not_taken(loopback: LoopbackHub, quick: Path) -> None:
    path = hub.resolve("me/toon").path
    loopback.repos["me/toon"]["weights.safetensors"] = b"other"
    assert hub.resolve("me/toon").path.read_bytes() == CONTENT  # the cache, and nobody is asked
    path.resolve().unlink()
    path.unlink()
    with pytest.raises(RefusedError, match="digest"):
        hub.resolve("me/toon")


def test_whoever_forgets_trusts_anew(loopback: LoopbackHub) -> None:
    hub.resolve("me/toon")
    loopback.repos["me/toon"]["weights.safetensors"] = b"other"
    loopback.commit = "6b" * 20
    forget_first_use(HubFile("me/toon"))
    assert hub.resolve("me/toon").path.read_bytes() == b"other"


def test_a_damaged_record_is_not_taken_for_none(loopback: LoopbackHub) -> None:
    from ugatit_cli.hub.places import first_uses_folder

    hub.resolve("me/toon")
    (record,) = first_uses_folder().iterdir()
    record.write_text("{")
    with pytest.raises(BadModelError, match="damaged") as caught:
        hub.resolve("me/toon")
    assert str(record) in caught.value.message


def test_a_file_that_was_changed_in_the_cache_is_removed(loopback: LoopbackHub) -> None:
    path = hub.resolve("me/toon").path
    path.resolve().write_bytes(CONTENT[:-1])
    with pytest.raises(RefusedError, match="expected"):
        hub.resolve("me/toon")
    assert not path.exists()
    assert hub.resolve("me/toon").path.read_bytes() == CONTENT


def test_other_programs_find_what_we_downloaded(loopback: LoopbackHub, quick: Path) -> None:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    ours = hub.resolve("me/toon").path
    assert try_to_load_from_cache("me/toon", "weights.safetensors", cache_dir=quick) == str(ours)
    loopback.requests.clear()
    theirs = hf_hub_download("me/toon", "weights.safetensors", cache_dir=quick, endpoint=loopback.endpoint)
    assert (Path(theirs), loopback.gets()) == (ours, [])


def test_we_find_what_other_programs_downloaded(loopback: LoopbackHub, quick: Path) -> None:
    from huggingface_hub import hf_hub_download

    hf_hub_download("me/toon", "weights.safetensors", cache_dir=quick, endpoint=loopback.endpoint, revision=COMMIT)
    loopback.requests.clear()
    assert hub.resolve(f"me/toon@{COMMIT}:weights.safetensors").path.read_bytes() == CONTENT
    assert loopback.requests == []


def test_what_others_downloaded_is_verified_too(loopback: LoopbackHub, quick: Path) -> None:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download("me/toon", "weights.safetensors", cache_dir=quick, endpoint=loopback.endpoint)
    Path(path).resolve().write_bytes(bytes(len(CONTENT)))
    with pytest.raises(RefusedError, match="digest"):
        hub.resolve("me/toon")


def test_offline_the_cache_is_used_and_nothing_else(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    hub.resolve("me/toon")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    loopback.requests.clear()
    assert hub.resolve("me/toon").path.read_bytes() == CONTENT
    with pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
        hub.resolve("me/other")
    assert loopback.requests == []


def test_a_dead_network_is_told_of_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    with pytest.raises(NetworkError, match=r"there is no file or folder me/toon here.*cannot be reached") as caught:
        hub.resolve("me/toon")
    assert (caught.value.exit_code, time.monotonic() - begun < 10) == (7, True)


def test_a_name_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GIVE_UP_SECONDS", 0.1)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(1))
    with pytest.raises(NetworkError, match="no answer"):
        hub.resolve("hub:me/toon")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("me/nothing", "hub-repo-missing"),
        ("me/toon:nothing.safetensors", "hub-file-missing"),
        ("me/toon:README.md@x", "hub-file-missing"),
    ],
)
def test_what_is_not_there(word: str, name: str, loopback: LoopbackHub) -> None:
    with pytest.raises(NetworkError) as caught:
        hub.resolve(word)
    assert caught.value.name == name


@pytest.mark.parametrize("right", [True, False])
def test_small_files_are_known_by_gits_digest(right: bool, loopback: LoopbackHub) -> None:
    content = b"a small model"
    sha1 = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    loopback.repos["me/toon"]["weights.safetensors"] = content
    loopback.etags["weights.safetensors"] = sha1 if right else sha1[::-1]
    if right:
        assert hub.resolve("me/toon").path.read_bytes() == content
    else:
        with pytest.raises(RefusedError, match=sha1):
            hub.resolve("me/toon")


def test_several_models_in_one_repository(loopback: LoopbackHub) -> None:
    loopback.repos["me/zoo"] = {"a.safetensors": b"a", "b.safetensors": b"b", "notes.txt": b""}
    with pytest.raises(UsageError, match=r"several models: a\.safetensors, b\.safetensors") as caught:
        hub.resolve("me/zoo")
    assert "hub:me/zoo:a.safetensors" in caught.value.hint
    loopback.repos["me/none"] = {"notes.txt": b""}
    with pytest.raises(UsageError, match="no model"):
        hub.resolve("me/none")


def test_a_folder_of_the_same_name_as_a_repository_in_use(
    loopback: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("me/toon").mkdir(parents=True)
    assert hub.resolve("me/toon").path == Path("me/toon")
    hub.resolve("hub:me/toon")
    with pytest.raises(UsageError, match="both") as caught:
        hub.resolve("me/toon")
    assert "./me/toon" in caught.value.hint and "hub:me/toon" in caught.value.hint


def test_a_full_disk(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(".")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(Exception, match="MB are free") as caught:
        hub.resolve("me/toon")
    assert getattr(caught.value, "exit_code", None) == 8


FETCH = """
import sys
from huggingface_hub import constants
constants.HF_HUB_CACHE = sys.argv[1]
constants.DOWNLOAD_CHUNK_SIZE = 4096
from ugatit_cli import hub
print(hub.resolve("me/toon:weights.safetensors").path)
"""


def start(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", FETCH, str(cache)], stdout=subprocess.PIPE, text=True)


def test_several_processes_download_once(loopback: LoopbackHub, quick: Path) -> None:
    loopback.pace = 1e6
    running = [start(quick) for _ in range(3)]
    paths = {process.communicate()[0] for process in running}
    assert len(paths) == 1 and Path(paths.pop().strip()).read_bytes() == CONTENT
    assert [request.path for request in loopback.gets()] == ["/me/toon/resolve/main/weights.safetensors"]


def whole_or_absent(cache: Path) -> None:
    for path in (cache / "models--me--toon").rglob("*"):
        named = path.is_file() and not path.name.endswith(".incomplete") and "refs" not in path.parts
        assert not named or path.read_bytes() == CONTENT


KILLS = random.Random(0)
UNWRITTEN = 50_000  # bytes that were on their way to who was killed, or not yet in the file


@pytest.mark.parametrize(
    "share",
    [0.0, 0.1, 0.5, 0.9, *(pytest.param(KILLS.uniform(0, 1), marks=pytest.mark.slow) for _ in range(50))],
)
def test_killed_at_any_moment(share: float, loopback: LoopbackHub, quick: Path) -> None:
    loopback.pace = 2e5
    process = start(quick)
    deadline = time.monotonic() + 60
    while loopback.sent <= share * len(CONTENT) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    whole_or_absent(quick)
    before = loopback.sent
    assert share * len(CONTENT) < before < len(CONTENT)
    loopback.pace = 0
    assert hub.resolve("me/toon:weights.safetensors").path.read_bytes() == CONTENT
    assert loopback.sent <= len(CONTENT) + UNWRITTEN, "what was there already was asked for again"


def test_a_record_holds_commit_and_digest(loopback: LoopbackHub) -> None:
    from ugatit_cli.hub.places import first_uses_folder

    hub.resolve("me/toon")
    (record,) = first_uses_folder().iterdir()
    expected = {"repo": "me/toon", "commit": COMMIT, "file": "weights.safetensors", "sha256": SHA256}
    assert expected.items() <= json.loads(record.read_text()).items()


def test_a_pinned_file_makes_no_record(loopback: LoopbackHub, tmp_path: Path) -> None:
    from ugatit_cli.hub.places import first_uses_folder

    assert fetch(TOON, SHA256, Unwatched())[1] == SHA256
    assert not first_uses_folder().exists()
