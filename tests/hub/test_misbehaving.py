"""Every way in which the shared hostile Hub misbehaves: refused with the right code, and nothing wrong under a final name."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from hub.loopback import CONTENT, SHA256, MisbehavingHub

from ugatit_cli.errors import NetworkError, RefusedError, UgatitError
from ugatit_cli.hub import resolve
from ugatit_cli.hub.cached import PART_SUFFIX
from ugatit_cli.hub.fetching import fetch
from ugatit_cli.hub.hub_file import HubFile
from ugatit_cli.hub.watching import Unwatched


def final_files(cache: Path) -> list[Path]:
    """Everything that another program would take for a whole file."""
    files = [path for path in cache.rglob("*") if path.is_file() and ".locks" not in path.parts]
    return [path for path in files if not path.name.endswith(".incomplete") and "refs" not in path.parts]


def get(scenario: str, sha256: str = "", file: str = "w.safetensors") -> Path:
    return fetch(HubFile(f"evil/{scenario}", file=file), sha256, Unwatched())[0]


@pytest.mark.parametrize("begun", [CONTENT[:1000], b"wrong", bytes(len(CONTENT) + 1)], ids=["right", "wrong", "long"])
@pytest.mark.parametrize("scenario", ["good", "rangelie"])
def test_what_an_earlier_run_left(scenario: str, begun: bytes, misbehaving: MisbehavingHub, quick: Path) -> None:
    part = quick / f"models--evil--{scenario}" / "blobs" / f"{SHA256}{PART_SUFFIX}"
    part.parent.mkdir(parents=True)
    part.write_bytes(begun)
    assert get(scenario).read_bytes() == CONTENT
    assert not part.exists()


@pytest.mark.parametrize("scenario", ["good", "long", "flaky", "cross", "crosshttp", "badjson"])
def test_what_arrives_all_the_same_is_right(scenario: str, misbehaving: MisbehavingHub) -> None:
    assert get(scenario).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("scenario", "error", "name"),
    [
        ("samesize", RefusedError, "hub-checksum"),
        ("short", NetworkError, "hub-interrupted"),
        ("noetag", NetworkError, "hub-no-digest"),
        ("hang", NetworkError, "hub-interrupted"),
        ("slow", NetworkError, "hub-slow"),
        ("s404", NetworkError, "hub-repo-missing"),
        ("s401", NetworkError, "hub-repo-missing"),
        ("s403", NetworkError, "hub-gated"),
        ("s429", NetworkError, "hub-unwell"),
        ("s500", NetworkError, "hub-unwell"),
        ("loop", NetworkError, "hub-redirects"),
        ("html", NetworkError, "hub-answer"),
    ],
)
def test_what_misbehaves_is_refused(
    scenario: str, error: type[UgatitError], name: str, misbehaving: MisbehavingHub, quick: Path
) -> None:
    begun = time.monotonic()
    with pytest.raises(error) as caught:
        get(scenario)
    assert caught.value.name == name
    assert final_files(quick) == []
    assert time.monotonic() - begun < 10


def test_a_bomb_is_never_unpacked(misbehaving: MisbehavingHub, quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 30
    )  # it takes that server a while to pack it
    with pytest.raises(NetworkError, match="compressed"):
        get("gzipbomb")
    assert final_files(quick) == []


def test_both_digests_are_named(misbehaving: MisbehavingHub) -> None:
    with pytest.raises(RefusedError) as caught:
        get("samesize")
    for content in (CONTENT, bytes(len(CONTENT))):
        assert hashlib.sha256(content).hexdigest() in caught.value.message


def test_what_is_not_the_pinned_content_is_refused(misbehaving: MisbehavingHub, quick: Path) -> None:
    with pytest.raises(RefusedError, match="expected"):
        get("good", "0" * 64)
    assert final_files(quick) == []


def test_a_pinned_file_needs_no_digest_of_the_hub(misbehaving: MisbehavingHub) -> None:
    assert get("noetag", SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("scenario", ["cross", "crosshttp"])
def test_the_token_stays_with_its_host(
    scenario: str, misbehaving: MisbehavingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    get(scenario)
    asked = [(entry["port"] == misbehaving.ports[0], entry["auth"]) for entry in misbehaving.log()]
    assert set(asked) == {(True, True), (False, False)}


def test_a_dropped_connection_goes_on_where_it_was(misbehaving: MisbehavingHub) -> None:
    assert get("drop").read_bytes() == CONTENT
    ranges = [entry["range"] for entry in misbehaving.log() if entry["m"] == "GET" and entry["range"]]
    assert ranges == ["bytes=65536-"]


def test_names_that_leave_their_folder_are_not_followed(misbehaving: MisbehavingHub, quick: Path) -> None:
    assert resolve("hub:evil/names").path.read_bytes() == CONTENT
    assert {path.name for path in quick.parent.rglob("*evil*")} == {"models--evil--names"}


def test_a_list_of_files_that_is_broken(misbehaving: MisbehavingHub) -> None:
    assert get("badjson", file="config.json").stat().st_size == 26
