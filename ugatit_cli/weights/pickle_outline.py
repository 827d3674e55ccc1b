"""Read what torch.save, or Paddle, pickled without running it: nothing is imported, called or built.

A pickle is a small program. This module walks over its steps with a stack of plain values and
knows only the few that describe a state dict; where a real unpickler would call torch's tensor
constructor, it notes the tensor's description. The first thing that asks for any other function or
class ends the reading, so broken or endless programs behind it are never looked at.
"""

from __future__ import annotations

import math
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

from ..errors import BadModelError, RefusedError
from .stored import ITEM_SIZES, MAX_DIMENSIONS, StoredTensor, damaged, show_shape

MAX_STEPS = 1_000_000  # an official checkpoint with six networks takes 10,000
_LARGEST = 1 << 62

_STORAGES = {
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.BoolStorage": "bool",
    "torch.ByteStorage": "uint8",
    "torch.CharStorage": "int8",
    "torch.ShortStorage": "int16",
    "torch.IntStorage": "int32",
    "torch.LongStorage": "int64",
    "torch.ComplexFloatStorage": "complex64",
    "torch.ComplexDoubleStorage": "complex128",
}
_ORDERED_DICT = "collections.OrderedDict"
_TENSOR = "torch._utils._rebuild_tensor_v2"
_PARAMETER = "torch._utils._rebuild_parameter"
_NDARRAY, _DTYPE = "numpy.ndarray", "numpy.dtype"
_ENCODE, _NO_BYTES = "_codecs.encode", {"__builtin__.bytes", "builtins.bytes"}
_TUPLE = {"__builtin__.tuple", "builtins.tuple"}
_NEW_ARRAY = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
_HARMLESS = {_ORDERED_DICT, _TENSOR, _PARAMETER, *_STORAGES}
_OTHER_TENSORS = {  # no danger, but no weights of ours either
    "torch._utils._rebuild_sparse_tensor": "sparse",
    "torch.serialization._get_layout": "sparse",
    "torch._utils._rebuild_qtensor": "quantised",
    "torch.QInt8Storage": "quantised",
    "torch.QUInt8Storage": "quantised",
    "torch.QInt32Storage": "quantised",
}

