"""Our reading of torch.save's files against torch's own, and what must never be read."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from weights.official_files import TINY, generator_state, save

from ugatit_cli import weights
from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.weights.pickle_outline import MAX_STEPS
from ugatit_cli.weights.stored import StoredTensor, read_tensor
from ugatit_cli.weights.torch_archive import read_legacy, read_zip

FORMATS = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])


def read(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as file:
        container = read_zip(file) if zipfile.is_zipfile(path) else read_legacy(file, path.stat().st_size)
        return {
            name: read_tensor(file, container, tensor, name)
            for name, tensor in container.tree.items()
            if isinstance(tensor, StoredTensor)
        }


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    dtype = draw(st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    base = torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))).to(dtype)
    view = draw(st.sampled_from(["whole", "transposed", "part", "every second", "parameter"]))
    if view == "transposed":
        return base.permute(tuple(reversed(range(base.ndim))))
    if view == "part" and base.ndim and base.shape[0]:
        return base[1:]
    if view == "every second" and base.ndim:
        return base[..., ::2]
    return torch.nn.Parameter(base) if view == "parameter" else base


@FORMATS
@given(states=st.dictionaries(st.text(max_size=8), tensors(), max_size=6), shared=tensors())
@settings(max_examples=60)
def test_numbers_are_those_that_torch_reads(
    states: dict[str, Tensor], shared: Tensor, legacy: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = OrderedDict(states | {"one": shared, "two": shared})
    path = save(tmp_path_factory.mktemp("archive") / "x.pt", content, legacy=legacy)
    expected = torch.load(path, weights_only=True)
    ours = read(path)
    assert list(ours) == list(expected)
    assert all(torch.equal(ours[name], tensor.float()) for name, tensor in expected.items())


def test_a_graphics_cards_tensors_are_read_without_one(tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", {"a": torch.arange(3.0)}, legacy=True)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
    assert path.read_bytes() != content
    assert torch.equal(read(path)["a"], torch.arange(3.0))


class Payload:
    """Unpickled freely, it would leave a file behind."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.canary), "w"))


@FORMATS
def test_a_call_in_the_middle_is_refused_by_name_and_not_made(legacy: bool, tmp_path: Path) -> None:
    content = generator_state(TINY) | {"z": Payload(tmp_path / "canary")}
    path = save(tmp_path / "x.pt", content, legacy=legacy)
    with pytest.raises(RefusedError, match=r"would run code: it asks for (io|_io)\.open"):
        weights.load(path)
    assert not (tmp_path / "canary").exists()


def test_a_whole_module_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", torch.nn.Linear(2, 2))
    with pytest.raises(RefusedError, match=r"whole model.*torch\.nn\.modules\.linear\.Linear") as caught:
        weights.load(path)
    assert "state_dict" in caught.value.hint


SYSTEM = b"cposix\nsystem\n(X\x04\x00\x00\x00truetR"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def tensor(count: int, shape: int, stride: int, offset: int = 0, key: str = "0") -> bytes:
    """The pickle steps of a one-dimensional float tensor."""

    def number(value: int) -> bytes:
        return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(count) + b"tQ"
    sizes = number(offset) + number(shape) + b"\x85" + number(stride) + b"\x85"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + sizes + b"\x89ccollections\nOrderedDict\n)RtR"


