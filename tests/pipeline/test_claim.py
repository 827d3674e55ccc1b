"""One run at a time in an output folder, and no trace of one that did nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ugatit_cli.errors import OutputError, UsageError
from ugatit_cli.files import replacing
from ugatit_cli.pipeline.claim import LOCK, claim, claim_outputs
from ugatit_cli.pipeline.plan import Job
from ugatit_cli.pipeline.sources import Source

HOLDER = """
import sys, time
from pathlib import Path
from ugatit_cli.pipeline.claim import claim
with claim(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds `tmp_path`."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_kept_out_until_the_first_is_gone_even_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with holder:
        for _ in range(2):
            with pytest.raises(OutputError) as caught, claim(tmp_path):
                pass
            assert caught.value.name == "output-locked"
        holder.kill()
    assert (tmp_path / LOCK).exists()
    with claim(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folders_made_for_nothing_go_away(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), claim(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_folders_with_something_in_them_stay(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with claim(tmp_path / "a" / "b"), claim(tmp_path / "empty"):
        (tmp_path / "a" / "x.png").touch()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "empty", "x.png"]


def test_a_folder_that_cannot_be_made_is_an_error_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), claim(tmp_path / "file" / "out"):
        pass


def jobs(folder: Path, *names: str) -> list[Job]:
    return [Job(Source(Path(name), Path(name)), {"result": folder / name}, "png", folder) for name in names]


def test_what_killed_runs_left_behind_is_removed_under_the_claim(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    parts = [tmp_path / ".0123456789ab.ugatit-part", tmp_path / "sub" / ".ba9876543210.ugatit-part"]
    for path in (*parts, tmp_path / "x.ugatit-part"):
        path.touch()
    with claim_outputs(jobs(tmp_path, "a.png", "sub/b.png")) as journals:
        assert list(journals) == [tmp_path]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["sub", "x.ugatit-part"]


def test_a_refusal_gives_all_claims_back(tmp_path: Path) -> None:
    (tmp_path / "two").touch()
    with (
        pytest.raises((OutputError, UsageError)),
        claim_outputs([*jobs(tmp_path / "one", "a"), *jobs(tmp_path / "two", "a")]),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_what_another_run_is_writing_in_a_folder_below_stays(tmp_path: Path) -> None:
    job = Job(Source(Path("a.png"), Path("a.png")), {"result": tmp_path / "sub" / "a.png"}, "png", tmp_path)
    (tmp_path / "sub").mkdir()
    with replacing(tmp_path / "sub" / "b.png") as part:
        part.write_bytes(b"half")
        with claim_outputs([job]):
            assert part.read_bytes() == b"half"
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["b.png"]


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError, match="cannot write"), claim(tmp_path / "out"):
        pass
    assert not (tmp_path / "mine").exists()
