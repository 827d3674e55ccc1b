"""`ugatit models ...` and `ugatit translate` with what they fetched, imported and published."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from hub.checkpoints import DATA, FOLDER, INDEX, write_checkpoint
from hub.loopback import LoopbackHub, serving
from PIL import Image
from typer.testing import CliRunner, Result
from weights.tensorflow_checkpoints import random_variables, write

from ugatit_cli import weights
from ugatit_cli.cli import app
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.hub.cached import lock_path, locked
from ugatit_cli.hub.converted import folder_of
from ugatit_cli.hub.places import first_uses_folder, own_models_folder
from ugatit_cli.hub.registry import OWN_ROW, RegistryEntry, read_own
from ugatit_cli.hub.watching import Unwatched
from ugatit_cli.network import Generator
from ugatit_cli.tensorflow_files import TABLE_MAGIC

REPOSITORY = Path(__file__).resolve().parents[2]
PHOTOGRAPH = REPOSITORY / "examples" / "hopper.jpg"


def ugatit(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def said(*words: str | Path) -> Any:
    done = ugatit(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def forbidden(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A process of its own that permissions bind, also where root runs the tests."""
    command = [sys.executable, "-m", "ugatit_cli", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(command, env=environment, preexec_fn=_as_anybody, capture_output=True, text=True)


def _as_anybody() -> None:
    """Without root's right to pass over permissions: what a process may regain is dropped, and so it is gone with the start."""
    if sys.platform == "linux":
        drop, override, search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        for right in (override, search):
            ctypes.CDLL(None).prctl(drop, right, 0, 0, 0)


needs_permissions = pytest.mark.skipif(
    sys.platform == "win32" or (sys.platform != "linux" and os.geteuid() == 0), reason="nothing is forbidden here"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    config = GeneratorConfig("light", 4, 1, 32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights.save(path, config, {"a2b": Generator(config).state_dict()}, metadata={"license": "MIT"})
    return path


@pytest.fixture
def tiny_hub(model: Path, loopback: LoopbackHub) -> LoopbackHub:
    """The Hub with `me/tiny` in it, a model that translates."""
    loopback.repos["me/tiny"] = {"weights.safetensors": model.read_bytes(), "README.md": b"# tiny"}
    return loopback


@pytest.fixture
def anime(tmp_path_factory: pytest.TempPathFactory, use_endpoint: Callable[[str], None]) -> Iterator[LoopbackHub]:
    index, data = write_checkpoint(tmp_path_factory.mktemp("checkpoint") / FOLDER)
    content: dict[str, bytes | Path] = {INDEX: index.read_bytes(), DATA: data.read_bytes()}
    with serving(LoopbackHub({"hylee/UGATIT_model": content})) as served:
        use_endpoint(served.endpoint)
        yield served


def held(name: str) -> dict[str, Any]:
    (found,) = [each for each in said("models", "list")["models"] if each["name"] == name]
    return dict(found)


# ---- translate


def test_a_repository_translates_in_one_step(tiny_hub: LoopbackHub, tmp_path: Path) -> None:
    done = ugatit("translate", PHOTOGRAPH, "-m", "me/tiny", "-o", tmp_path / "out.png")
    assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / "out.png") as drawing, Image.open(PHOTOGRAPH) as photograph:
        assert drawing.size == photograph.size
    assert "downloading me/tiny:weights.safetensors" in done.stderr and "unverified" in done.stderr


def test_selfie2anime_works_in_one_step(anime: LoopbackHub, tmp_path: Path) -> None:
    photograph = tmp_path / "me.jpg"
    photograph.write_bytes(PHOTOGRAPH.read_bytes())
    done = ugatit("translate", photograph, "--model", "selfie2anime")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'me.selfie2anime.jpg'}\n"
    anime.requests.clear()
    again = ugatit("translate", photograph, "--model", "selfie2anime", "--overwrite", "--faces", "off")
    assert (again.exit_code, anime.requests) == (0, [])


@pytest.mark.parametrize("word", ["selfie2anime", "hylee/other"])
def test_a_dry_run_fetches_no_model(word: str, anime: LoopbackHub, tmp_path: Path) -> None:
    done = ugatit("translate", PHOTOGRAPH, "-m", word, "-o", tmp_path / "a.png", "--dry-run", "--faces", "off")
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'a.png'}\n"), done.stderr
    assert anime.requests == []


@pytest.mark.parametrize("faces", ["auto", "all", "crop"])
def test_a_dry_run_fetches_no_face_detector(faces: str, anime: LoopbackHub, tmp_path: Path) -> None:
    words = ["-m", "selfie2anime", "--faces", faces, "--dry-run"]
    done = ugatit("translate", PHOTOGRAPH, "-o", tmp_path / "a.png", *words)
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'a.png'}\n"), done.stderr
    assert (anime.requests, "detector" in done.stderr) == ([], False)


