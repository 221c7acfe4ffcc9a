"""Device and precision are chosen at run time, can be requested, and are reported."""

import platform
import subprocess
import sys

import cv2
import pytest
import torch

from photoclass.errors import SettingsError
from photoclass.training.compute import (
    Compute,
    choose_compute,
    keep_freed_memory,
    leave_threads_to_the_network,
)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_requested_precision_is_used(precision: str) -> None:
    assert choose_compute("cpu", precision) == Compute("cpu", precision, "as requested")


@pytest.mark.parametrize(
    ("has_avx512_bf16", "has_amx", "precision"),
    [(True, True, "bf16"), (True, False, "bf16"), (False, True, "bf16"), (False, False, "fp32")],
)
def test_the_processor_computes_in_bf16_only_where_it_has_the_instructions(
    has_avx512_bf16: bool, has_amx: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx)
    chosen = choose_compute("cpu")
    assert chosen.precision == precision
    assert "bf16" in chosen.reason


@pytest.mark.parametrize(
    ("limit", "precision"),
    [("SSE41", "fp32"), ("avx2", "fp32"), ("AVX512_CORE", "fp32"), ("AVX512_CORE_BF16", "bf16"), ("", "bf16")],
)
def test_instructions_disabled_by_an_environment_variable_are_not_used(
    limit: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    chosen = choose_compute("cpu")
    assert chosen.precision == precision
    assert ("ONEDNN_MAX_CPU_ISA" in chosen.reason) == (precision == "fp32")


def test_a_gpu_is_chosen_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert choose_compute() == Compute("cuda", "fp32", "the GPU lacks bf16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_compute() == Compute("mps", "fp32", "Apple GPU")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_compute().device == "cpu"


def test_a_missing_device_is_refused_naming_the_available_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", "tpu"):
        with pytest.raises(
            SettingsError, match=rf"device '{device}' is not available on this machine; choose from .*cpu"
        ):
            choose_compute(device)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(SettingsError, match="unknown precision 'fp16'; choose from auto, bf16, fp32"):
        choose_compute("cpu", "fp16")


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_precision_is_that_of_the_forward_pass(precision: str, dtype: torch.dtype) -> None:
    compute = Compute("cpu", precision, "")
    assert compute.image_dtype == dtype
    layer = torch.nn.Linear(4, 4)
    with compute.autocast():
        assert layer(torch.rand(2, 4, dtype=compute.image_dtype)).dtype == dtype
    assert layer.weight.dtype == torch.float32, "the weights stay in full precision"


def test_freed_memory_is_kept_with_glibc() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing")
def test_kept_memory_can_be_returned() -> None:
    script = """
from photoclass.training.compute import give_back_freed_memory, keep_freed_memory
def in_use():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))
keep_freed_memory()
large, behind_it = bytearray(b"x" * (100 << 20)), bytearray(b"x" * (1 << 20))
del large
kept = in_use()
give_back_freed_memory()
print(kept - in_use())
"""
    given_back = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert int(given_back) > 90 << 10, "most of 100 MB, in KB"


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    assert not keep_freed_memory.__wrapped__()


def test_opencv_leaves_the_processors_to_the_network() -> None:
    before = cv2.getNumThreads()
    try:
        leave_threads_to_the_network()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
