"""What an interrupted run leaves behind is understood by the next one, whatever happened to it meanwhile."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ugatit_cli.errors import OutputError
from ugatit_cli.pipeline.journal import JOURNAL, Journal, Origin, Record, record_of

RECORD = Record(Origin(1, 2, "a" * 64, "b" * 64), "c" * 64, "/photos/bad_\udcff.png", "d" * 64)


@pytest.mark.parametrize("name", ["a.png", "sub/line\nbreak.png", "bad_\udcff.png", "日本.png", 'quote".png'])
def test_a_record_is_found_again(tmp_path: Path, name: str) -> None:
    Journal(tmp_path).add(tmp_path / name, RECORD)
    journal = Journal(tmp_path)
    assert (len(journal), journal.find(tmp_path / name)) == (1, RECORD)
    assert journal.find(tmp_path / "other.png") is None


def test_the_last_record_of_a_file_counts(tmp_path: Path) -> None:
    later = Record(RECORD.origin, "d" * 64)
    journal = Journal(tmp_path)
    for record in (RECORD, later):
        journal.add(tmp_path / "a.png", record)
    assert journal.find(tmp_path / "a.png") == later
    assert Journal(tmp_path).find(tmp_path / "a.png") == later


def test_every_record_of_a_file_is_found_by_its_bytes(tmp_path: Path) -> None:
    name = tmp_path / "a.png"
    (tmp_path / JOURNAL).write_bytes(b"strange\n" + b"cut off")
    journal = Journal(tmp_path)
    records = [Record(replace(RECORD.origin, input_bytes=size), digest * 64) for size, digest in enumerate("cdced")]
    for record in records:
        journal.add(name, record)
        journal.add(tmp_path / "b.png", RECORD)
    for each in (journal, Journal(tmp_path)):
        found = [each.find_content(name, digest * 64) for digest in "cdef"]
        assert found == [records[2], records[4], records[3], None]
        assert each.find_content(tmp_path / "other.png", "c" * 64) is None


def test_what_earlier_records_say_stays_in_the_file(tmp_path: Path) -> None:
    """A journal of a year of runs must not fill the memory."""
    journal = Journal(tmp_path)
    journal.add(tmp_path / "a.png", RECORD)
    line = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(line * 20_000)
    tracemalloc.start()
    journal = Journal(tmp_path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000 * 60 and journal.find_content(tmp_path / "a.png", RECORD.sha256) == RECORD


def test_a_line_of_an_older_version_is_of_any_source(tmp_path: Path) -> None:
    line = {"file": "a.png", "sha256": RECORD.sha256, **asdict(RECORD.origin)}
    (tmp_path / JOURNAL).write_text(json.dumps(line) + "\n")
    record = Journal(tmp_path).find(tmp_path / "a.png")
    assert record == Record(RECORD.origin, RECORD.sha256)
    assert record.is_of(tmp_path / "photo.png")


def test_a_source_that_went_while_it_was_translated_is_known_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    record = record_of(tmp_path / "a.png", tmp_path / "gone.png", RECORD.origin)
    assert record.is_of(tmp_path / "gone.png")
    assert not record.is_of(tmp_path / "a.png")


def test_nothing_waits_for_a_pipe_in_the_place_of_a_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert not RECORD.is_of(tmp_path / "pipe.png")


def test_a_line_cut_off_by_a_kill_costs_only_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for name in ("a.png", "b.png"):
        journal.add(tmp_path / name, RECORD)
    whole = (tmp_path / JOURNAL).read_bytes()
    first = len(whole) // 2
    for length in (0, 1, 20, first - 2, first - 1, first, first + 1, first + 50, len(whole) - 2, len(whole) - 1):
        (tmp_path / JOURNAL).write_bytes(whole[:length])
        Journal(tmp_path).add(tmp_path / "c.png", RECORD)
        after = Journal(tmp_path)
        assert after.find(tmp_path / "c.png") == RECORD, length
        assert (after.find(tmp_path / "a.png") is not None) == (length >= first - 1), length


@settings(max_examples=30)
@given(
    st.binary(max_size=200)
    | st.sampled_from([b"[]", b"{}", b'{"file": 1}', b"[" * 100_000, b'{"file": "a", "sha256": "b"}'])
)
def test_strange_lines_are_passed_over(tmp_path_factory: pytest.TempPathFactory, line: bytes) -> None:
    folder = tmp_path_factory.mktemp("journal")
    (folder / JOURNAL).write_bytes(line + b"\n")
    Journal(folder).add(folder / "a.png", RECORD)
    assert Journal(folder).find(folder / "a.png") == RECORD


def test_a_journal_that_cannot_be_used_is_an_error_of_the_output(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(OutputError):
        Journal(tmp_path)
    journal = Journal(tmp_path / "missing")
    with pytest.raises(OutputError):
        journal.add(tmp_path / "missing" / "a.png", RECORD)


def test_a_link_in_the_place_of_the_journal_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL).symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError, match="cannot write"):
        Journal(tmp_path / "out").add(tmp_path / "out" / "a.png", RECORD)
    assert not (tmp_path / "mine").exists()