def test_the_default_name_of_a_result_is_the_repositorys(tiny_hub: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTOGRAPH.read_bytes())
    assert ugatit("translate", tmp_path / "a.jpg", "-m", "hub:me/tiny").stdout == f"{tmp_path / 'a.tiny.jpg'}\n"


# ---- list, info, pull, verify, remove


def test_what_is_listed(anime: LoopbackHub) -> None:
    table = ugatit("models", "list").stdout.splitlines()
    assert table[0].split() == ["name", "from", "to", "size", "variant", "licence", "where"]
    assert [line.split()[0] for line in table[1:]] == ["portrait2toon", "selfie2anime"]
    assert "1.12 GB to fetch" in table[2] and "not established" in table[2]
    assert anime.requests == []


def test_pull_makes_it_here_and_remove_takes_it_away(tiny_hub: LoopbackHub, quick: Path) -> None:
    pulled = ugatit("models", "pull", "me/tiny")
    assert pulled.exit_code == 0 and Path(pulled.stdout.strip()).is_file()
    assert held("me/tiny")["here"] is True
    removed = ugatit("models", "remove", "me/tiny")
    assert (removed.exit_code, "removed me/tiny" in removed.stderr) == (0, True)
    assert not Path(pulled.stdout.strip()).exists()
    assert [path.name for path in quick.iterdir()] == [".locks"]
    assert "me/tiny" not in ugatit("models", "list").stdout


def test_ctrl_c_keeps_what_came(tiny_hub: LoopbackHub, model: Path, quick: Path) -> None:
    tiny_hub.repos["me/tiny"]["weights.safetensors"] = content = os.urandom(3_000_000)
    tiny_hub.pace = 2e6
    environment = {**os.environ, "HF_HUB_CACHE": str(quick), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "ugatit_cli", "models", "pull", "me/tiny"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        while tiny_hub.sent < 1_000_000 and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out, b"Traceback" in err) == (130, b"", False), err
    tiny_hub.pace, before = 0, tiny_hub.sent
    assert Path(ugatit("models", "pull", "me/tiny").stdout.strip()).read_bytes() == content
    assert tiny_hub.sent - before < 2_500_000


def test_one_file_of_several_is_not_taken_for_a_model(tiny_hub: LoopbackHub, model: Path, tmp_path: Path) -> None:
    graph = in_two_files(model, tmp_path)
    theirs: dict[str, bytes | Path] = {"model.onnx": graph.read_bytes(), "w.bin": b"", "a.index": TABLE_MAGIC}
    tiny_hub.repos["me/two"] = theirs
    for word in ("me/two", "me/two:model.onnx", "me/two:a.index"):
        done = ugatit("models", "pull", word)
        assert (done.exit_code, "in other files" in done.stderr) == (5, True), done.stderr
        assert "hint: download them together: `hf download me/two --local-dir FOLDER`" in done.stderr
    assert "me/two" not in ugatit("models", "list").stdout
    theirs["model.onnx"] = (tmp_path / "a.onnx").read_bytes()
    assert ugatit("models", "pull", "me/two").exit_code == 0


def test_a_download_that_broke_off_is_listed_and_removed(tiny_hub: LoopbackHub, model: Path, quick: Path) -> None:
    parts = [quick / f"models--me--{name}" / "blobs" / f"{'a' * 64}.ugatit.incomplete" for name in ("draw", "tiny")]
    assert ugatit("models", "pull", "me/tiny").exit_code == 0
    for part in parts:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(bytes(2_000_000))
    assert [line for line in ugatit("models", "list").stdout.splitlines() if "hub, 2 MB begun" in line] != []
    assert held("me/draw")["begun_bytes"] == 2_000_000
    with locked(lock_path("me/draw", "a" * 64), "", Unwatched()):  # it goes on just now
        assert ugatit("models", "remove", "me/draw").exit_code == 0
    assert parts[0].exists()
    removed = said("models", "remove", "me/draw", "me/tiny")["models"]
    assert [row["freed_bytes"] for row in removed] == [2_000_000, 2_000_000 + model.stat().st_size]
    assert [path.name for path in quick.iterdir()] == [".locks"]
    assert ugatit("models", "remove", "me/draw").exit_code == 2


def test_an_imported_model_whose_file_is_gone(model: Path) -> None:
    assert ugatit("models", "import", model, "--name", "gone").exit_code == 0
    (own_models_folder() / "gone" / "weights.safetensors").unlink()
    assert ugatit("models", "verify", "gone").exit_code == 6
    assert ugatit("translate", PHOTOGRAPH, "-m", "gone", "-o", "x.png").exit_code == 5
    assert ugatit("models", "remove", "gone").exit_code == 0
    assert not (own_models_folder() / "gone").exists()