_VALUES = {
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "SHORT_BINSTRING", "BINSTRING"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_BYTES = {"SHORT_BINBYTES": 2, "BINBYTES": 5, "BINBYTES8": 9}  # bytes of the step before its data
_NO_EFFECT = {"PROTO", "FRAME", "STOP"}


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class Bytes:
    """A run of bytes within the pickle itself: their place in the stream."""

    start: int
    count: int


@dataclass(frozen=True)
class Text:
    """Bytes that an old protocol pickled as text, a character of Latin-1 for each."""

    text: str

    @property
    def count(self) -> int:
        return len(self.text)


@dataclass
class Array:
    """A NumPy array, as far as it is described yet: `dtype` is NumPy's code such as `f4`, of little-endian numbers."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    by_columns: bool = False
    data: Bytes | Text | None = None


@dataclass
class _Dtype:
    code: str
    order: str = "|"


@dataclass(frozen=True)
class Storage:
    """A run of `count` numbers of one type, kept elsewhere in the file under `key`."""

    dtype: str
    key: str
    count: int

    @property
    def bytes(self) -> int:
        return self.count * ITEM_SIZES[self.dtype]


def read_outline(stream: IO[bytes], *, arrays: bool = False) -> tuple[object, dict[str, Storage]]:
    """Read one pickle from `stream` (left right behind it): its value, and the storages it names.

    In the value, tensors are StoredTensors, ordered dicts are dicts and, where `arrays` are let through, NumPy's are Arrays.
    Containers may be nested without bound or hold themselves: look at the levels you need, do not walk.

    Raises:
        RefusedError: it asks for a function or class that no state dict needs, or takes too many steps.
        BadModelError: it is damaged, or a tensor claims more than its storage has.
    """
    reader = _ArrayReader() if arrays else _Reader()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickletools warns of odd escapes inside a damaged name
            for count, (opcode, argument, position) in enumerate(pickletools.genops(stream)):
                if count >= MAX_STEPS:
                    raise RefusedError(f"its pickle takes more than {MAX_STEPS:,} steps", name="model-too-large")
                if isinstance(argument, bytes) and position is not None and opcode.name in _BYTES:
                    argument = Bytes(position + _BYTES[opcode.name], len(argument))
                reader.step(opcode.name, argument)
        return reader.pop(), reader.storages
    except (ValueError, IndexError, KeyError) as error:  # short stream; empty stack; unknown memo
        raise damaged("its pickle is broken") from error


@dataclass
class _Reader:
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)

    def step(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self.stack.append(self._pop_many(_TUPLES[name]))
        elif name not in _NO_EFFECT:
            action = _ACTIONS.get(name)
            if action is None:
                raise damaged(f"weights never need the pickle step {name}")
            action(self, argument)

    def pop(self) -> Any:
        return self.stack.pop()

    def _pop_many(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise IndexError
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        return items

    def _pop_marked(self) -> tuple[Any, ...]:
        start = self.marks.pop()
        items = tuple(self.stack[start:])
        del self.stack[start:]
        return items

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def put(self, slot: int) -> None:
        self.memo[slot] = self.stack[-1]

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, slot: int) -> None:
        self.stack.append(self.memo[slot])

    def tuple_of_marked(self, _: Any) -> None:
        self.stack.append(self._pop_marked())

    def append(self, _: Any) -> None:
        self._extend((self.pop(),))

    def append_marked(self, _: Any) -> None:
        self._extend(self._pop_marked())

    def _extend(self, items: tuple[Any, ...]) -> None:
        if not isinstance(self.stack[-1], list):
            raise damaged("its pickle appends to something that is no list")
        self.stack[-1].extend(items)

    def set_item(self, _: Any) -> None:
        self._update(self._pop_many(2))

    def set_marked(self, _: Any) -> None:
        self._update(self._pop_marked())

    def _update(self, items: tuple[Any, ...]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise damaged("its pickle sets an entry of something that is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | None):  # hashing nested tuples can take for ever
                raise BadModelError("it is not a checkpoint: one of its keys is not a name", name="model-names")
            target[key] = value

    def global_by_line(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._push_global(f"{module}.{name}")

    def global_by_stack(self, _: Any) -> None:
        module, name = self._pop_many(2)
        self._push_global(
            f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "an unnamed object"
        )

    def _push_global(self, name: str) -> None:
        if name in _OTHER_TENSORS:
            text = f"it holds {_OTHER_TENSORS[name]} tensors, and dense floats are needed"
            raise BadModelError(text, name="model-dtype")
        if not self._is_harmless(name):
            refuse_code(name)
        self.stack.append(_Global(name))

    def _is_harmless(self, name: str) -> bool:
        return name in _HARMLESS

    def extension(self, argument: Any) -> None:
        refuse_code(f"the pickle extension {argument}")

    def persistent(self, _: Any) -> None:
        """('storage', type, key, device, count) and, before torch 1.6, a sixth that is None: tensors' data elsewhere."""
        identity = self.pop()
        if (
            not isinstance(identity, tuple)
            or len(identity) not in (5, 6)
            or identity[0] != "storage"
            or identity[5:] not in ((), (None,))
        ):
            raise damaged("its pickle refers to something that is no storage")
        kind, key, count = identity[1], identity[2], identity[4]
        dtype = _STORAGES.get(kind.name) if isinstance(kind, _Global) else None
        if dtype is None or not isinstance(key, str) or not _is_size(count):
            raise damaged("its pickle describes a storage wrongly")
        storage = Storage(dtype, key, count)
        if self.storages.setdefault(key, storage) != storage:
            raise damaged(f"its pickle describes storage {key} in two ways")
        self.stack.append(storage)

    def call(self, _: Any) -> None:
        function, arguments = self._pop_many(2)
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise damaged("its pickle calls a constructor wrongly")
        self.stack.append(self._result(function.name, arguments))

    def _result(self, name: str, arguments: tuple[Any, ...]) -> object:
        if name == _ORDERED_DICT and arguments == ():
            return {}
        if name == _TENSOR and len(arguments) in (6, 7):
            return _tensor(*arguments[:4])
        if name == _PARAMETER and arguments and isinstance(arguments[0], StoredTensor):
            return arguments[0]
        raise damaged("its pickle calls a constructor wrongly")

    def build(self, _: Any) -> None:
        state = self.pop()
        self._set_state(self.stack[-1], state)

    def _set_state(self, target: Any, state: Any) -> None:
        """State dicts carry their modules' version numbers as an attribute, which nothing needs."""
        if not isinstance(target, dict):
            raise damaged("its pickle sets attributes of something that is no dictionary")


class _ArrayReader(_Reader):
    """Knows how NumPy's arrays are pickled, too: an empty one is made, and then told its type, shape and bytes.

    Protocol 2 has no bytes: it asks for text to be encoded, or for none of them. `paddle.save` asks for a tuple of a
    tensor's name and its array, and here it gets the array.
    """

    def step(self, name: str, argument: Any) -> None:
        if name in _BYTES:
            self.stack.append(argument)
        else:
            super().step(name, argument)

    def _is_harmless(self, name: str) -> bool:
        return name in {_NDARRAY, _DTYPE, _ENCODE, *_NO_BYTES, *_TUPLE, *_NEW_ARRAY} or super()._is_harmless(name)

    def _result(self, name: str, arguments: tuple[Any, ...]) -> object:
        if name in _NEW_ARRAY and arguments[:1] == (_Global(_NDARRAY),):
            return Array()
        if name == _DTYPE and arguments and isinstance(arguments[0], str):
            return _Dtype(arguments[0])
        if name == _ENCODE and len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] == "latin1":
            arguments[0].encode("latin-1")  # a ValueError if it is not
            return Text(arguments[0])
        if name in _NO_BYTES and arguments == ():
            return Text("")
        if name in _TUPLE and len(arguments) == 1 and _is_named_array(arguments[0]):
            return arguments[0][1]
        return super()._result(name, arguments)

    def _set_state(self, target: Any, state: Any) -> None:
        if isinstance(target, _Dtype) and isinstance(state, tuple) and len(state) > 1 and isinstance(state[1], str):
            target.order = state[1]
        elif isinstance(target, Array) and isinstance(state, tuple) and len(state) == 5:
            _describe(target, *state[1:])
        else:
            super()._set_state(target, state)


