"""What a run over a film will write, decided and checked before anything is touched."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UsageError
from ..files import sha256_of
from ..pipeline.destination import named
from ..pipeline.journal import Journal
from ..pipeline.plan import Job, Kind
from ..pipeline.preflight import check_folders
from ..pipeline.sources import Source, identity_of
from ..video.kinds import ANIMATIONS, CONTAINERS, Codec, suffix_of, writable_suffix
from .settings import FilmSettings

WORK_SUFFIX = ".ugatit-film"
Form = Literal["video", "animation", "frames"]


@dataclass(frozen=True)
class FilmPlan:
    """One film to translate.

    Attributes:
        job: where it comes from and what to write where.
        form: a video file, an animated picture, or a folder of numbered ones.
        container: FFmpeg's name of the container, the kind of animation, or the format of the pictures.
        codec: of a video file.
        work: the hidden folder in which finished segments wait.
    """

    job: Job
    form: Form
    container: str
    codec: Codec | None
    work: Path

    @property
    def target(self) -> Path:
        return self.job.targets["result"]


def plan_film(source: Path, out: str | None, label: str, settings: FilmSettings, *, overwrite: bool) -> FilmPlan:
    """Raises UsageError where the names, the options and what is there contradict each other."""
    if "-" in (str(source), out):
        hint = "name a file; ugatit translate takes pictures through pipes"
        raise UsageError("a film goes through no pipe", hint=hint, name="film-pipe")
    if not os.path.lexists(source):
        raise UsageError(f"{source} does not exist", hint="check the path", name="input-missing")
    target = named(Path(out)) if out is not None else beside(source, label)
    form, container, codec = form_of(target, settings)
    targets: dict[Kind, Path] = {extra: extra_target(target, extra) for extra in settings.extras}
    targets["result"] = target
    for path in targets.values():
        check_length(path)
        if source.is_dir() and source.resolve() in path.resolve().parents:
            text = f"the output {path} would lie inside the input {source}"
            raise UsageError(text, hint="choose another output", name="output-inside-input")
        if identity_of(path) is not None and identity_of(path) == identity_of(source):
            text = f"input and output are the same file: {path}"
            raise UsageError(text, hint="choose another output", name="output-is-input")
        if path.is_dir() and form != "frames":
            text = f"cannot write {path}: there is a folder of that name"
            raise UsageError(text, hint="choose another output", name="output-is-folder")
        if os.path.lexists(path) and not path.is_dir() and form == "frames":
            text = f"cannot write frames into {path}: there is a file of that name"
            hint = f"choose another name, or one that ends in {', '.join(CONTAINERS)}"
            raise UsageError(text, hint=hint, name="output-is-file")
        if os.path.lexists(path) and not overwrite and is_in_the_way(path, work_folder(target)):
            raise UsageError(f"{path} would be overwritten", hint="--overwrite replaces it", name="output-exists")
    status = os.stat(source) if os.path.exists(source) else None
    job = Job(Source(source, Path(source.name), status=status), targets, container, replace=overwrite)
    check_folders([job])
    return FilmPlan(job, form, container, codec, work_folder(target))


def plan_job(job: Job, settings: FilmSettings) -> FilmPlan:
    """For a film that was found among pictures."""
    target = job.targets["result"]
    return FilmPlan(job, *form_of(target, settings), work_folder(target))


def beside(source: Path, label: str) -> Path:
    """`clip.mp4` becomes `clip.MODEL.mp4`, a folder `frames` becomes `frames-MODEL`."""
    source = named(source)
    if source.is_dir():
        return source.with_name(f"{source.name}-{label}".replace(".", "-").lstrip("-"))  # a dot would begin an ending
    return source.with_name(f"{source.stem}.{label}{writable_suffix(source.name)}")


def check_length(path: Path) -> None:
    """Raises UsageError for a name that no file of that folder can have."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            text = f"cannot write {path}: the name is too long"
            raise UsageError(text, hint="name a shorter output", name="name-too-long") from error


def extra_target(target: Path, extra: str) -> Path:
    return target.with_name(f"{target.stem}.{extra}{target.suffix}")


def work_folder(target: Path) -> Path:
    """Beside the target; a name of fixed length, as the target's may be as long as names can be."""
    return target.parent / f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}{WORK_SUFFIX}"


def form_of(target: Path, settings: FilmSettings) -> tuple[Form, str, Codec | None]:
    """(form, container, codec) that the ending of a name asks for."""
    suffix = suffix_of(target.name)
    if suffix in CONTAINERS:
        container, codecs = CONTAINERS[suffix]
        codec = codecs[0] if settings.codec == "auto" else settings.codec
        if codec not in codecs:
            text = f"{suffix} files cannot hold {codec}"
            raise UsageError(text, hint=f"choose {' or '.join(codecs)}, or write an .mkv", name="codec")
        return "video", container, codec
    if suffix and suffix not in ANIMATIONS:
        hint = f"choose one of {', '.join([*CONTAINERS, *ANIMATIONS])}, or a folder for numbered pictures"
        raise UsageError(f"cannot write {suffix} files", hint=hint, name="format-unknown")
    given = {"--codec": settings.codec != "auto", "--crf": settings.crf is not None, "--preset": bool(settings.preset)}
    for option, is_given in given.items():
        if is_given:
            text = f"{option} is for video files, and {target} is none"
            raise UsageError(text, hint="leave it out, or write an .mp4", name="options-contradict")
    return ("animation", ANIMATIONS[suffix], None) if suffix else ("frames", "png", None)


def is_in_the_way(path: Path, work: Path) -> bool:
    """An empty folder may be filled; what an interrupted run has made already, that run's next one may replace."""
    journal, target = Journal(work), work / path.name
    if path.is_dir():
        return journal.find(target) is None and any(not name.startswith(".") for name in os.listdir(path))
    if journal.find(target) is None or not path.is_file():  # a pipe would be waited for
        return True
    return journal.find_content(target, sha256_of(path)) is None