@pytest.mark.parametrize("row", ["file = ", None])
def test_a_damaged_model_of_ones_own_hinders_nobody_else(row: str | None, model: Path, tmp_path: Path) -> None:
    assert ugatit("models", "import", model, "--name", "half").exit_code == 0
    path = own_models_folder() / "half" / "model.toml"
    path.unlink() if row is None else path.write_text(row)
    assert "imported, damaged" in ugatit("models", "list").stdout
    assert ugatit("models", "verify", "portrait2toon").exit_code == 0
    for words in (["models", "info", "half"], ["translate", PHOTOGRAPH, "-m", "half", "-o", tmp_path / "a.png"]):
        done = ugatit(*words)
        assert (done.exit_code, f"{path}" in done.stderr) == (5, True), done.stderr
        assert "hint: remove it with `ugatit models remove half`, and import it again" in done.stderr
    assert ugatit("models", "verify").exit_code == 6
    assert "`ugatit models remove half`" in ugatit("models", "import", model, "--name", "half").stderr
    assert ugatit("models", "remove", "half").exit_code == 0
    assert ugatit("models", "import", model, "--name", "half").exit_code == 0


def test_selfie2anime_comes_and_goes(anime: LoopbackHub) -> None:
    assert held("selfie2anime")["here"] is False
    assert ugatit("models", "pull", "selfie2anime").exit_code == 0
    facts = held("selfie2anime")
    assert (facts["here"], facts["verified"], facts["revision"]) == (True, False, anime.commit)
    assert ugatit("models", "verify", "selfie2anime").stdout.startswith("ok")
    assert ugatit("models", "remove", "selfie2anime").exit_code == 0
    assert held("selfie2anime")["here"] is False


def test_a_conversion_that_broke_off_is_listed_and_removed(anime: LoopbackHub) -> None:
    files = anime.repos["hylee/UGATIT_model"]
    right = files[DATA]
    assert isinstance(right, bytes)
    last = max(place for place in range(len(right)) if right[place])
    files[DATA] = right[:last] + bytes([right[last] ^ 1]) + right[last + 1 :]
    assert ugatit("models", "pull", "selfie2anime").exit_code == 6
    came = sum(path.stat().st_size for path in folder_of("hylee/UGATIT_model").iterdir())
    assert held("selfie2anime")["begun_bytes"] == came > 0
    (removed,) = said("models", "remove", "selfie2anime")["models"]
    assert (removed["freed_bytes"], held("selfie2anime")["begun_bytes"]) == (came, 0)


def test_a_conversion_that_goes_on_is_not_removed(anime: LoopbackHub) -> None:
    path = Path(ugatit("models", "pull", "selfie2anime").stdout.strip())
    idle, young = path.with_name("b2a.spans.incomplete"), path.with_name(".0123456789ab.ugatit-part")
    idle.write_bytes(bytes(1000))
    young.write_bytes(bytes(100))
    with locked(path.with_suffix(".lock"), "", Unwatched()):
        (removed,) = said("models", "remove", "selfie2anime")["models"]
    assert (removed["freed_bytes"], idle.exists(), path.exists(), young.exists()) == (1000, False, True, True)
    assert ugatit("models", "pull", "selfie2anime").exit_code == 0
    (removed,) = said("models", "remove", "selfie2anime")["models"]
    assert (removed["freed_bytes"] > 100, path.exists(), young.exists()) == (True, False, False)


def test_remove_leaves_other_files_of_a_repository(tiny_hub: LoopbackHub, quick: Path) -> None:
    from huggingface_hub import hf_hub_download

    theirs = hf_hub_download("me/tiny", "README.md", cache_dir=quick, endpoint=tiny_hub.endpoint)
    assert ugatit("models", "pull", "me/tiny").exit_code == 0
    assert ugatit("models", "remove", "me/tiny").exit_code == 0
    assert Path(theirs).read_bytes() == b"# tiny"


@pytest.mark.parametrize("word", ["portrait2toon", "me/tiny", "nothing", "."])
def test_what_is_not_ours_is_not_removed(word: str, tiny_hub: LoopbackHub) -> None:
    done = ugatit("models", "remove", word)
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize("other", ["portrait2toon", "me/absent"])
def test_nothing_is_removed_where_one_cannot_be(other: str, model: Path) -> None:
    assert ugatit("models", "import", model, "--name", "anime").exit_code == 0
    done = ugatit("models", "remove", "anime", other, "--json")
    assert (done.exit_code, json.loads(done.stdout)["exit_code"]) == (2, 2)
    assert held("anime")["here"] is True


def test_who_is_named_twice_is_removed_once(model: Path) -> None:
    assert ugatit("models", "import", model, "--name", "anime").exit_code == 0
    (removed,) = said("models", "remove", "anime", "registry:anime")["models"]
    assert removed["name"] == "anime" and removed["freed_bytes"] > model.stat().st_size
    assert os.listdir(own_models_folder()) == []


