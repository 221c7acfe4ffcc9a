"""Registration of one fingerprint with a part of another, and the variance that remains unexplained.

Lucas and Kanade (1981), "An Iterative Image Registration Technique with an Application to Stereo Vision", with four
parameters: where the part begins and how much it covers, along each side.
"""

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, LEAST_CROPPED_SIDE, pooled, sampling

# The first guess is within 1.25 % of a side of the truth; six steps suffice for all of 1,800 cropped photos.
_STEPS = 6
_LONGEST_STEP = 0.02
# The unexplained variance before the first step is at most 0.43 for those 1,800 photos, and at least 0.5 for 17 in 18
# of the other candidates. Only pairs below it are worth the steps.
_HOPELESS = 0.5
_BLOCK = 1024  # pairs at once, to bound memory


def register(
    whole: Pixels | NDArray[np.float32],
    part: Pixels | NDArray[np.float32],
    windows: NDArray[np.float64],
    hopeless: float = _HOPELESS,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find the window of each `whole` that matches its `part` best, and the variance of the part that is unexplained.

    Args:
        whole: Fingerprints, shape (N, 32, 32).
        part: Fingerprints, shape (N, 32, 32).
        windows: Shape (N, 4): the first guess, as top, left, height and width in shares of the sides.
        hopeless: Pairs of which the first guess leaves more unexplained are not worth the steps.

    Returns:
        The sum of squared differences divided by the variance of `part`, shape (N,), 0 for equal ones; and the windows
        found, shape (N, 4). Brightness and contrast are not adjusted: a much brighter copy is a different picture.
    """
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(whole), _BLOCK)]
    results = [_register(whole[block], part[block], windows[block], hopeless) for block in blocks]
    if not results:
        return np.zeros(0, dtype=np.float32), np.zeros((0, 4), dtype=np.float32)
    unexplained, found = zip(*results, strict=True)
    return np.concatenate(unexplained), np.concatenate(found)


def _register(
    whole: Pixels | NDArray[np.float32],
    part: Pixels | NDArray[np.float32],
    windows: NDArray[np.float64],
    hopeless: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image, template = whole.astype(np.float32), part.astype(np.float32)
    result = windows.astype(np.float32)
    unexplained = _unexplained(_warp(image, result), template)
    near = np.flatnonzero(unexplained < hopeless)
    if len(near):
        image, template, found = image[near], template[near], result[near]
        for _ in range(_STEPS):
            found = _clip(found + _step(_warp(image, found), template, found))
        unexplained[near] = _unexplained(_warp(image, found), template)
        result[near] = found
    return unexplained, result


def _unexplained(warped: NDArray[np.float32], template: NDArray[np.float32]) -> NDArray[np.float32]:
    warped, template = pooled(warped), pooled(template)
    differences = ((warped - template) ** 2).sum(axis=(1, 2))
    variances = ((template - template.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
    shares: NDArray[np.float32] = differences / (variances + 1e-6)
    return shares


def _warp(image: NDArray[np.float32], windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Resample each window of its image to 32x32 cells."""
    top, left, height, width = windows.T
    return np.asarray(sampling(top, height) @ image @ sampling(left, width).transpose(0, 2, 1), dtype=np.float32)


def _step(
    warped: NDArray[np.float32], template: NDArray[np.float32], windows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the change of the windows that brings `warped` closest to `template`, to first order (Gauss-Newton)."""
    down, right = np.gradient(warped, axis=(1, 2))
    down = down * FINGERPRINT_SIDE / windows[:, 2, None, None]
    right = right * FINGERPRINT_SIDE / windows[:, 3, None, None]
    centres = (np.arange(FINGERPRINT_SIDE, dtype=np.float32) + 0.5) / FINGERPRINT_SIDE
    jacobian = np.stack([down, right, down * centres[:, None], right * centres], axis=1).reshape(len(warped), 4, -1)
    hessian = jacobian @ jacobian.transpose(0, 2, 1)
    # A little damping, since a picture of one colour has no gradient.
    damping = 1e-3 * (1 + hessian.diagonal(axis1=1, axis2=2))
    hessian += damping[:, :, None] * np.eye(4, dtype=np.float32)
    change = np.linalg.solve(hessian, jacobian @ (template - warped).reshape(len(warped), -1, 1))[:, :, 0]
    return np.asarray(np.clip(change, -_LONGEST_STEP, _LONGEST_STEP), dtype=np.float32)


def _clip(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep windows within the picture, and not smaller than a crop may be."""
    shares = np.clip(windows[:, 2:], LEAST_CROPPED_SIDE, 1)
    within: NDArray[np.float32] = np.hstack([np.clip(windows[:, :2], 0, 1 - shares), shares])
    return within
