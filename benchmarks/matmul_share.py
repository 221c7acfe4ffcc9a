"""Hardware utilisation of training: the machine's measured matmul peak, and the share that a training step reaches.

    python benchmarks/matmul_share.py [--recipe small-cnn|resnet] [--side PIXELS] [--batch N] [--rounds 5] [--rate R]

The network learns from synthetic images in memory, without augmentation. With --rate, the photos/s of a real training
(from its output or from `training_speed.py`), its share is printed as well. torch counts the FLOPs, forward and
backward, a multiply-add as two; operations that only move or compare values count as zero.
"""

import argparse
import time
from collections.abc import Callable

import torch
from common.measuring import in_turn, machine, spread
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from photoclass.networks.logits import cross_entropy
from photoclass.networks.resnet import Resnet
from photoclass.networks.small_cnn import SmallCNN
from photoclass.training.compute import Compute, choose_compute, keep_freed_memory
from photoclass.training.loop.loop import batch_parts
from photoclass.training.loop.optimizer import optimizer_for
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.recipes.resnet import ResnetSettings
from photoclass.training.recipes.small_cnn import SmallCnnSettings

_SIDE = 2048  # of the matrices: large enough for the peak, small enough for any machine
_AT_LEAST_SECONDS = 2.0
_MANY = 20_000  # photos, and epochs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=["small-cnn", "resnet"], default="small-cnn")
    parser.add_argument(
        "--side", type=int, help="image size in pixels; the recipe's own (for resnet its largest) if left out"
    )
    parser.add_argument("--batch", type=int, help="batch size; the recipe's own if left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, help="photos/s of a training, end to end")
    arguments = parser.parse_args()
    keep_freed_memory()
    network, recipe = make_network(arguments.recipe)
    side = arguments.side or max(getattr(recipe, "sides", (recipe.image_size,)))
    batch = arguments.batch or recipe.loop.batch_size
    flops = flops_per_photo(network, side)
    best = choose_compute().precision
    computes = [Compute("cpu", precision, "as asked for") for precision in dict.fromkeys(("fp32", best))]
    measures: dict[str, Callable[[], float]] = {}
    for compute in computes:
        step = training_step(network, recipe.loop, side, batch, compute)
        measures[f"matmul, {compute.precision}"] = lambda c=compute: matmul_gflops(c)
        measures[f"{arguments.recipe}, {compute.precision}"] = lambda s=step: batch * per_second(s)
    found = in_turn(measures, arguments.rounds)
    print(
        f"\n{machine()}, {torch.get_num_threads()} threads\n{flops / 1e9:.3f} GFLOP per training photo, {side} px, ",
        end="",
    )
    print(f"batch {batch}, {arguments.rounds} rounds in turn; median (least to most)\n")
    print("| precision | matmul peak, GFLOP/s | training photos/s | share of the peak |\n| --- | --- | --- | --- |")
    for compute in computes:
        peaks, rates = (found[f"{what}, {compute.precision}"] for what in ("matmul", arguments.recipe))
        shares = [100 * rate * flops / 1e9 / max(peaks) for rate in rates]
        print(f"| {compute.precision}, step alone | {spread(peaks)} | {spread(rates)} | {spread(shares)} % |")
    if arguments.rate:
        share = 100 * arguments.rate * flops / 1e9 / max(found[f"matmul, {best}"])
        print(f"| {best}, end to end | | {arguments.rate:.0f} | {share:.0f} % |")


def make_network(name: str) -> tuple[nn.Module, SmallCnnSettings | ResnetSettings]:
    """Return a recipe's network for two classes, and the recipe with its settings for many photos."""
    generator = torch.Generator().manual_seed(0)
    if name == "resnet":
        resnet = ResnetSettings().with_pictures_for(_MANY).with_steps_for(_MANY, _MANY, "cpu")
        return Resnet(resnet.network, min(resnet.sides), 2, generator), resnet
    small = SmallCnnSettings()
    return SmallCNN(small.network, small.image_size, 2, generator), small


def flops_per_photo(network: nn.Module, side: int) -> float:
    """Count the floating-point operations of one photo, forward and backward."""
    network.double()  # float64 takes torch's own layers, all of which are counted
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(1, 3, side, side, dtype=torch.float64)).sum().backward()
    network.float().zero_grad()
    return float(counter.get_total_flops())


def matmul_gflops(compute: Compute) -> float:
    """Return the GFLOP/s of multiplying square matrices."""
    a, b = (torch.rand(_SIDE, _SIDE, dtype=compute.image_dtype) for _ in range(2))
    with torch.no_grad():
        return 2 * _SIDE**3 / 1e9 * per_second(lambda: torch.mm(a, b))


def training_step(
    network: nn.Module, settings: LoopSettings, side: int, batch: int, compute: Compute
) -> Callable[[], object]:
    """Return a function that takes one training step on synthetic images, as the training loop does."""
    network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = optimizer_for(network, settings)
    images = torch.rand(batch, 3, side, side).to(compute.image_dtype).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 2
    parts = batch_parts(batch, compute)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        for part in parts:
            with compute.autocast():
                logits: Tensor = network(images[part])
            loss = cross_entropy(logits, labels[part]) * (len(logits) / batch)
            loss.backward()
        optimizer.step()

    return step


def per_second(work: Callable[[], object]) -> float:
    """Repeat for two seconds or more after a warm-up; return the calls per second."""
    for _ in range(3):
        work()
    done, started_at = 0, time.perf_counter()
    while time.perf_counter() - started_at < _AT_LEAST_SECONDS:
        work()
        done += 1
    return done / (time.perf_counter() - started_at)


if __name__ == "__main__":
    main()
