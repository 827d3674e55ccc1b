"""`ugatit evaluate` with a real, tiny network: numbers on standard output, everything else on standard error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from ugatit_cli import images
from ugatit_cli.backends import load_backend
from ugatit_cli.cli import app
from ugatit_cli.evaluation import Settings, load_features, measure
from ugatit_cli.weights import load

Evaluate = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Folders a and b, three and four pictures; two names are in both."""
    random = np.random.default_rng(0)
    for name, numbers in (("a", (0, 1, 2)), ("b", (1, 2, 3, 4))):
        (tmp_path / name).mkdir()
        for number in numbers:
            pixels = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((48, 40), Image.Resampling.BICUBIC).save(tmp_path / name / f"{number}.png")
    return tmp_path


@pytest.fixture
def evaluate(model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Run the command with the tiny model, in this process and beside the folders a and b."""
    monkeypatch.chdir(data)

    def run(*words: str | Path, code: int = 0) -> Result:
        command = ["evaluate", "--a", "a", "--b", "b", *map(str, words), *([] if "-m" in words else ["-m", str(model)])]
        result = CliRunner().invoke(app, command, prog_name="ugatit")
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_table_for_each_direction(evaluate: Evaluate) -> None:
    result = evaluate()
    tables = [table.splitlines() for table in result.stdout.split("\n\n")]
    assert [table[0] for table in tables] == ["a2b", "b2a"]
    labels = [line[2:15].strip() for line in tables[0][1:]]
    assert labels == ["KID", "FID", "change", "diversity", "to the truth", "protocol"]
    assert "by builtin-1" in tables[0][1]
    assert "3 translated against 4 real pictures" in tables[0][-1]
    assert "4 translated against 3 real pictures" in tables[1][-1]
    assert "translating 3 pictures, a2b" in result.stderr
    assert "note: KID is taken over 3 pictures at a time, not 1000" in result.stderr


def test_json_is_one_object_with_what_the_library_measures(evaluate: Evaluate, model: Path) -> None:
    result = evaluate("--json", "--paper-kid", "--seed", "5", "--device", "cpu")
    report = json.loads(result.stdout)
    assert {"ugatit", "command", "model", "device", "a2b", "b2a"} == set(report)
    loaded = load(model)
    backend = load_backend(loaded.config, dict(loaded.generators["a2b"]), "cpu")
    a, b = (sorted(Path(name).iterdir()) for name in "ab")
    found = measure(backend, a, b, load_features("builtin"), Settings(32, seed=5, paper_kid=True))
    assert report["a2b"] == found.as_dict()
    assert report["a2b"]["pairs"] == 2


def test_the_papers_kid_of_one_block_has_no_error(evaluate: Evaluate) -> None:
    (line,) = [line for line in evaluate("--paper-kid", "--direction", "a2b").stdout.splitlines() if "paper's" in line]
    assert "(one block: no error) by builtin-1" in line and "+-" not in line


def test_one_direction_another_size_and_silence(evaluate: Evaluate) -> None:
    result = evaluate("--direction", "b2a", "--size", "64", "--quiet", "--json")
    report = json.loads(result.stdout)
    assert "a2b" not in report
    assert "squeezed to 64 px" in report["b2a"]["protocol"]
    assert result.stderr == ""


def test_a_picture_that_cannot_be_read_is_left_out(evaluate: Evaluate, data: Path) -> None:
    broken = data / "b" / "4.png"
    broken.write_bytes(broken.read_bytes()[:60])
    result = evaluate("--json")
    assert "warning: left out: cannot read b/4.png" in result.stderr
    report = json.loads(result.stdout)
    assert report["a2b"]["targets"] == 3
    assert len(report["a2b"]["skipped"]) == 1


def test_all_kinds_of_pictures_are_read_and_all_that_cannot_be_are_named(evaluate: Evaluate, data: Path) -> None:
    with Image.open(data / "a" / "0.png") as image:
        for name in ("00.jpg", "01.jfif", "02.bmp"):
            image.save(data / "a" / name, "BMP" if name.endswith("bmp") else "JPEG")
        image.quantize(64).save(data / "a" / "03.gif")
    (data / "a" / "cut.gif").write_bytes((data / "a" / "03.gif").read_bytes()[:400])
    (data / "a" / "link.png").symlink_to("nowhere")
    (data / "a" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    found = json.loads(evaluate("--json", "--direction", "a2b").stdout)["a2b"]
    assert found["sources"] == 7
    skipped = "".join(sorted(found["skipped"]))
    assert len(found["skipped"]) == 3 and re.search("cut.gif: .*link.png: it is a broken link.*phone.heic: ", skipped)


def test_pairs_lie_at_the_same_place_below_their_folders(evaluate: Evaluate, data: Path) -> None:
    for number, places in ((1, ("cat", "dog")), (2, ("cat", "cat"))):
        for domain, place in zip("ab", places, strict=True):
            (data / domain / place).mkdir(exist_ok=True)
            (data / domain / f"{number}.png").rename(data / domain / place / f"{number}.png")
    assert json.loads(evaluate("--json", "--direction", "a2b").stdout)["a2b"]["pairs"] == 1


def test_nothing_readable_is_bad_input(evaluate: Evaluate, data: Path) -> None:
    for path in (data / "b").iterdir():
        path.write_text("no picture")
    result = evaluate(code=4)
    assert "error: none of the 4 pictures in b can be read" in result.stderr
    assert result.stdout == ""


def test_one_picture_is_too_few(evaluate: Evaluate, data: Path) -> None:
    for number in (0, 1):
        (data / "a" / f"{number}.png").unlink()
    assert "error: 1 readable picture(s) in a" in evaluate(code=4).stderr


def test_other_feature_files_are_turned_down(evaluate: Evaluate, data: Path, model: Path) -> None:
    torch.save({"conv.weight": torch.zeros(3)}, data / "other.pth")
    assert "it is not the FID Inception" in evaluate("--features", "other.pth", code=5).stderr
    assert "it is not the FID Inception" in evaluate("--features", model, code=5).stderr
    assert "error: cannot use the feature network none.pth" in evaluate("--features", "none.pth", code=2).stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--a", "missing"], "missing does not exist"),
        (["--direction", "c2d"], "--direction"),
        (["--size", "33"], "33 is not a multiple of 4"),
        (["-m", "missing.safetensors"], "the model missing.safetensors does not exist"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_wrong_options(evaluate: Evaluate, words: list[str], message: str) -> None:
    assert message in evaluate(*words, code=2).stderr


def test_a_model_of_one_size_keeps_it(evaluate: Evaluate, other_model: Path) -> None:
    assert "this model works at 32 pixels only" in evaluate("-m", other_model, "--size", "64", code=2).stderr
    assert "squeezed to 32 px" in evaluate("-m", other_model, "--direction", "a2b").stdout


def test_asking_for_help_loads_nothing_heavy() -> None:
    ask = "import sys\nfrom ugatit_cli.cli import main\nsys.argv = ['ugatit', 'evaluate', '--help']\n"
    ask += "try:\n    main()\nfinally:\n    print({'torch', 'numpy', 'torchmetrics'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.stdout.endswith("set()\n")
    assert "--paper-kid" in done.stdout + done.stderr


def test_pictures_on_disk_stay_as_they_are(evaluate: Evaluate, data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*.png")}
    evaluate("--direction", "a2b")
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    assert all(images.read(path).pixels.shape == (40, 48, 3) for path in before)
