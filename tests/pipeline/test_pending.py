"""What a second run does with what the first one left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ugatit_cli.errors import UsageError
from ugatit_cli.pipeline.destination import OutputOptions
from ugatit_cli.pipeline.journal import Journal, record_of
from ugatit_cli.pipeline.pending import Choices, Existing, Pending, sort_jobs
from ugatit_cli.pipeline.plan import Job, make_plan

CHOICES = Choices("refuse", model="m", settings="s")
Plan = Callable[..., list[Job]]


@pytest.fixture
def done(tmp_path: Path, photo: Callable[..., Path], planned: Plan) -> Plan:
    """`in/a.png` and `in/b.png` are translated, and the journal knows it."""
    for name in ("a.png", "b.png"):
        photo(tmp_path / "in" / name)
        photo(tmp_path / "out" / name, colour=(1, 2, 3))
    journal = Journal(tmp_path / "out")
    for job in planned():
        origin = CHOICES.origin(job)
        assert origin is not None
        journal.add(job.targets["result"], record_of(job.targets["result"], job.source.path, origin))
    return planned


def sort(jobs: list[Job], choices: Choices = CHOICES) -> Pending:
    return sort_jobs(jobs, {job.root: Journal(job.root) for job in jobs if job.root}, choices)


def names(jobs: list[Job]) -> list[tuple[str, bool]]:
    return [(job.source.path.name, job.replace) for job in jobs]


def test_what_matches_is_skipped(done: Plan) -> None:
    pending = sort(done())
    assert (names(pending.todo), len(pending.skipped)) == ([], 2)


def test_another_model_or_other_settings_make_all_again(done: Plan) -> None:
    for choices in (replace(CHOICES, model="other"), replace(CHOICES, settings="other")):
        assert names(sort(done(), choices).todo) == [("a.png", True), ("b.png", True)]


def test_a_changed_input_is_done_again(done: Plan, tmp_path: Path, photo: Callable[..., Path]) -> None:
    photo(tmp_path / "in" / "a.png", size=(64, 64))
    os.utime(tmp_path / "in" / "b.png", (1, 1))
    assert names(sort(done()).todo) == [("a.png", True), ("b.png", True)]


def test_what_was_made_from_another_photograph_is_not_overwritten(
    done: Plan, tmp_path: Path, photo: Callable[..., Path]
) -> None:
    (tmp_path / "in").rename(tmp_path / "before")
    photo(tmp_path / "other" / "a.png", colour=(9, 9, 9))
    (tmp_path / "in").symlink_to("other")
    with pytest.raises(UsageError) as caught:
        sort(done())
    assert caught.value.name == "output-exists"


def test_a_photograph_is_known_by_every_spelling(
    done: Plan, tmp_path: Path, photo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("in")
    photo(tmp_path / "in" / "a.png", size=(64, 64))
    for spelling in ("in", "link", "out/../in"):
        jobs = make_plan([spelling], OutputOptions("out", None, "inverted"), recursive=True)
        pending = sort_jobs(jobs, {Path("out"): Journal(Path("out"))}, CHOICES)
        assert (names(pending.todo), len(pending.skipped)) == ([("a.png", True)], 1)


def test_photographs_that_moved_are_known_by_their_content(
    done: Plan, tmp_path: Path, photo: Callable[..., Path]
) -> None:
    shutil.copytree(tmp_path / "in", tmp_path / "copy")
    os.utime(tmp_path / "copy" / "b.png", (1, 1))
    (tmp_path / "in").rename(tmp_path / "before")
    (tmp_path / "in").symlink_to("copy")
    pending = sort(done())
    assert (names(pending.todo), len(pending.skipped)) == ([("b.png", True)], 1)


def test_what_the_last_record_does_not_describe_is_made_again_if_an_earlier_one_does(
    done: Plan, tmp_path: Path
) -> None:
    """A kill between a record and its bytes' name leaves the file of the record before."""
    other = replace(CHOICES, model="other")
    journal, (job, _) = Journal(tmp_path / "out"), done()
    origin, target = other.origin(job), job.targets["result"]
    assert origin is not None
    journal.add(target, replace(record_of(target, job.source.path, origin), sha256="0" * 64))
    for choices in (CHOICES, other):
        assert ("a.png", True) in names(sort(done(), choices).todo)


