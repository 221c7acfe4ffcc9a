"""The exported file has the outputs of the trained network, on any runtime, and nothing else in it."""

import io
import logging
import math
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photoclass.model.folder import ModelInfo
from photoclass.model.runtime import Runtime
from photoclass.training.export import PixelsToProbabilities, export_onnx
from photoclass.walkthrough.drawings.drawings import CLASS_NAMES, draw_animal
from tiny_runs import fresh_state, tiny_recipe


def _info(class_names: tuple[str, ...]) -> ModelInfo:
    return ModelInfo(
        class_names=class_names,
        image_size=32,
        resize="squash",
        recipe="small-cnn",
        settings={},
        seed=0,
        base_rates=(1 / len(class_names),) * len(class_names),
        photos={},
        data_fingerprint="",
        photoclass_version="",
    )


def _network(classes: int) -> nn.Module:
    """Return a network in training mode and channels last, as the loop leaves it, with some confident predictions."""
    network = fresh_state(tiny_recipe(), classes).network.train()
    with torch.no_grad():
        network.output.weight.mul_(12)  # type: ignore[operator, union-attr]
        generator = torch.Generator().manual_seed(1)
        for name, values in network.named_parameters():
            if name.endswith("bias"):
                values.uniform_(-0.1, 0.1, generator=generator)
    return network


class Exported:
    """A network, its exported file, and photos."""

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self.class_names = class_names
        self.network = _network(len(class_names))
        self.onnx = export_onnx(self.network, 32)
        generator = np.random.default_rng(5)
        self.pixels = np.stack([draw_animal(CLASS_NAMES[i % 2], generator, 32) for i in range(16)])

    def runtime(self, precision: str) -> Runtime:
        return Runtime(_info(self.class_names), self.onnx, Path("run"), precision)


@pytest.fixture(scope="module", params=[("cat", "dog"), ("cat", "dog", "fox")], ids=["two-classes", "three-classes"])
def exported(request: pytest.FixtureRequest) -> Exported:
    return Exported(request.param)


def _plain_probabilities(network: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(pixels.transpose(0, 3, 1, 2) / np.float32(255))).double().numpy()
    network.train()
    if logits.shape[1] == 1:
        of_class_1 = 1 / (1 + np.exp(-logits))
        return np.concatenate([1 - of_class_1, of_class_1], axis=1)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_exported_equals_trained_in_full_precision(exported: Exported) -> None:
    trained = _plain_probabilities(exported.network, exported.pixels)
    assert trained[:, 0].std() > 0.02, "the photos are told apart"
    np.testing.assert_allclose(exported.runtime("f32").probabilities(exported.pixels), trained, atol=1e-4)


def test_exported_is_close_to_trained_in_bf16(exported: Exported) -> None:
    trained = _plain_probabilities(exported.network, exported.pixels)
    given = exported.runtime("bf16").probabilities(exported.pixels)
    np.testing.assert_allclose(given, trained, atol=0.03)
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-2)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_file_takes_any_batch_size_on_other_runtimes_as_well(exported: Exported, count: int) -> None:
    other = onnx.reference.ReferenceEvaluator(onnx.load_from_string(exported.onnx))
    (given,) = other.run(None, {"pixels": exported.pixels[:count]})
    np.testing.assert_allclose(given, _plain_probabilities(exported.network, exported.pixels)[:count], atol=1e-4)


def test_the_file_has_one_input_of_pixels_and_one_output_of_probabilities(exported: Exported) -> None:
    model = onnx.load_from_string(exported.onnx)
    onnx.checker.check_model(model, full_check=True)
    (taken,), (given,) = model.graph.input, model.graph.output
    assert (taken.name, given.name) == ("pixels", "probabilities")
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    sizes = [dim.dim_param or dim.dim_value for dim in taken.type.tensor_type.shape.dim]
    assert isinstance(sizes[0], str)
    assert sizes[1:] == [32, 32, 3]
    assert given.type.tensor_type.shape.dim[1].dim_value == len(exported.class_names)


def test_the_file_reveals_nothing_of_the_machine_that_made_it(exported: Exported) -> None:
    model = onnx.load_from_string(exported.onnx)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert not model.metadata_props
    for word in (b".py", b"File ", str(Path.cwd()).encode(), str(Path(torch.__file__).parent).encode()):
        assert word not in exported.onnx


def test_the_same_network_is_exported_to_the_same_bytes(exported: Exported) -> None:
    again = export_onnx(_network(len(exported.class_names)).to(memory_format=torch.contiguous_format), 32)
    assert again == exported.onnx


def test_exporting_leaves_network_warnings_and_log_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    network = _network(2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    strides = [weights.stride() for weights in network.parameters()]
    log = logging.getLogger("torch.onnx")
    log.setLevel(logging.INFO)
    try:
        export_onnx(network, 32)
        assert log.level == logging.INFO
    finally:
        log.setLevel(logging.NOTSET)
    assert network.training
    assert [weights.stride() for weights in network.parameters()] == strides
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not [record for record in caplog.records if record.name.startswith("torch.onnx")]


class _Constant(nn.Module):
    """Returns the same logits for every photo."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor([logits])

    def forward(self, images: Tensor) -> Tensor:
        assert images.shape[1:] == (3, 4, 5)
        assert float(images.min()) == 0
        assert float(images.max()) == 1
        return self.logits.expand(len(images), -1)


@pytest.mark.parametrize("logit", [-40.0, -3.0, 0.0, 3.0, 40.0])
def test_near_certainty_the_small_probability_is_not_rounded_to_0(logit: float) -> None:
    pixels = torch.zeros(2, 4, 5, 3, dtype=torch.uint8)
    pixels[:, 1] = 255
    probabilities = PixelsToProbabilities(_Constant(logit))(pixels).double()
    right = 1 / (1 + math.exp(-logit))
    wrong = 1 / (1 + math.exp(logit))
    np.testing.assert_allclose(probabilities, [[wrong, right]] * 2, rtol=1e-6)
    three = PixelsToProbabilities(_Constant(0.0, logit, 0.0))(pixels)
    np.testing.assert_allclose(three[:, 1], math.exp(logit) / (2 + math.exp(logit)), rtol=1e-5)


def test_the_file_is_plain_onnx_without_external_weights(exported: Exported) -> None:
    model = onnx.load_model(io.BytesIO(exported.onnx))
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    for name, value in exported.network.state_dict().items():
        assert any(np.array_equal(value, weight) for weight in weights), name