def archive(path: Path, steps: bytes, **extra: bytes) -> Path:
    """A torch zip around any pickle, with one storage of four floats."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in {"data.pkl": steps, "data/0": bytes(16), **extra}.items():
            file.writestr(f"x/{name}", data)
    return path


@pytest.mark.parametrize(
    "steps",
    [
        SYSTEM + b".",
        b"}" + text("a") + SYSTEM + b"s.",
        SYSTEM + b"X\xff\xff\xff\x7f.",  # broken on purpose after the call
        b"(X\x04\x00\x00\x00trueiposix\nsystem\n.",  # INST: function and call in one step
        b"\x8c\x05posix\x8c\x06system\x93.",  # STACK_GLOBAL
        b"}\x8c\x06system\x93.",  # STACK_GLOBAL with something that is no text
        b"\x82\x01.",  # EXT1
        b"ctorch.utils.collect_env\nrun\n.",  # a shell command inside torch
        b"ctorch\nload\n.",
        b"c\\q\nsystem\n.",  # pickletools warns of this name
        b"c__builtin__\neval\n.",
        b"cnumpy\nload\n.",
    ],
)
def test_every_way_to_ask_for_a_function_is_refused(steps: bytes, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="would run code"):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02" + steps))
    (tmp_path / "raw.pt").write_bytes(b"\x80\x04" + steps)
    with pytest.raises(RefusedError, match="would run code"):
        weights.load(tmp_path / "raw.pt")


def test_arrays_have_no_place_in_what_torch_saves(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="would run code"):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n."))


@pytest.mark.parametrize(
    "steps",
    [
        b"",
        b".",
        b"(.",
        b"t.",
        b"h\x07.",  # a memo that was never made
        b"}X\x01\x00\x00\x00as.",  # one item short
        b"N}N\x86R.",
        b"ccollections\nOrderedDict\nNR.",
        b"ctorch\nFloatStorage\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ctorch._utils\n_rebuild_parameter\n)R.",
        b"NQ.",
        b"]" + tensor(4, 4, 1) + b"}s.",
        tensor(4, 4, 1) + b"K\x00Ns.",  # an item of a tensor
        tensor(4, 4, 1) + b"Nb.",  # attributes of a tensor
        b"cposix\xffa\nsystem\n.",
        b"\x95.",
        b"\xff.",
        b"I1" + b"0" * 5000 + b"\n.",
        b"}" + text("a") + tensor(4, -1, 1) + b"s.",
        b"}" + text("a") + tensor(-4, 4, 1) + b"s.",
        b"}" + text("a") + tensor(4, 5, 1) + b"s.",
        b"}" + text("a") + tensor(4, 1 << 40, 0) + b"s.",
        b"}" + text("a") + tensor(4, 2, 1 << 61) + b"s.",
        b"}" + text("a") + tensor(4, 4, 1, offset=1) + b"s.",
        b"}" + text("a") + tensor(1 << 40, 4, 1) + b"s.",
        b"}" + text("a") + tensor(2, 2, 1) + b"s.",
        b"}" + text("a") + tensor(4, 4, 1, key="../0") + b"s.",
        b"}(" + text("a") + tensor(4, 4, 1) + text("b") + tensor(3, 3, 1) + b"u.",
    ],
)
def test_a_pickle_that_contradicts_itself_is_damaged(steps: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="it is damaged"):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02" + steps))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (b"ctorch._utils\n_rebuild_sparse_tensor\n.", "sparse"),
        (b"ctorch\nQInt8Storage\n.", "quantised"),
        (b"}(K\x01K\x02u.", "not all keys of it are names"),
        (b"})Ns.", "one of its keys is not a name"),
        (b"}" + text("genA2B") + b"Ns.", "genA2B is not a state dict"),
        (b"}" + text("a") + b"Ns.", "not a tensor: a"),
        (b")" + b"\x85" * 100_000 + b".", "it holds a tuple"),
        (b"]q\x00h\x00a.", "it holds a list"),
        (tensor(4, 4, 1) + b".", "it holds a single tensor"),
    ],
)
def test_other_contents_are_named(steps: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match=message):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02" + steps))


def test_tuples_of_tuples_are_never_walked(tmp_path: Path) -> None:
    grow = b"".join(b"h%ch%c\x87q%c" % (level, level, level + 1) for level in range(60))  # 3 ** 60 leaves
    steps = b"}(" + text("genA2B") + text("x") + b"q\x00" + grow + b"u."
    with pytest.raises(BadModelError, match="not a state dict"):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02" + steps))
    with pytest.raises(BadModelError, match="not a name"):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02}" + text("x") + b"q\x00" + grow + b"Ns."))


def test_endless_pickles_are_cut_short(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="1,000,000 steps"):
        weights.load(archive(tmp_path / "x.pt", b"\x80\x02" + b"N" * (MAX_STEPS + 1)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda z: z.writestr("x/data/9", bytes(999), zipfile.ZIP_DEFLATED), RefusedError, "data/9.*is compressed"),
        (lambda z: z.writestr("x/constants.pkl", b"."), RefusedError, "TorchScript program"),
        (lambda z: z.writestr("x/code/__torch__.py", b""), RefusedError, "TorchScript program"),
        (lambda z: z.writestr("x/byteorder", b"big"), BadModelError, "big-endian"),
    ],
)
def test_other_members_change_what_it_is(change: object, error: type[Exception], message: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", b"\x80\x02}.")
    with zipfile.ZipFile(path, "a") as file:
        change(file)  # type: ignore[operator]
    with pytest.raises(error, match=message):
        weights.load(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", b"\x80\x02}.", **{"data.pkk": b"\x80\x02" + SYSTEM + b"."})
    path.write_bytes(path.read_bytes().replace(b"data.pkk", b"data.pkl"))
    with pytest.raises(RefusedError, match="same name"):
        weights.load(path)


def test_members_that_lie_on_each_other_are_damaged(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", b"\x80\x02}.")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")  # data/0: let it begin where data.pkl does
    content[entry + 42 : entry + 46] = struct.pack("<I", 0)
    path.write_bytes(content)
    with pytest.raises(BadModelError, match="runs into what follows"):
        weights.load(path)


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("member", ["word/document.xml", "checkpoint/UGATIT.model-1000000.data-00000-of-00001"])
def test_any_other_zip_is_no_checkpoint(member: str, how: int, tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w", how) as file:
        file.writestr(member, "text")
        file.writestr(f"{member}.more", "text" * 100)
    with pytest.raises(BadModelError, match="a zip archive of files, not a checkpoint") as caught:
        weights.load(path)
    assert (caught.value.name, "unpack it" in caught.value.hint) == ("model-unknown-format", True)


def test_one_flipped_bit_in_a_zip_is_found(tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", generator_state(TINY))
    content = bytearray(path.read_bytes())
    content[content.index(generator_state(TINY)["FC.2.weight"].numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadModelError, match="does not match its checksum"):
        weights.load(path)


@FORMATS
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.999])
def test_a_cut_off_file_is_incomplete(kept: float, legacy: bool, tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", generator_state(TINY), legacy=legacy)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(BadModelError, match=r"incomplete|damaged"):
        weights.load(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"little_endianq\x02\x88", b"little_endianq\x02\x89"),
        (b"M\xe9\x03.", b"M\xe8\x03."),  # the protocol's number, 1001
        (b"FloatStorage", b"ShortStorage"),
        (struct.pack("<q", 147), struct.pack("<q", 146)),
        (b"\x8a\nl\xfc", b"\x8a\nl\xfd"),
    ],
)
def test_the_legacy_format_is_checked_throughout(old: bytes, new: bytes, tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", generator_state(TINY), legacy=True)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(BadModelError):
        weights.load(path)


def test_a_legacy_storage_that_is_not_listed_is_damaged(tmp_path: Path) -> None:
    """torch would leave such a tensor with whatever was in memory."""
    path = save(tmp_path / "x.pt", {"a": torch.ones(3)}, legacy=True)
    content = path.read_bytes()
    keys = content.rindex(b"\x80\x02]q")
    path.write_bytes(content[:keys] + b"\x80\x02].")
    with path.open("rb") as file, pytest.raises(BadModelError, match="list of storages"):
        read_legacy(file, path.stat().st_size)


def test_bytes_behind_a_legacy_file_are_not_ignored(tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", generator_state(TINY), legacy=True)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(BadModelError, match="4 bytes follow"):
        weights.load(path)


def test_a_pickle_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(pickle.dumps({"a": [1, 2]}, protocol=2))
    with pytest.raises(BadModelError, match="not a checkpoint of torch.save"):
        weights.load(tmp_path / "x.pt")
