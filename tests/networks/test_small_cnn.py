"""The reference CNN of *Cat or Dog? Image Classification using Convolutional Neural Networks*.

Its size, its arithmetic against a plain version, its initial weights and its dropout.
"""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from exact_sums import round_convolutions, rounded_images
from photoclass.errors import SettingsError
from photoclass.networks.small_cnn import Dropout, SmallCNN
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture

THE_POSTS = SmallCnnArchitecture()
SMALL = SmallCnnArchitecture(filters=(4, 6), dense_units=5)


def _network(
    settings: SmallCnnArchitecture = THE_POSTS, image_size: int = 150, classes: int = 2, seed: int = 0
) -> SmallCNN:
    return SmallCNN(settings, image_size, classes, torch.Generator().manual_seed(seed))


def _images(count: int, side: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def _plain_forward(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """The layers one by one as in the post: ReLU before pooling, flattened by row, column, channel."""
    features = images
    convolutions = sum(name.startswith("convolutions") for name in weights) // 2
    for i in range(convolutions):
        features = F.conv2d(features, weights[f"convolutions.{i}.weight"], weights[f"convolutions.{i}.bias"])
        features = F.max_pool2d(torch.relu(features), kernel_size=2, stride=2)
    flat = features.permute(0, 2, 3, 1).reshape(len(images), -1)
    hidden = torch.relu(flat @ weights["hidden.weight"].T + weights["hidden.bias"])
    return hidden @ weights["output.weight"].T + weights["output.bias"]


def _plain_loss(logits: Tensor, labels: Tensor) -> Tensor:
    if logits.shape[1] > 1:
        return -torch.log_softmax(logits, dim=1)[torch.arange(len(labels)), labels].mean()
    of_class_1 = torch.sigmoid(logits[:, 0])
    return -torch.where(labels == 1, of_class_1, 1 - of_class_1).log().mean()


def test_the_reference_cnn_has_1_212_513_parameters() -> None:
    assert sum(weights.numel() for weights in _network().parameters()) == 1_212_513


def test_its_layers_have_the_shapes_of_the_post() -> None:
    shapes = {name: tuple(weights.shape) for name, weights in _network().named_parameters()}
    assert shapes == {
        "convolutions.0.weight": (32, 3, 3, 3),
        "convolutions.0.bias": (32,),
        "convolutions.1.weight": (32, 32, 3, 3),
        "convolutions.1.bias": (32,),
        "convolutions.2.weight": (64, 32, 3, 3),
        "convolutions.2.bias": (64,),
        "hidden.weight": (64, 17 * 17 * 64),
        "hidden.bias": (64,),
        "output.weight": (1, 64),
        "output.bias": (1,),
    }


@pytest.mark.parametrize(("classes", "logits"), [(2, 1), (3, 3), (7, 7)])
def test_two_classes_share_a_logit_and_more_have_one_each(classes: int, logits: int) -> None:
    network = _network(SMALL, image_size=20, classes=classes)
    assert network(_images(5, 20)).shape == (5, logits)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=["rows", "channels_last"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
@pytest.mark.parametrize(
    ("settings", "side", "classes"),
    [
        (SmallCnnArchitecture(dropout=0.0), 150, 2),
        (SmallCnnArchitecture(dropout=0.0), 47, 5),
        (SmallCnnArchitecture((5, 3), 5, 7, 0.0), 33, 2),
        (SmallCnnArchitecture((4,), 2, 3, 0.0), 9, 3),
    ],
    ids=["the-posts", "five-classes", "large-kernels", "one-convolution"],
)
def test_logits_loss_and_gradients_are_those_of_the_plain_layers(
    settings: SmallCnnArchitecture, side: int, classes: int, dtype: torch.dtype, memory_format: torch.memory_format
) -> None:
    network = _network(settings, side, classes, seed=3).train().to(dtype=dtype)
    round_convolutions(network)
    weights = {name: value.clone().requires_grad_() for name, value in network.state_dict().items()}
    images = rounded_images(_images(4, side, seed=4)).to(dtype)
    labels = torch.arange(4) % classes
    network = network.to(memory_format=memory_format)

    logits = network(images.contiguous(memory_format=memory_format))
    loss = _plain_loss(logits, labels)
    loss.backward()
    plain_logits = _plain_forward(weights, images)
    plain_loss = _plain_loss(plain_logits, labels)
    plain_loss.backward()

    close = 1e-5 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(logits, plain_logits, rtol=close, atol=close)
    torch.testing.assert_close(loss, plain_loss, rtol=close, atol=close)
    for name, value in network.named_parameters():
        plain = weights[name].grad
        assert value.grad is not None
        assert plain is not None
        assert float(plain.norm()) > 0, f"{name} learns something"
        assert float((value.grad - plain).norm() / plain.norm()) < close, name


def test_initial_weights_are_glorot_uniform_and_biases_zero() -> None:
    for name, values in _network(seed=8).state_dict().items():
        if name.endswith("bias"):
            assert not values.any()
            continue
        outputs, inputs = values.shape[:2]
        window = values[0, 0].numel()
        bound = math.sqrt(6 / (inputs * window + outputs * window))
        largest = float(values.abs().max())
        assert largest <= bound
        assert largest > 0.9 * bound, name
        draws = values.numel()
        assert abs(float(values.mean())) < 4 * bound / math.sqrt(3 * draws)
        assert abs(float(values.std()) / (bound / math.sqrt(3)) - 1) < 4 / math.sqrt(draws)


def test_the_generator_alone_decides_the_initial_weights() -> None:
    torch.manual_seed(1)
    first = _network(SMALL, 20, seed=5).state_dict()
    torch.manual_seed(2)
    again, other = (_network(SMALL, 20, seed=seed).state_dict() for seed in (5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["hidden.weight"], other["hidden.weight"])


def test_dropout_is_off_in_evaluation() -> None:
    features = torch.rand(20, 50)
    assert torch.equal(Dropout(0.9).eval()(features), features)
    network = _network(SMALL, 20).eval()
    images = _images(3, 20)
    assert torch.equal(network(images), network(images))


def test_dropout_in_training_drops_its_share_and_scales_up_the_rest() -> None:
    features = torch.full((200, 500), 2.0)
    dropped = Dropout(0.3).train()(features)
    values = dropped.unique()
    torch.testing.assert_close(values, torch.tensor([0.0, 2.0 / 0.7]))
    share = float((dropped == 0).float().mean())
    assert abs(share - 0.3) < 4 * math.sqrt(0.3 * 0.7 / features.numel())
    # No photo and no unit is always or never dropped.
    assert float((dropped == 0).float().mean(dim=0).min()) > 0.1
    assert float((dropped == 0).float().mean(dim=1).max()) < 0.5


def test_a_dropout_of_zero_changes_nothing() -> None:
    features = torch.rand(4, 4)
    assert torch.equal(Dropout(0.0).train()(features), features)


def test_the_dropout_mask_comes_from_its_own_generator() -> None:
    dropout = Dropout(0.5).train()
    features = torch.ones(10, 40)

    def with_seed(seed: int) -> Tensor:
        dropout.generator.manual_seed(seed)
        return dropout(features)

    first = with_seed(1)
    following = dropout(features)
    torch.manual_seed(1234)
    assert torch.equal(with_seed(1), first)
    assert not torch.equal(with_seed(2), first)
    assert not torch.equal(following, first), "the next step drops others"


def test_dropout_applies_to_the_hidden_layer_only() -> None:
    network = _network(SMALL, 20).train()
    network.dropout.generator.manual_seed(11)
    images = _images(4, 20)
    logits = network(images)
    weights = dict(network.named_parameters())
    network.dropout.generator.manual_seed(11)
    mask = network.dropout(torch.ones(4, 5))
    features = images
    for i in range(2):
        features = F.max_pool2d(
            torch.relu(F.conv2d(features, weights[f"convolutions.{i}.weight"], weights[f"convolutions.{i}.bias"])), 2
        )
    hidden = torch.relu(network.hidden(features.permute(0, 2, 3, 1).flatten(1))) * mask
    torch.testing.assert_close(logits, hidden @ weights["output.weight"].T + weights["output.bias"])


@pytest.mark.parametrize(
    "values",
    [
        {"filters": ()},
        {"filters": (32, 0)},
        {"kernel_size": 0},
        {"dense_units": 0},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"dropout": math.nan},
    ],
)
def test_settings_out_of_range_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        SmallCnnArchitecture(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("image_size", "fits"), [(22, True), (21, False), (8, False)])
def test_images_too_small_for_the_poolings_are_refused(image_size: int, fits: bool) -> None:
    if fits:
        assert _network(image_size=image_size).hidden.in_features == 64
        return
    with pytest.raises(SettingsError, match=f"images of {image_size} pixels are too small for 3 poolings"):
        _network(image_size=image_size)
