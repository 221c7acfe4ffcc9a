"""Shared by the benchmarks: name the machine, repeat measurements in turn, format median and range."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path


def machine() -> str:
    """Name the processor, the number of cores and the versions that matter."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"{name} {version}" for name in ("torch", "openvino", "pillow") if (version := _version(name))]
    return f"{model}, {cores} cores, Python {platform.python_version()}, {', '.join(versions)}"


def in_turn(measures: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Take every measurement once per round, one after the other, so that a drift in speed affects all alike."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(1, rounds + 1):
        for name, measure in measures.items():
            found[name].append(measure())
            print(f"  round {number}, {name}: {found[name][-1]:,.4g}", flush=True)
    return found


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Format median, least and most."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
