"""`ugatit export-onnx`, and `translate` with what it wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from commands.conftest import saved, with_a_small_disk
from PIL import Image
from typer.testing import CliRunner, Result

from ugatit_cli.cli import app
from ugatit_cli.config import GeneratorConfig

PHOTOGRAPH = Path(__file__).resolve().parents[2] / "examples" / "hopper.jpg"


def ugatit(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def properties(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}


@pytest.mark.parametrize("words", [[], ["--precision", "fp16"], ["--uint8", "--heatmap"], ["--convolutions", "direct"]])
def test_a_graph_translates_as_its_weights_do(words: list[str], model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    made = ugatit("export-onnx", "-m", model, "-o", graph, *words)
    assert made.exit_code == 0, made.stderr
    assert made.stdout == f"{graph}\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.onnx"]
    pictures = []
    for source in (model, graph):
        target = tmp_path / f"{source.stem}.png"
        done = ugatit("translate", PHOTOGRAPH, "-m", source, "-o", target, "--backend", "onnx")
        assert done.exit_code == 0, done.stderr
        pictures.append(np.asarray(Image.open(target)).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5


def test_the_file_says_what_it_is_and_how_far_off(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    made = ugatit("export-onnx", "-m", model, "-o", graph, "--json", "--direction", "b2a")
    report = json.loads(made.stdout)
    said = properties(graph)
    assert report["direction"] == said["ugatit.direction"] == "b2a"
    assert report["source_sha256"] == said["ugatit.source_sha256"]
    assert json.loads(said["ugatit.config"])["channels"] == 4
    parity = json.loads(said["ugatit.parity"])
    assert parity["rows"] == report["parity"] and parity["largest"] <= 1
    assert {row["content"] for row in report["parity"]} == {"photographs", "noise"}
    assert str(tmp_path) not in str(said) and str(tmp_path).encode() not in graph.read_bytes()
    onnx.checker.check_model(str(graph), full_check=True)
    wrong = ugatit("translate", PHOTOGRAPH, "-m", graph, "-o", tmp_path / "x.png", "--direction", "a2b")
    assert wrong.exit_code == 2 and "translates b2a only" in wrong.stderr


def test_bytes_in_bytes_out_by_anybodys_program(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    assert ugatit("export-onnx", "-m", model, "-o", graph, "--uint8").exit_code == 0
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    [given], [got] = session.get_inputs(), session.get_outputs()
    assert (given.type, given.shape[-1], got.type) == ("tensor(uint8)", 3, "tensor(uint8)")
    assert session.run(None, {given.name: np.zeros((2, 32, 48, 3), np.uint8)})[0].shape == (2, 32, 48, 3)


def test_int8_says_its_price_and_is_refused_below_the_users(model: Path, tmp_path: Path) -> None:
    graph, folder = tmp_path / "a.onnx", tmp_path / "pictures"
    folder.mkdir()
    Image.open(PHOTOGRAPH).resize((64, 64)).save(folder / "a.png")
    words: list[str | Path] = ["export-onnx", "-m", model, "-o", graph, "--precision", "int8", "--calibrate", folder]
    refused = ugatit(*words, "--min-psnr", "99")
    assert refused.exit_code == 5 and "are asked for" in refused.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["pictures"]
    made = ugatit(*words, "--min-psnr", "10", "--json")
    assert made.exit_code == 0, made.stderr
    kinds = {node.op_type for node in onnx.load(graph).graph.node}
    assert "QuantizeLinear" in kinds
    assert all(0 < row["parity"]["psnr"] < 100 for row in json.loads(made.stdout)["parity"])


def test_int8_needs_no_room_for_temporary_files(model: Path, tmp_path: Path) -> None:
    small, graph = tmp_path / "small", tmp_path / "a.onnx"
    small.mkdir()
    words: list[str | Path] = ["export-onnx", "-m", model, "--precision", "int8", "--min-psnr", "0", "-o"]
    made = with_a_small_disk(small, 16, *words, graph)
    assert made.returncode == 0 and sorted(tmp_path.iterdir()) == [graph, small], made.stderr
    full = with_a_small_disk(small, 16, *words, small / "a.onnx")
    assert full.returncode == 8 and f"cannot write {small / 'a.onnx'}: the disk is full" in full.stderr, full.stderr


def test_openvino_counts_whole_numbers_as_onnx_runtime_does(tmp_path: Path) -> None:
    """Of the bundled model; OpenVINO moved the scales of its convolutions behind normalisations where they are wrong."""
    graph = tmp_path / "a.onnx"
    words: list[str | Path] = ["export-onnx", "-o", graph, "--precision", "int8", "--convolutions", "direct"]
    assert ugatit(*words).exit_code == 0
    pictures = []
    for backend in ("onnx", "openvino"):
        target = tmp_path / f"{backend}.png"
        words = ["translate", PHOTOGRAPH, "-m", graph, "-o", target, "--backend", backend]
        assert ugatit(*words).exit_code == 0
        with Image.open(target) as picture:
            pictures.append(np.asarray(picture, float))
    assert np.abs(pictures[0] - pictures[1]).mean() < 2


@pytest.mark.parametrize("storage", ["fp32", "fp16", "int8"])
def test_full_keeps_its_large_matrix_as_asked(storage: str, other_model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    words = ["--storage", storage, "--convolutions", "direct"]
    made = ugatit("export-onnx", "-m", other_model, "-o", graph, *words, "--precision", "fp16")
    assert made.exit_code == 0, made.stderr
    done = ugatit("translate", PHOTOGRAPH, "-m", graph, "-o", tmp_path / "x.png")
    assert done.exit_code == 0, done.stderr


def test_a_matrix_that_lost_too_much_is_the_one_to_be_kept_otherwise(tmp_path: Path) -> None:
    wide = saved(tmp_path / "wide.safetensors", GeneratorConfig("full", 32, 1, 16))  # 128 rows
    refused = ugatit("export-onnx", "-m", wide, "-o", tmp_path / "a.onnx", "--storage", "rank64")
    assert refused.exit_code == 5 and "hint: export with --storage fp16\n" in refused.stderr
    assert list(tmp_path.iterdir()) == [wide]


def test_nothing_is_overwritten_and_no_folder_is_guessed(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    graph.write_text("mine")
    for target in (graph, tmp_path, tmp_path / "no" / "a.onnx"):
        assert ugatit("export-onnx", "-m", model, "-o", target).exit_code == 2
    assert graph.read_text() == "mine"
    assert ugatit("export-onnx", "-m", model, "-o", graph, "--overwrite", "-q").exit_code == 0


def test_weights_beside_a_graph_that_got_another_name_are_not_overwritten(model: Path, tmp_path: Path) -> None:
    graph, data = tmp_path / "a.onnx", tmp_path / "a.onnx.data"
    data.write_text("of the graph that was a.onnx")
    refused = ugatit("export-onnx", "-m", model, "-o", graph)
    assert refused.exit_code == 2 and f"{data} exists" in refused.stderr
    assert list(tmp_path.iterdir()) == [data] and data.read_text() == "of the graph that was a.onnx"
    assert ugatit("export-onnx", "-m", model, "-o", graph, "--overwrite").exit_code == 0
    assert list(tmp_path.iterdir()) == [graph]


@pytest.mark.parametrize("name", ["own.safetensors", "link.onnx", "a.onnx"])
def test_the_weights_are_not_replaced_by_their_graph(name: str, model: Path, tmp_path: Path) -> None:
    own = tmp_path / ("a.onnx.data" if name == "a.onnx" else "own.safetensors")
    shutil.copyfile(model, own)
    (tmp_path / "link.onnx").symlink_to(own)
    done = ugatit("export-onnx", "-m", own, "-o", tmp_path / name, "--overwrite")
    assert done.exit_code == 2 and "is the model itself" in done.stderr
    assert own.read_bytes() == model.read_bytes()


def test_a_name_that_no_disk_takes(model: Path, tmp_path: Path) -> None:
    done = ugatit("export-onnx", "-m", model, "-o", tmp_path / f"{'n' * 300}.onnx")
    assert done.exit_code == 10 and "too long" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [["--precision", "fp16", "--convolutions", "tiled"], ["--calibrate", "no-such-folder"], ["-m", "no-such-model"]],
)
def test_usage(words: list[str], model: Path, tmp_path: Path) -> None:
    done = ugatit("export-onnx", "-m", model, "-o", tmp_path / "a.onnx", *words)
    assert done.exit_code == 2, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["missing", "file.jpg"])
def test_a_folder_to_calibrate_on_is_named_by_its_option(name: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "file.jpg").touch()
    done = ugatit("export-onnx", "-m", model, "-o", tmp_path / "a.onnx", "--calibrate", tmp_path / name)
    assert done.exit_code in (2, 4) and "hint: --calibrate names a folder of pictures\n" in done.stderr


def test_names_that_no_graph_may_have(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.onnx.data").mkdir()
    (tmp_path / "link.onnx").symlink_to("missing")
    words = {"-": "standard output", "a.ort": ".ort is for another kind of file", "link.onnx": "link.onnx exists"}
    for name, said in {**words, "a.onnx": "a.onnx.data is a folder"}.items():
        overwrite = ["--overwrite"] if name == "a.onnx" else []
        done = ugatit("export-onnx", "-m", model, "-o", name, *overwrite)
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert sorted(os.listdir()) == ["a.onnx.data", "link.onnx"] and Path("link.onnx").is_symlink()


def test_a_name_that_is_too_long_with_another_ending(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / ("x" * 246 + ".onnx")
    made = ugatit("export-onnx", "-m", model, "-o", graph)
    assert (made.exit_code, list(tmp_path.iterdir())) == (0, [graph]), made.stderr


def test_a_graph_is_not_exported_again(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    ugatit("export-onnx", "-m", model, "-o", graph)
    again = ugatit("export-onnx", "-m", graph, "-o", tmp_path / "b.onnx")
    assert again.exit_code == 2 and "ONNX graph already" in again.stderr


def test_what_weights_know_is_not_asked(model: Path, tmp_path: Path) -> None:
    done = ugatit("translate", PHOTOGRAPH, "-m", model, "-o", tmp_path / "a.png", "--bgr")
    assert done.exit_code == 2 and "are for ONNX graphs" in done.stderr


ASK = """
import json, sys
from ugatit_cli.cli import app
try:
    app(sys.argv[1:], standalone_mode=False)
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(*words: str | Path) -> set[str]:
    done = subprocess.run([sys.executable, "-c", ASK, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_the_second_picture_is_translated_without_torch(backend: str, model: Path, tmp_path: Path) -> None:
    words: list[Any] = [
        "translate",
        PHOTOGRAPH,
        "-m",
        model,
        "--overwrite",
        "-o",
        tmp_path / "a.png",
        "--backend",
        backend,
    ]
    assert "torch" in modules_after(*words)
    assert not {"torch", "onnx"} & modules_after(*words)


def test_a_graph_is_translated_without_torch(model: Path, tmp_path: Path) -> None:
    graph = tmp_path / "a.onnx"
    ugatit("export-onnx", "-m", model, "-o", graph)
    assert "torch" not in modules_after("translate", PHOTOGRAPH, "-m", graph, "-o", tmp_path / "a.png")


def test_weights_that_were_replaced_get_a_graph_of_their_own(tmp_path: Path) -> None:
    path, pictures = tmp_path / "model.safetensors", []
    for seed in (0, 1):
        saved(path, GeneratorConfig("light", 4, 1, 32), seed=seed)
        target = tmp_path / f"{seed}.png"
        assert ugatit("translate", PHOTOGRAPH, "-m", path, "-o", target, "--backend", "onnx").exit_code == 0
        pictures.append(target.read_bytes())
    assert pictures[0] != pictures[1]


def test_json_tells_what_really_computed(model: Path, tmp_path: Path) -> None:
    done = ugatit("translate", PHOTOGRAPH, "-m", model, "-o", tmp_path / "a.png", "--backend", "onnx", "--json")
    report = json.loads(done.stdout)
    assert (report["device"], report["backend"], report["provider"]) == ("cpu", "onnx", "CPUExecutionProvider")
