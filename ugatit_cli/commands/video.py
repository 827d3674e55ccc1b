"""`ugatit video`: films with their sound, times and everything else; a camera, live."""

from __future__ import annotations

import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer

from .. import hub
from ..console import Console
from ..errors import UsageError
from ..filming import FilmSettings, camera_device, plan_film
from ..loading import MANY, Wish
from ..pipeline import Extra, Settings, watch_signals
from ..shell import command_line
from . import options
from .film_run import FilmRun, open_film, run_film
from .report import Report, reporting
from .translate import FitOption, OutputSizeOption, Request, find_model, load, model_facts, model_label

MOST_FPS = 1000
MOST_RATE_PARTS = 100_000  # the denominator: formats hold such numbers, and 29.97002997 becomes 30000/1001
FOR_FILMS = (  # what a camera has no use for
    *("batch_size", "output_size", "codec", "crf", "preset", "start", "end", "fps", "steady"),
    *("no_audio", "resume", "overwrite", "as_json", "dry_run"),
)


def _time(value: str | Fraction | None) -> Fraction | None:
    if value is None or isinstance(value, Fraction):
        return value
    if not re.fullmatch(r"(\d+|(\d+:)?\d+:[0-5]?\d)(\.\d+)?", value):
        raise typer.BadParameter(f"{value} is no time: write 90, 1:30 or 0:01:30.5")
    seconds = Fraction(0)
    for part in value.split(":"):
        seconds = 60 * seconds + Fraction(part)
    return seconds


def _rate(value: str | Fraction | None) -> Fraction | None:
    if value is None or isinstance(value, Fraction):
        return value
    is_number = re.fullmatch(r"\d+(\.\d+)?|\d+/[1-9]\d*", value)
    rate = Fraction(value).limit_denominator(MOST_RATE_PARTS) if is_number else Fraction(0)
    if not 0 < rate <= MOST_FPS:
        raise typer.BadParameter(f"{value} is no frame rate: write 25, 23.976 or 30000/1001")
    return rate


InputArgument = Annotated[
    str, typer.Argument(metavar="IN", help="A video, an animated picture, a folder of numbered pictures; or camera:0.")
]
OutputArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="OUT",
        show_default="beside the input",
        help="Its ending says what is written: mp4, mov, mkv, webm, gif, webp, png (animated); none is a folder of frames.",
    ),
]
CrfOption = Annotated[
    int | None,
    typer.Option(
        "--crf", min=0, max=63, metavar="N", show_default="usual for the codec", help="Quality: lower is better."
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        show_default="usual for the codec",
        help="The encoder's own: how long it takes, for how small a file.",
    ),
]
CodecOption = Annotated[
    Literal["auto", "h264", "hevc", "vp9", "av1"],
    typer.Option("--codec", help="How the pictures are compressed; auto is vp9 for webm, h264 for the others."),
]
StartOption = Annotated[
    Fraction | None,
    typer.Option(
        "--start",
        parser=_time,
        metavar="TIME",
        show_default="the beginning",
        help="Begin at this time: 90, 1:30 or 0:01:30.5.",
    ),
]
EndOption = Annotated[
    Fraction | None,
    typer.Option("--end", parser=_time, metavar="TIME", show_default="the end", help="End before this time."),
]
FpsOption = Annotated[
    Fraction | None,
    typer.Option(
        "--fps",
        parser=_rate,
        metavar="RATE",
        show_default="the source's times",
        help="A constant frame rate; for a folder of pictures, how many make a second (25).",
    ),
]
SteadyOption = Annotated[
    str,
    typer.Option(
        "--steady",
        metavar="off|auto|STRENGTH",
        help="Take out flicker; a strength is above 0, up to 1.",
    ),
]
HeatmapOption = Annotated[bool, typer.Option("--heatmap", help="Also write where the network looked: OUT.heatmap.EXT.")]
CompareOption = Annotated[bool, typer.Option("--compare", help="Also write source and result in one: OUT.compare.EXT.")]
NoAudioOption = Annotated[bool, typer.Option("--no-audio", help="Leave the sound out.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume/--no-resume", help="Go on after what an interrupted run has finished, or begin anew.")
]


