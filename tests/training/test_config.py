"""Settings: ranges by the option's name, depths that the pictures allow, and what the switches do to a step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from ugatit_cli.errors import UsageError
from ugatit_cli.network import AdaLIN
from ugatit_cli.training.config import (
    PRESETS,
    TrainConfig,
    config_as_toml,
    make_config,
    merge_settings,
    read_config_file,
)
from ugatit_cli.training.data import Batch, UnpairedFolders, list_pictures
from ugatit_cli.training.objective import Networks
from ugatit_cli.training.step import Trainer

FOLDERS = {"a": Path("a"), "b": Path("b")}


def batch_of(config: TrainConfig) -> Batch:
    return UnpairedFolders(config, list_pictures(config.a), list_pictures(config.b)).batch(1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 66}, "--size: .*multiple of 4"),
        ({"steps": 0}, "--steps: .*greater than or equal to 1"),
        ({"discriminator_layers": 8, "size": 64}, "discriminator_layers must be at most 6 at size 64"),
        ({"stepps": 3}, "there is no setting stepps"),
        ({"freeze": ("encoder", "attention", "decoder")}, "nothing of the generators to learn"),
        ({"freeze": ("nose",)}, "--freeze"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_config(FOLDERS | settings)


@pytest.mark.parametrize(("size", "layers"), [(32, 5), (64, 6), (96, 7), (128, 7), (256, 7)])
def test_discriminators_are_as_deep_as_the_pictures_allow(size: int, layers: int) -> None:
    config = make_config({**FOLDERS, "size": size, "channels": 1, "discriminator_channels": 1, "blocks": 1})
    assert (config.global_layers, config.local_layers) == (layers, layers - 2)
    networks = Networks(config)
    for judge in networks.discriminators("a").values():
        assert judge(torch.zeros(1, 3, size, size)).score.numel() > 0


@pytest.mark.parametrize("smoothing", [False, True])
def test_rho_stays_below_its_limit(smoothing: bool, config: TrainConfig) -> None:
    """The pull on rho is made strong and upward: it must end at the limit, and AdaLIN starts at 0.9 either way."""
    eager = config.model_copy(update={"smoothing": smoothing, "learning_rate": 0.5, "steps": 100})
    trainer = Trainer(eager, torch.device("cpu"))
    norms = [module for module in trainer.networks.modules() if isinstance(module, AdaLIN)]
    assert all(torch.equal(norm.rho, torch.full_like(norm.rho, 0.9)) for norm in norms)
    trainer.advance(batch_of(eager))
    rho = torch.cat([norm.rho.detach() for norm in norms])
    assert rho.min() >= 0
    assert float(rho.max()) == pytest.approx(0.9 if smoothing else 1.0)


def test_bfloat16_stays_near_float32(config: TrainConfig) -> None:
    batch = batch_of(config)
    wide = Trainer(config, torch.device("cpu")).advance(batch)
    narrow = Trainer(config.model_copy(update={"precision": "bf16"}), torch.device("cpu")).advance(batch)
    assert narrow != wide
    assert narrow == pytest.approx(wide, rel=0.1, abs=0.05)


@pytest.mark.parametrize("name", ["a😀", "bilder-ä", "back\\slash", "tab\tline\nend\x01\x7f", "#'''"])
def test_every_name_of_a_folder_comes_back(name: str, tmp_path: Path) -> None:
    config = make_config({**FOLDERS, "a": tmp_path / name})
    (tmp_path / "run.toml").write_bytes(config_as_toml(config).encode())
    assert read_config_file(tmp_path / "run.toml")["a"] == config.a


@pytest.mark.parametrize("setting", ["a", "b", "test_a", "test_b", "base"])
def test_a_name_that_cannot_be_written_down_is_refused(setting: str) -> None:
    name = Path(os.fsdecode(b"fotos-\xe4"))
    with pytest.raises(UsageError, match=f"--{setting.replace('_', '-')}: .*not UTF-8.* link"):
        make_config(FOLDERS | {setting: name})


def test_settings_come_back_from_their_own_file(tmp_path: Path) -> None:
    settings = {
        "a": tmp_path / "A",
        "b": tmp_path / 'B "quoted"',
        "base": tmp_path,
        "freeze": ("encoder",),
        "patience": 3,
        "smoothing": True,
    }
    config = make_config({**settings, "learning_rate": 2e-5})
    (tmp_path / "run.toml").write_text(config_as_toml(config), "utf-8")
    assert make_config(read_config_file(tmp_path / "run.toml")) == config


def test_every_setting_stands_in_the_file_under_its_description() -> None:
    text = config_as_toml(make_config(FOLDERS))
    for name, field in TrainConfig.model_fields.items():
        assert f"# {field.description}\n" in text
        assert f"\n{name} = " in text or f"\n# {name} =\n" in text or text.startswith(f"# {field.description}\n{name}")


def test_folders_in_a_file_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('a = "photos"\nb = "/drawings"\n')
    assert read_config_file(tmp_path / "run.toml") == {"a": tmp_path / "photos", "b": Path("/drawings")}


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('preset = "few"\nsteps = 7\npatience = 2\n')
    merged = merge_settings(None, file, {"patience": 5})
    assert (merged["steps"], merged["patience"], merged["augment"]) == (7, 5, PRESETS["few"]["augment"])


@pytest.mark.parametrize(("text", "message"), [("steps = ", "not valid TOML"), ('preset = "many"', "no preset many")])
def test_a_bad_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        merge_settings(None, tmp_path / "run.toml", {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read .*nowhere.toml"):
        merge_settings(None, tmp_path / "nowhere.toml", {})


def test_every_preset_is_made_of_settings() -> None:
    for settings in PRESETS.values():
        make_config(FOLDERS | settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 3, "warmup": 3}, "--warmup 3 leaves the generators none of the 3 steps"),
        ({"freeze": ["encoder"]}, "--freeze keeps what --base brought, and there is no --base"),
    ],
)
def test_settings_that_would_train_nothing_or_keep_chance(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_config({"a": Path("a"), "b": Path("b"), **settings})


def test_a_settings_file_of_a_windows_editor(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("steps = 5\n", "utf-8-sig")
    assert read_config_file(tmp_path / "run.toml") == {"steps": 5}
