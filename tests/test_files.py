"""Whole files or none: injected errors at every step, real limits, a really full disk, real kill -9."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ugatit_cli import files
from ugatit_cli.errors import OutputError, ResourceError, UgatitError
from ugatit_cli.files import remove_abandoned_parts, remove_old_parts, write_atomically

REPOSITORY = Path(files.__file__).resolve().parents[1]
OLD, NEW = b"the old contents", bytes(range(256)) * 4
REAL_REPLACE = os.replace


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def python(code: str, *arguments: object, wrap: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [*wrap, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_the_bytes_arrive_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.bin", NEW)
    assert (tmp_path / "a.bin").read_bytes() == NEW
    assert names(tmp_path) == ["a.bin"]


def test_a_file_that_is_there_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(OLD)
    with path.open("rb") as reader:  # opened before, so it keeps seeing the whole old file
        write_atomically(path, NEW)
        assert reader.read() == OLD
    assert path.read_bytes() == NEW


def test_line_ends_are_not_touched(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"\n\r\n\r")
    assert (tmp_path / "a").read_bytes() == b"\n\r\n\r"


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "é" * 125 + "a.png", "line\nbreak.png", "-rf.png", "[a-z]*?.png"])
def test_every_name_the_system_takes_is_taken(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, NEW)
    assert names(tmp_path) == [name]


def test_the_check_sees_the_whole_file_before_it_has_its_name(tmp_path: Path) -> None:
    seen: list[tuple[str, bytes]] = []
    write_atomically(tmp_path / "a", NEW, check=lambda part: seen.append((part.name, part.read_bytes())))
    assert seen[0][0] != "a"
    assert seen[0][1] == NEW


def test_what_the_check_refuses_never_gets_the_name(tmp_path: Path) -> None:
    def refuse(part: Path) -> None:
        raise OutputError("it does not open again")

    (tmp_path / "a").write_bytes(OLD)
    with pytest.raises(OutputError, match="does not open again"):
        write_atomically(tmp_path / "a", NEW, check=refuse)
    assert (tmp_path / "a").read_bytes() == OLD
    assert names(tmp_path) == ["a"]


def no_folder(base: Path) -> Path:
    return base / "missing" / "a"


def file_as_folder(base: Path) -> Path:
    (base / "file").write_bytes(OLD)
    return base / "file" / "a"


def folder_there(base: Path) -> Path:
    (base / "a").mkdir()
    return base / "a"


def endless_link(base: Path) -> Path:
    (base / "loop").symlink_to("loop")
    return base / "loop" / "a"


def name_too_long(base: Path) -> Path:
    return base / ("x" * 256)


def path_too_long(base: Path) -> Path:
    return base.joinpath(*["x" * 200] * 25) / "a"


@pytest.mark.parametrize("place", [no_folder, file_as_folder, folder_there, endless_link, name_too_long, path_too_long])
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    target = place(tmp_path)
    before = names(tmp_path)
    with pytest.raises(OutputError, match="cannot write") as caught:
        write_atomically(target, NEW)
    assert caught.value.exit_code == 10
    assert names(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_without_permission_is_an_output_error(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(mode)
    try:
        with pytest.raises(OutputError, match="permission denied"):
            write_atomically(folder / "a", NEW)
    finally:
        folder.chmod(0o755)


class Disk:
    """The real system calls, of which the n-th fails."""

    def __init__(self, fail_at: int, error: int) -> None:
        self.fail_at, self.error, self.calls = fail_at, error, 0
        self.replaced = False

    def call(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError(self.error, os.strerror(self.error))

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.call()
            return function(*arguments, **options)

        return counted

    def replace(self, source: Path, target: Path) -> None:
        self.call()
        REAL_REPLACE(source, target)
        self.replaced = True

    def file(self, descriptor: int, mode: str) -> io.BufferedWriter:
        disk = self

        class Raw(io.FileIO):
            def write(self, data: Any, /) -> int:
                disk.call()
                return super().write(bytes(data)[:100])  # a short write, as the system is free to make

        return io.BufferedWriter(Raw(descriptor, mode), buffer_size=64)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real_open, real_sync = os.open, os.fsync
        patch.setattr("ugatit_cli.files.os.open", self.before(real_open))
        patch.setattr("ugatit_cli.files.os.fdopen", self.file)
        patch.setattr("ugatit_cli.files.os.fsync", self.before(real_sync))
        patch.setattr("ugatit_cli.files.os.replace", self.replace)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, ResourceError),
        (errno.EDQUOT, ResourceError),
        (errno.EIO, OutputError),
        (errno.EROFS, OutputError),
    ],
)
def test_whichever_step_fails_the_file_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[UgatitError]
) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLD)
    failures = 0
    while True:
        disk = Disk(failures + 1, number)
        with monkeypatch.context() as patch:
            disk.install(patch)
            try:
                write_atomically(path, NEW)
                break
            except UgatitError as error:
                assert type(error) is expected
                failures += 1
        assert path.read_bytes() == (NEW if disk.replaced else OLD)
        assert names(tmp_path) == ["a"]
        path.write_bytes(OLD)
    # every step has failed once: open, each write, fsync, replace, and for the folder open and fsync
    assert failures == disk.calls > 10
    assert path.read_bytes() == NEW
    assert names(tmp_path) == ["a"]


needs_folders_to_open = pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be opened there")


@needs_folders_to_open
def test_the_bytes_reach_the_disk_before_the_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, list[str]]] = []
    real_sync = os.fsync

    def sync(descriptor: int) -> None:
        real_sync(descriptor)
        synced.append((os.path.samestat(os.fstat(descriptor), tmp_path.stat()), names(tmp_path)))

    monkeypatch.setattr("ugatit_cli.files.os.fsync", sync)
    write_atomically(tmp_path / "a", NEW)
    (bytes_synced, before), (folder_synced, after) = synced[0], synced[-1]
    assert len(synced) == 2
    assert not bytes_synced and "a" not in before
    assert folder_synced and after == ["a"]


@needs_folders_to_open
@pytest.mark.parametrize(("step", "number"), [("open", errno.EACCES), ("fsync", errno.EINVAL)])
def test_where_folders_cannot_be_synced_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    real, refused = getattr(os, step), []

    def refuse_folders(what: Path | int, *arguments: int) -> Any:
        if os.path.isdir(what):
            refused.append(what)
            raise OSError(number, os.strerror(number))
        return real(what, *arguments)

    monkeypatch.setattr(f"ugatit_cli.files.os.{step}", refuse_folders)
    write_atomically(tmp_path / "a", NEW)
    assert len(refused) == 1
    assert (tmp_path / "a").read_bytes() == NEW
    assert names(tmp_path) == ["a"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
def test_no_open_file_is_left_behind(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        write_atomically(tmp_path / "a", NEW)
    assert len(os.listdir("/proc/self/fd")) == before


AT_EVERY_BYTE = """
import os, resource, sys
from pathlib import Path
from ugatit_cli.errors import OutputError
from ugatit_cli.files import write_atomically
folder, data = Path(sys.argv[1]), bytes(range(256))
(folder / "a").write_bytes(b"old")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in range(len(data)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        write_atomically(folder / "a", data)
        sys.exit(f"a file of {len(data)} bytes fits into {limit}?")
    except OutputError:
        pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (folder / "a").read_bytes() == b"old", limit
    assert os.listdir(folder) == ["a"], limit
write_atomically(folder / "a", data)
assert (folder / "a").read_bytes() == data
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits there")
def test_a_write_cut_off_by_the_kernel_at_any_byte_leaves_the_old_file(tmp_path: Path) -> None:
    with python(AT_EVERY_BYTE, tmp_path) as child:
        assert child.wait(60) == 0


FULL_DISK = """
import os, subprocess, sys
from pathlib import Path
from ugatit_cli.errors import ResourceError
from ugatit_cli.files import write_atomically
folder = Path(sys.argv[1])
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True).returncode:
    sys.exit(77)
write_atomically(folder / "a", b"old")
for size in (1 << 16, 1 << 20):
    try:
        write_atomically(folder / "a", bytes(size))
        sys.exit("it fits?")
    except ResourceError as error:
        assert "disk is full" in error.message and error.hint
    assert (folder / "a").read_bytes() == b"old"
    assert os.listdir(folder) == ["a"]
write_atomically(folder / "a", bytes(1 << 15))
assert (folder / "a").stat().st_size == 1 << 15
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to mount a small disk of its own")
def test_a_full_disk_keeps_the_old_file_and_says_so(tmp_path: Path) -> None:
    with python(FULL_DISK, tmp_path, wrap=("unshare", "--user", "--mount", "--map-root-user")) as child:
        code = child.wait(60)
    if code in (1, 77) and not names(tmp_path):
        probe = ("unshare", "--user", "--mount", "--map-root-user", "true")
        if code == 77 or subprocess.run(probe, capture_output=True).returncode:
            pytest.skip("mounting a small disk is not permitted here")
    assert code == 0


WRITER = """
import hashlib, random, sys
from pathlib import Path
from ugatit_cli.files import write_atomically
folder, seed = Path(sys.argv[1]), int(sys.argv[2])
body = random.Random(seed).randbytes(1 << 20)
print("ready", flush=True)
for turn in range(1_000_000):
    data = body[: 1 << 20 - turn % 3]
    write_atomically(folder / f"{turn % 4}.bin", hashlib.sha256(data).digest() + data)
"""


def is_whole(path: Path) -> bool:
    data = path.read_bytes()
    return hashlib.sha256(data[32:]).digest() == data[:32]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_fifty_kills_leave_no_broken_file_under_a_final_name(tmp_path: Path) -> None:
    delays, parts = random.Random(9), 0
    for turn in range(50):
        with python(WRITER, tmp_path, turn) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(delays.uniform(0, 0.03))
            child.kill()
        finished = [name for name in names(tmp_path) if not name.startswith(".")]
        parts += len(names(tmp_path)) - len(finished)
        assert [name for name in finished if not is_whole(tmp_path / name)] == []
        remove_abandoned_parts(tmp_path)
        assert names(tmp_path) == finished
    assert finished, "no child lived long enough to write: the test proves nothing"
    assert parts > 0, "no child was killed while it wrote: the test proves nothing"


def test_only_parts_of_this_program_are_removed(tmp_path: Path) -> None:
    others = [".a.png.1234.ugatit-part", ".0123456789ab.part", "0123456789ab.ugatit-part", ".0123456789AB.ugatit-part"]
    for name in [*others, ".0123456789ab.ugatit-part"]:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".ba9876543210.ugatit-part").mkdir()
    remove_abandoned_parts(tmp_path)
    assert names(tmp_path) == sorted([*others, ".ba9876543210.ugatit-part"])


def test_without_a_lock_only_old_parts_of_this_program_are_removed(tmp_path: Path) -> None:
    old, young = ".0123456789ab.ugatit-part", ".ba9876543210.ugatit-part"
    for name in (old, young, "a.png", ".a.png.1234.ugatit-part"):
        (tmp_path / name).write_bytes(b"x")
        if name != young:
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".aaaaaaaaaaaa.ugatit-part").mkdir()
    (tmp_path / ".aaaaaaaaaaaa.ugatit-part" / "inside").write_bytes(b"x")
    os.utime(tmp_path / ".aaaaaaaaaaaa.ugatit-part", (0, 0))
    remove_old_parts(tmp_path)
    assert names(tmp_path) == sorted([young, "a.png", ".a.png.1234.ugatit-part"])


def test_a_folder_that_is_not_there_has_no_parts(tmp_path: Path) -> None:
    remove_abandoned_parts(tmp_path / "missing")
    remove_old_parts(tmp_path / "missing")
