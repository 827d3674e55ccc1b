"""`ugatit translate`: pictures of one domain into pictures of the other."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from .. import hub
from ..config import Direction
from ..console import Console
from ..errors import UgatitError, UsageError
from ..filming import FilmSettings, plan_job
from ..loading import MANY, LoadedModel, Wish, digest_of
from ..pipeline import (
    Choices,
    Existing,
    Extra,
    Failure,
    Job,
    Journal,
    Outcome,
    OutputOptions,
    Pending,
    Settings,
    check_folders,
    check_space,
    claim_outputs,
    make_plan,
    read_journals,
    read_now,
    sort_jobs,
    watch_signals,
)
from ..pipeline.journal import record_of
from . import options
from .faces import (
    FaceChoice,
    FaceModelOption,
    FacesOption,
    check_films,
    choose_faces,
    face_backend,
    face_mode,
    say_without,
)
from .film_run import FilmRun, open_film, run_film
from .report import Report, reporting

if TYPE_CHECKING:
    from ..framing import Fit, Framing

InputArgument = Annotated[
    list[str],
    typer.Argument(metavar="INPUT...", show_default=False, help="Pictures, folders, patterns; - is standard input."),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        show_default="beside the input",
        help="A name that ends like a picture is a file, for one input; any other is a folder; - is standard output.",
    ),
]
FitOption = Annotated[
    Literal["keep", "stretch", "crop", "pad"] | None,
    typer.Option(
        "--fit",
        show_default="the model's",
        help="How a picture meets the network: in its own proportions, squeezed into a square, only its middle square, "
        "or with mirrored edges that fill the square.",
    ),
]
OutputSizeOption = Annotated[
    Literal["source", "model"],
    typer.Option("--output-size", help="Give results the size of the source, or the one that the network works at."),
]
FormatOption = Annotated[
    Literal["png", "jpg", "webp", "avif", "tiff", "bmp"] | None,
    typer.Option(
        "--format", show_default="the input's", help="Of all pictures; png where the input's cannot be written."
    ),
]
QualityOption = Annotated[
    int, typer.Option("--quality", min=1, max=100, metavar="N", help="Of jpg, webp and avif, from 1 to 100.")
]
RecursiveOption = Annotated[bool, typer.Option("--recursive", "-r", help="Look into the folders of a folder, too.")]
HeatmapOption = Annotated[
    bool, typer.Option("--heatmap", help="Also write where the network looked: NAME.heatmap.EXT.")
]
CompareOption = Annotated[
    bool, typer.Option("--compare", help="Also write source and result in one: NAME.compare.EXT.")
]


def translate(
    inputs: InputArgument,
    out: OutOption = None,
    model: options.ModelOption = hub.BY_NAME + hub.DEFAULT_MODEL,  # never a folder that happens to be called so
    direction: options.DirectionOption = None,
    device: options.RunDeviceOption = "auto",
    backend: options.BackendOption = "auto",
    batch_size: options.BatchSizeOption = None,
    size: options.SizeOption = None,
    fit: FitOption = None,
    faces: FacesOption = "auto",
    face_model: FaceModelOption = None,
    output_size: OutputSizeOption = "source",
    input_range: options.InputRangeOption = None,
    bgr: options.BgrOption = False,
    format: FormatOption = None,
    quality: QualityOption = 95,
    recursive: RecursiveOption = False,
    overwrite: options.OverwriteOption = False,
    skip_existing: options.SkipExistingOption = False,
    heatmap: HeatmapOption = False,
    compare: CompareOption = False,
    as_json: options.JsonOption = False,
    dry_run: options.DryRunOption = False,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Translate pictures: one file, many, or whole folders.

    Without --out, photo.jpg becomes photo.MODEL.jpg beside it, and a folder gets a twin named FOLDER-MODEL. With it,
    names and folders stay as they are. A folder of results remembers what was made from what: run the same command again
    and it goes on where it stopped. Nothing else that exists is overwritten without --overwrite.
    """
    console = Console(options.verbosity(verbose, quiet))
    options.exclude({"--overwrite": overwrite, "--skip-existing": skip_existing})
    extras: dict[Extra, bool] = {"heatmap": heatmap, "compare": compare}
    where = OutputOptions(out, format, model_label(model), tuple(kind for kind, wanted in extras.items() if wanted))
    with reporting(console, "translate", as_json=as_json) as report:
        jobs = make_plan(inputs, where, recursive=recursive)
        report.expect(len(jobs))
        _check_standard_output(jobs, as_json)
        check_films(faces, face_model, [job.source.path for job in jobs if job.is_film])
        found = find_model(model, direction, console, fetch=not dry_run)
        row = found.entry
        mode = face_mode(faces, row, extras=any(extras.values()), output_size=output_size, console=console)
        chosen = choose_faces(mode, face_model, row, console, fetch=not dry_run)
        settings = Settings(
            direction=direction or (row.direction if row else None),
            size=size,
            fit=fit or (cast("Fit", row.framing) if row else "keep"),
            output_size=output_size,
            quality=quality,
            input_range=input_range,
            bgr=bgr,
            faces=chosen.identity,
        )
        wish = Wish(settings.direction, backend, device, input_range, bgr)
        existing: Existing = "overwrite" if overwrite else "skip" if skip_existing else "refuse"
        request = Request(found, where.label, settings, wish, batch_size, existing, where.extras, chosen)
        check_folders(jobs)
        if dry_run:
            _show_plan(request, jobs, report)
        else:
            _carry_out(request, jobs, report, console)