_ACTIONS: dict[str, Callable[[_Reader, Any], None]] = {
    "MARK": _Reader.mark,
    "BINPUT": _Reader.put,
    "LONG_BINPUT": _Reader.put,
    "MEMOIZE": _Reader.memoize,
    "BINGET": _Reader.get,
    "LONG_BINGET": _Reader.get,
    "TUPLE": _Reader.tuple_of_marked,
    "APPEND": _Reader.append,
    "APPENDS": _Reader.append_marked,
    "SETITEM": _Reader.set_item,
    "SETITEMS": _Reader.set_marked,
    "GLOBAL": _Reader.global_by_line,
    "INST": _Reader.global_by_line,
    "STACK_GLOBAL": _Reader.global_by_stack,
    "EXT1": _Reader.extension,
    "EXT2": _Reader.extension,
    "EXT4": _Reader.extension,
    "BINPERSID": _Reader.persistent,
    "REDUCE": _Reader.call,
    "BUILD": _Reader.build,
}


def refuse_code(name: str) -> NoReturn:
    """Raise the refusal of a pickle that asks for the function or class `name`."""
    if name.startswith("torch.nn."):
        text = f"it holds a whole model (its code, {name[:120]}), not only weights, and loading that would run code"
        raise RefusedError(text, hint="have it saved with torch.save(model.state_dict(), FILE)", name="model-runs-code")
    text = f"loading it would run code: it asks for {name[:120]}"
    raise RefusedError(text, hint="take the model from another source, best as safetensors", name="model-runs-code")


def _describe(array: Array, shape: Any, dtype: Any, by_columns: Any, data: Any) -> None:
    if not (
        _is_sizes(shape) and isinstance(dtype, _Dtype) and type(by_columns) is bool and isinstance(data, Bytes | Text)
    ):
        raise damaged("its pickle describes an array wrongly")
    if dtype.order == ">":
        raise BadModelError("its numbers are big-endian, which this version does not read", name="model-dtype")
    array.dtype, array.shape, array.by_columns, array.data = dtype.code, shape, by_columns, data


def _is_named_array(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], Array)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _is_sizes(value: object) -> bool:
    return isinstance(value, tuple) and len(value) <= MAX_DIMENSIONS and all(map(_is_size, value))


def _tensor(storage: object, offset: Any, shape: Any, stride: Any) -> StoredTensor:
    if not (
        isinstance(storage, Storage)
        and _is_size(offset)
        and _is_sizes(shape)
        and _is_sizes(stride)
        and len(shape) == len(stride)
    ):
        raise damaged("its pickle describes a tensor wrongly")
    size = ITEM_SIZES[storage.dtype]
    tensor = StoredTensor(storage.dtype, storage.key, offset * size, shape, stride)
    if math.prod(shape) > storage.count or (tensor.span and offset + tensor.span > storage.count):
        text = f"a tensor of the shape {show_shape(shape)} lies in a storage of {storage.count} numbers"
        raise damaged(text)
    return tensor
