"""From pixels to probabilities: independent of the other photos in a call; unsuitable networks are refused."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from handmade import SIDE, brightness_onnx, constant_onnx, exchange_onnx, expected_brightness, make_info
from photoclass.errors import ModelError
from photoclass.model.folder import save_model
from photoclass.model.runtime import Runtime

Pixels = NDArray[np.uint8]
PRECISIONS = ("f32", "bf16")


@pytest.fixture(scope="module", params=PRECISIONS)
def runtime(request: pytest.FixtureRequest, exported: bytes) -> Runtime:
    return Runtime(make_info(), exported, Path("run"), request.param)


def _run(code: str, *arguments: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


class TestProbabilities:
    """The outputs."""

    def test_rows_are_in_the_order_of_the_photos_and_sum_to_1(self, runtime: Runtime, pixels: Pixels) -> None:
        given = runtime.probabilities(pixels)
        assert given.shape == (len(pixels), 2)
        assert given.dtype == np.float32
        assert given[:, 0].std() > 0.05, "the photos are told apart"
        np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-6 if runtime.precision == "f32" else 1e-2)
        assert (given >= 0).all()

    def test_they_agree_with_the_network(self, pixels: Pixels) -> None:
        for classes in (2, 3):
            info = make_info(["ape", "cat", "dog"][:classes])
            by_hand = Runtime(info, brightness_onnx(classes=classes), Path("run"), "f32")
            given = by_hand.probabilities(pixels)
            np.testing.assert_allclose(given, expected_brightness(pixels, classes), atol=1e-5)

    @given(
        rows=st.lists(st.integers(0, 39), max_size=30),
        contiguous=st.booleans(),
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_photos_row_does_not_depend_on_the_other_photos_of_the_call(
        self, runtime: Runtime, pixels: Pixels, rows: list[int], contiguous: bool
    ) -> None:
        alone = {row: runtime.probabilities([pixels[row]])[0] for row in set(rows)}
        photos = [pixels[row] if contiguous else np.asfortranarray(pixels[row]) for row in rows]
        together = runtime.probabilities(photos)
        assert together.shape == (len(rows), 2)
        for row, probabilities in zip(rows, together, strict=True):
            np.testing.assert_array_equal(probabilities, alone[row])

    def test_no_photos_give_no_rows(self, runtime: Runtime) -> None:
        assert runtime.probabilities([]).shape == (0, 2)
        assert runtime.probabilities(iter(())).shape == (0, 2)

    def test_another_load_gives_the_same_bits(self, runtime: Runtime, exported: bytes, pixels: Pixels) -> None:
        again = Runtime(make_info(), exported, Path("run"), runtime.precision)
        np.testing.assert_array_equal(runtime.probabilities(pixels), again.probabilities(pixels))

    def test_photos_are_consumed_one_by_one(self, runtime: Runtime, pixels: Pixels) -> None:
        """A million photos need not fit in memory: one array can be reused for all."""

        def one_array_for_all() -> Iterator[Pixels]:
            shared = np.empty_like(pixels[0])
            for photo in pixels:
                shared[:] = photo
                yield shared

        np.testing.assert_array_equal(runtime.probabilities(one_array_for_all()), runtime.probabilities(pixels))

    def test_an_error_while_reading_photos_propagates_and_the_next_call_is_correct(
        self, runtime: Runtime, pixels: Pixels
    ) -> None:
        expected = runtime.probabilities(pixels[:9])

        def broken() -> Iterator[Pixels]:
            yield from pixels[9:14]
            raise OSError("gone")

        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                runtime.probabilities(broken())
            np.testing.assert_array_equal(runtime.probabilities(pixels[:9]), expected)

    def test_concurrent_threads_get_their_own_results(self, runtime: Runtime, pixels: Pixels) -> None:
        expected = runtime.probabilities(pixels)
        given: dict[int, NDArray[np.float32]] = {}

        def ask(first: int) -> None:
            given[first] = np.concatenate([runtime.probabilities(pixels[first : first + 10]) for _ in range(5)])

        threads = [threading.Thread(target=ask, args=(first,)) for first in range(0, 40, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for first, rows in given.items():
            np.testing.assert_array_equal(rows, np.tile(expected[first : first + 10], (5, 1)))
        assert len(given) == 4

    def test_it_computes_in_single_precision_unless_asked(self, exported: bytes) -> None:
        assert Runtime(make_info(), exported, Path("run")).precision == "f32"
        assert Runtime(make_info(), exported, Path("run"), "bf16").precision == "bf16"


class TestLoading:
    """From a model folder."""

    def test_a_saved_model_is_loaded_with_its_model_json(self, folder: Path, pixels: Pixels) -> None:
        loaded = Runtime.load(folder, "f32")
        assert loaded.info.class_names == ("cat", "dog")
        assert loaded.folder == folder
        direct = Runtime(make_info(), (folder / "model.onnx").read_bytes(), folder, "f32")
        np.testing.assert_array_equal(loaded.probabilities(pixels), direct.probabilities(pixels))

    def test_using_a_saved_model_loads_neither_torch_nor_telemetry(self, folder: Path) -> None:
        done = _run(
            """
