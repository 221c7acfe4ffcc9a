"""Handmade model folders: ONNX files of a few nodes with a known behaviour."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from photoclass.model.folder import ModelInfo, save_model, save_predictions
from photoclass.photos.table import PhotoTable

SIDE = 16
OPSET = 18


def make_info(class_names: Sequence[str] = ("cat", "dog"), **changes: Any) -> ModelInfo:
    values: dict[str, Any] = {
        "class_names": tuple(class_names),
        "image_size": SIDE,
        "resize": "squash",
        "recipe": "small-cnn",
        "settings": {"image_size": SIDE},
        "seed": 0,
        "base_rates": (1 / len(class_names),) * len(class_names),
        "photos": {"train": dict.fromkeys(class_names, 3), "valid": dict.fromkeys(class_names, 1)},
        "data_fingerprint": "0" * 64,
        "photoclass_version": "0.1.0",
    }
    return ModelInfo(**{**values, **changes})


def brightness_onnx(
    side: int = SIDE,
    classes: int = 2,
    input_type: int = TensorProto.UINT8,
    channels: int = 3,
    inputs: int = 1,
    outputs: int = 1,
) -> bytes:
    """Return a network that gives the last class more probability the brighter the photo is."""
    weights = np.zeros((channels, classes), dtype=np.float32)
    weights[:, -1] = 4 / 255 / channels
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "sides"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    given = [helper.make_tensor_value_info("pixels", input_type, ["N", side, side, channels])]
    given += [helper.make_tensor_value_info(f"more{i}", TensorProto.FLOAT, [1]) for i in range(inputs - 1)]
    results = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes])]
    results += [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])][: outputs - 1]
    for i in range(inputs - 1):
        nodes.append(helper.make_node("Add", ["probabilities", f"more{i}"], [f"sum{i}"]))
        results.append(helper.make_tensor_value_info(f"sum{i}", TensorProto.FLOAT, ["N", classes]))
    constants = [
        numpy_helper.from_array(np.array([1, 2], dtype=np.int64), "sides"),
        numpy_helper.from_array(weights, "weights"),
    ]
    return _to_bytes(nodes, given, results, constants)


def constant_onnx(row: Sequence[float], side: int = SIDE) -> bytes:
    """Return a network with the same output for every photo, computed so that it is not a constant in the file."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMin", ["floats", "all"], ["darkest"], keepdims=0),
        helper.make_node("Mul", ["darkest", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "last"], ["column"]),
        helper.make_node("Add", ["column", "row"], ["probabilities"]),
    ]
    given = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", side, side, 3])]
    results = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(row)])]
    constants = [
        numpy_helper.from_array(np.array([1, 2, 3], dtype=np.int64), "all"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "last"),
        numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
        numpy_helper.from_array(np.array([row], dtype=np.float32), "row"),
    ]
    return _to_bytes(nodes, given, results, constants)


def nan_for_bright_onnx(side: int = SIDE) -> bytes:
    """Return a network that gives NaN for photos brighter than 100."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "all"], ["means"], keepdims=0),
        helper.make_node("Sub", ["limit", "means"], ["below"]),
        helper.make_node("Sqrt", ["below"], ["roots"]),
        helper.make_node("Unsqueeze", ["roots", "last"], ["column"]),
        helper.make_node("Mul", ["column", "row"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    given = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", side, side, 3])]
    results = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])]
    constants = [
        numpy_helper.from_array(np.array([1, 2, 3], dtype=np.int64), "all"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "last"),
        numpy_helper.from_array(np.array(100, dtype=np.float32), "limit"),
        numpy_helper.from_array(np.array([[1, 0]], dtype=np.float32), "row"),
    ]
    return _to_bytes(nodes, given, results, constants)


def make_model(folder: Path, class_names: Sequence[str]) -> Path:
    """Write a model that gives the last class more probability the brighter a photo is, and is sure of its own."""
    folder.mkdir()
    count = len(class_names)
    save_model(folder, make_info(class_names), brightness_onnx(classes=count))
    labels = np.arange(count, dtype=np.int64)
    splits = np.ones(count, dtype=np.int8)
    names = tuple(f"{i}.jpg" for i in range(count))
    table = PhotoTable(names, names, labels, splits, tuple(class_names))
    certain = np.full((count, count), 1e-7, dtype=np.float32)
    np.fill_diagonal(certain, 1 - (count - 1) * 1e-7)
    save_predictions(folder, "valid", table, certain)
    return folder


def _to_bytes(nodes: list[Any], given: list[Any], results: list[Any], constants: list[Any]) -> bytes:
    graph = helper.make_graph(nodes, "by hand", given, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def expected_brightness(pixels: NDArray[np.uint8], classes: int = 2) -> NDArray[np.float64]:
    logits = np.zeros((len(pixels), classes))
    logits[:, -1] = 4 / 255 * pixels.mean(axis=(1, 2, 3))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def change_json(folder: Path, **changes: Any) -> None:
    """Change fields of model.json."""
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def exchange_onnx(folder: Path, content: bytes) -> None:
    """Replace the network, and its SHA-256 in model.json, as an attacker would."""
    (folder / "model.onnx").write_bytes(content)
    change_json(folder, onnx_sha256=hashlib.sha256(content).hexdigest())
