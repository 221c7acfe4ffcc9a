"""Heat maps: from feature maps and their gradients to colours over the photo."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels
from photoclass.photos.decode_settings import ResizeRule
from photoclass.results.explain.saliency import FeatureMaps, Saliency

# From black by purple and orange to pale yellow, at even distances, close to Matplotlib's inferno. Their lightness
# increases steadily, so that they can be read in greyscale and with colour blindness.
_COLOURS = (
    (0, 0, 3),
    (32, 12, 74),
    (87, 15, 109),
    (137, 34, 105),
    (187, 55, 84),
    (227, 88, 50),
    (249, 140, 9),
    (248, 201, 49),
    (252, 254, 164),
)
_OPACITY = 0.55  # of the colours over the greyscale photo
LINE_AT = 0.5  # the heat at which the contour line runs
_FADED = 0.75  # how far parts outside the network's input are faded to white


@dataclass(frozen=True)
class Window:
    """The part of a picture that is the network's input, in pixels."""

    left: int
    top: int
    width: int
    height: int


def heat_map_of(saliency: Saliency) -> NDArray[np.float32]:
    """Compute how much each position of a photo contributed to a class.

    Activation times gradient, summed over channels, is the first-order contribution of a position to the logit;
    negative contributions, which speak against the class, are set to 0. This is HiResCAM (Draelos and Carin, Use
    HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks, 2020,
    https://arxiv.org/abs/2011.08891). With global average pooling after the feature maps, as in the pretrained
    backbones, it equals Grad-CAM (Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization, 2017, https://arxiv.org/abs/1610.02391). LayerCAM (Jiang et al., LayerCAM: Exploring
    Hierarchical Class Activation Maps for Localization, 2021) drops negative gradients *before* the sum: its maps
    hardly change when the weights of the head are shuffled, so they do not show what the decision depends on.

    The map of a mirror image is flipped back. Contributions of several backbones are added.

    Returns:
        Shape (rows, columns), from 0 to 1 at the largest contribution; all 0 if nothing contributed to the class.
    """
    parts = [_contributions(maps) for maps in saliency.maps]
    rows, columns = (max(part.shape[axis] for part in parts) for axis in (0, 1))
    # Per area: a position of a coarser map covers more of the photo.
    areas = [resize_map(part * part.size, columns, rows) for part in parts]
    positive = np.maximum(np.sum(areas, axis=0), 0)
    highest = float(positive.max())
    return np.asarray(positive / highest if highest > 0 else positive, dtype=np.float32)


def resize_map(
    values: NDArray[np.floating], width: int, height: int, how: Image.Resampling = Image.Resampling.BILINEAR
) -> NDArray[np.float32]:
    """Resize a map of numbers, shape (rows, columns), to shape (height, width)."""
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((width, height), how))


def _contributions(maps: FeatureMaps) -> NDArray[np.float64]:
    """Return the contribution of each position to the logit, shape (rows, columns), summed over the views."""
    views = (maps.activations.astype(np.float64) * maps.gradients).sum(axis=-1)
    upright = [view[:, ::-1] if flipped else view for view, flipped in zip(views, maps.mirrored, strict=True)]
    return np.asarray(np.sum(upright, axis=0), dtype=np.float64)


def visible_window(width: int, height: int, resize: ResizeRule) -> Window:
    """Return the part of a picture of this size that becomes the network's square input."""
    if resize == "squash":
        return Window(0, 0, width, height)
    side = min(width, height)
    return Window((width - side) // 2, (height - side) // 2, side, side)


def fit_to_picture(heat: NDArray[np.float32], width: int, height: int, resize: ResizeRule) -> NDArray[np.float32]:
    """Resize a heat map to its picture, undoing the resize rule.

    Positions are assumed to be of equal size and to cover the square, which is exact except near its edges.

    Args:
        heat: Shape (rows, columns).
        width: The width of the picture in pixels.
        height: Its height in pixels.
        resize: How the picture became a square.

    Returns:
        Shape (height, width), from 0 to 1; 0 outside the network's input.
    """
    window = visible_window(width, height, resize)
    inside = resize_map(heat, window.width, window.height, Image.Resampling.BICUBIC)
    whole = np.zeros((height, width), dtype=np.float32)
    whole[window.top : window.top + window.height, window.left : window.left + window.width] = inside.clip(0, 1)
    return whole


def overlay(picture: Image.Image, heat: NDArray[np.float32], window: Window) -> Image.Image:
    """Draw a heat map over its picture in greyscale, with a contour line at half of the maximum.

    Args:
        picture: RGB.
        heat: Shape (height, width), from 0 to 1.
        window: The network's input; everything else is faded.
    """
    grey = np.asarray(picture.convert("L"), dtype=np.float32)[..., None]
    coloured = (1 - _OPACITY) * grey + _OPACITY * colours()[np.rint(255 * heat).astype(np.uint8)]
    distance = _pixels_to_line(heat)[..., None]
    coloured *= np.clip(distance / 3, 0.35, 1)  # darker beside the line, so that it shows on any background
    coloured += (255 - coloured) * np.clip(1.6 - distance, 0, 1)
    seen = np.zeros(heat.shape, dtype=np.bool_)
    seen[window.top : window.top + window.height, window.left : window.left + window.width] = True
    return Image.fromarray(np.where(seen[..., None], coloured, (1 - _FADED) * grey + _FADED * 255).astype(np.uint8))


def _pixels_to_line(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the approximate distance of each pixel to the contour: the difference in heat over its gradient."""
    if min(heat.shape) < 2:  # too thin for a gradient, and for a line
        return np.full_like(heat, np.inf)
    down, right = np.gradient(heat)
    return np.asarray(np.abs(heat - LINE_AT) / np.maximum(np.hypot(down, right), 0.002), dtype=np.float32)


@lru_cache(maxsize=1)
def colours() -> Pixels:
    """Return the colour map of heat from 0 to 1, shape (256, 3)."""
    at = np.linspace(0, 255, len(_COLOURS))
    channels = [np.interp(np.arange(256), at, values) for values in zip(*_COLOURS, strict=True)]
    table: Pixels = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return table
