"""The reader of `.pth` files: the tensors that torch reads, and nothing else that a pickle may ask for."""

import collections
import io
import pickle
import struct
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from photoclass.networks.pretrained.catalog import EFFICIENTNET_LITE
from photoclass.networks.pretrained.efficientnet_lite import read_weights
from photoclass.networks.pretrained.torch_file import read_tensors

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_SYSTEM = {"protocol_version": _PROTOCOL, "little_endian": True}


def _saved(tensors: dict[str, torch.Tensor]) -> bytes:
    """Save tensors as torch up to 1.5 did."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(collections.OrderedDict(tensors), file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def _file(content: Any, *, magic: int = _MAGIC, system: Any = _SYSTEM) -> bytes:
    """Write a file with some object in place of the tensors, and no values."""
    return b"".join(pickle.dumps(part, protocol=2) for part in (magic, _PROTOCOL, system, content, []))


class _Calls:
    """Is pickled as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


SMALL = _saved({"a": torch.arange(6, dtype=torch.float32).reshape(2, 3), "b": torch.tensor(3)})


@pytest.mark.parametrize("name", sorted(EFFICIENTNET_LITE))
def test_pretrained_weights_are_what_torch_reads(name: str) -> None:
    content = read_weights(name)
    ours, theirs = read_tensors(content), torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    assert list(ours) == list(theirs)
    for key, tensor in theirs.items():
        expected = tensor.numpy()
        assert ours[key].dtype == expected.dtype
        assert ours[key].strides == expected.strides  # sums of the same numbers in another order differ
        np.testing.assert_array_equal(ours[key], expected)


@given(
    shape=st.lists(st.integers(0, 4), max_size=4),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8]),
    order=st.randoms(use_true_random=False),
)
def test_any_tensor_is_what_torch_saved(shape: list[int], dtype: torch.dtype, order: Any) -> None:
    axes = list(range(len(shape)))
    order.shuffle(axes)
    tensor = torch.arange(int(np.prod(shape)), dtype=torch.float32).to(dtype).reshape(shape).permute(axes)
    read = read_tensors(_saved({"weights": tensor, "part": tensor[:1] if shape else tensor}))
    np.testing.assert_array_equal(read["weights"], tensor.numpy())
    np.testing.assert_array_equal(read["part"], (tensor[:1] if shape else tensor).numpy())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (_Calls(print, "called"), "print"),
        (_Calls(exec, "raise SystemExit"), "exec"),
        ({"a": _Calls(getattr, "", "join")}, "getattr"),
        ({"a": bytearray(b"abc")}, "bytearray"),
    ],
    ids=["print", "exec", "getattr", "bytearray"],
)
def test_other_functions_are_refused_by_name(content: Any, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=rf"asks for \S*{name}, which is no tensor"):
        read_tensors(_file(content))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends in the middle"),
        (b"PK\x03\x04", "not a pickle of protocol 2"),
        (_file({}, magic=1), "not a file of tensors"),
        (_file({}, system={"little_endian": False}), "not little-endian"),
        (_file(["a"]), "does not hold a dictionary of tensors"),
        (_file({"a": 1}), "does not hold a dictionary of tensors"),
        (_file({1: 2}), "key that is no text"),
        (_file(1.5), "instruction b'G'"),
        (_file(_Calls(collections.OrderedDict, [("a", 1)])), "a call that makes no tensor"),
        (SMALL[:-1], "ends in the middle of its values"),
        (SMALL + b"x", "1 bytes after its values"),
        (SMALL.replace(struct.pack("<q", 6), struct.pack("<q", 7)), "has 7 values, not 6"),
        # 2 x 3 values become 9 x 3 of the same six.
        (SMALL.replace(b"K\x02K\x03\x86", b"K\x09K\x03\x86"), "'a' does not fit its storage"),
        (SMALL.replace(b"torch\nFloatStorage", b"torch\nBoolStorage"), "asks for torch.BoolStorage"),
    ],
    ids=[
        *("empty", "zip", "magic", "big-endian", "list", "number", "key", "float", "arguments"),
        *("cut", "longer", "length", "shape", "kind"),
    ],
)
def test_what_is_no_file_of_tensors_is_refused_with_the_reason(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tensors(content)


@given(data=st.data())
def test_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        tensors = read_tensors(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    except ValueError:
        return
    assert all(isinstance(tensor, np.ndarray) for tensor in tensors.values())
