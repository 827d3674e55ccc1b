from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ugatit_cli import hub
from ugatit_cli.errors import BadModelError, RefusedError, UsageError
from ugatit_cli.tensorflow_files import TABLE_MAGIC

CONTENT = b"weights"
ROW = f"""
file = "toon/weights.safetensors"
format = "safetensors"
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
bytes = {len(CONTENT)}
direction = "a2b"
domain_a = "photographs"
domain_b = "drawings"
variant = "light"
image_size = 256
framing = "keep"
license = "MIT"
source = "a test"
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with `toon` and `cartoon`; the working directory is another, empty one."""
    folder = tmp_path / "models"
    (folder / "toon").mkdir(parents=True)
    (folder / "toon" / "weights.safetensors").write_bytes(CONTENT)
    (folder / "registry.toml").write_text(f"[toon]{ROW}[cartoon]{ROW}", encoding="utf-8")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_a_name_stands_for_its_verified_file(models: Path) -> None:
    found = hub.resolve("toon", models=models)
    assert found.path == models / "toon" / "weights.safetensors"
    assert found.entry is not None
    assert (found.entry.name, found.entry.direction, found.entry.bytes) == ("toon", "a2b", 7)


@pytest.mark.parametrize("spelling", ["model.pt", "./model.pt", "plainword", "{absolute}"])
def test_a_path_stands_for_itself(spelling: str, models: Path) -> None:
    spelling = spelling.format(absolute=Path("model.pt").absolute())
    Path(spelling).write_bytes(b"x")
    assert hub.resolve(spelling, models=models) == hub.ResolvedModel(Path(spelling))


def test_a_folder_stands_for_the_weights_in_it(models: Path) -> None:
    run = Path("run")
    run.mkdir()
    assert hub.resolve("run", models=models).path == run  # opening it says what is missing
    (run / "weights.safetensors").touch()
    assert hub.resolve("run", models=models).path == run / "weights.safetensors"


@pytest.mark.parametrize("name", ["model", "model.index", "model.data-00000-of-00001"])
def test_a_checkpoint_is_meant_by_any_of_its_files_and_by_their_name(name: str, models: Path) -> None:
    Path("model.index").write_bytes(TABLE_MAGIC)
    Path("model.data-00000-of-00001").touch()
    assert hub.resolve(name, models=models).path == Path("model.index")


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_a_word_that_is_both_is_refused_with_both_spellings(kind: str, models: Path) -> None:
    here = Path("toon")
    if kind == "file":
        here.touch()
    elif kind == "folder":
        here.mkdir()
    else:
        here.symlink_to("nowhere")
    with pytest.raises(UsageError, match="both a model's name and a file or folder") as caught:
        hub.resolve("toon", models=models)
    assert "./toon" in caught.value.hint
    assert "registry:toon" in caught.value.hint
    assert hub.resolve("./toon", models=models) == hub.ResolvedModel(Path("./toon"))
    assert hub.resolve("registry:toon", models=models).path == models / "toon" / "weights.safetensors"


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("tooon", "no model named tooon", "did you mean toon"),
        ("registry:tooon", "no model named registry:tooon", "did you mean toon"),
        ("xyz", "no model named xyz", "known models: cartoon, toon"),
        ("", "no model named", "known models"),
        ("toon/", "the model toon/ does not exist", "path"),
        ("folder/toon", "the model folder/toon does not exist in that folder", "hub:folder/toon"),
        ("other/toon.pt", "the model other/toon.pt does not exist", "path"),
        ("a/b/toon", "the model a/b/toon does not exist", "path"),
        ("hub:toon", "hub:toon is no file on the Hub", "hub:owner/repository"),
        ("hub:me/toon:../toon.pt", "no file on the Hub", "hub:owner/repository"),
        ("hub:me/toon@/branch", "hub:me/toon@/branch is no file on the Hub", "hub:owner/repository"),
        ("toon.PT", "the model toon.PT does not exist", "path"),
        ("nul\0nul", "no model named", "known models"),
    ],
)
def test_what_is_neither_is_told_apart(word: str, message: str, hint: str, models: Path) -> None:
    Path("folder").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        hub.resolve(word, models=models)
    assert hint in caught.value.hint


def test_a_changed_file_is_refused_with_both_digests(models: Path) -> None:
    (models / "toon" / "weights.safetensors").write_bytes(b"weights!")
    with pytest.raises(RefusedError) as caught:
        hub.resolve("toon", models=models)
    for content in (CONTENT, b"weights!"):
        assert hashlib.sha256(content).hexdigest() in caught.value.message


def test_a_missing_bundled_file_is_a_damaged_installation(models: Path) -> None:
    (models / "toon" / "weights.safetensors").unlink()
    with pytest.raises(BadModelError, match="bundled model") as caught:
        hub.resolve("toon", models=models)
    assert "install" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("[a", "cannot read the list of models"),
        ("a = 1", "the row a"),
        (f"[a]{ROW}colour = 1", "colour"),
        ("[a]" + ROW.replace("license", "#"), "license"),
        ("[a]" + ROW.replace('sha256 = "', 'sha256 = "0'), "64 hexadecimal digits"),
        ("[a]" + ROW.replace("a2b", "sideways"), "direction"),
        (f"[a]{ROW}face = [0.5, 2.0, 0.1]", "three numbers"),
        (f"[a]{ROW}repo = 'me/a'\nrevision = 'main'", "40 hexadecimal digits"),
        ("[a]" + ROW.replace("toon/weights", "../weights"), "inside its folder"),
        ("[a]" + ROW.replace('sha256 = "', 'sha256 = "unverified" #'), "64 hexadecimal digits"),
    ],
)
def test_a_wrong_registry_is_named(row: str, message: str, models: Path) -> None:
    (models / "registry.toml").write_text(row, encoding="utf-8")
    with pytest.raises(BadModelError, match=message):
        hub.read_registry(models)


def test_a_missing_registry_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match=r"registry\.toml"):
        hub.read_registry(tmp_path)


def test_the_programs_own_registry_has_the_default_model() -> None:
    entry = hub.read_registry()[hub.DEFAULT_MODEL]
    assert (entry.format, entry.direction) == ("safetensors", "a2b")


def test_every_bundled_file_is_the_one_that_the_registry_means() -> None:
    folder = hub.models_folder()
    bundled = {name: entry for name, entry in hub.read_registry().items() if not entry.repo}
    for name, entry in bundled.items():
        if not (folder / entry.file).exists():
            pytest.skip(f"the weights of {name} are not in this checkout")
        assert hub.resolve(f"{hub.BY_NAME}{name}").path.stat().st_size == entry.bytes


def test_names_are_resolved_without_any_heavy_library() -> None:
    heavy = ["torch", "numpy", "cv2", "PIL", "av", "onnxruntime", "huggingface_hub"]
    code = f"import sys, ugatit_cli.hub as hub; hub.read_registry(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
