"""`ugatit train`: two folders of pictures in, a run folder with weights that translate out."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..console import Console
from ..errors import BadInputError, RefusedError, ResourceError, UsageError
from ..pipeline import Interruption, watch_signals
from ..training.config import TrainConfig, config_as_toml, located, make_config, merge_settings
from ..training.launch import is_launched, launch, leads, require_devices
from ..training.run_config import CONFIG
from ..training.watchers import explain_losses
from .options import DeviceOption, QuietOption, VerboseOption, verbosity
from .run_report import describe_evaluation, describe_plan, describe_step

if TYPE_CHECKING:
    from ..training.fit import Run

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def setting(name: str, *flags: str) -> Any:
    """The option of one training setting: its help and default are the setting's own."""
    field = TrainConfig.model_fields[name]
    default = field.default
    shown = False if field.is_required() or default is None or default == () else _shown(default)
    return typer.Option(*flags, help=field.description, show_default=shown)


def _shown(default: object) -> str:
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _duration(value: str | float | None) -> float | None:
    """`90`, `45s`, `30m`, `2h30m` or `1d` in seconds; a number has no unit only where it is alone."""
    if value is None or isinstance(value, float):
        return value
    seconds, digits = 0.0, ""
    for character in f"{value}s" if value.isdecimal() else value:
        if character in UNITS and digits:
            seconds, digits = seconds + int(digits) * UNITS[character], ""
        elif character.isdecimal():
            digits += character
        else:
            raise typer.BadParameter(f"{value} is no length of time; write 45s, 30m or 2h30m")
    if digits or not value:
        raise typer.BadParameter(f"{value} is no length of time; write 45s, 30m or 2h30m")
    return seconds


