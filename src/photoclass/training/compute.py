"""Where and how torch computes: device, precision, memory. Decided at run time and said in the output."""

import contextlib
import ctypes
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from photoclass.errors import SettingsError
from photoclass.machine import bf16_is_disabled

if TYPE_CHECKING:  # what is computed without torch says so in the same words, and need not load it
    import torch

# glibc's names for what `mallopt` sets (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_TOP_PAD_BYTES = 64 << 20


@dataclass(frozen=True)
class Compute:
    """What computes.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        precision: `bf16` (mixed: weights stay fp32) or `fp32`.
        reason: Why this precision, for the output.
    """

    device: str
    precision: str
    reason: str

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the network runs forward."""
        import torch

        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")

    @property
    def image_dtype(self) -> "torch.dtype":
        """Return the type in which images enter the network."""
        import torch

        return torch.bfloat16 if self.precision == "bf16" else torch.float32


def choose_compute(device: str = "auto", precision: str = "auto") -> Compute:
    """Choose the device and precision that serve best here, or take what is asked for.

    Raises:
        SettingsError: The device asked for is not there.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there.get(device, False):
        raise SettingsError(
            f"device {device!r} is not on this machine; there is: {', '.join(n for n in there if there[n])}"
        )
    if precision not in ("auto", "bf16", "fp32"):
        raise SettingsError(f"precision {precision!r} is none of auto, bf16, fp32")
    if precision != "auto":
        return Compute(device, precision, "as asked for")
    if device == "cuda":
        gains = torch.cuda.is_bf16_supported(including_emulation=False)
        return Compute(device, "bf16" if gains else "fp32", "the GPU has bf16" if gains else "the GPU lacks bf16")
    if device == "mps":
        return Compute(device, "fp32", "Apple GPU")
    # Without these instructions bf16 is emulated and slower than fp32 (pytorch issues 118499 and 86550).
    gains = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if gains and bf16_is_disabled():
        return Compute(device, "fp32", "ONEDNN_MAX_CPU_ISA disables the processor's bf16 arithmetic")
    reason = "the processor has bf16 arithmetic" if gains else "the processor has no bf16 arithmetic"
    return Compute(device, "bf16" if gains else "fp32", reason)


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory instead of giving it back after every step; True where that was possible.

    The buffers of a step are some 20 MB each. By default every one is mapped again and its pages are zeroed by the
    kernel at first touch, which took a third of a training step's time. All threads then share one arena, since a
    second one may not grow that far.
    """
    libc = _glibc()
    if libc is None:
        return False
    settings = {_M_MMAP_MAX: 0, _M_ARENA_MAX: 1, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: _TOP_PAD_BYTES}
    return all(libc.mallopt(name, value) == 1 for name, value in settings.items())


def give_back_freed_memory() -> None:
    """Give back to the system what `keep_freed_memory` has kept so far; does nothing where there is no glibc.

    What small pictures left lies in pieces into which larger ones do not fit, and would only add up.
    """
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def leave_threads_to_the_network() -> None:
    """Keep OpenCV to the thread that calls it: batches are made beside the network, which needs the processors."""
    cv2.setNumThreads(1)
