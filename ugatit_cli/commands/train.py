"""`ugatit train`: two folders of pictures in, a run folder with weights that translate out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..console import Console
from ..errors import UsageError
from ..pipeline import Interruption, watch_signals
from ..training.config import TrainConfig, make_config
from .options import DeviceOption, QuietOption, VerboseOption, verbosity

if TYPE_CHECKING:
    from ..training.fit import Record, Run


def setting(name: str, *flags: str) -> Any:
    """The option of one training setting: its help and default are the setting's own."""
    field = TrainConfig.model_fields[name]
    shown = False if field.is_required() or field.default is None else str(field.default)
    return typer.Option(*flags, help=field.description, show_default=shown)


def train(
    a: Annotated[Path | None, setting("a", "--a")] = None,
    b: Annotated[Path | None, setting("b", "--b")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run folder to make.", show_default="runs/<a>2<b>")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="A run folder to go on with; only --steps and --device may stand beside it.")
    ] = None,
    base: Annotated[Path | None, setting("base")] = None,
    size: Annotated[int | None, setting("size")] = None,
    variant: Annotated[Literal["light", "full"] | None, setting("variant")] = None,
    channels: Annotated[int | None, setting("channels")] = None,
    blocks: Annotated[int | None, setting("blocks")] = None,
    discriminator_channels: Annotated[int | None, setting("discriminator_channels")] = None,
    discriminator_layers: Annotated[int | None, setting("discriminator_layers")] = None,
    steps: Annotated[int | None, setting("steps")] = None,
    batch_size: Annotated[int | None, setting("batch_size")] = None,
    learning_rate: Annotated[float | None, setting("learning_rate")] = None,
    weight_decay: Annotated[float | None, setting("weight_decay")] = None,
    adversarial_weight: Annotated[float | None, setting("adversarial_weight")] = None,
    cycle_weight: Annotated[float | None, setting("cycle_weight")] = None,
    identity_weight: Annotated[float | None, setting("identity_weight")] = None,
    cam_weight: Annotated[float | None, setting("cam_weight")] = None,
    smoothing: Annotated[bool | None, setting("smoothing", "--smoothing/--no-smoothing")] = None,
    augment: Annotated[Literal["none", "color"] | None, setting("augment")] = None,
    ema_decay: Annotated[float | None, setting("ema_decay")] = None,
    precision: Annotated[Literal["fp32", "bf16"] | None, setting("precision")] = None,
    seed: Annotated[int | None, setting("seed")] = None,
    save_every: Annotated[int | None, setting("save_every")] = None,
    sample_every: Annotated[int | None, setting("sample_every")] = None,
    log_every: Annotated[int | None, setting("log_every")] = None,
    device: DeviceOption = "auto",
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a model on two folders of pictures, A and B, that need not belong together."""
    given = {name: value for name, value in locals().items() if name in TrainConfig.model_fields and value is not None}
    console = Console(verbosity(verbose, quiet))
    with console.captured_noise():
        run = _resume(resume, given, out, device) if resume else _start(given, out, device)
        _introduce(run, console)
        with watch_signals(lambda: console.note("saving after this step; again to stop at once")) as interruption:
            _advance(run, console, interruption)
    console.result(run.weights)
    if interruption.requested():
        console.note(f"stopped; go on with: ugatit train --resume {run.folder}")
        raise typer.Exit(interruption.exit_code)


def _start(given: dict[str, Any], out: Path | None, device: str) -> Run:
    for name in ("a", "b"):
        if name not in given:
            raise UsageError(f"--{name} is missing", hint="ugatit train --a PHOTOS --b DRAWINGS", name="train-folders")
    if "base" in given:
        from ..training.base import shape_of

        given = shape_of(given["base"]) | given
    config = make_config(given)
    folder = out or Path("runs") / f"{config.a.resolve().name}2{config.b.resolve().name}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} exists already", hint=f"go on with --resume {folder}, or name another --out", name="run-exists"
        )
    from ..backends.pytorch import choose_device
    from ..training.fit import Run

    return Run.start(folder, config, choose_device(device))


def _resume(folder: Path, given: dict[str, Any], out: Path | None, device: str) -> Run:
    others = sorted(set(given) - {"steps"}) + (["out"] if out else [])
    if others:
        names = ", ".join("--" + name.replace("_", "-") for name in others)
        text = f"--resume goes on with the run's own settings: {names} cannot stand beside it"
        raise UsageError(text, hint="leave it out, or start another run with --base", name="options-contradict")
    from ..backends.pytorch import choose_device
    from ..training.fit import Run

    return Run.resume(folder, choose_device(device), steps=given.get("steps"))


def _introduce(run: Run, console: Console) -> None:
    for note in run.notes:
        console.warning(note)
    trainer = run.trainer
    console.note(
        f"{run.folder}: step {trainer.step} of {trainer.config.steps}, on {trainer.device.type}, {trainer.config.precision}"
    )


def _advance(run: Run, console: Console, interruption: Interruption) -> None:
    """Train until the last step or a signal; the state is saved either way."""
    config = run.trainer.config
    with closing(run.fit()) as records, console.progress(config.steps - run.trainer.step) as advance:
        for record in records:
            advance()
            if record.step % config.log_every == 0:
                console.note(_sentence(record))
            if interruption.requested():
                if record.checkpoint is None:
                    run.save()
                return


def _sentence(record: Record) -> str:
    """The losses in words; the two sums are dominated by the CAM terms' weight of 1000."""
    losses = record.losses
    cycle, identity = ((losses[f"g_{term}_a"] + losses[f"g_{term}_b"]) / 2 for term in ("cycle", "identity"))
    cam = (losses["g_cam_a2b"] + losses["g_cam_b2a"]) / 2
    judges = losses["discriminators"]
    return f"step {record.step}: discriminators {judges:.2f}, cycle {cycle:.3f}, identity {identity:.3f}, attention {cam:.3f}"