def train(
    a: Annotated[Path | None, setting("a", "--a")] = None,
    b: Annotated[Path | None, setting("b", "--b")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run folder to make.", show_default="runs/<a>2<b>")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="A run folder to go on with; of the run's settings only --steps may stand beside it."),
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="A TOML file of settings, named as the options with underscores.")
    ] = None,
    preset: Annotated[
        Literal["few"] | None,
        typer.Option(
            help="Settings that go together; few: for some dozens to a few hundred pictures, best with --base."
        ),
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
    discriminator_learning_rate: Annotated[float | None, setting("discriminator_learning_rate")] = None,
    weight_decay: Annotated[float | None, setting("weight_decay")] = None,
    adversarial_weight: Annotated[float | None, setting("adversarial_weight")] = None,
    cycle_weight: Annotated[float | None, setting("cycle_weight")] = None,
    identity_weight: Annotated[float | None, setting("identity_weight")] = None,
    cam_weight: Annotated[float | None, setting("cam_weight")] = None,
    smoothing: Annotated[bool | None, setting("smoothing", "--smoothing/--no-smoothing")] = None,
    augment: Annotated[Literal["none", "color", "all"] | None, setting("augment")] = None,
    ema_decay: Annotated[float | None, setting("ema_decay")] = None,
    freeze: Annotated[list[str] | None, setting("freeze")] = None,
    warmup: Annotated[int | None, setting("warmup")] = None,
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"] | None, setting("precision")] = None,
    compile_networks: Annotated[bool | None, setting("compile", "--compile/--no-compile")] = None,
    gradient_checkpointing: Annotated[
        bool | None, setting("gradient_checkpointing", "--gradient-checkpointing/--no-gradient-checkpointing")
    ] = None,
    seed: Annotated[int | None, setting("seed")] = None,
    test_a: Annotated[Path | None, setting("test_a")] = None,
    test_b: Annotated[Path | None, setting("test_b")] = None,
    hold_out: Annotated[int | None, setting("hold_out")] = None,
    evaluate_every: Annotated[int | None, setting("evaluate_every")] = None,
    patience: Annotated[int | None, setting("patience")] = None,
    save_every: Annotated[int | None, setting("save_every")] = None,
    sample_every: Annotated[int | None, setting("sample_every")] = None,
    log_every: Annotated[int | None, setting("log_every")] = None,
    track: Annotated[list[str] | None, setting("track")] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            parser=_duration, metavar="TIME", help="Save and stop after this time of training: 45s, 30m, 2h30m."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check the pictures, measure a step, print the settings as TOML, and stop."),
    ] = False,
    devices: Annotated[
        int, typer.Option(min=1, max=64, help="Processes to train in, one for each GPU; each takes its own batch.")
    ] = 1,
    device: DeviceOption = "auto",
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a model on two folders of pictures, A and B, that need not belong together."""
    options = locals() | {"compile": compile_networks}
    given = {name: options[name] for name in TrainConfig.model_fields if options[name] not in (None, [])}
    if devices > 1 and not is_launched():
        require_devices(devices, device)
        raise typer.Exit(launch(devices, sys.argv[1:]))
    console = Console(verbosity(verbose, quiet or not leads()))
    with ExitStack() as stack:
        stack.enter_context(console.captured_noise())
        if resume:
            _refuse_beside_resume(given, out=out, config=config_file, preset=preset, dry_run=dry_run)
            if leads():
                _require_run(resume)
                stack.enter_context(_hold(resume))
            run = _resume(resume, given.get("steps"), device, console)
        else:
            run = _start(merge_settings(preset, config_file, given), out, device, console, stack, dry_run=dry_run)
        _train(run, console, time_limit)


def _start(
    settings: dict[str, Any], out: Path | None, device: str, console: Console, stack: ExitStack, *, dry_run: bool
) -> Run:
    for name in ("a", "b"):
        if name not in settings:
            raise UsageError(f"--{name} is missing", hint="ugatit train --a PHOTOS --b DRAWINGS", name="train-folders")
    if "base" in settings:
        from ..training.base import shape_of

        base = settings["base"]
        if not isinstance(base, str | Path):
            raise UsageError(f"the setting base is a path, not {base}", hint="write it in quotes", name="train-setting")
        settings = shape_of(Path(base), console) | settings
    config = make_config(located(settings, Path.cwd()))
    folder = out or Path("runs") / f"{config.a.resolve().name}2{config.b.resolve().name}"
    if leads():
        _require_new(folder)
        _require_outside(folder, config)
    from ..allocator import keep_freed_memory
    from ..backends.pytorch import choose_device
    from ..training.capacity import measure_capacity
    from ..training.fit import Run
    from ..training.preparation import prepare
    from ..training.trackers import check_trackers

    keep_freed_memory()
    chosen = choose_device(device)
    check_trackers([name for name in config.track if name != "none"])
    preparation = prepare(config, progress=console.progress)
    for finding in preparation.survey.findings:
        console.warning(finding)
    capacity = measure_capacity(config, chosen, preparation.division)
    for line in describe_plan(config, preparation, capacity):
        console.note(line)
    if dry_run:
        console.write(config_as_toml(config).encode())
        raise typer.Exit
    if leads():
        stack.enter_context(_hold(folder))
    return Run.start(folder, config, chosen, preparation=preparation, pieces=capacity.pieces)


def _hold(folder: Path) -> AbstractContextManager[None]:
    from ..training.run_lock import hold

    return hold(folder)


def _require_outside(folder: Path, config: TrainConfig) -> None:
    """Its sample sheets would be training pictures once the run goes on."""
    for data in filter(None, (config.a, config.b, config.test_a, config.test_b)):
        if folder.resolve().is_relative_to(data.resolve()):
            text = f"the run {folder} would lie in {data}, among the pictures it learns from"
            raise UsageError(text, hint="choose another folder with -o", name="output-inside-input")


def _require_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        resume = f"go on with --resume {folder}, or " if (folder / CONFIG).is_file() else ""
        raise UsageError(f"{folder} exists already", hint=f"{resume}name another --out", name="run-exists")


def _require_run(folder: Path) -> None:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise UsageError(f"the run {folder} {what}", hint="check the path", name="run-missing")


def _refuse_beside_resume(given: dict[str, Any], **others: object) -> None:
    names = sorted(set(given) - {"steps"}) + [name for name, value in others.items() if value]
    if names:
        listed = ", ".join("--" + name.replace("_", "-") for name in names)
        text = f"--resume goes on with the run's own settings: {listed} cannot stand beside it"
        raise UsageError(text, hint="leave it out, or start another run with --base", name="options-contradict")


def _resume(folder: Path, steps: int | None, device: str, console: Console) -> Run:
    from ..allocator import keep_freed_memory
    from ..backends.pytorch import choose_device
    from ..training.capacity import measure_capacity
    from ..training.checkpoints import read_config
    from ..training.fit import Run
    from ..training.preparation import prepare

    keep_freed_memory()
    config, chosen = read_config(folder), choose_device(device)
    preparation = prepare(config, folder, progress=console.progress)
    # this machine may have less memory than the one before; a single picture cannot be cut
    pieces = measure_capacity(config, chosen, preparation.division).pieces if config.batch_size > 1 else 1
    return Run.resume(folder, chosen, steps=steps, preparation=preparation, pieces=pieces)


def _train(run: Run, console: Console, time_limit: float | None) -> None:
    """Train until the last step, a signal or the end of the time; the state is saved in each case."""
    for note in run.notes:
        console.warning(note)
    trainer = run.trainer
    console.note(
        f"{run.folder}: step {trainer.step} of {trainer.config.steps}, on {trainer.device.type}, {trainer.precision}"
    )
    if trainer.step < trainer.warmup:
        console.note(f"until step {trainer.warmup} only the discriminators learn, in shorter steps than later")
    deadline = time.monotonic() + time_limit if time_limit is not None else None
    with _saving_first(run):
        with watch_signals(lambda: console.note("saving after this step; again to stop at once")) as interruption:
            stopped = _advance(run, console, interruption, deadline)
        if stopped:
            run.close()
        else:
            for which, evaluation in run.finish():
                console.note(describe_evaluation(which, evaluation))
    if run.leads:
        console.result(run.weights)
    if interruption.requested():
        console.note(f"stopped; go on with: ugatit train --resume {run.folder}")
        raise typer.Exit(interruption.exit_code)
    if stopped:
        raise ResourceError(
            f"the time is over at step {trainer.step} of {trainer.config.steps}; all is saved",
            hint=f"ugatit train --resume {run.folder}",
            name="time-over",
        )


@contextmanager
def _saving_first(run: Run) -> Iterator[None]:
    """Where a picture can no longer be read, what was learned is saved before the run ends.

    Raises:
        BadInputError: in place of each error of reading: the command was right.
    """
    try:
        yield
    except (BadInputError, RefusedError, UsageError) as error:
        if run.leads:
            run.save()
        hint = f"put it back or go on without it: ugatit train --resume {run.folder}"
        raise BadInputError(f"{error.message}; all is saved", hint=hint, name=error.name) from error


def _advance(run: Run, console: Console, interruption: Interruption, deadline: float | None) -> bool:
    """Returns whether it stopped before the end."""
    config = run.trainer.config
    furthest, explained = run.trainer.step, run.trainer.step > 0
    with closing(run.fit()) as records, console.progress(config.steps, done=furthest) as advance:
        for record in records:
            if record.step > furthest:  # not again what a run does that went back
                advance()
            furthest = max(furthest, record.step)
            for warning in record.warnings:
                console.warning(warning)
            if record.step % config.log_every == 0:
                console.note(describe_step(record, run))
                if not explained and (words := explain_losses(record.losses, config)):
                    console.note(words)
                    explained = True
            if record.evaluation:
                console.note(describe_evaluation("now", record.evaluation))
            if run.agreed(interruption.requested() or (deadline is not None and time.monotonic() >= deadline)):
                if run.leads and record.checkpoint is None:
                    run.save()
                return record.step < config.steps
    return False
