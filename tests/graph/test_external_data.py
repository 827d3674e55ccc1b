"""Weights beside a graph: which files are taken, and how each trick is told off."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from graph.small_graphs import graph, saved
from onnx import ModelProto, TensorProto, helper

from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.graph.external_data import check_external_data
from ugatit_cli.graph.screening import screen

Entries = list[tuple[str, str]]


def external(entries: Entries, dims: tuple[int, ...] = (1, 3, 1, 1), kind: int = TensorProto.FLOAT) -> ModelProto:
    model = graph([helper.make_node("Mul", ["x", "s"], ["y"])])
    tensor = model.graph.initializer.add(name="s", data_type=kind, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in entries:
        tensor.external_data.add(key=key, value=value)
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A graph's folder with 12 bytes of weights, and a secret beside that folder."""
    (tmp_path / "secret.bin").write_bytes(bytes(12))
    inside = tmp_path / "model"
    (inside / "deeper").mkdir(parents=True)
    for name in ("w.bin", "deeper/w.bin"):
        (inside / name).write_bytes(bytes(12))
    return inside


@pytest.mark.parametrize("location", ["w.bin", "./w.bin", "deeper/w.bin"])
@pytest.mark.parametrize("rest", [[], [("offset", "0")], [("length", "12")], [("offset", "0"), ("length", "12")]])
def test_files_inside_the_folder_are_taken(location: str, rest: Entries, folder: Path) -> None:
    found = check_external_data(external([("location", location), *rest]).graph, folder)
    assert [path.resolve() for path in found] == [folder / location]
    screen(saved(external([("location", location), *rest]), folder / "a.onnx"))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "outside"),
        ([("location", "")], "outside"),
        ([("location", "../secret.bin")], "outside"),
        ([("location", "deeper/../../secret.bin")], "outside"),
        ([("location", "..\\secret.bin")], "outside"),
        ([("location", "/etc/passwd")], "outside"),
        ([("location", "C:\\secret.bin")], "outside"),
        ([("location", "C:secret.bin")], "outside"),
        ([("location", "w.bin\0.txt")], "outside"),
        ([("location", "*/_ORT_MEM_ADDR_/*"), ("offset", "4096"), ("length", "12")], "outside"),
        ([("location", "."), ("length", "12")], "no regular file"),
        ([("location", "deeper")], "no regular file"),
        ([("location", "w.bin"), ("__class__", "x")], "nobody knows: __class__"),
        ([("location", "w.bin"), ("location", "../secret.bin")], "twice"),
    ],
)
def test_tricks_are_refused(entries: Entries, words: str, folder: Path) -> None:
    with pytest.raises(RefusedError, match=words):
        check_external_data(external(entries).graph, folder)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("location", "none.bin")], "not found beside it"),
        ([("location", "none/w.bin")], "not found beside it"),
        ([("location", "n" * 300)], "not found beside it"),
        ([("location", "w.bin/w.bin")], "not found beside it"),
        ([("location", "w.bin"), ("offset", "4")], "12 bytes, and byte 16"),
        ([("location", "w.bin"), ("offset", str(1 << 40))], "12 bytes, and byte"),
        ([("location", "w.bin"), ("length", str(1 << 50))], "are to fill a tensor of 12"),
        ([("location", "w.bin"), ("length", "8")], "8 bytes of w.bin are to fill a tensor of 12"),
        ([("location", "w.bin"), ("offset", "-4")], "damaged"),
        ([("location", "w.bin"), ("offset", "1e3")], "damaged"),
        ([("location", "w.bin"), ("offset", "9" * 5000)], "damaged"),
        ([("location", "w.bin"), ("offset", "١")], "damaged"),
    ],
)
def test_what_is_not_there_is_damage(entries: Entries, words: str, folder: Path) -> None:
    with pytest.raises(BadModelError, match=words):
        check_external_data(external(entries).graph, folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_links_and_pipes_are_refused(folder: Path) -> None:
    (folder / "link.bin").symlink_to("w.bin")
    (folder / "way").symlink_to("..", target_is_directory=True)
    os.mkfifo(folder / "pipe.bin")
    for location, words in (("link.bin", "link"), ("way/secret.bin", "link"), ("pipe.bin", "no regular file")):
        with pytest.raises(RefusedError, match=words):
            check_external_data(external([("location", location)]).graph, folder)


def test_a_link_to_a_graph_takes_the_weights_beside_the_graph(folder: Path, tmp_path: Path) -> None:
    """A runtime that opened the link would look beside that: so the file that was checked is the one to open."""
    path = saved(external([("location", "w.bin")]), folder / "a.onnx")
    link = tmp_path / "link.onnx"
    link.symlink_to(path)
    assert screen(link).path == path
    assert screen(link).sha256 == screen(path).sha256


def test_a_cache_that_keeps_links_says_how_to_get_out_of_it(folder: Path, tmp_path: Path) -> None:
    """As the Hub's client has it: names in one folder, which are links to contents in another."""
    cache, copies = tmp_path / "snapshot", tmp_path / "copies"
    (folder / "0a1b").write_bytes(external([("location", "a.onnx.data")]).SerializeToString())
    for path in (cache, copies):
        path.mkdir()
    for name, content in (("a.onnx", "0a1b"), ("a.onnx.data", "w.bin")):
        (cache / name).symlink_to(folder / content)
    with pytest.raises(BadModelError, match="not found beside it") as missing:
        screen(cache / "a.onnx")
    shutil.copyfile(cache / "a.onnx", copies / "a.onnx")
    (copies / "a.onnx.data").symlink_to(folder / "w.bin")
    with pytest.raises(RefusedError, match="link") as linked:
        screen(copies / "a.onnx")
    hint = "put the graph and that file themselves, not links to them, into one folder"
    assert missing.value.hint == linked.value.hint == hint
    (copies / "a.onnx.data").unlink()
    shutil.copyfile(cache / "a.onnx.data", copies / "a.onnx.data")
    screen(copies / "a.onnx")


def test_a_name_that_is_no_text(folder: Path) -> None:
    path = folder / "a.onnx"
    path.write_bytes(external([("location", "w.bin")]).SerializeToString().replace(b"w.bin", b"w\xffbin"))
    with pytest.raises(BadModelError, match="no text"):
        screen(path)


@pytest.mark.parametrize(
    ("kind", "count", "size"),
    [
        (TensorProto.INT4, 5, 3),
        (TensorProto.UINT4, 4, 2),
        (TensorProto.INT2, 5, 2),
        (TensorProto.FLOAT16, 5, 10),
        (TensorProto.BOOL, 5, 5),
        (TensorProto.BFLOAT16, 3, 6),
    ],
)
def test_packed_numbers_take_less_room(kind: int, count: int, size: int, folder: Path) -> None:
    (folder / "w.bin").write_bytes(bytes(size))
    check_external_data(external([("location", "w.bin"), ("length", str(size))], (count,), kind).graph, folder)
    (folder / "w.bin").write_bytes(bytes(size - 1))
    with pytest.raises(BadModelError, match="is asked for"):
        check_external_data(external([("location", "w.bin")], (count,), kind).graph, folder)
