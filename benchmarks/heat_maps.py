"""Two sanity checks of the heat maps that `explain` draws, and its speed.

python benchmarks/heat_maps.py PHOTOS --model RUN [--count 100] [--share 0.2]

Randomised weights (Adebayo et al., "Sanity Checks for Saliency Maps", 2018, https://arxiv.org/abs/1810.03292): the
weights of each matrix of the head are shuffled; a map that hardly changes does not depend on what the head has learned.
Occlusion: the hottest and the coldest part of each photo, of equal size, are painted over with the photo's mean colour,
and the drops in the probability of the predicted class are compared. For scale, the same is done with two other maps:
LayerCAM (Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", 2021) and the
activations alone.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from common.measuring import machine
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from photoclass.model.folder import load_info, read_onnx
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import Pixels, Unreadable, decode_photo, read_file
from photoclass.photos.sources.read_photos import read_photos
from photoclass.results.explain.explain import explain_photos
from photoclass.results.explain.heat_map import fit_to_picture, heat_map_of
from photoclass.results.explain.saliency import Saliency, SaliencyModel
from photoclass.results.pictures.sheet import sample_rows
from photoclass.workspace import Workspace

Heat = Callable[[Saliency], NDArray[np.float32]]


@dataclass(frozen=True)
class Sanity:
    """Results of the checks, one value per photo.

    Attributes:
        correlation: Of its map with the map of the shuffled head.
        drop_hot: By how much the probability of the predicted class falls when the hottest part is covered.
        drop_cold: The same for the coldest part.
    """

    correlation: NDArray[np.float64]
    drop_hot: NDArray[np.float64]
    drop_cold: NDArray[np.float64]


def layer_cam(saliency: Saliency) -> NDArray[np.float32]:
    """Return the LayerCAM heat map: negative gradients are set to zero before the sum over channels."""
    return heat_map_of(
        replace(saliency, maps=tuple(replace(m, gradients=np.maximum(m.gradients, 0)) for m in saliency.maps))
    )


def activations_alone(saliency: Saliency) -> NDArray[np.float32]:
    """Return the sum of activations at each place, whichever class they support."""
    return heat_map_of(
        replace(saliency, maps=tuple(replace(m, gradients=np.ones_like(m.gradients)) for m in saliency.maps))
    )


MAPS: dict[str, Heat] = {"ours": heat_map_of, "LayerCAM": layer_cam, "activations alone": activations_alone}


def check_maps(folder: Path, pixels: Sequence[Pixels], share: float = 0.2) -> dict[str, Sanity]:
    """Test each of MAPS.

    Args:
        folder: A model folder.
        pixels: Photos in the network's input size.
        share: Share of each photo that is covered.
    """
    info = load_info(folder)
    content = read_onnx(folder, info)
    runtime = Runtime(info, content, folder)
    own = list(SaliencyModel(info, content, folder).saliency(pixels))
    predicted = np.array([saliency.target for saliency in own])
    # Both are explained for the class that the real head predicts.
    shuffled = SaliencyModel(info, with_shuffled_head(content), folder)
    by_class = [list(shuffled.saliency(pixels, target)) for target in range(len(info.class_names))]
    others = [by_class[target][i] for i, target in enumerate(predicted)]

    def probability(shown: Sequence[Pixels]) -> NDArray[np.float64]:
        return runtime.probabilities(shown)[np.arange(len(predicted)), predicted].astype(np.float64)

    before = probability(pixels)
    found = {}
    for name, heat in MAPS.items():
        maps, their_maps = (
            [fit_to_picture(heat(saliency), info.image_size, info.image_size, "squash") for saliency in each]
            for each in (own, others)
        )
        hot, cold = (
            probability([covered(photo, sign * each, share) for photo, each in zip(pixels, maps, strict=True)])
            for sign in (1, -1)
        )
        correlations = [correlation_of(one, other) for one, other in zip(maps, their_maps, strict=True)]
        found[name] = Sanity(np.array(correlations), before - hot, before - cold)
    return found


def with_shuffled_head(content: bytes) -> bytes:
    """Return the network with the weights of every matrix shuffled."""
    generator = np.random.default_rng(0)
    model = onnx.load_model_from_string(content)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2:
            values = numpy_helper.to_array(tensor)
            tensor.CopyFrom(
                numpy_helper.from_array(generator.permuted(values.ravel()).reshape(values.shape), tensor.name)
            )
    changed: bytes = model.SerializeToString()
    return changed


def covered(photo: Pixels, order: NDArray[np.float32], share: float) -> Pixels:
    """Paint over the part of a photo where `order` is highest, with the photo's mean colour."""
    count = round(order.size * share)
    chosen = np.argsort(order, axis=None, kind="stable")[-count:]
    painted = photo.reshape(-1, 3).copy()
    painted[chosen] = painted.mean(axis=0)
    return painted.reshape(photo.shape)


def correlation_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the correlation of two maps; 0 if one of them is constant."""
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.2)
    arguments = parser.parse_args()
    settings = load_info(arguments.model).decode_settings()
    table = read_photos([arguments.photos], Workspace())
    paths = [table.paths[i] for i in sample_rows(len(table), arguments.count, seed=0)]
    contents = [data for path in paths if not isinstance(data := read_file(path), Unreadable)]
    pixels = [p for data in contents if not isinstance(p := decode_photo(data, settings), Unreadable)]
    print(f"{machine()}\n{len(pixels)} photos, {arguments.share:.0%} covered\n")
    print("| map | correlation, shuffled head | hottest part covered | coldest part covered | hottest drops more |")
    print("| --- | --- | --- | --- | --- |")
    for name, found in check_maps(arguments.model, pixels, arguments.share).items():
        hot, cold = found.drop_hot, found.drop_cold
        figures = (
            f"{found.correlation.mean():.2f} | {-hot.mean():+.3f} | {-cold.mean():+.3f} | {(hot > cold).mean():.0%}"
        )
        print(f"| {name} | {figures} |")
    rates = []
    for _ in range(3):
        started_at, started_cpu = time.perf_counter(), time.process_time()
        explain_photos(arguments.model, paths)
        rates.append(
            (len(paths) / (time.perf_counter() - started_at), len(paths) / (time.process_time() - started_cpu))
        )
    best, of_processor = max(rates)
    print(f"\n{best:.0f} photos/s (best of 3, loading the model included), {of_processor:.0f} per processor second")


if __name__ == "__main__":
    main()
