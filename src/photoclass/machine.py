"""The machine that this runs on: its processors, and where its user keeps caches."""

import os
from pathlib import Path

import platformdirs


def default_cache() -> Path:
    """Return the cache folder: $PHOTOCLASS_CACHE, or the user's cache folder."""
    chosen = os.environ.get("PHOTOCLASS_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("photoclass")


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
