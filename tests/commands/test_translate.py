"""`ugatit translate` with a real, tiny network: what a user sees and what a script can rely on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import Film
from PIL import Image
from typer.testing import CliRunner, Result

from ugatit_cli.cli import app
from ugatit_cli.commands.translate import model_label
from ugatit_cli.pipeline.claim import claim

Translate = Callable[..., Result]


@pytest.fixture
def translate(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Translate:
    """Run the command with the tiny model, in this process and in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path, code: int = 0, input: bytes | None = None) -> Result:
        command = ["translate", *map(str, words), *([] if "-m" in words else ["-m", str(model)])]
        result = CliRunner().invoke(app, command, prog_name="ugatit", input=input)
        assert result.exit_code == code, result.output
        return result

    return run


def photo(path: str | Path, size: tuple[int, int] = (40, 32), seed: int = 0) -> Path:
    """A file of the kind that its name says."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path)
    return Path(path)


def files(folder: str | Path = ".") -> list[str]:
    """What can be seen in a folder."""
    paths = sorted(Path(folder).rglob("*"))
    return [path.relative_to(folder).as_posix() for path in paths if path.is_file() and not path.name.startswith(".")]


def size(path: str | Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def errors(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


# ------------------------------------------------------------------------------------------ inputs and outputs


def test_one_picture_beside_itself(translate: Translate) -> None:
    photo("me.jpg", (50, 40))
    assert translate("me.jpg").stdout == "me.tiny.jpg\n"
    assert files() == ["me.jpg", "me.tiny.jpg"]
    assert size("me.tiny.jpg") == (50, 40)


def test_one_picture_under_a_name(translate: Translate) -> None:
    photo("me.jpg")
    assert translate("me.jpg", "-o", "new/drawing.png", "--heatmap", "--compare").stdout.splitlines() == [
        "new/drawing.png",
        "new/drawing.compare.png",
        "new/drawing.heatmap.png",
    ]
    assert [size(f"new/{name}") for name in files("new")] == [(80, 32), (40, 32), (40, 32)]


def test_a_folder_gets_a_twin(translate: Translate) -> None:
    for name in ("photos/a.jpg", "photos/b.png", "photos/sub/a.jpg"):
        photo(name)
    translate("photos")
    assert files("photos-tiny") == ["a.jpg", "b.png"]
    translate("photos", "-r")
    assert files("photos-tiny") == ["a.jpg", "b.png", "sub/a.jpg"]


def test_through_a_pipe(translate: Translate) -> None:
    result = translate("-", input=photo("me.jpg", (50, 40)).read_bytes())
    assert result.stdout_bytes.startswith(b"\x89PNG")
    result = translate("-", "-o", "-", "--format", "webp", input=Path("me.jpg").read_bytes())
    assert result.stdout_bytes[8:12] == b"WEBP"
    translate("-", "-o", "drawing.bmp", input=Path("me.jpg").read_bytes())
    assert size("drawing.bmp") == (50, 40)


def test_directions_and_models_differ(translate: Translate, other_model: Path) -> None:
    photo("me.png")
    translate("me.png", "-o", "1.png")
    translate("me.png", "-o", "2.png", "--direction", "a2b")
    translate("me.png", "-o", "3.png", "--direction", "b2a")
    translate("me.png", "-o", "4.png", "-m", other_model)
    contents = [Path(f"{number}.png").read_bytes() for number in (1, 2, 3, 4)]
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


def test_sizes(translate: Translate) -> None:
    photo("me.png", (100, 50))
    translate("me.png", "-o", "1.png", "--output-size", "model")
    translate("me.png", "-o", "2.png", "--size", "64", "--fit", "stretch", "--output-size", "model")
    translate("me.png", "-o", "3.png", "--fit", "crop")
    assert [size(f"{number}.png") for number in (1, 2, 3)] == [(64, 32), (64, 64), (50, 50)]


def test_a_batch_gives_what_single_pictures_give(translate: Translate) -> None:
    for number in range(5):
        photo(f"photos/{number}.png", (48, 32), seed=number)
    translate("photos", "-o", "one", "--batch-size", "1")
    translate("photos", "-o", "many", "--batch-size", "4")
    for name in files("one"):
        one, many = (np.asarray(Image.open(Path(folder, name))).astype(int) for folder in ("one", "many"))
        assert abs(one - many).max() <= 1


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("portrait2toon", "portrait2toon"),
        ("registry:portrait2toon", "portrait2toon"),
        ("here/tiny.pt", "tiny"),
        ("here/weights.safetensors", "here"),
        ("here/odd name\n.pt", "odd_name_"),
    ],
)
def test_labels(model: str, label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if "/" in model:
        Path("here").mkdir()
        Path(model).touch()
    assert model_label(model) == label


@pytest.mark.parametrize("word", ["runs/v1.2", "runs/v1.2/", ".", "sub/.."])
def test_the_label_of_a_folder(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs" / "v1.2" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path if word.startswith("runs") else tmp_path / "runs" / "v1.2")
    assert model_label(word) == "v1.2"


def test_folders_that_differ_behind_a_dot_are_two_models(translate: Translate, model: Path, other_model: Path) -> None:
    photo("photos/a.png")
    for folder, source in (("runs/v1.2", model), ("runs/v1.5", other_model)):
        Path(folder).mkdir(parents=True)
        shutil.copy(source, Path(folder, "weights.safetensors"))
        assert translate("photos", "-m", folder).stdout == f"photos-{Path(folder).name}/a.png\n"


# ------------------------------------------------------------------------------------------------- running again


def test_the_same_command_again_goes_on(translate: Translate) -> None:
    for name in ("a.png", "b.png", "c.png"):
        photo(f"photos/{name}")
    assert len(translate("photos", "-o", "out").stdout.splitlines()) == 3
    assert translate("photos", "-o", "out").stdout == ""
    Path("out/a.png").unlink()
    Path("out/b.png").write_bytes(b"damaged")
    photo("photos/d.png")
    assert translate("photos", "-o", "out").stdout.splitlines() == ["out/a.png", "out/b.png", "out/d.png"]


def test_other_settings_make_all_again(translate: Translate, other_model: Path) -> None:
    photo("photos/a.png")
    for more in ([], ["--size", "64"], ["-m", other_model]):
        assert translate("photos", "-o", "out", *more).stdout == "out/a.png\n"
        assert translate("photos", "-o", "out", *more).stdout == ""


def test_results_of_other_photographs_are_not_overwritten(translate: Translate) -> None:
    photo("cats/1.png")
    photo("dogs/1.png", (44, 36), seed=1)
    translate("cats", "-o", "pets")
    assert errors(translate("dogs", "-o", "pets", code=2)) == ["error: pets/1.png would be overwritten"]
    assert size("pets/1.png") == (40, 32)
    translate("dogs", "-o", "pets", "--overwrite")
    assert errors(translate("cats", "-o", "pets", code=2)) == ["error: pets/1.png would be overwritten"]


def test_a_film_of_the_same_name_is_not_overwritten(translate: Translate) -> None:
    for frames, folder in ((1, "one"), (2, "two")):
        Path(folder).mkdir()
        Film(frames=frames).make(Path(folder, "clip.mp4"))
    translate("one/clip.mp4", "-o", "out")
    assert translate("one/clip.mp4", "-o", "out").stdout == ""
    assert errors(translate("two/clip.mp4", "-o", "out", code=2)) == ["error: out/clip.mp4 would be overwritten"]


def test_nothing_else_is_overwritten(translate: Translate) -> None:
    photo("photos/a.png")
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"mine")
    result = translate("photos", "-o", "out", code=2)
    assert errors(result) == ["error: out/a.png would be overwritten"]
    assert translate("photos", "-o", "out", "--skip-existing").stdout == ""
    assert Path("out/a.png").read_bytes() == b"mine"
    assert os.listdir("out") == ["a.png"]
    assert translate("photos", "-o", "out", "--overwrite").stdout == "out/a.png\n"
    assert size("out/a.png") == (40, 32)


def test_a_result_beside_its_source_is_not_overwritten(translate: Translate) -> None:
    photo("me.png")
    translate("me.png")
    assert errors(translate("me.png", code=2)) == ["error: me.tiny.png would be overwritten"]
    assert translate("me.png", "--overwrite").stdout == "me.tiny.png\n"


def test_another_run_in_the_folder_keeps_this_one_out(translate: Translate) -> None:
    photo("photos/a.png")
    with claim(Path("out")):
        result = translate("photos", "-o", "out", code=10)
    assert "another run" in errors(result)[0]


def test_a_dry_run_changes_nothing(translate: Translate) -> None:
    for name in ("a.png", "sub/b.gif"):
        photo(f"photos/{name}")
    before = files()
    result = translate("photos", "-r", "-o", "out", "--heatmap", "--dry-run")
    assert result.stdout.splitlines() == ["out/a.png", "out/a.heatmap.png", "out/sub/b.png", "out/sub/b.heatmap.png"]
    assert (files(), Path("out").exists()) == (before, False)
    translate("photos", "-r", "-o", "out")
    assert translate("photos", "-r", "-o", "out", "--dry-run").stdout == ""


# ----------------------------------------------------------------------------------------------- when things go wrong


def test_the_model_is_not_even_opened_for_what_cannot_work(translate: Translate) -> None:
    photo("me.png")
    Path("file").touch()
    Path("garbage.pt").write_bytes(b"garbage")
    garbage = ["-m", "garbage.pt"]
    assert "does not exist" in errors(translate("me.png", "missing.png", *garbage, code=2))[0]
    assert "is a file" in errors(translate("me.png", "-o", "file/x.png", *garbage, code=2))[0]
    Path("empty").mkdir()
    assert "no images" in errors(translate("empty", *garbage, code=4))[0]
    translate("me.png", *garbage, code=5)
    assert files() == ["file", "garbage.pt", "me.png"]


def test_a_broken_model_leaves_no_folder(translate: Translate) -> None:
    photo("photos/a.png")
    Path("garbage.pt").write_bytes(b"garbage")
    translate("photos", "-o", "new/out", "-m", "garbage.pt", code=5)
    assert not Path("new").exists()


def test_a_size_that_the_model_cannot_do(translate: Translate, other_model: Path) -> None:
    photo("me.png")
    result = translate("me.png", "-m", other_model, "--size", "64", code=2)
    assert errors(result) == ["error: this model works at 32 pixels only"]


def test_a_device_that_is_not_there(translate: Translate) -> None:
    import torch

    photo("me.png")
    missing = "mps" if torch.cuda.is_available() else "cuda"
    translate("me.png", "--device", missing, code=9)
    assert files() == ["me.png"]


def test_failures_are_listed_and_the_rest_is_done(translate: Translate) -> None:
    for name in ("a.png", "d.png"):
        photo(f"photos/{name}")
    Path("photos/b.png").write_bytes(b"")
    Path("photos/c.png").symlink_to("nowhere")
    result = translate("photos", "-o", "out", code=3)
    lines = result.stderr.splitlines()
    assert [line for line in lines if line.startswith("failed: ")] == [
        "failed: cannot read photos/b.png: it is empty (0 bytes)",
        "failed: cannot read photos/c.png: it is a broken link: what it points to does not exist",
    ]
    assert errors(result) == ["error: 2 of 4 pictures failed"]
    assert result.stdout.splitlines() == ["out/a.png", "out/d.png"]


def test_a_film_goes_through_no_pipe(translate: Translate) -> None:
    Path("clip.mp4").touch()
    for more in ([], ["--dry-run"]):
        result = translate("clip.mp4", "-o", "-", *more, code=2)
        assert result.stderr.splitlines() == ["error: a film goes through no pipe", "hint: name a file with -o"]


def test_a_folder_with_the_name_of_a_film_is_a_folder(translate: Translate) -> None:
    photo("a.png")
    Path("empty.mp4").mkdir()
    result = translate("a.png", "empty.mp4", "-o", "out", code=3)
    assert "failed: there are no images in empty.mp4" in result.stderr.splitlines()
    assert files("out") == ["a.png"]


def test_one_bad_picture_is_one_error_with_a_hint(translate: Translate) -> None:
    Path("a.png").write_bytes(b"")
    result = translate("a.png", code=4)
    assert result.stderr.splitlines() == [
        "error: cannot read a.png: it is empty (0 bytes)",
        "hint: copy or download it again",
    ]


def test_the_same_trouble_with_all_is_the_programs(translate: Translate) -> None:
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(b"")
    assert errors(translate("a.png", "b.png", code=4)) == ["error: 2 of 2 pictures failed"]


def test_notes_about_a_picture_are_warnings(translate: Translate) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    assert translate("a.gif").stderr.splitlines()[0] == "warning: a.gif: it is animated: only the first frame is used"
    assert translate("a.gif", "--overwrite", "-q").stderr == ""


def test_verbose_says_what_was_chosen(translate: Translate) -> None:
    photo("me.png")
    shown = translate("me.png", "-v").stderr
    assert re.search(r"^device: cpu, by \w+ \(.+\): \w.+$", shown, re.MULTILINE)
    assert "sha256" in shown


# ------------------------------------------------------------------------------------------------------------- JSON


def test_json_tells_everything(translate: Translate, model: Path) -> None:
    for name in ("a.png", "b.png", "c.gif"):
        photo(f"photos/{name}")
    translate("photos/a.png", "-o", "out")
    Path("photos/b.png").write_bytes(b"")
    report: dict[str, Any] = json.loads(translate("photos", "-o", "out", "--json", "--compare", code=3).stdout)
    assert report["model"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert (report["model"]["direction"], report["device"], report["exit_code"]) == ("a2b", "cpu", 3)
    assert {name: report["summary"][name] for name in ("written", "skipped", "failed")} == {
        "written": 2,
        "skipped": 0,
        "failed": 1,
    }
    first, second, third = report["items"]
    assert first["status"] == "written"
    assert first["files"] == {"compare": "out/a.compare.png", "result": "out/a.png"}
    assert first["seconds"] > 0
    assert (second["input"], second["error"]["name"], second["error"]["exit_code"]) == (
        "photos/b.png",
        "image-empty",
        4,
    )
    assert third["files"]["result"] == "out/c.png"
    assert report["error"]["name"] == "some-failed"


def test_json_of_runs_that_did_not_begin(translate: Translate) -> None:
    photo("a.png")
    refused = json.loads(translate("missing.png", "--json", code=2).stdout)
    assert (refused["items"], refused["error"]["name"], refused["exit_code"]) == ([], "input-missing", 2)
    planned = json.loads(translate("a.png", "--json", "--dry-run").stdout)
    assert planned["items"] == [{"input": "a.png", "status": "planned", "files": {"result": "a.tiny.png"}}]
    assert translate("a.png", "-o", "-", "--json", code=2).stdout.startswith('{"ugatit"')


def test_json_keeps_names_that_are_no_text(translate: Translate) -> None:
    name = os.fsdecode(b"bad_\xff.png")
    shutil.copy(photo("a.png"), name)
    (item,) = json.loads(translate(name, "-o", "out", "--json").stdout)["items"]
    assert (item["input"], Path(item["files"]["result"]).exists()) == (name, True)


# ---------------------------------------------------------------------------------------- bad folders and names


@pytest.fixture(scope="session")
def hostile(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The shared collection's folders and names, and what each must get."""
    generator = shared / "hostile" / "make_hostile.py"
    if not generator.is_file():
        pytest.skip("the generator of bad inputs is not in the shared folder")
    folder = tmp_path_factory.mktemp("hostile")
    specification = importlib.util.spec_from_file_location("make_hostile", generator)
    assert specification is not None and specification.loader is not None
    maker = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(maker)
    maker.main([str(folder), "--group", "folders,names"])
    return folder, json.loads((folder / "manifest.json").read_text())["cases"]


def fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(os.fsencode(path) + str(path.lstat().st_mode).encode())
        if path.is_file() and not path.is_symlink():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def shortcomings(folder: Path, case: dict[str, Any], translate: Translate, out: Path, model: Path) -> list[str]:
    path, wanted, bad = folder / case["path"], case["expect"], []
    before = fingerprint(path)
    words = [word.format(path=path, out=out, model=model) for word in case["cmd"].split()]
    target = Path(words[words.index("-o") + 1])
    result = CliRunner().invoke(app, words, prog_name="ugatit")
    code = result.exit_code
    if code not in (wanted["exit"] if isinstance(wanted["exit"], list) else [wanted["exit"]]):
        bad.append(f"exit {code}")
    if wanted["message"] and not re.search(wanted["message"], result.stderr, re.IGNORECASE):
        bad.append(f"message {result.stderr!r}")
    made = 0 if target == path else len(files(target))
    outputs = wanted["outputs"].get(str(code)) if isinstance(wanted["outputs"], dict) else wanted["outputs"]
    if outputs is not None and made != outputs:
        bad.append(f"{made} outputs")
    if re.search(r"\x1b|\x07", result.output):
        bad.append("raw escape character printed")
    if not target.is_relative_to(path) and fingerprint(path) != before:
        bad.append("the input changed")
    return bad


