"""RUN/config.json: the settings that a run was started with."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ..errors import BadModelError, UsageError
from ..files import write_atomically, writing
from .checkpoint_files import read_text_file
from .config import TrainConfig, located

CONFIG = "config.json"


def write_config(run: Path, config: TrainConfig) -> None:
    """With its folders in full."""
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    write_atomically(run / CONFIG, _located(config, Path.cwd()).model_dump_json(indent=1).encode())


def read_config(run: Path) -> TrainConfig:
    """The settings that the run was started with; relative folders, which somebody wrote there, count from the run's.

    Raises:
        UsageError: there is no such run.
        BadModelError: its config.json is missing, damaged, or from another version of the program.
    """
    if not run.exists():
        raise UsageError(f"the run {run} does not exist", hint="check the path", name="run-missing")
    try:
        config = TrainConfig.model_validate_json(read_text_file(run / CONFIG))
    except ValidationError as error:
        raise BadModelError(f"cannot use {run / CONFIG}: {_reason(error)}", name="run-damaged") from error
    except BadModelError as error:
        raise BadModelError(f"{run} is not a training run: {error.message}", name="run-damaged") from error
    return _located(config, run.absolute())


def _located(config: TrainConfig, place: Path) -> TrainConfig:
    return config.model_copy(update=located(dict(config), place))


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part)[:80] for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"this version of ugatit does not know its setting {where}"
    if first["type"] == "missing":
        return f"the setting {where} is missing in it"
    if first["type"] in ("json_invalid", "model_type"):
        return "it is damaged"
    what = f"its setting {where} is" if where else "its settings are"
    return f"{what} wrong: {first['msg'].removeprefix('Value error, ')}"
