"""Trains the reference CNN in plain torch (`DataLoader`, Pillow, eager) and prints the photos/s of its second epoch.

    python benchmarks/peers/training_speed_torch.py FOLDER [--workers 2]

FOLDER holds one folder of photos per class. For training_speed.py. It stands for code written after torch's tutorials:
photos are decoded in every epoch, and augmented by random affine transforms with the ranges of the post
*Cat or Dog? Image Classification using Convolutional Neural Networks*.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

_SIDE = 150


class Photos(Dataset[tuple[Tensor, float]]):
    """Decodes, resizes and augments a photo each time it is read."""

    def __init__(self, folder: Path) -> None:
        classes = sorted(path for path in folder.iterdir() if path.is_dir())
        self.photos = [(path, float(label)) for label, one in enumerate(classes) for path in sorted(one.iterdir())]

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Tensor, float]:
        path, label = self.photos[index]
        with Image.open(path) as opened:
            picture = opened.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        augmented = picture.transform(picture.size, Image.Transform.AFFINE, draw_affine(), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(augmented)).permute(2, 0, 1).float().div(255), label


def draw_affine() -> tuple[float, ...]:
    """Draw a random rotation, shift and zoom: maps output (x, y, 1) to input (x, y), around the centre."""
    angle = math.radians(random.uniform(-40, 40))
    zoom_x, zoom_y = random.uniform(0.8, 1.2), random.uniform(0.8, 1.2)
    shift_x, shift_y = random.uniform(-0.2, 0.2) * _SIDE, random.uniform(-0.2, 0.2) * _SIDE
    a, b = math.cos(angle) * zoom_x, -math.sin(angle) * zoom_y
    d, e = math.sin(angle) * zoom_x, math.cos(angle) * zoom_y
    centre = (_SIDE - 1) / 2
    return a, b, centre + shift_x - (a + b) * centre, d, e, centre + shift_y - (d + e) * centre


def make_network() -> nn.Sequential:
    """Build the reference CNN layer by layer."""
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(17 * 17 * 64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1)),
    )


def train_epoch(
    network: nn.Module, optimizer: torch.optim.Optimizer, batches: DataLoader[tuple[Tensor, float]]
) -> None:
    """Train for one epoch."""
    for images, labels in batches:
        loss = nn.functional.binary_cross_entropy_with_logits(network(images)[:, 0], labels.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    photos = Photos(arguments.folder)
    batches = DataLoader(photos, batch_size=16, shuffle=True, num_workers=arguments.workers)
    network = make_network().train()
    optimizer = torch.optim.Adam(network.parameters())
    train_epoch(network, optimizer, batches)
    started_at = time.perf_counter()
    train_epoch(network, optimizer, batches)
    print(len(photos) / (time.perf_counter() - started_at))


if __name__ == "__main__":
    main()
