"""The two archive formats of torch.save: a zip (since torch 1.6), and pickles followed by raw storages (before).

The tables of contents are read here and checked against the bytes that are there; no pickle is run.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from io import BufferedReader

from ..errors import BadModelError, RefusedError
from .pickle_outline import Storage, read_outline
from .stored import Container, damaged, incomplete

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
MAX_PICKLE_BYTES = 32 << 20  # official checkpoints: 50 KB
_PICKLE = "data.pkl"
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, ..., bytes of name, bytes of extra field
_COUNT = struct.Struct("<q")
_CHUNK = 1 << 20


def read_zip(file: BufferedReader) -> Container:
    """Table of contents of today's format: a zip whose members are stored, not compressed.

    Raises:
        RefusedError: a compressed or doubled member, a program (TorchScript), or a pickle that would run code.
        BadModelError: a zip of other files, incomplete, or a member's checksum is wrong.
    """
    archive = _Archive(file)
    outline, storages = read_outline(io.BytesIO(archive.read(_PICKLE)))  # first: what runs code is refused as such
    archive.check_sums()
    if "byteorder" in archive and archive.read("byteorder") != b"little":
        raise BadModelError("its numbers are big-endian, which this version does not read", name="model-dtype")
    return _container(outline, {key: archive.position(storage) for key, storage in storages.items()})


class _Archive:
    """The members of one torch zip, checked to be plain and to lie one behind the other inside the file.

    All of them are in one folder, which is left out of the names here.
    """

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        infos, end = _directory(file)
        folder = infos[0].filename.partition("/")[0] + "/"
        self._members = {info.filename.removeprefix(folder): info for info in infos}
        if len(self._members) != len(infos):
            raise RefusedError("two members of its archive have the same name", name="model-archive")
        self._refuse_programs()
        if _PICKLE not in self:
            text = "it is a zip archive of files, not a checkpoint of torch.save"
            raise BadModelError(text, hint="unpack it, and name the folder or file in it", name="model-unknown-format")
        for info in infos:
            _check_plain(info)
        self._check_places(end)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def _refuse_programs(self) -> None:
        if "constants.pkl" in self._members or any(name.startswith("code/") for name in self._members):
            text = "it is a TorchScript program, not weights, and opening it would run code"
            hint = "have its weights saved with torch.save(model.state_dict(), FILE)"
            raise RefusedError(text, hint=hint, name="model-runs-code")

    def _check_places(self, end: int) -> None:
        by_place = sorted(self._members.values(), key=lambda info: info.header_offset)
        borders = [*(info.header_offset for info in by_place[1:]), end]
        for info, border in zip(by_place, borders, strict=True):
            if self._data_position(info) + info.file_size > border:
                raise damaged(f"{info.filename[:80]} in its archive runs into what follows")

    def _data_position(self, info: zipfile.ZipInfo) -> int:
        """Where a member's bytes begin: its local header says how long itself is."""
        header = b""
        if info.header_offset >= 0:
            self._file.seek(info.header_offset)
            header = self._file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise damaged(f"{info.filename[:80]} is not where its archive says")
        _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        return info.header_offset + _LOCAL_HEADER.size + int(name_bytes) + int(extra_bytes)

    def read(self, name: str) -> bytes:
        info = self._members[name]
        if info.file_size > MAX_PICKLE_BYTES:
            raise RefusedError(f"{name} in its archive has {info.file_size:,} bytes", name="model-too-large")
        self._file.seek(self._data_position(info))
        return self._file.read(info.file_size)

    def check_sums(self) -> None:
        """Compare every member with its CRC-32, which torch itself never looks at."""
        for info in self._members.values():
            self._file.seek(self._data_position(info))
            left, checksum = info.file_size, 0
            while left and (chunk := self._file.read(min(left, _CHUNK))):
                checksum = zlib.crc32(chunk, checksum)
                left -= len(chunk)
            if left or checksum != info.CRC:
                raise damaged(f"{info.filename[:80]} in its archive does not match its checksum")

    def position(self, storage: Storage) -> int:
        """The storage's first byte in the file."""
        info = self._members.get(f"data/{storage.key}")
        if info is None:
            raise damaged(f"storage {storage.key[:80]} is missing in its archive")
        if info.file_size != storage.bytes:
            raise damaged(f"storage {storage.key[:80]} has the size {info.file_size}, and {storage.bytes} are needed")
        return self._data_position(info)


def _directory(file: BufferedReader) -> tuple[list[zipfile.ZipInfo], int]:
    """The archive's members, and where its directory begins."""
    try:
        with zipfile.ZipFile(file) as archive:
            infos, start = archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, struct.error) as error:
        raise incomplete("the end of its archive is missing or broken") from error
    if not infos:
        raise damaged("its archive has no members")
    return infos, start


def _check_plain(info: zipfile.ZipInfo) -> None:
    if info.compress_type != zipfile.ZIP_STORED:
        sizes = f"{info.file_size:,} bytes in {info.compress_size:,}"
        text = f"{info.filename[:80]} in its archive is compressed (its size is {sizes}), which torch never does"
        raise RefusedError(text, name="model-archive")
    if info.flag_bits & 1:
        raise RefusedError("its archive is encrypted", name="model-archive")
    if info.compress_size != info.file_size:
        raise damaged(f"{info.filename[:80]} in its archive has two sizes")


def read_legacy(file: BufferedReader, size: int) -> Container:
    """Table of contents of the format before torch 1.6: magic, version, system, state, storage keys, raw storages.

    Raises:
        RefusedError: its pickle would run code.
        BadModelError: a plain pickle of something else, incomplete or damaged.
    """
    file.seek(0)
    head = io.BytesIO(file.read(MAX_PICKLE_BYTES))
    magic, _ = read_outline(head)
    if magic != LEGACY_MAGIC:
        raise BadModelError("it is a pickle, but not a checkpoint of torch.save", name="model-unknown-format")
    protocol, _ = read_outline(head)
    system, _ = read_outline(head)
    if protocol != LEGACY_PROTOCOL or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise damaged("its description of the system that wrote it is wrong")
    outline, storages = read_outline(head)
    keys, _ = read_outline(head)
    listed = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    if set(listed) != set(storages) or len(listed) != len(storages):
        raise damaged("its list of storages does not match its tensors")
    return _container(outline, _legacy_positions(file, head.tell(), size, [storages[key] for key in listed]))


def _legacy_positions(file: BufferedReader, position: int, size: int, storages: list[Storage]) -> dict[str, int]:
    """Storages lie one behind the other, each after its count of numbers."""
    positions = {}
    for storage in storages:
        file.seek(position)
        count = file.read(_COUNT.size)
        positions[storage.key] = position + _COUNT.size
        position += _COUNT.size + storage.bytes
        if position > size:
            raise incomplete("the last of its numbers are missing")
        if _COUNT.unpack(count)[0] != storage.count:
            raise damaged(f"storage {storage.key[:80]} does not have the size that its tensors need")
    if position != size:
        raise damaged(f"{size - position} bytes follow its last storage")
    return positions


def _container(outline: object, positions: dict[str, int]) -> Container:
    if not isinstance(outline, dict):
        kind = type(outline).__name__ if isinstance(outline, list | tuple | str | int | float) else "single tensor"
        raise BadModelError(
            f"it is not a checkpoint: it holds a {kind}, not named weights", name="model-unknown-format"
        )
    return Container(outline, positions, {})
