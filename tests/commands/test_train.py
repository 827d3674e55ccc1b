"""`ugatit train` as its users meet it: real processes, real signals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ugatit_cli.training.run_config import read_config

TINY = [
    "--size",
    "32",
    "--channels",
    "4",
    "--blocks",
    "1",
    "--discriminator-channels",
    "4",
    "--save-every",
    "2",
    "--log-every",
    "2",
]


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.fromarray(random.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(
                tmp_path / name / f"{number}.png"
            )
    return ["--a", str(tmp_path / "a"), "--b", str(tmp_path / "b")]


def ugatit(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ugatit_cli", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def tensors(run: Path) -> bytes:
    return (sorted(run.glob("step-*"))[-1] / "networks.safetensors").read_bytes()


def test_a_run_from_its_start_to_a_translated_picture(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    result = ugatit("train", *data, *TINY, "--out", str(run), "--steps", "4")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{run / 'weights.safetensors'}\n"
    assert "step 4: discriminators" in result.stderr
    assert "a step takes" in result.stderr
    assert "very few" in result.stderr
    assert "4 of 4" in result.stderr
    picture = tmp_path / "a" / "0.png"
    result = ugatit("translate", str(picture), "-m", str(run), "-o", str(tmp_path / "out.png"))
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out.png") as translated:
        assert translated.size == (40, 40)


def test_the_large_loss_is_explained_once_the_generators_learn(tmp_path: Path, data: list[str]) -> None:
    result = ugatit("train", *data, *TINY, "--out", str(tmp_path / "run"), "--steps", "8", "--warmup", "3")
    assert result.returncode == 0, result.stderr
    assert "until step 3 only the discriminators learn" in result.stderr
    said = [line for line in result.stderr.splitlines() if line.startswith("step ") or "is normal" in line]
    assert ["is normal" in line for line in said] == [False, False, True, False, False], said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path, data: list[str], number: int) -> None:
    run = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "ugatit_cli",
        "train",
        *data,
        *TINY,
        "--out",
        str(run),
        "--steps",
        "9999",
        "--save-every",
        "9999",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(run / "metrics.jsonl")
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"ugatit train --resume {run}" in stderr
    (checkpoint,) = run.glob("step-*")
    result = ugatit("train", "--resume", str(run), "--steps", str(int(checkpoint.name[5:]) + 1))
    assert result.returncode == 0, result.stderr


def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path, data: list[str]) -> None:
    run, straight = tmp_path / "run", tmp_path / "straight"
    command = [sys.executable, "-m", "ugatit_cli", "train", *data, *TINY, "--out", str(run), "--steps", "12"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(run / "step-00000004")
        os.kill(process.pid, signal.SIGKILL)
    assert ugatit("train", "--resume", str(run)).returncode == 0
    assert ugatit("train", *data, *TINY, "--out", str(straight), "--steps", "12").returncode == 0
    assert tensors(run) == tensors(straight)


@pytest.mark.parametrize("kind", ["trained-on", "measured-on"])
def test_a_picture_that_goes_away_costs_no_step(kind: str, tmp_path: Path, data: list[str]) -> None:
    run, measured = tmp_path / "run", tmp_path / "measured"
    measured.mkdir()
    for number in range(8):
        shutil.copy(tmp_path / "b" / f"{number % 3}.png", measured / f"{number}.png")
    words = ["--out", str(run), "--steps", "9999", "--save-every", "9999"]
    words += ["--test-a", str(measured), "--test-b", str(measured), "--evaluate-every", "2"]
    command = [sys.executable, "-m", "ugatit_cli", "train", *data, *words, *TINY[:-4], "--log-every", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(run / "evaluations.jsonl")
        gone = (measured if kind == "measured-on" else tmp_path / "a") / "0.png"
        gone.unlink()
        _, stderr = process.communicate(timeout=100)
    assert process.returncode == 4, stderr
    assert f"error: cannot read {gone}: it does not exist; all is saved" in stderr
    assert f"hint: put it back or go on without it: ugatit train --resume {run}" in stderr
    reached = int(max(run.glob("step-*")).name[5:])
    assert reached >= len((run / "metrics.jsonl").read_text().splitlines()) * 2
    assert (run / "weights.safetensors").is_file()
    result = ugatit("train", "--resume", str(run), "--steps", str(reached + 1))
    assert result.returncode == 0, result.stderr


def test_a_run_goes_on_from_any_folder(tmp_path: Path, data: list[str]) -> None:
    words = ["--a", "a", "--b", "b", "--test-a", "a", "--test-b", "b", "--base", "first", "-o", "run"]
    assert ugatit("train", *data, *TINY, "--out", "first", "--steps", "2", cwd=tmp_path).returncode == 0
    assert ugatit("train", *words, *TINY, "--steps", "2", cwd=tmp_path).returncode == 0
    (tmp_path / "elsewhere").mkdir()
    result = ugatit("train", "--resume", "../run", "--steps", "4", cwd=tmp_path / "elsewhere")
    assert result.returncode == 0, result.stderr
    assert "other pictures" not in result.stderr
    assert read_config(tmp_path / "run").base == tmp_path / "first"
    (tmp_path / "a").rename(tmp_path / "moved")
    result = ugatit("train", "--resume", "run", "--steps", "6", cwd=tmp_path)
    assert result.returncode == 2
    assert f"{tmp_path / 'a'} does not exist" in result.stderr
    assert f"hint: put it back, or write where it is now into {Path('run', 'config.json')}" in result.stderr
    settings = tmp_path / "run" / "config.json"
    settings.write_text(settings.read_text().replace(str(tmp_path / "a"), str(tmp_path / "moved")))
    result = ugatit("train", "--resume", "run", "--steps", "6", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "other pictures" not in result.stderr


def test_settings_of_a_dry_run_mean_the_same_in_another_folder(tmp_path: Path, data: list[str]) -> None:
    result = ugatit("train", "--a", "a", "--b", "b", *TINY, "--steps", "2", "--dry-run", cwd=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "run.toml").write_text(result.stdout)
    result = ugatit("train", "--config", "elsewhere/run.toml", "--out", "run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--a", "x"], "--b is missing"),
        (["--a", "x", "--b", "y", "--size", "30"], "--size"),
        (["--resume", "nowhere"], "does not exist"),
        (["--a", "nowhere", "--b", "nowhere"], "does not exist"),
        (["--resume", "run", "--batch-size", "2"], "--batch-size cannot stand beside it"),
        (["--bogus", "1"], "no such option"),
        (["--a", os.fsdecode(b"fotos-\xe4"), "--b", "y"], "--a: a name that is not UTF-8"),
    ],
)
def test_wrong_options_change_nothing(words: list[str], message: str) -> None:
    result = ugatit("train", *words)
    assert result.returncode == 2
    assert message in result.stderr
    assert not Path("runs").exists()


def test_a_run_that_exists_is_not_overwritten(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("mine")
    result = ugatit("train", *data, *TINY, "--out", str(run), "--steps", "1")
    assert result.returncode == 2
    assert f"--resume {run}" in result.stderr
    assert [(p.name, p.read_text()) for p in run.iterdir()] == [("config.json", "mine")]


def test_a_folder_without_pictures_is_bad_input(tmp_path: Path, data: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    result = ugatit("train", "--a", str(tmp_path / "empty"), *data[2:], *TINY, "--out", str(tmp_path / "run"))
    assert result.returncode == 4
    assert "holds no images" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_dry_run_prints_settings_that_can_be_used_and_writes_nothing(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    result = ugatit("train", *data, *TINY, "--out", str(run), "--steps", "2", "--dry-run", "--preset", "few")
    assert result.returncode == 0, result.stderr
    assert "a step takes" in result.stderr
    assert not run.exists()
    (tmp_path / "run.toml").write_text(result.stdout)
    assert 'augment = "all"' in result.stdout
    result = ugatit("train", "--config", str(tmp_path / "run.toml"), "--out", str(run))
    assert result.returncode == 0, result.stderr
    assert (run / "step-00000002").is_dir()
    assert (run / "index.html").is_file()


def test_the_time_limit_saves_and_is_resumed(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    result = ugatit(
        "train", *data, *TINY, "--out", str(run), "--steps", "99999", "--save-every", "99999", "--time-limit", "1s"
    )
    assert result.returncode == 8, result.stderr
    assert "the time is over at step" in result.stderr
    (checkpoint,) = run.glob("step-*")
    result = ugatit("train", "--resume", str(run), "--steps", str(int(checkpoint.name[5:]) + 1))
    assert result.returncode == 0, result.stderr


def test_a_run_belongs_to_one_process_at_a_time(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "ugatit_cli", "train", *data, *TINY, "--out", str(run), "--steps", "99999"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(run / "step-00000002")
        result = ugatit("train", "--resume", str(run))
        process.kill()
    assert result.returncode == 10
    assert "another" in result.stderr


def test_an_absurd_rate_diverges_with_its_own_code(tmp_path: Path, data: list[str]) -> None:
    words = [
        "--out",
        str(tmp_path / "run"),
        "--steps",
        "200",
        "--save-every",
        "9999",
        "--learning-rate",
        "1",
        "--smoothing",
    ]
    result = ugatit("train", *data, *TINY, *words, "--cam-weight", "1e38")
    assert result.returncode == 11, result.stderr
    assert "is not finite" in result.stderr
    assert "learning rate" in result.stderr or "--learning-rate" in result.stderr


def test_two_processes_train_one_run(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    result = ugatit("train", *data, *TINY, "--out", str(run), "--steps", "4", "--devices", "2", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{run / 'weights.safetensors'}\n"
    assert result.stderr.count("step 4: discriminators") == 1
    result = ugatit("train", "--resume", str(run), "--steps", "6", "--devices", "2", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert (run / "step-00000006").is_dir()


def test_two_processes_end_with_the_error_of_one(tmp_path: Path, data: list[str]) -> None:
    result = ugatit("train", "--a", str(tmp_path / "nowhere"), *data[2:], "--devices", "2", "--device", "cpu")
    assert result.returncode == 2
    assert "does not exist" in result.stderr


def test_two_processes_save_when_they_are_terminated(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "ugatit_cli", "train", *data, *TINY, "--out", str(run), "--steps", "99999"]
    command += ["--save-every", "99999", "--devices", "2", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(run / "metrics.jsonl")
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143, stderr
    assert len(list(run.glob("step-*"))) == 1


@pytest.mark.parametrize(
    ("lines", "setting"),
    [("base = 5", "base"), ('preset = ["few"]', "preset"), ("cycle_weight = inf", "cycle-weight")],
)
def test_a_setting_of_another_kind_is_named(lines: str, setting: str, tmp_path: Path, data: list[str]) -> None:
    file = tmp_path / "run.toml"
    file.write_text(f"{lines}\n")
    result = ugatit("train", *data, *TINY, "--config", str(file), "--dry-run")
    assert result.returncode == 2 and setting in result.stderr and not result.stdout


@pytest.mark.parametrize("limit", ["1h30", "h", ""])
def test_a_time_limit_that_could_mean_two_things_is_refused(limit: str, data: list[str]) -> None:
    result = ugatit("train", *data, *TINY, "--time-limit", limit, "--dry-run")
    assert result.returncode == 2 and "time" in result.stderr


def test_that_nothing_shall_be_held_out_is_not_called_too_few_pictures(data: list[str]) -> None:
    result = ugatit("train", *data, *TINY, "--hold-out", "0", "--dry-run")
    assert "none held out" in result.stderr and "too few" not in result.stderr


def test_a_run_does_not_lie_among_its_own_pictures(tmp_path: Path, data: list[str]) -> None:
    result = ugatit("train", *data, *TINY, "--out", str(tmp_path / "a" / "runs" / "new"), "--steps", "1")
    assert result.returncode == 2 and "-o" in result.stderr and not (tmp_path / "a" / "runs").exists()


def test_a_run_goes_on_whatever_became_of_its_weights_pictures_and_place(tmp_path: Path, data: list[str]) -> None:
    """A kill may come between a checkpoint and the weights; pictures may change under their names, and folders move."""
    run = tmp_path / "run"
    assert ugatit("train", *data, *TINY, "--out", str(run), "--steps", "2").returncode == 0
    (run / "weights.safetensors").unlink()
    shutil.copy(tmp_path / "b" / "2.png", tmp_path / "a" / "0.png")
    (tmp_path / "a").rename(tmp_path / "moved")
    settings = (run / "config.json").read_text()
    (run / "config.json").write_text(settings.replace(str(tmp_path / "a"), "../moved"))
    result = ugatit("train", "--resume", str(run), cwd=tmp_path / "b")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{run / 'weights.safetensors'}\n" and (run / "weights.safetensors").is_file()
    assert "moved has other pictures than when the run was started" in result.stderr
    (run / "config.json").write_text((run / "config.json").read_text().replace('"channels": 4', '"channels": 8'))
    refused = ugatit("train", "--resume", str(run))
    assert refused.returncode == 5
    assert f"put the settings in {run / 'config.json'} back" in refused.stderr and "remove it" not in refused.stderr


def test_a_run_that_diverges_before_its_first_checkpoint_has_nothing_to_start_from(
    tmp_path: Path, data: list[str]
) -> None:
    words = ["--out", str(tmp_path / "run"), "--steps", "9", "--save-every", "9", "--cam-weight", "1e39"]
    result = ugatit("train", *data, *TINY, *words)
    assert result.returncode == 11
    assert "before the first checkpoint" in result.stderr and f"remove {tmp_path / 'run'}" in result.stderr
    assert "is kept" not in result.stderr and "--base" not in result.stderr


def test_what_is_no_run_is_not_gone_on_with(tmp_path: Path, data: list[str]) -> None:
    (tmp_path / "file").touch()
    for out in ("file", "a"):
        refused = ugatit("train", *data, *TINY, "--out", str(tmp_path / out))
        assert (refused.returncode, "--resume" in refused.stderr) == (2, False), refused.stderr
    refused = ugatit("train", "--resume", str(tmp_path / "file"))
    assert (refused.returncode, "file is not a folder" in refused.stderr) == (2, True), refused.stderr


def test_a_tracker_that_is_not_there_is_told_before_any_picture_is_read(tmp_path: Path, data: list[str]) -> None:
    refused = ugatit("train", *data, *TINY, "--out", str(tmp_path / "run"), "--track", "nosuch", "--dry-run")
    assert refused.returncode == 2 and "there is no such tracker" in refused.stderr
    assert "to train on" not in refused.stderr


def test_what_has_no_effect_is_said(tmp_path: Path, data: list[str]) -> None:
    words = ["--patience", "3", "--test-a", str(tmp_path / "b"), "--dry-run"]
    result = ugatit("train", *data, *TINY, *words)
    assert "nothing is measured: --patience, --test-a has no effect" in result.stderr


def test_discriminators_that_no_base_brings_are_not_frozen(tmp_path: Path, data: list[str]) -> None:
    run = tmp_path / "run"
    assert ugatit("train", *data, *TINY, "--out", str(run), "--steps", "2").returncode == 0
    words = ["--base", str(run / "weights.safetensors"), "--freeze", "discriminator-features", "--out"]
    refused = ugatit("train", *data, "--discriminator-channels", "4", "--steps", "2", *words, str(tmp_path / "other"))
    assert (refused.returncode, "brings no discriminators" in refused.stderr) == (2, True), refused.stderr
    assert not (tmp_path / "other").exists()