def test_what_an_earlier_record_says_of_another_photograph_is_not_overwritten(
    done: Plan, tmp_path: Path, photo: Callable[..., Path]
) -> None:
    (tmp_path / "in").rename(tmp_path / "before")
    photo(tmp_path / "other" / "a.png", colour=(9, 9, 9))
    (tmp_path / "in").symlink_to("other")
    (job,) = done()
    origin, target = CHOICES.origin(job), job.targets["result"]
    assert origin is not None
    Journal(tmp_path / "out").add(target, replace(record_of(target, job.source.path, origin), sha256="0" * 64))
    with pytest.raises(UsageError) as caught:
        sort(done())
    assert caught.value.name == "output-exists"


def test_a_missing_output_is_made(done: Plan, tmp_path: Path) -> None:
    (tmp_path / "out" / "b.png").unlink()
    assert names(sort(done()).todo) == [("b.png", False)]


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n", b"garbage"])
def test_a_damaged_output_is_made_again(done: Plan, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "out" / "a.png").write_bytes(damage)
    assert names(sort(done()).todo) == [("a.png", True)]


def test_a_retouched_output_is_not_overwritten(done: Plan, tmp_path: Path, photo: Callable[..., Path]) -> None:
    photo(tmp_path / "out" / "a.png", colour=(9, 9, 9))
    with pytest.raises(UsageError) as caught:
        sort(done())
    assert caught.value.name == "output-exists"


def test_a_retouched_output_too_large_to_be_read_is_not_overwritten(
    done: Plan, tmp_path: Path, photo: Callable[..., Path]
) -> None:
    photo(tmp_path / "out" / "a.png", size=(70_000, 1), colour=(9, 9, 9))
    with pytest.raises(UsageError) as caught:
        sort(done())
    assert caught.value.name == "output-exists"


def test_an_extra_wanted_later_makes_the_picture_again(done: Plan) -> None:
    assert names(sort(done("compare")).todo) == [("a.png", True), ("b.png", True)]


def test_files_that_nobody_recorded_are_never_overwritten(
    tmp_path: Path, photo: Callable[..., Path], planned: Plan
) -> None:
    for name in ("in/a.png", "in/b.png", "out/b.png"):
        photo(tmp_path / name)
    with pytest.raises(UsageError, match="b.png would be overwritten"):
        sort(planned())


@pytest.mark.parametrize(
    ("existing", "expected"),
    [("overwrite", [("a.png", True), ("b.png", False)]), ("skip", [("b.png", False)])],
)
def test_unless_that_is_asked_for(
    existing: Existing, expected: list[tuple[str, bool]], tmp_path: Path, photo: Callable[..., Path], planned: Plan
) -> None:
    for name in ("in/a.png", "in/b.png", "out/a.png"):
        photo(tmp_path / name)
    assert names(sort(planned(), replace(CHOICES, existing=existing)).todo) == expected


def test_a_broken_link_in_the_way_counts_as_a_file(tmp_path: Path, photo: Callable[..., Path], planned: Plan) -> None:
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to("nowhere")
    with pytest.raises(UsageError):
        sort(planned())


def test_a_folder_in_the_way_is_refused_whatever_is_asked_for(
    tmp_path: Path, photo: Callable[..., Path], planned: Plan
) -> None:
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    for existing in ("refuse", "overwrite", "skip"):
        with pytest.raises(UsageError) as caught:
            sort(planned(), replace(CHOICES, existing=existing))
        assert caught.value.name == "output-is-folder"