def test_hostile_folders_and_names(
    hostile: tuple[Path, list[dict[str, Any]]], translate: Translate, model: Path, tmp_path: Path
) -> None:
    folder, cases = hostile
    cases = [case for case in cases if not ("not-root" in case["needs"] and os.geteuid() == 0)]
    found = {case["id"]: shortcomings(folder, case, translate, tmp_path / case["id"], model) for case in cases}
    assert len(found) >= 19
    assert {name: bad for name, bad in found.items() if bad} == {}


def test_results_that_a_pattern_matches_are_not_translated_again(translate: Translate) -> None:
    for name in ("a.jpg", "sub/b.jpg"):
        photo(name)
    assert len(translate("**/*.jpg", "-o", "out").stdout.splitlines()) == 2
    assert translate("**/*.jpg", "-o", "out").stdout == ""
    assert files("out") == ["a.jpg", "sub/b.jpg"]


def test_results_inside_the_folder_are_not_translated_again(translate: Translate) -> None:
    photo("photos/a.png")
    for _ in range(2):
        translate("photos", "-r", "-o", "photos/out")
    translate("photos", "-r", "-o", "photos/out", "--overwrite")
    assert files("photos") == ["a.png", "out/a.png"]


# ------------------------------------------------------------------------------------------------- real processes


