"""Tensors from a `.pth` file in the format of torch up to 1.5, read without torch and without pickle.

Such a file is five pickles and then the numbers: a magic number, the protocol, the sizes of C types, a dictionary of
tensors by name, the keys of the storages; then, for each storage, its length as an int64 and its values (torch
serialization, `_legacy_save`: https://github.com/pytorch/pytorch/blob/v1.5.0/torch/serialization.py).

A pickle is a program for a small stack machine, and may name any function to call. The machine here knows the
instructions that such files are made of, and the names that stand for tensors; it calls nothing. Whatever else a file
asks for is refused by name.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES: dict[str, np.dtype[np.generic]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch DoubleStorage": np.dtype("<f8"),
    "torch HalfStorage": np.dtype("<f2"),
    "torch LongStorage": np.dtype("<i8"),
    "torch IntStorage": np.dtype("<i4"),
    "torch ByteStorage": np.dtype("u1"),
}
_ORDERED_DICT, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_NAMES = frozenset({_ORDERED_DICT, _TENSOR, *_DTYPES})


@dataclass(frozen=True)
class _Name:
    """A function or class that the pickle names."""

    text: str


@dataclass(frozen=True)
class _Storage:
    """Where the values of a tensor are."""

    key: str
    dtype: np.dtype[np.generic]
    length: int


@dataclass(frozen=True)
class _Tensor:
    """A tensor before its values are read; offset and strides count values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """Where the items of a tuple, list or dictionary begin on the stack."""


def read_tensors(content: bytes) -> dict[str, NDArray[np.generic]]:
    """Read the tensors of a `.pth` file by name; each is a read-only view of `content`.

    Raises:
        ValueError: The content is not such a file, is damaged, or asks for anything but tensors; the text says what.
    """
    machine = _Machine(content)
    if machine.run() != _MAGIC or machine.run() != _PROTOCOL:
        raise ValueError("is not a file of tensors in the format of torch up to 1.5")
    sizes = machine.run()
    if not isinstance(sizes, dict) or sizes.get("little_endian") is not True:
        raise ValueError("its tensors are not little-endian")
    tensors, keys = machine.run(), machine.run()
    if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
        raise ValueError("does not hold a dictionary of tensors")
    storages: dict[str, _Storage] = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(storages):
        raise ValueError("the list of its storages does not fit its tensors")
    values = _read_storages(content, machine.position, [storages[key] for key in keys])
    return {name: _values_of(name, tensor, values) for name, tensor in tensors.items()}


def _read_storages(content: bytes, position: int, storages: list[_Storage]) -> dict[str, NDArray[np.generic]]:
    values = {}
    for storage in storages:
        size = storage.length * storage.dtype.itemsize
        if len(content) < position + 8 + size:
            raise ValueError("ends in the middle of its values")
        (length,) = struct.unpack_from("<q", content, position)
        if length != storage.length:
            raise ValueError(f"a storage has {length} values, not {storage.length}")
        values[storage.key] = np.frombuffer(content, storage.dtype, storage.length, position + 8)
        position += 8 + size
    if position != len(content):
        raise ValueError(f"has {len(content) - position} bytes after its values")
    return values


def _values_of(name: str, tensor: _Tensor, values: dict[str, NDArray[np.generic]]) -> NDArray[np.generic]:
    stored, dtype = values[tensor.storage.key], tensor.storage.dtype
    if 0 in tensor.shape:
        return np.empty(tensor.shape, dtype)
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    if stored.dtype != dtype or math.prod(tensor.shape) > len(stored) or last >= len(stored):
        raise ValueError(f"the tensor {name!r} does not fit its storage")
    strides = [step * dtype.itemsize for step in tensor.strides]
    return np.ndarray(tensor.shape, dtype, stored, tensor.offset * dtype.itemsize, strides)


