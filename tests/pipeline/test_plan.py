"""No picture overwrites another one, or an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from ugatit_cli.errors import UsageError
from ugatit_cli.pipeline.destination import Extra, OutputOptions
from ugatit_cli.pipeline.plan import Job, make_plan, refuse_collisions, refuse_lookalikes
from ugatit_cli.pipeline.sources import Source


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def plan(arguments: list[Path], out: Path | None = None, extras: tuple[Extra, ...] = ()) -> list[Job]:
    options = OutputOptions(str(out) if out else None, None, "toon", extras)
    return make_plan([str(argument) for argument in arguments], options, recursive=True)


def refusal(arguments: list[Path], out: Path | None = None, extras: tuple[Extra, ...] = ()) -> str:
    with pytest.raises(UsageError) as caught:
        plan(arguments, out, extras)
    return caught.value.name


def test_a_picture_that_is_not_there_is_called_missing_wherever_its_result_would_go(tmp_path: Path) -> None:
    for out in (None, tmp_path / "drawing.png", tmp_path / "drawings"):
        assert refusal([tmp_path / "missing.png"], out) == "input-missing"


def test_one_stem_with_three_endings_keeps_three_files(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.jpg", "a.png", "a.webp")
    jobs = plan([tmp_path / "in"], tmp_path / "out")
    assert [(job.targets["result"].name, job.format) for job in jobs] == [
        ("a.jpg", "jpg"),
        ("a.png", "png"),
        ("a.webp", "webp"),
    ]


def test_two_pictures_that_would_become_one_file_are_refused(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.gif", "a.png")
    assert refusal([tmp_path / "in"], tmp_path / "out") == "output-collision"


def test_a_picture_beside_a_result_collides_too(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.png", "a.compare.png")
    assert len(plan([tmp_path / "in"], tmp_path / "out")) == 2
    assert refusal([tmp_path / "in"], tmp_path / "out", extras=("compare",)) == "output-collision"


def test_the_result_comes_last_so_that_it_stands_for_all(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    (job,) = plan([tmp_path / "a.jpg"], extras=("heatmap", "compare"))
    assert [path.name for path in job.targets.values()] == ["a.toon.heatmap.jpg", "a.toon.compare.jpg", "a.toon.jpg"]


def test_input_and_output_are_never_one_folder(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.png")
    (tmp_path / "link").symlink_to("in")
    assert refusal([tmp_path / "in"], tmp_path / "in") == "output-is-input"
    assert refusal([tmp_path / "in"], tmp_path / "link") == "output-is-input"
    assert refusal([tmp_path / "in"], tmp_path / "in" / ".." / "in") == "output-is-input"


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.png", "sub/b.png")
    make(tmp_path / "out", "empty.txt")
    (tmp_path / "out" / "a.png").symlink_to(tmp_path / "in" / "a.png")
    assert refusal([tmp_path / "in" / "a.png"], tmp_path / "in" / "a.png") == "output-is-input"
    assert refusal([tmp_path / "in" / "a.png"], tmp_path / "in") == "output-is-input"
    assert refusal([tmp_path / "in" / "sub", tmp_path / "in" / "a.png"], tmp_path / "in") == "output-is-input"
    assert refusal([tmp_path / "in"], tmp_path / "out") == "output-is-input"


def test_an_output_folder_inside_the_input_is_never_read(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.png", "out/a.png", "out/b.png")
    (job,) = plan([tmp_path / "in"], tmp_path / "in" / "out")
    assert job.source.path == tmp_path / "in" / "a.png"


@pytest.mark.parametrize("pattern", ["**/*.png", "**", "*/*.png", "in/**/*.png", "./in/**"])
@pytest.mark.parametrize("out", ["in/out", "./in/../in/out"])
def test_a_pattern_does_not_read_the_output_folder(
    pattern: str, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "in/a.png", "in/sub/out/b.png", "in/.out/c.png")
    monkeypatch.chdir(tmp_path)
    first = planned([pattern], out)
    for source in first:
        make(tmp_path / "in" / "out", source.relative_to("in").as_posix())
    make(tmp_path, "in/out/in/a.png", "in/out/deeper/a.png")
    assert planned([pattern], out) == first


def planned(arguments: list[str], out: str) -> list[Path]:
    return [job.source.path for job in make_plan(arguments, OutputOptions(out, None, "toon"), recursive=False)]


def test_a_pattern_that_names_the_output_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "out/a.png", "out/sub/b.png")
    for pattern in ("*.png", "**/*.png"):
        assert refusal([tmp_path / "out" / pattern], tmp_path / "out") == "output-is-input"


@pytest.mark.parametrize(
    ("names", "out", "wanted", "formats"),
    [
        (["clip.mp4"], "out.mp4", "png", None),
        (["clip.mp4"], "out", "png", None),
        (["clip.mp4", "b.mkv"], None, "jpg", None),
        (["clip.mp4"], "out.gif", "png", None),
        (["clip.mp4"], "out.png", "png", ["png"]),
        (["clip.mp4", "a.jpg"], "out", "png", ["mp4", "png"]),
    ],
)
def test_a_format_of_pictures_is_none_of_films(
    names: list[str], out: str | None, wanted: str, formats: list[str] | None, tmp_path: Path
) -> None:
    make(tmp_path, *names)
    options = OutputOptions(str(tmp_path / out) if out else None, wanted, "toon")
    arguments = [str(tmp_path / name) for name in names]
    if formats is not None:
        assert [job.format for job in make_plan(arguments, options, recursive=False)] == formats
        return
    with pytest.raises(UsageError, match="contradict each other") as caught:
        make_plan(arguments, options, recursive=False)
    assert caught.value.name == "format-contradiction"


def test_a_problem_has_no_targets(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (job,) = plan([tmp_path / "in"], tmp_path / "out")
    assert job.source.problem is not None
    assert job.targets == {}


def jobs(folder: Path, *names: str) -> list[Job]:
    return [Job(Source(Path(name), Path(name)), {"result": folder / name}, "png", folder) for name in names]


def test_names_that_only_look_alike_are_refused_only_where_the_disk_cannot_tell(tmp_path: Path) -> None:
    lookalikes = jobs(tmp_path, "A.png", "a.png", "\u00e9.png", "e\u0301.png")
    (tmp_path / "A").touch()
    (tmp_path / "\u00e9").touch()
    if (tmp_path / "a").exists() or (tmp_path / "e\u0301").exists():
        with pytest.raises(UsageError):
            refuse_lookalikes(lookalikes, tmp_path)
    else:
        refuse_lookalikes(lookalikes, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A", "\u00e9"]


def test_one_spelling_for_two_names_is_a_collision(tmp_path: Path) -> None:
    refuse_collisions(jobs(tmp_path, "A.png", "a.png"), str)
    with pytest.raises(UsageError, match="would both be written"):
        refuse_collisions(jobs(tmp_path, "A.png", "a.png"), str.casefold)


def test_what_an_earlier_run_left_beside_its_pictures_is_no_input(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a.toon.jpg", "a.toon.toon.jpg", "a.toon.compare.jpg", "b.jpg", "c.toon.jpg")
    jobs = plan(sorted(tmp_path.iterdir()), extras=("compare",))
    assert [job.source.path.name for job in jobs] == ["a.jpg", "b.jpg", "c.toon.jpg"]
    assert len(plan(sorted(tmp_path.iterdir()), tmp_path / "out")) == 6, "somewhere else, all are meant"