def process(*words: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ugatit_cli", "translate", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_a_real_pipe(model: Path, tmp_path: Path) -> None:
    data = photo(tmp_path / "me.jpg").read_bytes()
    with process("-", "-m", model, stdin=subprocess.PIPE) as running:
        out, err = running.communicate(data, timeout=60)
    assert (running.returncode, out[:8]) == (0, b"\x89PNG\r\n\x1a\n"), err


def test_a_reader_that_goes_away_ends_the_run(model: Path, tmp_path: Path) -> None:
    for number in range(30):
        photo(tmp_path / "in" / f"{number}.png")
    with process(tmp_path / "in", "-m", model, "-o", tmp_path / "out", "-q") as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(60) == 141
        assert running.stderr.read() == b""
    assert 0 < len(files(tmp_path / "out")) < 30
    assert ".ugatit.lock" not in os.listdir(tmp_path / "out")


def test_ctrl_c_finishes_the_picture_and_the_next_run_goes_on(
    translate: Translate, model: Path, tmp_path: Path
) -> None:
    for number in range(20):
        photo(tmp_path / "in" / f"{number:02}.png", (400, 400))
    words = (tmp_path / "in", "-m", model, "-o", tmp_path / "out", "--size", "128")
    with process(*words) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b"finishing the pictures under way" in err
    assert b"error" not in err
    done = files(tmp_path / "out")
    assert 1 + len(out.splitlines()) == len(done) < 20
    assert len(translate(*words, "--dry-run").stdout.splitlines()) == 20 - len(done)


def seconds_to_end(model: Path, folder: Path) -> float:
    """After the first of two signals, while the network is at work for minutes."""
    with process(folder / "in", "-m", model, "-o", folder / "out", "--size", "4096", "-v") as running:
        assert running.stderr is not None
        while b"loaded in" not in running.stderr.readline():
            pass
        time.sleep(0.5)
        begun = time.monotonic()
        for _ in range(2):
            running.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert running.wait(30) == 130
        return time.monotonic() - begun


def test_two_signals_end_it_within_two_seconds(model: Path, tmp_path: Path) -> None:
    """In one of three tries: the machine may have other work just then."""
    for number in range(3):
        photo(tmp_path / "in" / f"{number}.png")
    assert any(seconds_to_end(model, tmp_path) < 2.2 for _ in range(3))