def video(
    context: typer.Context,
    input: InputArgument,
    output: OutputArgument = None,
    model: options.ModelOption = hub.BY_NAME + hub.DEFAULT_MODEL,
    direction: options.DirectionOption = None,
    device: options.RunDeviceOption = "auto",
    backend: options.BackendOption = "auto",
    batch_size: options.BatchSizeOption = None,
    size: options.SizeOption = None,
    fit: FitOption = None,
    output_size: OutputSizeOption = "source",
    input_range: options.InputRangeOption = None,
    bgr: options.BgrOption = False,
    codec: CodecOption = "auto",
    crf: CrfOption = None,
    preset: PresetOption = None,
    start: StartOption = None,
    end: EndOption = None,
    fps: FpsOption = None,
    steady: SteadyOption = "auto",
    heatmap: HeatmapOption = False,
    compare: CompareOption = False,
    no_audio: NoAudioOption = False,
    resume: ResumeOption = True,
    overwrite: options.OverwriteOption = False,
    as_json: options.JsonOption = False,
    dry_run: options.DryRunOption = False,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Translate a film, or show a camera's picture translated, live.

    Times, sound, subtitles, chapters, tags, shape and colours are the source's. Without OUT, clip.mp4 becomes clip.MODEL.mp4
    beside it. A run that is interrupted, or killed, goes on where it stopped when the same command is given again.
    """
    console = Console(options.verbosity(verbose, quiet))
    extras: dict[Extra, bool] = {"heatmap": heatmap, "compare": compare}
    wanted = tuple(kind for kind, is_wanted in extras.items() if is_wanted)
    with reporting(console, "video", as_json=as_json) as report:
        from ..steadying import parse_strength

        _check_stretch(start, end)
        found = find_model(model, direction, console, fetch=not dry_run)
        row = found.entry
        pictures = Settings(
            direction=direction or (row.direction if row else None),
            size=size,
            fit=fit or (row.framing if row else "keep"),  # type: ignore[arg-type]
            output_size=output_size,
            quality=95,
            input_range=input_range,
            bgr=bgr,
        )
        settings = FilmSettings(
            pictures, codec, crf, preset, start or Fraction(0), end, fps, parse_strength(steady), wanted, not no_audio
        )
        wish = Wish(pictures.direction, backend, device, input_range, bgr)
        request = Request(
            found, model_label(model), pictures, wish, batch_size, "overwrite" if overwrite else "refuse", wanted
        )
        camera = camera_device(input)
        if camera is not None:
            _refuse_what_is_for_films(context)
            _show_camera(camera, output, request, settings, console)
            return
        report.expect(1)
        plan = plan_film(Path(input), output, request.label, settings, overwrite=overwrite)
        report.describe(model=model_facts(request), dry_run=dry_run)
        with console.captured_noise():
            source = open_film(plan, settings)
            if dry_run:
                report.plan([plan.job])
                return
            again = command_line(["ugatit", *(word for word in sys.argv[1:] if word != "--no-resume")])
            _translate(FilmRun(plan, settings, source, batch_size, resume, again), request, report, console)


def _check_stretch(start: Fraction | None, end: Fraction | None) -> None:
    if end is not None and end <= (start or 0):
        text = "--end must be later than --start, or than 0 without one"
        raise UsageError(text, hint="give a later time to --end", name="options-contradict")


def _translate(run: FilmRun, request: Request, report: Report, console: Console) -> None:
    loaded = load(request, MANY, console)
    backend = loaded.model.backend
    report.describe(model=model_facts(request, loaded.model), device=backend.device)
    report.describe(backend=backend.name, provider=backend.provider)
    report.add(run_film(run, loaded.model, loaded.framing, console))


def _refuse_what_is_for_films(context: typer.Context) -> None:
    given = [name for name in FOR_FILMS if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        words = ", ".join(name for option in context.command.params if option.name in given for name in option.opts[:1])
        text = f"a camera is shown as it is, without {words}"
        raise UsageError(text, hint="leave it out, or name a file", name="options-contradict")


def _show_camera(
    device: int | str, output: str | None, request: Request, settings: FilmSettings, console: Console
) -> None:
    if output is not None:
        text = "a camera is shown, not written"
        raise UsageError(
            text, hint="leave OUT away; to keep something, record it and translate the file", name="camera-output"
        )
    from ..filming.camera import Window, show_live

    window = Window()
    try:
        with console.captured_noise():
            loaded = load(request, 1, console)
            with watch_signals(lambda: None) as interruption:
                live = show_live(device, loaded.model.backend, loaded.framing, settings, window, interruption.requested)
    finally:
        window.close()
    rate = live.shown / max(live.seconds, 1e-6)
    console.note(f"{live.shown} frames shown, {live.dropped} left out, {rate:.1f} fps")