class _Machine:
    """Runs one pickle after another, from the start of the content.

    Attributes:
        position: Where the next pickle begins.
    """

    def __init__(self, content: bytes) -> None:
        self.position = 0
        self._content = content
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        """Run the pickle at the current position and return its value.

        Raises:
            ValueError: It is damaged, or has an instruction that makes no tensor.
        """
        self._stack, self._memo = [], {}
        if self._take(2) != b"\x80\x02":
            raise ValueError("is not a pickle of protocol 2")
        while (code := self._take(1)) != b".":
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise ValueError(f"has the instruction {code!r}, which no file of tensors needs")
            instruction(self)
        if len(self._stack) != 1:
            raise ValueError("a pickle in it does not end with one value")
        return self._pop()

    def _take(self, count: int) -> bytes:
        taken = self._content[self.position : self.position + count]
        if len(taken) < count:
            raise ValueError("ends in the middle of its description")
        self.position += count
        return taken

    def _number(self, form: str) -> int:
        (number,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return int(number)

    def _line(self) -> str:
        end = self._content.find(b"\n", self.position, self.position + 200)
        if end < 0:
            raise ValueError("ends in the middle of a name")
        line = self._content[self.position : end]
        self.position = end + 1
        return line.decode("ascii", "backslashreplace")

    def _pop(self) -> object:
        if not self._stack:
            raise ValueError("a pickle in it takes a value that is not there")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[object]:
        items: list[object] = []
        while not isinstance(item := self._pop(), _Mark):
            items.append(item)
        return items[::-1]

    def push(self, value: object) -> None:
        self._stack.append(value)

    def push_mark(self) -> None:
        self.push(_Mark())

    def push_number(self, form: str) -> None:
        self.push(self._number(form))

    def push_long(self) -> None:
        self.push(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    def push_text(self) -> None:
        try:
            self.push(self._take(self._number("<I")).decode())
        except UnicodeDecodeError as error:
            raise ValueError("has a name that is not UTF-8") from error

    def push_name(self) -> None:
        name = f"{self._line()} {self._line()}"
        if name not in _NAMES:
            raise ValueError(f"asks for {name.replace(' ', '.')}, which is no tensor")
        self.push(_Name(name))

    def push_tuple(self, count: int | None = None) -> None:
        items = self._pop_to_mark() if count is None else [self._pop() for _ in range(count)][::-1]
        self.push(tuple(items))

    def remember(self, form: str) -> None:
        value = self._pop()
        self._memo[self._number(form)] = value
        self.push(value)

    def recall(self, form: str) -> None:
        number = self._number(form)
        if number not in self._memo:
            raise ValueError("a pickle in it recalls a value that is not there")
        self.push(self._memo[number])

    def set_items(self, one: bool = False) -> None:
        items = [self._pop(), self._pop()][::-1] if one else self._pop_to_mark()
        target = self._pop()
        if not isinstance(target, dict) or len(items) % 2:
            raise ValueError("a pickle in it sets items of what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                raise ValueError("a dictionary in it has a key that is no text")
            target[key] = value
        self.push(target)

    def append_items(self, one: bool = False) -> None:
        items = [self._pop()] if one else self._pop_to_mark()
        target = self._pop()
        if not isinstance(target, list):
            raise ValueError("a pickle in it appends to what is no list")
        self.push([*target, *items])

    def find_storage(self) -> None:
        match self._pop():
            case ("storage", _Name(text), str(key), "cpu", int(length), None) if text in _DTYPES and length >= 0:
                self.push(_Storage(key, _DTYPES[text], length))
            case _:
                raise ValueError("asks for an object that is no storage of a tensor")

    def call(self) -> None:
        arguments, function = self._pop(), self._pop()
        match function, arguments:
            case _Name(text), () if text == _ORDERED_DICT:
                self.push({})
            case (
                _Name(text),
                (_Storage() as storage, int(offset), tuple(shape), tuple(strides), False, dict()),
            ) if text == _TENSOR and offset >= 0 and len(shape) == len(strides):
                self.push(_Tensor(storage, offset, _whole_numbers(shape), _whole_numbers(strides)))
            case _:
                raise ValueError("asks for a call that makes no tensor")

    def build(self) -> None:
        """Drop the attributes of a dictionary: torch notes the versions of its layers there."""
        state, target = self._pop(), self._pop()
        if not isinstance(target, dict) or not isinstance(state, dict) or set(state) != {"_metadata"}:
            raise ValueError("sets attributes of what is no dictionary of tensors")
        self.push(target)


def _whole_numbers(values: tuple[object, ...]) -> tuple[int, ...]:
    numbers = tuple(value for value in values if isinstance(value, int) and 0 <= value < 2**31)
    if len(numbers) != len(values):
        raise ValueError("has a tensor whose shape is not made of whole numbers")
    return numbers


_INSTRUCTIONS: dict[bytes, Callable[[_Machine], None]] = {
    b"(": _Machine.push_mark,
    b"N": lambda machine: machine.push(None),
    b"\x88": lambda machine: machine.push(True),
    b"\x89": lambda machine: machine.push(False),
    b"K": lambda machine: machine.push_number("<B"),
    b"M": lambda machine: machine.push_number("<H"),
    b"J": lambda machine: machine.push_number("<i"),
    b"\x8a": _Machine.push_long,
    b"X": _Machine.push_text,
    b"c": _Machine.push_name,
    b")": lambda machine: machine.push(()),
    b"\x85": lambda machine: machine.push_tuple(1),
    b"\x86": lambda machine: machine.push_tuple(2),
    b"\x87": lambda machine: machine.push_tuple(3),
    b"t": _Machine.push_tuple,
    b"}": lambda machine: machine.push({}),
    b"]": lambda machine: machine.push([]),
    b"q": lambda machine: machine.remember("<B"),
    b"r": lambda machine: machine.remember("<I"),
    b"h": lambda machine: machine.recall("<B"),
    b"j": lambda machine: machine.recall("<I"),
    b"s": lambda machine: machine.set_items(one=True),
    b"u": _Machine.set_items,
    b"a": lambda machine: machine.append_items(one=True),
    b"e": _Machine.append_items,
    b"Q": _Machine.find_storage,
    b"R": _Machine.call,
    b"b": _Machine.build,
}