@dataclass(frozen=True)
class Request:
    """What was asked for, apart from the pictures; for the fields see the options of `translate`."""

    model: hub.ResolvedModel
    label: str
    settings: Settings
    wish: Wish
    batch_size: int | None
    existing: Existing
    extras: tuple[Extra, ...]
    faces: FaceChoice = FaceChoice()

    @property
    def film(self) -> FilmSettings:
        return FilmSettings(self.settings, extras=self.extras)


def find_model(model: str, direction: Direction | None, console: Console, *, fetch: bool) -> hub.ResolvedModel:
    """Its file; without `fetch`, for a dry run, it need not be there yet."""
    if fetch:
        return hub.resolve(model, direction=direction, watcher=console)
    from ..hub.inventory import expect

    return expect(model)


def model_label(model: str) -> str:
    """What a model is called in the names of files: its name, its folder's, or its file's without the ending."""
    is_folder = os.path.isdir(model)
    path = Path(os.path.abspath(model) if is_folder else hub.label(model))  # "." and ".." are no names
    stem = path.stem if os.path.lexists(model) and not is_folder else path.name  # in "v1.2" the dot is no ending
    if stem == "weights":  # as every training run calls them: its folder tells more
        stem = Path(os.path.abspath(path)).parent.name
    return re.sub(r"[^\w.-]", "_", stem, flags=re.ASCII) or "translated"


def _check_standard_output(jobs: list[Job], as_json: bool) -> None:
    """A picture and JSON do not mix, and a terminal shows no picture."""
    if not any(not job.targets and job.source.problem is None for job in jobs):
        return
    if as_json:
        text = "the picture and the report of --json would both go to standard output"
        raise UsageError(text, hint="name a file with -o", name="options-contradict")
    if sys.stdout is not None and sys.stdout.isatty():
        text = "the picture would go to the terminal"
        raise UsageError(text, hint="name a file with -o, or write > drawing.png", name="output-terminal")


def _show_plan(request: Request, jobs: list[Job], report: Report) -> None:
    pending = _pending(request, jobs, read_journals(jobs))
    report.describe(model=model_facts(request), dry_run=True)
    report.skip(pending.skipped)
    report.plan(job for job in pending.todo if job.source.problem is None)
    _report_problems(pending.todo, report)


def _carry_out(request: Request, jobs: list[Job], report: Report, console: Console) -> None:
    with claim_outputs(jobs) as journals:
        pending = _pending(request, jobs, journals)
        report.describe(model=model_facts(request))
        check_space(pending.todo)
        with console.captured_noise():
            todo = pending.todo
            if len(todo) == 1:  # a lone bad picture is told of before a network is loaded for it
                todo = [_looked_at(todo[0], request)]
            if all(job.source.problem for job in todo):
                report.skip(pending.skipped)
                _report_problems(todo, report)
                return
            films = [job for job in todo if job.is_film]
            loaded = load(request, MANY if films else len(todo), console)
            backend = loaded.model.backend
            report.describe(model=model_facts(request, loaded.model), device=backend.device)
            report.describe(backend=backend.name, provider=backend.provider)
            report.skip(pending.skipped)
            pictures = [job for job in todo if not job.is_film]
            if pictures:
                _run(request, loaded, pictures, journals, report, console)
            for job in films:
                report.add(_run_film(job, request, loaded, journals, console))


def _looked_at(job: Job, request: Request) -> Job:
    """The job with its picture, or with the problem that it has."""
    if job.source.problem is not None:
        return job
    if not job.is_film:
        return replace(job, source=read_now(job.source))
    try:
        open_film(plan_job(job, request.film), request.film)
    except UgatitError as error:
        return replace(job, source=replace(job.source, problem=error))
    return job


