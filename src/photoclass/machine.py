"""The machine: the number of processors, and the user's cache folder."""

import os
from pathlib import Path

import platformdirs


def default_cache() -> Path:
    """Return the cache folder: $PHOTOCLASS_CACHE, or the user's cache folder."""
    chosen = os.environ.get("PHOTOCLASS_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("photoclass")


# Values of ONEDNN_MAX_CPU_ISA that disable the bf16 instructions (oneDNN's guide, "CPU Dispatcher Control").
_WITHOUT_BF16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"})


def bf16_is_disabled() -> bool:
    """Return whether ONEDNN_MAX_CPU_ISA keeps bf16 instructions from oneDNN, with which torch and OpenVINO compute.

    Both report what the processor has, whatever this variable says. In bf16, torch would then be slow, and OpenVINO
    would find no kernel for some layers.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    return limit.upper() in _WITHOUT_BF16


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
