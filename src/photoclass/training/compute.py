"""Device, precision and memory of torch, chosen at run time and reported in the output."""

import contextlib
import ctypes
import functools
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photoclass.errors import SettingsError
from photoclass.machine import bf16_is_disabled

if TYPE_CHECKING:  # recipes without torch use `Compute` too, and must not load it
    import torch

# glibc's names for what `mallopt` sets (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_TOP_PAD_BYTES = 64 << 20


@dataclass(frozen=True)
class Compute:
    """Device and precision.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        precision: `bf16` (mixed: weights stay fp32) or `fp32`.
        reason: Why this precision, for the output.
    """

    device: str
    precision: str
    reason: str

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """Return the autocast context of a forward pass."""
        import torch

        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")

    @property
    def image_dtype(self) -> "torch.dtype":
        """Return the type of the network's input images."""
        import torch

        return torch.bfloat16 if self.precision == "bf16" else torch.float32


def choose_compute(device: str = "auto", precision: str = "auto") -> Compute:
    """Choose the fastest device and precision of this machine, or take those that were requested.

    Raises:
        SettingsError: This machine lacks the device, or the precision is unknown.
    """
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available.get(device, False):
        names = ", ".join(name for name in available if available[name])
        raise SettingsError(f"device {device!r} is not available on this machine; choose from {names}")
    if precision not in ("auto", "bf16", "fp32"):
        raise SettingsError(f"unknown precision {precision!r}; choose from auto, bf16, fp32")
    if precision != "auto":
        return Compute(device, precision, "as requested")
    if device == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        reason = "the GPU has bf16" if has_bf16 else "the GPU lacks bf16"
        return Compute(device, "bf16" if has_bf16 else "fp32", reason)
    if device == "mps":
        return Compute(device, "fp32", "Apple GPU")
    # Without these instructions bf16 is emulated and slower than fp32 (pytorch issues 118499 and 86550).
    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if has_bf16 and bf16_is_disabled():
        return Compute(device, "fp32", "ONEDNN_MAX_CPU_ISA disables the processor's bf16 arithmetic")
    reason = "the processor has bf16 arithmetic" if has_bf16 else "the processor has no bf16 arithmetic"
    return Compute(device, "bf16" if has_bf16 else "fp32", reason)


@functools.cache
def keep_freed_memory() -> bool:
    """Make glibc keep freed memory instead of returning it after every step; True if it does, for the whole process.

    The buffers of a step are some 20 MB each. By default each is mapped again in every step, and the kernel zeroes
    its pages at first touch, which took a third of the time of a training step. All threads then share one arena,
    since a second one cannot grow that far. Only the first call in a process has an effect.
    """
    libc = _glibc()
    if libc is None:
        return False
    settings = {_M_MMAP_MAX: 0, _M_ARENA_MAX: 1, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: _TOP_PAD_BYTES}
    return all(libc.mallopt(name, value) == 1 for name, value in settings.items())


def give_back_freed_memory() -> None:
    """Return to the system what `keep_freed_memory` has kept so far; does nothing without glibc.

    After small pictures, free memory is in pieces into which larger pictures do not fit; it would only accumulate.
    """
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def leave_threads_to_the_network() -> None:
    """Limit OpenCV to the calling thread: the network needs the other processors while batches are prepared."""
    import cv2

    cv2.setNumThreads(1)