def _run_film(
    job: Job, request: Request, loaded: Loaded, journals: Mapping[Path, Journal], console: Console
) -> Outcome:
    """As `ugatit video` does it by default. Raises UgatitError for what would hit the next one as well."""
    from ..pipeline.pictures import STOPS_THE_RUN

    origin = Choices(request.existing, loaded.model.sha256, request.settings.digest()).origin(job)

    def remember(target: Path, part: Path) -> None:
        if job.root is not None and origin is not None:
            journals[job.root].add(target, record_of(part, job.source.path, origin))

    try:
        plan = plan_job(job, request.film)
        source = open_film(plan, request.film)
        run = FilmRun(plan, request.film, source, request.batch_size, True, "the same command", remember)
        return run_film(run, loaded.model, loaded.framing, console)
    except UgatitError as error:
        if error.exit_code in STOPS_THE_RUN:
            raise
        return Failure(job.source.path, error)


def _pending(request: Request, jobs: list[Job], journals: Mapping[Path, Journal]) -> Pending:
    model = wanted_digest(request.model) if any(map(len, journals.values())) else ""
    return sort_jobs(jobs, journals, Choices(request.existing, model, request.settings.digest()))


def wanted_digest(model: hub.ResolvedModel) -> str:
    """Of the file that outputs will be compared with; "" where loading it will say what is wrong with it."""
    if model.sha256:
        return model.sha256
    try:
        return digest_of(model.path) if model.path.exists() else ""
    except (OSError, UgatitError):
        return ""


def _report_problems(jobs: list[Job], report: Report) -> None:
    for job in jobs:
        if job.source.problem is not None:
            report.add(Failure(job.source.path, job.source.problem))


@dataclass(frozen=True)
class Loaded:
    """A model that runs, and how pictures meet it."""

    model: LoadedModel
    framing: Framing


def load(request: Request, pictures: int | None, console: Console) -> Loaded:
    begun = perf_counter()
    from ..framing import Framing
    from ..loading import load_model

    settings, path = request.settings, request.model.path
    loaded = load_model(path, wanted_digest(request.model), replace(request.wish, pictures=pictures))
    for note in loaded.notes:
        console.note(f"{path}: {note}")
    backend = loaded.backend
    if settings.size is not None and settings.size != backend.image_size and not backend.any_size:
        text = f"this model works at {backend.image_size} pixels only"
        raise UsageError(text, hint="leave --size out", name="size-fixed")
    framing = Framing(settings.fit, settings.size or backend.image_size, backend.any_size)
    console.detail(f"model: {path}, {loaded.kind}, {loaded.direction or 'direction unknown'}, sha256 {loaded.sha256}")
    console.detail(f"device: {backend.device}, by {backend.name} ({backend.provider}): {loaded.reason}")
    console.detail(f"size: {framing.size}, fit: {framing.fit}; loaded in {perf_counter() - begun:.1f} s")
    return Loaded(loaded, framing)


def _run(
    request: Request,
    loaded: Loaded,
    jobs: list[Job],
    journals: Mapping[Path, Journal],
    report: Report,
    console: Console,
) -> None:
    from ..pipeline.pictures import Translator, run_jobs
    from ..pipeline.writing import Writer

    choices = Choices(request.existing, loaded.model.sha256, request.settings.digest())
    writer = Writer(request.settings, journals, keep_existing=request.existing == "skip")

    def announce() -> None:
        console.note("finishing the pictures under way; once more stops at once")

    backend = loaded.model.backend
    faces = face_backend(request.faces, loaded.model, loaded.framing, request.batch_size)
    with watch_signals(announce) as interruption, console.progress(len(jobs)) as advance:
        translator = Translator(
            faces or backend,
            loaded.framing,
            choices.origin,
            batch_size=1 if faces else request.batch_size,
            pictures=len(jobs),
            frame=faces.frame if faces else None,
            remarks=faces.remarks if faces else tuple,
            keep_alpha=request.faces.mode != "crop",
            heatmap="heatmap" in request.extras,
            keep_source=bool(request.extras),
            stopped=interruption.requested,
        )
        with closing(run_jobs(jobs, translator, writer)) as outcomes:
            for outcome in outcomes:
                report.add(outcome, request.faces.notes)
                advance()
    if faces is not None:
        say_without(faces, console)
    if interruption.requested():
        raise typer.Exit(interruption.exit_code)


def model_facts(request: Request, loaded: LoadedModel | None = None) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": request.label, "path": str(request.model.path)}
    if loaded is not None:
        facts |= {"sha256": loaded.sha256, "direction": loaded.direction}
    return facts
