"""`ugatit translate --faces`, with a detector that finds what is drawn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from faces.detectors import draw_face, write_detector
from films import Film
from PIL import Image
from typer.testing import CliRunner, Result

from ugatit_cli import weights
from ugatit_cli.cli import app
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.hub import OWN_ROW, own_models_folder
from ugatit_cli.network import Generator


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    config = GeneratorConfig("full", 4, 1, 32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights.save(path, config, {"a2b": Generator(config).state_dict()}, metadata={})
    return path


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_detector(tmp_path_factory.mktemp("detector") / "detector.onnx")


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """Two faces in 322 x 242 pixels."""
    picture = np.full((242, 322, 3), 128, np.uint8)
    for x in (80, 240):
        draw_face(picture, x, 120)
    Image.fromarray(picture).save(tmp_path / "group.png")
    return tmp_path / "group.png"


def translate(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["translate", *map(str, words)])


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize(("faces", "changed"), [("all", [True, True]), ("largest", [True, False])])
def test_faces_change_and_the_rest_stays(
    faces: str, changed: list[bool], group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    done = translate(group, "-o", out, "-m", model, "--faces", faces, "--face-model", detector)
    assert done.exit_code == 0, done.stderr
    difference = np.abs(pixels(out).astype(int) - pixels(group)).sum(axis=2)
    assert difference.shape == (242, 322) and not difference[:, :4].any() and not difference[:40].any()
    assert sorted([bool(difference[:, :161].any()), bool(difference[:, 161:].any())], reverse=True) == changed


def test_crops(group: Path, model: Path, detector: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = translate(group, "-o", out, "-m", model, "--faces", "crop", "--face-model", detector)
    assert (done.exit_code, pixels(out).shape) == (0, (32, 64, 3)), done.stderr


@pytest.mark.parametrize("extra", ["--heatmap", "--compare"])
def test_extras(extra: str, group: Path, model: Path, detector: Path, tmp_path: Path) -> None:
    words: list[str | Path] = [group, "-o", tmp_path / "out.png", "-m", model, "--face-model", detector, extra]
    done = translate(*words, "--faces", "all")
    assert done.exit_code == 0, done.stderr
    assert len(list(tmp_path.glob("out.*png"))) == 2
    refused = translate(*words, "--faces", "crop", "--overwrite")
    assert (refused.exit_code, "--faces crop has no" in refused.stderr) == (2, True)


@pytest.mark.parametrize("faces", ["all", "largest"])
def test_what_is_put_back_has_no_size_of_the_model(
    faces: str, group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    words: list[str | Path] = ["-o", tmp_path / "out.png", "-m", model, "--face-model", detector, "--faces", faces]
    done = translate(group, *words, "--output-size", "model")
    assert (done.exit_code, "--faces crop" in done.stderr) == (2, True), done.stderr


def test_a_model_of_faces_gives_its_size_where_that_is_asked_for(group: Path, model: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["models", "import", str(model), "--name", "faces"]).exit_code == 0
    with (own_models_folder() / "faces" / OWN_ROW).open("a") as row:
        row.write("face_only = true\n")
    done = translate(group, "-o", tmp_path / "out.png", "-m", "faces", "--output-size", "model")
    assert (done.exit_code, "with --output-size model" in done.stderr) == (0, True), done.stderr
    assert max(pixels(tmp_path / "out.png").shape) == 32


def test_no_face_is_said_and_the_whole_picture_translated(model: Path, detector: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 50, 3), 128, np.uint8)).save(tmp_path / "a.png")
    outs = [tmp_path / "faces.png", tmp_path / "off.png"]
    all_faces: list[str | Path] = ["--faces", "all", "--face-model", detector]
    none: list[str | Path] = ["--faces", "off"]
    for out, words in zip(outs, (all_faces, none), strict=True):
        done = translate(tmp_path / "a.png", "-o", out, "-m", model, *words)
        assert done.exit_code == 0, done.stderr
        said = f"warning: {tmp_path / 'a.png'}: no face was found: translated as a whole"
        assert done.stderr.splitlines().count(said) == (out == outs[0])
    assert (pixels(outs[0]) == pixels(outs[1])).all()


@pytest.mark.parametrize(
    ("faces", "note"),
    [
        ("all", "no face was found: translated as a whole"),
        ("crop", "no face was found: its middle square was translated"),
    ],
)
def test_which_pictures_have_no_face(
    faces: str, note: str, group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    for name in ("a.png", "z.png"):
        Image.fromarray(np.full((60, 50, 3), 128, np.uint8)).save(tmp_path / name)
    options: list[str | Path] = ["-m", model, "--faces", faces, "--face-model", detector]
    done = translate(tmp_path, "-o", tmp_path / "out", *options, "--json")
    assert done.exit_code == 0, done.stderr
    notes = {Path(item["input"]).name: item["notes"] for item in json.loads(done.stdout)["items"]}
    assert notes == {"a.png": [note], "group.png": [], "z.png": [note]}
    assert "no face was found in 2 of 3 pictures" in done.stderr


def test_without_the_network_the_whole_picture_is_translated(group: Path, model: Path, tmp_path: Path) -> None:
    done = translate(group, "-o", tmp_path / "out.png", "-m", model, "--faces", "all")
    assert done.exit_code == 0
    assert done.stderr.count("no face detector") == 1
    again = translate(group, "-o", tmp_path / "out.png", "-m", model, "--faces", "all", "--overwrite", "--json", "-q")
    (item,) = json.loads(again.stdout)["items"]
    assert item["notes"] == ["no face detector was at hand: translated as a whole"]


def test_models_of_whole_pictures_need_no_detector(group: Path, tmp_path: Path) -> None:
    done = translate(group, "-o", tmp_path / "out.png")
    assert (done.exit_code, "face" in done.stderr) == (0, False)


def test_another_detector_makes_all_again(group: Path, model: Path, detector: Path, tmp_path: Path) -> None:
    other = onnx.load(detector)
    other.producer_name = "another"
    onnx.save(other, tmp_path / "other.onnx")
    copied = shutil.copy(detector, tmp_path / "copy.onnx")
    words: list[str | Path] = [group, "-o", tmp_path / "out", "-m", model, "--faces", "all", "--face-model"]
    made = [bool(translate(*words, each).stdout) for each in (detector, copied, tmp_path / "other.onnx")]
    assert made == [True, False, True]


@pytest.mark.parametrize("faces", ["all", "crop"])
def test_another_place_for_faces_makes_all_again(
    faces: str, group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    assert CliRunner().invoke(app, ["models", "import", str(model), "--name", "faces"]).exit_code == 0
    row = own_models_folder() / "faces" / OWN_ROW
    plain, made = row.read_text(), []
    words: list[str | Path] = [group, "-o", tmp_path / "out", "-m", "faces", "--faces", faces, "--face-model", detector]
    for more in ("", "face = [0.5, 0.56, 0.24]\n", "face = [0.5, 0.47, 0.18]\n"):  # the first two mean the same
        row.write_text(plain + more)
        made.append(bool(translate(*words).stdout))
    assert made == [True, False, True]


def test_where_whole_pictures_are_meant_the_place_for_faces_is_nothing(
    group: Path, model: Path, tmp_path: Path
) -> None:
    assert CliRunner().invoke(app, ["models", "import", str(model), "--name", "faces"]).exit_code == 0
    words: list[str | Path] = [group, "-o", tmp_path / "out", "-m", "faces"]
    assert translate(*words).stdout
    with (own_models_folder() / "faces" / OWN_ROW).open("a") as row:
        row.write("face = [0.5, 0.47, 0.18]\n")
    assert not translate(*words).stdout


def test_a_detector_that_is_none(group: Path, model: Path, tmp_path: Path) -> None:
    done = translate(group, "-o", tmp_path / "out.png", "-m", model, "--faces", "all", "--face-model", group)
    assert (done.exit_code, "cannot use the face detector" in done.stderr) == (5, True)


def test_a_detector_that_is_not_there(group: Path, model: Path, tmp_path: Path) -> None:
    done = translate(group, "-o", tmp_path / "out.png", "-m", model, "--faces", "all", "--face-model", "missing.onnx")
    assert (done.exit_code, "the face detector missing.onnx" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("words", [[], ["--faces", "off"]])
def test_a_detector_that_nothing_would_be_looked_for_with(
    words: list[str], group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    done = translate(group, "-o", tmp_path / "out.png", "-m", model, "--face-model", detector, *words)
    assert (done.exit_code, "--faces all" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("words", [["--faces", "crop"], ["--faces", "all", "--dry-run"], []])
def test_no_faces_are_looked_for_in_films(
    words: list[str], group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    film = Film().make(tmp_path / "clip.mp4")
    options: list[str | Path] = ["-o", tmp_path / "out", "-m", model, "--face-model", detector, *words]
    done = translate(group, film, *options)
    assert (done.exit_code, "clip.mp4 is a film" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_of_pictures_and_films_is_one_of_pictures(
    group: Path, model: Path, detector: Path, tmp_path: Path
) -> None:
    Film().make(tmp_path / "clip.mp4")
    options: list[str | Path] = ["-m", model, "--face-model", detector, "--faces", "crop", "--format", "webp"]
    done = translate(tmp_path, "-o", tmp_path / "out", *options)
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'out' / 'group.webp'}\n"), done.stderr


def test_a_wide_picture_without_a_face_is_translated_as_a_whole_even_if_cropping_is_asked_for(
    model: Path, detector: Path, tmp_path: Path
) -> None:
    wide = np.tile(np.linspace(0, 255, 200).astype(np.uint8)[None, :, None], (100, 1, 3))
    Image.fromarray(wide).save(tmp_path / "a.png")
    words: list[str | Path] = ["-m", model, "--fit", "crop", "--faces", "all", "--face-model", detector]
    done = translate(tmp_path / "a.png", "-o", tmp_path / "b.png", *words)
    assert (done.exit_code, "translated as a whole" in done.stderr) == (0, True), done.stderr
    assert (pixels(tmp_path / "b.png") != wide).any(axis=(0, 2)).mean() > 0.9
