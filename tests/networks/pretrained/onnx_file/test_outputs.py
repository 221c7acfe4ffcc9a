"""Outputs of networks: tokens, several outputs, classifiers; each becomes one row of features, or is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from photoclass.errors import ModelError, PhotoclassError, SettingsError
from photoclass.model.engine import Engine
from photoclass.networks.pretrained.onnx_file.outputs import reduce_output
from photoclass.networks.pretrained.onnx_file.read import FileNetwork, FileOptions, read_network
from tiny_networks import WEIGHTS, WIDTH, tiny_features, tiny_network, tiny_transformer

FLOAT = TensorProto.FLOAT
SIDE, PATCHES = 32, 64  # the convolution of tiny networks takes 4 x 4 pixels


def _read(folder: Path, model: onnx.ModelProto, output: str = "", **options: Any) -> FileNetwork:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return read_network(path, FileOptions(mean=(0.0,), std=(1.0,), output=output, **options))


def _photos() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def _rows(network: FileNetwork) -> NDArray[np.float32]:
    return np.stack(list(Engine(network.onnx, "net", network.image_size, "f32").rows(_photos())))


def _patch_means() -> NDArray[np.float64]:
    return tiny_features((_photos() / 255).transpose(0, 3, 1, 2))


def _first_patch() -> NDArray[np.float64]:
    images = (_photos() / 255).transpose(0, 3, 1, 2)[:, :, :4, :4]
    return np.einsum("nchw,dchw->nd", images, WEIGHTS.astype(np.float64))


@pytest.mark.parametrize("others", [1, 5], ids=["class token", "with registers"])
def test_tokens_become_the_class_token_the_mean_of_patches_or_both(others: int, tmp_path: Path) -> None:
    model = tiny_transformer(others)
    np.testing.assert_allclose(_rows(_read(tmp_path, model, "class")), np.full((3, WIDTH), 7), rtol=1e-6)
    np.testing.assert_allclose(_rows(_read(tmp_path, model, "mean")), _patch_means(), atol=1e-4)
    both = _rows(_read(tmp_path, model, "both"))
    np.testing.assert_allclose(both, np.concatenate([np.full((3, WIDTH), 7), _patch_means()], axis=1), atol=1e-4)


def test_tokens_of_patches_alone_have_a_mean_and_no_class_token(tmp_path: Path) -> None:
    np.testing.assert_allclose(_rows(_read(tmp_path, tiny_transformer(0), "mean")), _patch_means(), atol=1e-4)
    for choice in ("class", "both"):
        with pytest.raises(SettingsError, match=r"no class token, for its 64 tokens are those of 8 x 8 patches"):
            _read(tmp_path, tiny_transformer(0), choice)


def test_what_tokens_become_is_never_guessed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"returns 65 tokens .*--backbone-output class, mean or both"):
        _read(tmp_path, tiny_transformer())
    with pytest.raises(SettingsError, match=r"returns 64 tokens .*--backbone-output mean$"):
        _read(tmp_path, tiny_transformer(0))
    with pytest.raises(SettingsError, match=r"returns \[1, 5\] for one photo, which are no tokens"):
        _read(tmp_path, tiny_network(), "class")


def test_one_of_several_outputs_is_chosen_by_name(tmp_path: Path) -> None:
    model = tiny_transformer(pooled=True)
    with pytest.raises(SettingsError, match="choose one with --backbone-output: last_hidden_state, pooler_output, or"):
        _read(tmp_path, model)
    with pytest.raises(ModelError, match=r"has no output 'logits'; it returns 'last_hidden_state' FLOAT"):
        _read(tmp_path, model, "logits")
    pooled = _read(tmp_path, model, "pooler_output")
    np.testing.assert_allclose(_rows(pooled), _patch_means(), atol=1e-4)
    assert b"others" not in pooled.onnx  # what only the other output needs is left out
    np.testing.assert_allclose(_rows(_read(tmp_path, model, "mean")), _patch_means(), atol=1e-4)


def _classifier(bias: str) -> onnx.ModelProto:
    model = tiny_network()
    graph = model.graph
    weights = np.random.default_rng(3).normal(0, 1, (WIDTH, 10)).astype(np.float32)
    graph.initializer.append(numpy_helper.from_array(weights, "w"))
    graph.initializer.append(numpy_helper.from_array(np.ones(10, np.float32), "b"))
    if bias == "in one operator":
        graph.node.append(helper.make_node("Gemm", ["features", "w", "b"], ["logits"]))
    else:
        graph.node.append(helper.make_node("MatMul", ["features", "w"], ["product"]))
        graph.node.append(helper.make_node("Add", ["b", "product"], ["logits"]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("logits", FLOAT, ["batch", 10]))
    return model


@pytest.mark.parametrize("bias", ["in one operator", "added"])
def test_a_classifier_without_its_last_layer_gives_features(bias: str, tmp_path: Path) -> None:
    classes = _read(tmp_path, _classifier(bias))
    assert _rows(classes).shape == (3, 10)
    assert (
        "its output seems to be scores of 10 classes, which are used as features; --backbone-output penultimate"
        in classes.note
    )
    features = _read(tmp_path, _classifier(bias), "penultimate")
    np.testing.assert_allclose(_rows(features), _patch_means(), atol=1e-4)
    assert not features.note
    with pytest.raises(ModelError, match="'features' does not come from a linear layer"):
        _read(tmp_path, tiny_network(), "penultimate")


@given(st.integers(2, 40), st.integers(0, 18), st.integers(1, 20), st.integers(0, 19))
def test_patches_are_told_from_other_tokens(side: int, others: int, patch: int, rest: int) -> None:
    """All squares with up to 18 more tokens are read as such, unless the next smaller square could be meant too."""
    image_size, count = side * patch + min(rest, patch - 1), side * side + others
    try:
        reduction = reduce_output("x", (1, count, 4), image_size, "mean", "net")
    except PhotoclassError:
        assert image_size // (image_size // side) != side
        return
    patches = numpy_helper.to_array(reduction.constants[0])
    if (side + 1) ** 2 > count:  # else a larger square fits as well, as 4 x 4 in 9 + 7 tokens
        assert len(patches) == side * side and patches[0] == others


@pytest.mark.parametrize("count", [3, 512])
def test_tokens_that_are_no_square_of_patches_are_refused(count: int) -> None:
    with pytest.raises(ModelError, match="not those of square patches"):
        reduce_output("x", (1, count, 4), 224, "class", "net")