def test_of_a_model_that_is_a_link_the_link_is_removed(model: Path, tmp_path: Path) -> None:
    assert ugatit("models", "import", model, "--name", "anime").exit_code == 0
    shutil.move(own_models_folder() / "anime", tmp_path / "disk")
    (own_models_folder() / "anime").symlink_to(tmp_path / "disk")
    assert ugatit("models", "remove", "anime").exit_code == 0
    assert os.listdir(own_models_folder()) == [] and (tmp_path / "disk" / "weights.safetensors").is_file()


@needs_permissions
def test_what_cannot_be_removed_is_an_error_of_the_folder(model: Path) -> None:
    for name in ("a", "b"):
        assert ugatit("models", "import", model, "--name", name).exit_code == 0
    own_models_folder().chmod(0o555)
    done = forbidden("models", "remove", "a", "b", "--json")
    own_models_folder().chmod(0o755)
    assert (done.returncode, json.loads(done.stdout)["models"]) == (10, []), done.stderr
    assert f"cannot write {own_models_folder() / 'a'}: permission denied" in done.stderr


@needs_permissions
def test_what_was_converted_and_cannot_be_removed(anime: LoopbackHub) -> None:
    folder = Path(ugatit("models", "pull", "selfie2anime").stdout.strip()).parent
    folder.chmod(0o555)
    done = forbidden("models", "remove", "selfie2anime")
    folder.chmod(0o755)
    assert (done.returncode, f"cannot write {folder}" in done.stderr) == (10, True), done.stderr


@needs_permissions
@pytest.mark.parametrize("place", ["cache", "records"])
def test_what_was_fetched_and_cannot_be_removed(
    place: str, tiny_hub: LoopbackHub, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(quick))
    assert ugatit("models", "pull", "me/tiny").exit_code == 0
    (snapshot,) = (quick / "models--me--tiny" / "snapshots").iterdir()
    folder = snapshot if place == "cache" else first_uses_folder()
    folder.chmod(0o555)
    done = forbidden("models", "remove", "me/tiny")
    folder.chmod(0o755)
    assert (done.returncode, f"cannot write {folder}" in done.stderr) == (10, True), done.stderr


def test_verify_finds_a_changed_file(tiny_hub: LoopbackHub) -> None:
    path = Path(ugatit("models", "pull", "me/tiny").stdout.strip())
    path.resolve().write_bytes(b"changed")
    done = ugatit("models", "verify", "me/tiny", "portrait2toon", "--json")
    assert done.exit_code == 6
    assert [row["status"] for row in json.loads(done.stdout)["files"]] == ["wrong", "ok"]


def test_verify_finds_that_half_of_a_model_is_gone(model: Path, tmp_path: Path) -> None:
    assert ugatit("models", "import", in_two_files(model, tmp_path), "--name", "two").exit_code == 0
    (own_models_folder() / "two" / "model.onnx.data").unlink()
    done = ugatit("models", "verify", "two")
    assert done.exit_code == 6
    good, wrong, hint = done.stdout.splitlines()
    assert good.startswith("ok") and "model.onnx.data: no such file" in wrong
    assert hint.strip() == "hint: remove it with `ugatit models remove two`, and import it again"
    done = ugatit("models", "verify", "two", "--json")
    assert [row["status"] for row in json.loads(done.stdout)["files"]] == ["ok", "wrong"]


def test_info_of_a_name_a_file_and_a_repository(tiny_hub: LoopbackHub, model: Path) -> None:
    assert said("models", "info", "portrait2toon")["license"] == "CC-BY-4.0"
    of_file = said("models", "info", model)
    assert (of_file["format"], of_file["channels"], of_file["directions"]) == ("safetensors", 4, ["a2b"])
    for word in ("me/tiny", "me/tiny:weights.safetensors"):
        facts = said("models", "info", word)
        assert (facts["repo"], facts["repository_files"]) == ("me/tiny", ["weights.safetensors", "README.md"])
    assert "licence" not in ugatit("models", "info", model).stderr


def test_the_path_of_info_is_taken_as_it_was_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("portrait2toon").write_bytes(model.read_bytes())
    assert said("models", "info", "./portrait2toon")["channels"] == 4


def test_what_is_pulled_and_removed_as_json(tiny_hub: LoopbackHub, model: Path) -> None:
    (pulled,) = said("models", "pull", "me/tiny")["files"]
    assert (pulled["model"], pulled["sha256"]) == ("me/tiny", weights.load(model).sha256)
    assert Path(pulled["path"]).read_bytes() == model.read_bytes()
    (removed,) = said("models", "remove", "me/tiny")["models"]
    assert removed == {"name": "me/tiny", "freed_bytes": model.stat().st_size}


