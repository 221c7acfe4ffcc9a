"""Networks from ONNX files: wrapped for their layout and scaling, or refused with what was expected."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from photoclass.errors import ModelError, PhotoclassError, SettingsError
from photoclass.model.engine import Engine
from photoclass.networks.pretrained.onnx_file import read as onnx_file
from photoclass.networks.pretrained.onnx_file.read import FileNetwork, FileOptions, read_network
from tiny_networks import WIDTH, tiny_features, tiny_network

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LAYOUTS = {"channels first": ("batch", 3, 32, 32), "channels last": ("batch", 32, 32, 3)}


def _read(
    folder: Path, model: onnx.ModelProto, size: int = 0, mean: tuple[float, ...] = (), std: tuple[float, ...] = ()
) -> FileNetwork:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return read_network(path, FileOptions(size, mean, std))


def _photos(side: int = 32, count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def _rows(network: FileNetwork, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.stack(list(Engine(network.onnx, "net", network.image_size, "f32").rows(photos)))


def _images(photos: NDArray[np.uint8], mean: Any = 0.0, std: Any = 1.0) -> NDArray[np.float64]:
    """Normalise photos as in torch: to [0, 1], minus the mean, divided by the standard deviation."""
    return np.asarray(((photos / 255 - np.array(mean)) / np.array(std)).transpose(0, 3, 1, 2))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mean", "std"), [(MEAN, STD), ((0.5,), (0.5,)), ((0.0,), (1 / 255,))])
def test_pixels_are_normalised_as_given_in_either_layout(
    layout: str, mean: tuple[float, ...], std: tuple[float, ...], tmp_path: Path
) -> None:
    network = _read(tmp_path, tiny_network(shape=LAYOUTS[layout]), 0, mean, std)
    assert network.image_size == 32
    wanted = tiny_features(_images(_photos(), mean, std))
    assert wanted.min() < 0 < wanted.max()
    np.testing.assert_allclose(_rows(network, _photos()), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_uint8_network_gets_unchanged_pixels(layout: str, tmp_path: Path) -> None:
    network = _read(tmp_path, tiny_network(shape=LAYOUTS[layout], dtype=TensorProto.UINT8))
    wanted = tiny_features(_photos().transpose(0, 3, 1, 2))
    np.testing.assert_allclose(_rows(network, _photos()), wanted, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("ends_in", ["rows", "pooled", "maps"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_form_of_features_becomes_rows(ends_in: str, layout: str, tmp_path: Path) -> None:
    network = _read(tmp_path, tiny_network(shape=LAYOUTS[layout], ends_in=ends_in), 0, (0,), (1,))
    found = _rows(network, _photos())
    assert found.shape == (3, WIDTH)
    np.testing.assert_allclose(found, tiny_features(_images(_photos())), atol=1e-4)


@pytest.mark.parametrize("shape", [("batch", 3, "height", "width"), (None, "height", "width", 3), ("n", 3, 40, "w")])
def test_a_dynamic_size_is_set_to_the_requested_one(shape: tuple[Any, ...], tmp_path: Path) -> None:
    network = _read(tmp_path, tiny_network(shape=shape), 40, (0,), (1,))
    assert network.image_size == 40
    np.testing.assert_allclose(_rows(network, _photos(40)), tiny_features(_images(_photos(40))), atol=1e-4)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_needlessly_fixed_batch_size_becomes_dynamic(batch: int, tmp_path: Path) -> None:
    network = _read(tmp_path, tiny_network(shape=(batch, 3, 32, 32)), 0, (0,), (1,))
    graph = onnx.load_model_from_string(network.onnx).graph
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "photos"
    np.testing.assert_allclose(_rows(network, _photos()), tiny_features(_images(_photos())), atol=1e-4)


def test_a_network_from_torchs_exporter_loses_its_annotations(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.Hardswish(), torch.nn.Conv2d(8, 6, 3, 2, 1))
    module.eval()
    example, batch = torch.zeros(2, 3, 32, 32), torch.export.Dim("batch")
    program = torch.onnx.export(
        module, (example,), dynamo=True, verbose=False, input_names=["x"], dynamic_shapes=({0: batch},)
    )
    assert program is not None
    network = _read(tmp_path, program.model_proto, 0, MEAN, STD)
    with torch.no_grad():
        images = torch.from_numpy(_images(_photos(), MEAN, STD)).float()
        wanted = module(images).mean((2, 3)).numpy()
    np.testing.assert_allclose(_rows(network, _photos()), wanted, atol=1e-5)
    assert str(Path(__file__).parents[2]).encode() not in network.onnx


def test_older_files_with_weights_among_the_inputs_are_accepted(tmp_path: Path) -> None:
    model = tiny_network(opset=9)
    model.ir_version = 3
    weights = model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info(weights.name, weights.data_type, weights.dims))
    network = _read(tmp_path, model, 0, (0,), (1,))
    np.testing.assert_allclose(_rows(network, _photos()), tiny_features(_images(_photos())), atol=1e-4)


# Networks that are refused

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE
TINY = {"mean": (0.0,), "std": (1.0,)}


def _change(**changes: Any) -> Callable[[], onnx.ModelProto]:
    return lambda: tiny_network(**changes)


def _with_second_input() -> onnx.ModelProto:
    model = tiny_network()
    model.graph.input.append(helper.make_tensor_value_info("mask", FLOAT, ["batch"]))
    return model


def _with_integer_output() -> onnx.ModelProto:
    model = tiny_network()
    model.graph.node[-1].output[0] = "rows"
    model.graph.node.append(helper.make_node("ArgMax", ["rows"], ["features"], axis=1))
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    return model


def _with_unknown_operators() -> onnx.ModelProto:
    model = tiny_network()
    model.graph.node[0].op_type, model.graph.node[0].domain = "Magic", "org.example"
    model.opset_import.append(helper.make_opsetid("org.example", 1))
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_change(shape=("n", 1, 32, 32)), r"takes 'x' FLOAT \(n, 1, 32, 32\); a backbone takes RGB photos"),
        (_change(shape=("n", "c", "h", "w")), r"takes 'x' FLOAT \(n, c, h, w\)"),
        (_change(shape=("n", 3, 3, 3)), r"\(n, 3, 3, 3\); a backbone takes RGB photos"),
        (_change(shape=("n", 3072)), r"takes 'x' FLOAT \(n, 3072\)"),
        (_change(shape=("n", 3, 32, 64)), "a backbone takes square images"),
        (_change(dtype=DOUBLE), "takes 'x' DOUBLE .*; a backbone takes RGB photos, float32 or uint8"),
        (_with_second_input, r"takes 'x' FLOAT \(batch, 3, 32, 32\), 'mask' FLOAT \(batch\); a backbone takes"),
        (_with_integer_output, "returns 'features' INT64"),
        (_change(ends_in="last"), r"returns \[1, 8, 8, 5\] for one photo; a backbone returns features"),
        (_change(ends_in="one row"), "two photos.*export it .*with a dynamic batch"),
        (_change(opset=8), "uses ONNX opset 8; export it with opset 9 or later"),
        (_with_unknown_operators, "uses the operator Magic of org.example, which is not part of ONNX"),
    ],
)
def test_a_network_that_cannot_be_a_backbone_is_refused_with_the_reason(
    make: Callable[[], onnx.ModelProto], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=message) as refused:
        _read(tmp_path, make(), **TINY)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path}/net.onnx: ")


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        (("n", 3, "h", "w"), 0, "takes photos of any size; choose one with --backbone-size"),
        (("n", 3, 32, 32), 64, "takes 32 px, not 64; leave out --backbone-size"),
        (("n", 3, "h", "w"), 7, "photos of 7 px; it must be from 8 to 2048"),
        (("n", 3, "h", "w"), -1, "photos of -1 px"),
        (("n", 3, 10**9, 10**9), 0, "photos of 1000000000 px"),
    ],
)
def test_an_impossible_size_is_refused(shape: tuple[Any, ...], size: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        _read(tmp_path, tiny_network(shape=shape), size, (0,), (1,))


def test_normalisation_is_neither_guessed_nor_applied_twice(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"normalise pixels .* --backbone-mean .*0\.485,0\.456,0\.406"):
        _read(tmp_path, tiny_network())
    with pytest.raises(SettingsError, match="takes uint8 pixels; leave out --backbone-mean"):
        _read(tmp_path, tiny_network(dtype=TensorProto.UINT8), 0, MEAN, STD)


def test_features_that_depend_on_other_photos_of_the_batch_are_refused(tmp_path: Path) -> None:
    model = tiny_network()
    model.graph.node[-1].output[0] = "rows"
    model.graph.node.append(helper.make_node("Softmax", ["rows"], ["features"], axis=0))
    with pytest.raises(ModelError, match="returns other features for a batch of two photos than for each alone"):
        _read(tmp_path, model, 0, (0,), (1,))


def test_non_finite_features_are_refused(tmp_path: Path) -> None:
    model = tiny_network()
    model.graph.node[-1].output[0] = "rows"
    model.graph.node.append(helper.make_node("Log", ["rows"], ["features"]))  # some are negative
    with pytest.raises(ModelError, match="returns NaN or infinity as features"):
        _read(tmp_path, model, 0, (0,), (1,))


def test_fault_34_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    whole = tiny_network().SerializeToString()
    path = tmp_path / "net.onnx"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"net.onnx: "):
            read_network(path, FileOptions(0, (0,), (1,)))


def test_damaged_bytes_are_no_crash(tmp_path: Path) -> None:
    whole = tiny_network().SerializeToString()
    weights = tiny_network().graph.initializer[0].raw_data
    start = whole.index(weights)
    checked = [at for at in range(len(whole)) if not start <= at < start + len(weights)]  # weights cannot show it
    generator = np.random.default_rng(0)
    path = tmp_path / "net.onnx"
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[generator.choice(checked)] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            read_network(path, FileOptions(0, (0,), (1,)))
        except PhotoclassError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 200


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04" + bytes(500)])
def test_a_file_that_is_not_a_network_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="not an ONNX file, or damaged or cut short"):
        read_network(tmp_path / "net.onnx", FileOptions())


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx: there is no such file"):
        read_network(tmp_path / "absent.onnx", FileOptions())
    with pytest.raises(ModelError, match="there is no such file"):
        read_network(tmp_path, FileOptions())


def test_a_file_over_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelError, match="larger than 100 bytes"):
        _read(tmp_path, tiny_network())


def _outside(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")


def _weights_outside() -> onnx.ModelProto:
    model = tiny_network()
    _outside(model.graph.initializer[0])
    return model


def _constant_node_outside() -> onnx.ModelProto:
    model = tiny_network()
    weights = model.graph.initializer.pop()
    _outside(weights)
    model.graph.node.insert(0, helper.make_node("Constant", [], [weights.name], value=weights))
    return model


def _in_a_branch_outside() -> onnx.ModelProto:
    model = tiny_network()
    constant = numpy_helper.from_array(np.ones(5, np.float32), "one")
    _outside(constant)
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["one"], value=constant)],
        "branch",
        [],
        [helper.make_tensor_value_info("one", FLOAT, [5])],
    )
    yes = numpy_helper.from_array(np.array(True), "yes")
    model.graph.initializer.append(yes)
    model.graph.node.append(helper.make_node("If", ["yes"], ["more"], then_branch=branch, else_branch=branch))
    return model


@pytest.mark.parametrize("make", [_weights_outside, _constant_node_outside, _in_a_branch_outside])
def test_fault_35_weights_in_other_files_are_refused_unread(
    make: Callable[[], onnx.ModelProto], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    with pytest.raises(ModelError, match="keeps weights in other files, which is not allowed; export it as one file"):
        _read(tmp_path / "in", make(), **TINY)  # type: ignore[arg-type]


def test_a_name_that_saved_models_may_not_contain_is_refused_at_once(tmp_path: Path) -> None:
    model = tiny_network()
    model.graph.node[0].name = "allocation"
    with pytest.raises(ModelError, match="has 'location' in the name of a layer"):
        _read(tmp_path, model, **TINY)  # type: ignore[arg-type]
