"""Which parts of a photo spoke for a class, as a heat map: from maps and their gradients to colours over the photo."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels, ResizeRule
from photoclass.results.explain.saliency import Maps, Saliency

# Lightness grows from end to end, so it reads without telling colours apart, and in print.
_COLOURS = "inferno"
_STRENGTH = 0.55  # of these colours over the photo in grey
LINE_AT = 0.5  # the line runs where the heat is so much
_FADED = 0.75  # how much of what the network did not see is white


@dataclass(frozen=True)
class Window:
    """The part of a picture that the network saw, in pixels."""

    left: int
    top: int
    width: int
    height: int


def heat_of(look: Saliency) -> NDArray[np.float32]:
    """Compute how much each place of a photo spoke for a class.

    Each activation times its gradient, summed over channels, is what a place adds to the logit, to first order; what
    lies below zero, and so spoke against the class, is left out. This is HiResCAM (Draelos and Carin, 2020, "Use
    HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks"). Where the maps enter
    the rest of the network through their means, as those of the pretrained networks do, it is Grad-CAM (Selvaraju et
    al., 2017) to the digit. LayerCAM (Jiang et al., 2021) leaves out negative gradients *before* the sum: its maps
    stay nearly the same when the head's weights are shuffled, so they do not show what decided.

    A mirror image's map is turned back. Of several networks side by side, the contributions are added.

    Returns:
        Shape (rows, columns), from 0 to 1, where the most is; all 0 if nothing spoke for the class.
    """
    parts = [_contributions(maps) for maps in look.maps]
    rows, columns = (max(part.shape[axis] for part in parts) for axis in (0, 1))
    # As amounts for an area: where a map has fewer places, each of them stands for more of the photo.
    areas = [part * part.size for part in parts]
    total = sum(cv2.resize(area, (columns, rows), interpolation=cv2.INTER_LINEAR) for area in areas)
    positive = np.maximum(np.asarray(total), 0)
    highest = float(positive.max())
    return np.asarray(positive / highest if highest > 0 else positive, dtype=np.float32)


def _contributions(maps: Maps) -> NDArray[np.float64]:
    """Return what each place adds to the logit, shape (rows, columns), over all views."""
    views = (maps.activations.astype(np.float64) * maps.gradients).sum(axis=-1)
    upright = [view[:, ::-1] if turned else view for view, turned in zip(views, maps.mirrored, strict=True)]
    return np.asarray(np.sum(upright, axis=0), dtype=np.float64)


def window_of(width: int, height: int, resize: ResizeRule) -> Window:
    """Return the part of a picture of this size that becomes the network's square."""
    if resize == "squash":
        return Window(0, 0, width, height)
    side = min(width, height)
    return Window((width - side) // 2, (height - side) // 2, side, side)


def spread_over(heat: NDArray[np.float32], width: int, height: int, resize: ResizeRule) -> NDArray[np.float32]:
    """Lay a heat map over the picture that it is of, undoing the way in which that became a square.

    Places are taken to be of one size and to cover the square, which is right but for the network's edges.

    Args:
        heat: Shape (rows, columns).
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        resize: How it became a square.

    Returns:
        Shape (height, width), from 0 to 1; 0 where the network saw nothing.
    """
    window = window_of(width, height, resize)
    inside = cv2.resize(heat, (window.width, window.height), interpolation=cv2.INTER_CUBIC)
    whole = np.zeros((height, width), dtype=np.float32)
    whole[window.top : window.top + window.height, window.left : window.left + window.width] = inside.clip(0, 1)
    return whole


def overlay(picture: Image.Image, heat: NDArray[np.float32], window: Window) -> Image.Image:
    """Draw a heat map over its picture in grey, with a line around what is at least half as hot as the hottest.

    Args:
        picture: RGB.
        heat: Shape (height, width), from 0 to 1.
        window: What the network saw; all else fades.
    """
    grey = np.asarray(picture.convert("L"), dtype=np.float32)[..., None]
    coloured = (1 - _STRENGTH) * grey + _STRENGTH * colours()[np.rint(255 * heat).astype(np.uint8)]
    distance = _pixels_to_line(heat)[..., None]
    coloured *= np.clip(distance / 3, 0.35, 1)  # dark beside the line: it shows on whatever is below
    coloured += (255 - coloured) * np.clip(1.6 - distance, 0, 1)
    seen = np.zeros(heat.shape, dtype=np.bool_)
    seen[window.top : window.top + window.height, window.left : window.left + window.width] = True
    return Image.fromarray(np.where(seen[..., None], coloured, (1 - _FADED) * grey + _FADED * 255).astype(np.uint8))


def _pixels_to_line(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return about how far each pixel is from where heat passes LINE_AT: the difference in heat over its slope."""
    if min(heat.shape) < 2:  # too thin for a slope, and for a line
        return np.full_like(heat, np.inf)
    down, right = np.gradient(heat)
    return np.asarray(np.abs(heat - LINE_AT) / np.maximum(np.hypot(down, right), 0.002), dtype=np.float32)


@lru_cache(maxsize=1)
def colours() -> Pixels:
    """Return the colours of heat from 0 to 1, shape (256, 3)."""
    from matplotlib import colormaps

    return np.asarray(colormaps[_COLOURS](np.arange(256), bytes=True)[:, :3], dtype=np.uint8)