def test_a_model_that_cannot_be_pulled_does_not_stop_the_others(tiny_hub: LoopbackHub) -> None:
    done = ugatit("models", "pull", "me/absent", "me/tiny", "--json")
    assert done.exit_code == 3
    absent, tiny = json.loads(done.stdout)["files"]
    assert (absent["path"], absent["error"]["exit_code"]) == (None, 7)
    assert Path(tiny["path"]).is_file() and "error" not in tiny
    assert "failed: " in done.stderr and "error: 1 of 2 models failed" in done.stderr
    alone = ugatit("models", "pull", "me/absent", "--json")
    assert alone.exit_code == 7 and json.loads(alone.stdout)["files"][0]["error"] == absent["error"]


def test_a_full_disk_ends_the_pulling(tiny_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    done = ugatit("models", "pull", "me/tiny", "portrait2toon")
    assert (done.exit_code, done.stdout) == (8, "")


# ---- import


def test_what_is_imported_as_json(model: Path, tmp_path: Path) -> None:
    facts = said("models", "import", model, "-o", tmp_path / "kept")
    assert (facts["name"], facts["folder"]) == (None, str(tmp_path / "kept"))
    assert (facts["format"], facts["sha256"]) == ("safetensors", weights.load(model).sha256)
    assert (facts["files"], facts["license"]) == (["README.md", "weights.safetensors"], "MIT")


def test_an_imported_model_has_a_name(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "--name", "tiny", "--domain-a", "faces", "--source", "a | test")
    assert done.exit_code == 0, done.stderr
    facts = held("tiny")
    assert (facts["place"], facts["domain_a"], facts["license"]) == ("imported", "faces", "MIT")
    assert ugatit("translate", PHOTOGRAPH, "-m", "tiny", "-o", tmp_path / "a.png").exit_code == 0
    card = (own_models_folder() / "tiny" / "README.md").read_text()
    assert "license: mit" in card and "a \\| test" in card and "--model tiny" in card
    assert ugatit("models", "remove", "tiny").exit_code == 0
    assert not (own_models_folder() / "tiny").exists()


def test_an_imported_model_in_a_folder_says_where_it_is_from(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", tmp_path / "kept", "--half")
    assert done.stdout == f"{tmp_path / 'kept'}\n"
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["README.md", "weights.safetensors"]
    loaded = weights.load(tmp_path / "kept" / "weights.safetensors")
    assert loaded.metadata["source_sha256"] == weights.load(model).sha256
    assert (tmp_path / "kept" / "weights.safetensors").stat().st_size < model.stat().st_size


def test_an_imported_model_meets_pictures_and_faces_as_the_one_that_it_was(model: Path) -> None:
    assert ugatit("models", "import", model, "--name", "tiny").exit_code == 0
    row = own_models_folder() / "tiny" / "model.toml"
    faces = "face = [0.5, 0.47, 0.18]\nface_only = true\n"
    row.write_text(row.read_text().replace('framing = "keep"\n', f'framing = "stretch"\n{faces}'))
    done = ugatit("models", "import", "tiny", "--name", "again")
    assert done.exit_code == 0, done.stderr
    entry = read_own()["again"]
    assert isinstance(entry, RegistryEntry)
    assert (entry.framing, entry.face, entry.face_only) == ("stretch", (0.5, 0.47, 0.18), True)


def test_the_direction_of_an_imported_model_is_the_one_that_it_was(tmp_path: Path) -> None:
    config = GeneratorConfig("light", 4, 1, 32)
    both = {direction: Generator(config).state_dict() for direction in ("a2b", "b2a")}
    weights.save(tmp_path / "both.safetensors", config, both, metadata={})  # type: ignore[arg-type]
    assert ugatit("models", "import", tmp_path / "both.safetensors", "--name", "both").exit_code == 0
    row = own_models_folder() / "both" / "model.toml"
    row.write_text(row.read_text().replace('"a2b"', '"b2a"'))
    assert ugatit("models", "import", "both", "--name", "again").exit_code == 0
    assert [entry.direction for entry in read_own().values() if isinstance(entry, RegistryEntry)] == ["b2a", "b2a"]


def test_the_folder_of_a_model_keeps_what_is_behind_the_dot_of_its_name(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/v1.3").mkdir(parents=True)
    shutil.copy(model, "runs/v1.3/weights.safetensors")
    assert ugatit("models", "import", "runs/v1.3").stdout == "v1.3\n"


def test_a_grid_is_taken_out_of_weights_and_not_out_of_a_graph(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", tmp_path / "even", "--no-grid")
    assert done.exit_code == 0, done.stderr
    loaded = weights.load(tmp_path / "even" / "weights.safetensors")
    kernel = loaded.generator()[1]["head.weight"]
    signs = torch.tensor([1.0, -1, 1, -1, 1, -1, 1])
    assert float((kernel @ signs).abs().max()) < 1e-5 and "stripes" in loaded.metadata["changed"]
    graph = tmp_path / "a.onnx"
    assert ugatit("export-onnx", "-m", model, "-o", graph).exit_code == 0
    for option in ("--no-grid", "--half", "--smoothing", "--size 48"):
        refused = ugatit("models", "import", graph, "-o", tmp_path / "graph", *option.split())
        assert (
            refused.exit_code == 2
            and option.split()[0] in refused.stderr
            and "hint: import the weights" in refused.stderr
        )
        assert not (tmp_path / "graph").exists()


def test_the_size_that_a_model_works_at(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", tmp_path / "larger", "--size", "48")
    assert done.exit_code == 0, done.stderr
    before, after = weights.load(model), weights.load(tmp_path / "larger" / "weights.safetensors")
    assert before.config.image_size != 48 and after.config == replace(before.config, image_size=48)
    assert "48" in (tmp_path / "larger" / "README.md").read_text("utf-8")
    assert all(torch.equal(after.generator()[1][name], tensor) for name, tensor in before.generator()[1].items())

    full = GeneratorConfig("full", 4, blocks=1, image_size=32)
    weights.save(tmp_path / "full.safetensors", full, {"a2b": Generator(full).state_dict()}, metadata={})
    refused = ugatit("models", "import", tmp_path / "full.safetensors", "-o", tmp_path / "none", "--size", "48")
    assert (refused.exit_code, (tmp_path / "none").exists()) == (2, False)
    assert "works at 32 pixels only" in refused.stderr and "hint: leave --size out" in refused.stderr


def test_a_number_that_is_too_large_for_half_precision(model: Path, tmp_path: Path) -> None:
    loaded = weights.load(model)
    tensors = dict(loaded.generator()[1])
    tensors["head.weight"] = torch.full_like(tensors["head.weight"], 70_000)
    weights.save(tmp_path / "large.safetensors", loaded.config, {"a2b": tensors}, metadata={})
    done = ugatit("models", "import", tmp_path / "large.safetensors", "-o", tmp_path / "kept", "--half")
    assert (done.exit_code, "ugatit-part" in done.stderr) == (5, False)
    assert "large.safetensors: head.weight holds a number beyond 65,504" in done.stderr
    assert "hint: leave --half out" in done.stderr


def test_the_commands_of_a_card_can_be_pasted(model: Path, tmp_path: Path) -> None:
    assert ugatit("models", "import", model, "-o", tmp_path / "my anime").exit_code == 0
    (line,) = re.findall(r"^ugatit translate .*", (tmp_path / "my anime" / "README.md").read_text(), re.MULTILINE)
    assert shlex.split(line)[-2:] == ["--model", "./my anime"]


def test_what_is_half_already_does_not_grow(tmp_path: Path) -> None:
    bundled = REPOSITORY / "models" / "portrait2toon" / "weights.safetensors"
    assert ugatit("models", "import", bundled, "-o", tmp_path / "kept").exit_code == 0
    assert (tmp_path / "kept" / "weights.safetensors").stat().st_size < bundled.stat().st_size + 10_000


def test_a_graph_says_what_it_is(model: Path, tmp_path: Path) -> None:
    named = ["--domain-a", "faces", "--domain-b", "drawings", "--source", "a test"]
    assert ugatit("models", "import", model, "-o", tmp_path / "kept", *named).exit_code == 0
    assert ugatit("export-onnx", "-m", tmp_path / "kept", "-o", tmp_path / "a.onnx").exit_code == 0
    assert ugatit("models", "import", tmp_path / "a.onnx", "--name", "drawn", "--source", "another").exit_code == 0
    facts = held("drawn")
    assert (facts["license"], facts["domain_a"], facts["domain_b"]) == ("MIT", "faces", "drawings")
    assert facts["source"] == "another"


def test_a_graph_stays_a_graph(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    assert ugatit("export-onnx", "-m", model, "-o", graph).exit_code == 0
    assert ugatit("models", "import", graph, "--name", "drawn").exit_code == 0
    assert (own_models_folder() / "drawn" / "model.onnx").read_bytes() == graph.read_bytes()
    assert ugatit("translate", PHOTOGRAPH, "-m", "drawn", "-o", tmp_path / "a.png").exit_code == 0
    assert said("models", "info", graph)["direction"] == "a2b"


def in_two_files(model: Path, folder: Path) -> Path:
    """A graph whose weights lie in another file, and `a.onnx`, which is the same in one."""
    exported, graph = folder / "a.onnx", folder / "theirs" / "b.onnx"
    assert ugatit("export-onnx", "-m", model, "-o", exported).exit_code == 0
    graph.parent.mkdir()
    onnx.save(onnx.load(exported), graph, save_as_external_data=True, location="w.bin", size_threshold=0)
    return graph


def test_a_graph_with_its_weights_in_other_files(model: Path, tmp_path: Path) -> None:
    graph, exported = in_two_files(model, tmp_path), tmp_path / "a.onnx"
    done = ugatit("models", "import", graph, "--name", "two")
    assert done.exit_code == 0, done.stderr
    for word, name in ((exported, "a.png"), ("two", "b.png")):
        assert ugatit("translate", PHOTOGRAPH, "-m", word, "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert [Path(file["path"]).name for file in held("two")["files"]] == ["model.onnx", "model.onnx.data"]
    (own_models_folder() / "two" / "model.onnx.data").write_bytes(b"changed")
    assert ugatit("models", "verify", "two").exit_code == 6
    assert ugatit("translate", PHOTOGRAPH, "-m", "two", "-o", tmp_path / "c.png").exit_code == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--name", "portrait2toon"], "is a model of the program's"),
        (["--name", "../x"], "must be letters"),
        (["--name", ".x"], "must be letters"),
        (["--name", "x", "-o", "y"], "exclude each other"),
        (["-o", "."], "exists"),
    ],
)
def test_a_wrong_place(words: list[str], message: str, model: Path) -> None:
    done = ugatit("models", "import", model, *words)
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="there, names of files are texts")
def test_a_folder_whose_name_is_no_text(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    assert done.exit_code == 0, done.stderr
    (folder,) = tmp_path.iterdir()
    assert weights.load(folder / "weights.safetensors").metadata["model"] == "caf\ufffd"
    assert "# caf\ufffd" in (folder / "README.md").read_text("utf-8")


@pytest.mark.parametrize("option", ["--license", "--source", "--domain-a", "--domain-b"])
def test_what_is_said_of_a_model_must_be_text(option: str, model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", tmp_path / "kept", option, os.fsdecode(b"\xff"))
    assert (done.exit_code, f"{option} is not UTF-8" in done.stderr) == (2, True), done.stderr


def test_what_a_file_says_of_itself_must_be_text(model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(b'"MIT"', b'"\\udcff"').rstrip()
    path = tmp_path / "half.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    for words in (["models", "import"], ["export-onnx", "-m"]):
        done = ugatit(*words, path, "-o", tmp_path / "made")
        assert (done.exit_code, "not made of texts" in done.stderr) == (5, True), done.stderr


def test_a_name_that_is_too_long(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", tmp_path / ("x" * 300))
    assert (done.exit_code, "file name too long" in done.stderr) == (10, True), done.stderr
    assert os.listdir(tmp_path) == []


@needs_permissions
def test_a_model_that_may_not_be_read(model: Path, tmp_path: Path) -> None:
    secret, closed = tmp_path / "secret.safetensors", tmp_path / "closed"
    secret.write_bytes(model.read_bytes())
    secret.chmod(0)
    closed.mkdir(0)
    for path, message in ((secret, "it cannot be read: permission denied"), (closed, "it is a folder")):
        done = forbidden("translate", PHOTOGRAPH, "-m", path, "-o", tmp_path / "a.png")
        assert (done.returncode, message in done.stderr) == (5, True), done.stderr
    closed.chmod(0o755)


def test_a_name_is_not_given_twice(model: Path) -> None:
    assert ugatit("models", "import", model, "--name", "x").exit_code == 0
    again = ugatit("models", "import", model, "--name", "x")
    assert (again.exit_code, "ugatit models remove x" in again.stderr) == (2, True)


def test_a_wrong_file_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"<html>")
    done = ugatit("models", "import", tmp_path / "bad.pt", "-o", tmp_path / "kept")
    assert done.exit_code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]


def test_whoever_is_killed_leaves_no_model(model: Path) -> None:
    code = """
import sys, os
from ugatit_cli import cli
from ugatit_cli.model_folder import keeping
keeping.os.rename = lambda *_: os._exit(9)
sys.argv = ["ugatit", "models", "import", sys.argv[1], "--name", "cut"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    (left,) = own_models_folder().iterdir()  # what it was making, hidden
    os.utime(left, (0, 0))
    assert "cut" not in ugatit("models", "list").stdout
    assert ugatit("models", "import", model, "--name", "cut").exit_code == 0
    assert os.listdir(own_models_folder()) == ["cut"]


# ---- push


def test_a_dry_run_says_what_would_go_up(tiny_hub: LoopbackHub, model: Path) -> None:
    done = ugatit("models", "push", model, "me/new", "--dry-run")
    assert done.exit_code == 0, done.stderr
    names = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert names[:4] == ["README.md", "model.onnx", "samples.jpg", "weights.safetensors"]
    assert (tiny_hub.requests, tiny_hub.uploads) == ([], {})


def test_what_would_go_up_as_json(tiny_hub: LoopbackHub, model: Path) -> None:
    facts = said("models", "push", model, "me/new", "--dry-run")
    assert (facts["repo"], facts["url"]) == ("me/new", None)
    assert [file["name"] for file in facts["files"]] == [
        "README.md",
        "model.onnx",
        "samples.jpg",
        "weights.safetensors",
    ]
    assert all(file["bytes"] > 0 for file in facts["files"])


def test_what_is_published_works(tiny_hub: LoopbackHub, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    done = ugatit("models", "push", model, "me/new", "--license", "CC-BY-4.0")
    assert done.exit_code == 0, done.stderr
    assert sorted(tiny_hub.uploads) == ["README.md", "model.onnx", "samples.jpg", "weights.safetensors"]
    assert b"license: cc-by-4.0" in tiny_hub.uploads["README.md"]
    tiny_hub.repos["me/new"] = dict(tiny_hub.uploads)
    assert ugatit("models", "pull", "me/new").exit_code == 0
    assert "hf_secret" not in done.stderr + done.stdout


def test_nothing_is_overwritten_unasked(tiny_hub: LoopbackHub, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    done = ugatit("models", "push", model, "me/tiny")
    assert (done.exit_code, "holds 2 files already" in done.stderr, tiny_hub.uploads) == (2, True, {})
    assert ugatit("models", "push", model, "me/tiny", "--overwrite").exit_code == 0


def test_nobody_is_logged_in(tiny_hub: LoopbackHub, model: Path) -> None:
    done = ugatit("models", "push", model, "me/new")
    assert (done.exit_code, "nobody is logged in" in done.stderr) == (2, True)


@pytest.mark.parametrize("repo", ["new", "me/new:file", "me/new@main2", "../x"])
def test_a_wrong_repository(repo: str, model: Path) -> None:
    assert ugatit("models", "push", model, repo).exit_code == 2


def test_what_the_reader_has_to_say_is_said_before_it_goes_up(tiny_hub: LoopbackHub, tmp_path: Path) -> None:
    config = GeneratorConfig("light", 2, 1, affine=True, unbiased=False, truncated=True)
    write(tmp_path / "downloads", random_variables(config))
    done = ugatit("models", "push", tmp_path / "downloads", "me/new", "--dry-run")
    assert (done.exit_code, "--smoothing" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize(("word", "smoothing"), [("--smoothing", True), ("--no-smoothing", False)])
def test_how_a_checkpoint_was_trained_can_be_said(word: str, smoothing: bool, tmp_path: Path) -> None:
    config = GeneratorConfig("light", 2, 1, affine=True, unbiased=False, truncated=True)
    write(tmp_path / "downloads", random_variables(config))
    done = ugatit("models", "import", tmp_path / "downloads", "-o", tmp_path / "ours", word)
    assert done.exit_code == 0 and "--smoothing" not in done.stderr
    kept, expected = (
        weights.load(tmp_path / "ours" / "weights.safetensors"),
        weights.load(tmp_path / "downloads", smoothing=smoothing),
    )
    for direction in kept.generators:
        for name, tensor in expected.generators[direction].items():
            assert torch.equal(kept.generators[direction][name], tensor)


def test_other_formats_know_no_smoothing(model: Path, tmp_path: Path) -> None:
    done = ugatit("models", "import", model, "-o", tmp_path / "ours", "--smoothing")
    assert done.exit_code == 2 and "is told of TensorFlow checkpoints, and it is none" in done.stderr


@pytest.mark.parametrize(
    ("line", "key"),
    [
        *(("face = 0.5", "face"), ('face = ["a", "b", "c"]', "face"), ("domain_a = 5", "domain_a")),
        *(('bytes = "many"', "bytes"), ('license = ["x"]', "license"), ("image_size = true", "image_size")),
    ],
)
def test_a_row_with_a_value_of_another_kind_is_no_matter_of_other_models(line: str, key: str, model: Path) -> None:
    assert ugatit("models", "import", model, "--name", "mine").exit_code == 0
    row = own_models_folder() / "mine" / OWN_ROW
    kept = [old for old in row.read_text().splitlines() if not old.startswith(f"{key} =")]
    row.write_text("\n".join([*kept, line, ""]))
    listed = ugatit("models", "list")
    assert (listed.exit_code, "imported, damaged" in listed.stdout) == (0, True), listed.stderr
    told = ugatit("models", "info", "mine", "--json")
    assert told.exit_code == 5
    assert f"the wrong kind of value for {key}" in json.loads(told.stdout)["error"]["message"]
    assert ugatit("models", "remove", "mine").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [["info", "nope"], ["verify", "nope"], ["remove", "nope"], ["import", "nope.pt"], ["push", "nope", "me/it"]],
)
def test_an_error_is_json_where_json_is_asked_for(words: list[str]) -> None:
    done = ugatit("models", *words, "--json")
    said = json.loads(done.stdout)
    assert (said["command"], said["exit_code"]) == (f"models {words[0]}", done.exit_code)
    assert done.exit_code != 0 and said["error"]["name"] and said["error"]["message"] in done.stderr


def test_a_file_that_is_no_model_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_text("junk")
    assert ugatit("models", "import", tmp_path / "bad.pt", "-o", tmp_path / "new" / "deep" / "x").exit_code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]