import json
from pathlib import Path
import numpy as np
from photoclass.model.runtime import Runtime
runtime = Runtime.load(Path(sys.argv[1]))
row = runtime.probabilities([np.zeros((16, 16, 3), np.uint8)])[0]
print(json.dumps([sorted(sys.modules), [float(p) for p in row]]))
""",
            str(folder),
        )
        assert done.returncode == 0, done.stderr
        modules, row = json.loads(done.stdout)
        assert sum(row) == pytest.approx(1, abs=0.01)
        assert "openvino" in modules
        roots = {module.partition(".")[0] for module in modules}
        assert not roots & {"torch", "onnx", "onnxscript", "safetensors", "sklearn", "openvino_telemetry", "requests"}
        assert not [module for module in modules if module.startswith(("photoclass.training", "photoclass.networks"))]


class TestUnfit:
    """Fault 36: a network that does not match model.json."""

    @pytest.mark.parametrize(
        "content",
        [
            brightness_onnx(classes=3),
            brightness_onnx(side=SIDE + 1),
            brightness_onnx(channels=1),
            brightness_onnx(input_type=onnx.TensorProto.FLOAT),
            brightness_onnx(inputs=2, outputs=1),
            brightness_onnx(outputs=2),
        ],
        ids=["classes", "size", "grey", "floats", "two-inputs", "two-outputs"],
    )
    def test_fault_36_other_inputs_or_outputs_are_refused(self, content: bytes) -> None:
        refusal = (
            r"(does not turn uint8 pixels \(N, 16, 16, 3\) into one row|but model.json has 2 classes).*; "
            r"copy (it|the folder) again"
        )
        with pytest.raises(ModelError, match=refusal):
            Runtime(make_info(), content, Path("run"))

    def test_fault_36_other_classes_or_another_size_in_model_json_are_refused(self, tmp_path: Path) -> None:
        for number, changed in enumerate(
            (make_info(("ape", "cat", "dog")), make_info(image_size=SIDE * 2), make_info(image_size=2048))
        ):
            (tmp_path / str(number)).mkdir()
            save_model(tmp_path / str(number), changed, brightness_onnx())
            refusal = r"(does not turn uint8 pixels|but model.json has 3 classes).*; copy (it|the folder) again"
            with pytest.raises(ModelError, match=refusal):
                Runtime.load(tmp_path / str(number))

    @pytest.mark.parametrize("content", [b"", b"no network", b"\0" * 1000, b"\x08\x08" * 50])
    def test_a_file_that_is_not_onnx_is_refused_in_one_line(self, content: bytes) -> None:
        with pytest.raises(ModelError, match=r"run/model.onnx: .*; copy it again") as refused:
            Runtime(make_info(), content, Path("run"))
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_fault_36_a_single_weight_that_is_nan_or_infinite_is_refused(
        self, exported: bytes, bad: float, precision: str
    ) -> None:
        """Max pooling and ReLU would hide it from the outputs."""
        names = [tensor.name for tensor in onnx.load_from_string(exported).graph.initializer]
        weights = [name for name in names if name.endswith(("weight", "bias"))]
        assert len(weights) == 8
        for name in weights:
            model = onnx.load_from_string(exported)
            tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
            values = onnx.numpy_helper.to_array(tensor).copy()
            values.flat[values.size // 2] = bad
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
            with pytest.raises(ModelError, match="has weights that are NaN or infinite"):
                Runtime(make_info(), model.SerializeToString(), Path("run"), precision)

    @pytest.mark.parametrize("row", [(0.7, 0.7), (0.1, 0.1), (1.5, -0.5), (3e38, -3e38)])
    def test_fault_36_outputs_that_are_not_probabilities_are_refused(self, row: tuple[float, float]) -> None:
        with pytest.raises(ModelError, match="gives values that are not probabilities; train it again"):
            Runtime(make_info(), constant_onnx(row), Path("run"), "f32")

    def test_a_network_that_is_refused_does_not_hang(self) -> None:
        done = _run(
            """
from pathlib import Path
from handmade import constant_onnx, make_info
from photoclass.errors import ModelError
from photoclass.model.runtime import Runtime
for _ in range(20):
    try:
        Runtime(make_info(), constant_onnx((0.7, 0.7)), Path("run"))
    except ModelError:
        print("refused")
""",
            timeout=60,
        )
        assert done.stdout.split() == ["refused"] * 20, done.stderr

    def test_fault_35_weights_in_other_files_are_not_read_even_without_the_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = onnx.load_from_string(brightness_onnx())
        weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
        (folder.parent / "secret.bin").write_bytes(weights.raw_data)
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        entry = weights.external_data.add()
        entry.key, entry.value = "location", "../secret.bin"
        exchange_onnx(folder, model.SerializeToString())
        monkeypatch.chdir(folder)
        with pytest.raises(ModelError):
            Runtime(make_info(), (folder / "model.onnx").read_bytes(), folder)
