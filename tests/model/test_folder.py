"""The model folder: what was saved is loaded; damaged, foreign and malicious files are refused."""

import csv
import dataclasses
import hashlib
import json
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handmade import brightness_onnx, change_json, constant_onnx, exchange_onnx, make_info
from killed import run_killed_at
from photoclass.errors import ModelError
from photoclass.metrics.intervals import Interval
from photoclass.model.folder import (
    MAX_MODEL_BYTES,
    LoopSummary,
    ModelInfo,
    StoredScore,
    TrainingSummary,
    data_fingerprint,
    load_info,
    load_photo_splits,
    load_predictions,
    load_valid_predictions,
    read_onnx,
    save_model,
    save_photos,
    save_predictions,
)
from photoclass.model.runtime import Runtime
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.table import PhotoTable

names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=12)


def _table(labels: list[int], splits: list[int], class_names: tuple[str, ...] = ("cat", "dog")) -> PhotoTable:
    files = tuple(f"photos/{i}.jpg" for i in range(len(labels)))
    return PhotoTable(files, files, np.array(labels), np.array(splits, dtype=np.int8), class_names)


def _contents(count: int) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(bytes([i])).digest() for i in range(count))


class _Touch:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class TestRoundTrip:
    """Saving and loading."""

    @given(
        class_names=st.lists(names, min_size=2, max_size=6, unique=True),
        image_size=st.integers(8, 2048),
        resize=st.sampled_from(["squash", "crop"]),
        seed=st.integers(0, 2**63 - 1),
        metric=st.floats(0, 1e3),
    )
    @settings(max_examples=30, deadline=None)
    def test_what_was_saved_is_what_is_loaded(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        class_names: list[str],
        image_size: int,
        resize: str,
        seed: int,
        metric: float,
    ) -> None:
        folder = tmp_path_factory.mktemp("run")
        info = make_info(
            class_names,
            image_size=image_size,
            resize=resize,
            seed=seed,
            metrics={"valid": StoredScore(3, Interval(metric), Interval(0.5, 0.25, 0.75), True)},
            training=TrainingSummary(stop_reason="all 3 epochs are done", loop=LoopSummary(3, 2.0)),
        )
        save_model(folder, info, b"any bytes")
        loaded = load_info(folder)
        assert loaded == dataclasses.replace(info, onnx_sha256=hashlib.sha256(b"any bytes").hexdigest())
        assert read_onnx(folder, loaded) == b"any bytes"
        assert loaded.decode_settings() == DecodeSettings(image_size, resize)  # type: ignore[arg-type]

    def test_class_names_that_are_not_utf_8_are_kept(self, tmp_path: Path) -> None:
        info = make_info(("cat", "caf\udce9"))
        save_model(tmp_path, info, b"")
        assert load_info(tmp_path).class_names == info.class_names

    def test_saving_again_replaces_both_files_and_leaves_nothing_beside_them(self, folder: Path) -> None:
        save_model(folder, make_info(seed=7), b"new")
        assert load_info(folder).seed == 7
        assert (folder / "model.onnx").read_bytes() == b"new"
        assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.onnx"]

    def test_model_json_is_plain_and_readable(self, folder: Path) -> None:
        text = (folder / "model.json").read_text(encoding="ascii")
        assert json.loads(text)["class_names"] == ["cat", "dog"]
        assert text.endswith("}\n")
        assert len(text.splitlines()) > 10


class TestRefusedUnread:
    """Fault 33."""

    @pytest.mark.parametrize(
        "ending", [".pt", ".pth", ".pkl", ".pickle", ".h5", ".hdf5", ".keras", ".joblib", ".ckpt", ".H5", ".PKL"]
    )
    def test_fault_33_a_pickle_or_h5_given_as_a_model_is_refused_unread(
        self, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / f"model{ending}"
        path.write_bytes(pickle.dumps(_Touch(tmp_path / "touched")))

        def opened(*arguments: Any, **options: Any) -> Any:
            raise AssertionError("it was opened")

        monkeypatch.setattr(Path, "open", opened)
        monkeypatch.setattr("builtins.open", opened)
        monkeypatch.setattr("io.open", opened)
        with pytest.raises(ModelError, match="can run code when it is opened, so it is not opened; give a RUN folder"):
            load_info(path)
        monkeypatch.undo()
        assert not (tmp_path / "touched").exists()

    def test_fault_33_a_pickle_in_place_of_the_network_is_not_run(self, folder: Path, tmp_path: Path) -> None:
        exchange_onnx(folder, pickle.dumps(_Touch(tmp_path / "touched")))
        with pytest.raises(ModelError, match="cannot be loaded"):
            Runtime.load(folder)
        assert not (tmp_path / "touched").exists()

    def test_a_run_folder_may_have_any_name(self, folder: Path) -> None:
        named = folder.rename(folder.with_name("cats.h5"))
        assert load_info(named).class_names == ("cat", "dog")

    @pytest.mark.parametrize("name", ["model.onnx", "photo.jpg", "missing"])
    def test_what_is_not_a_folder_is_not_a_model(self, tmp_path: Path, name: str) -> None:
        if name != "missing":
            (tmp_path / name).write_bytes(b"x")
        with pytest.raises(ModelError, match="no such model folder; train one with"):
            load_info(tmp_path / name)

    @pytest.mark.parametrize("name", ["https://huggingface.co/me/pets", "http://localhost/run"])
    def test_a_web_address_is_no_folder(self, name: str) -> None:
        with pytest.raises(ModelError, match=r"is a web address; .* --model hf:OWNER/REPO"):
            load_info(Path(name))

    def test_a_folder_without_model_json_is_distinguished_from_an_unfinished_training(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"model.json is missing\); give a RUN folder"):
            load_info(tmp_path)
        (tmp_path / "resume").mkdir()
        with pytest.raises(ModelError, match=r"its training is unfinished; continue it with --resume"):
            load_info(tmp_path)


class TestDamagedNetwork:
    """Faults 34 and 35."""

    @pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.99])
    def test_fault_34_a_truncated_onnx_is_refused(self, folder: Path, part: float) -> None:
        content = (folder / "model.onnx").read_bytes()
        (folder / "model.onnx").write_bytes(content[: int(part * len(content))])
        with pytest.raises(ModelError, match="missing, damaged or replaced"):
            Runtime.load(folder)

    @pytest.mark.parametrize("part", [0.0, 0.02, 0.2, 0.5, 0.9, 0.99])
    def test_fault_34_a_truncated_onnx_is_refused_even_if_model_json_has_its_sha256(
        self, folder: Path, part: float
    ) -> None:
        content = (folder / "model.onnx").read_bytes()
        exchange_onnx(folder, content[: int(part * len(content))])
        with pytest.raises(ModelError) as refused:
            Runtime.load(folder)
        assert "\n" not in str(refused.value)

    def test_fault_34_a_flipped_bit_is_detected(self, folder: Path) -> None:
        content = bytearray((folder / "model.onnx").read_bytes())
        content[len(content) // 2] ^= 1
        (folder / "model.onnx").write_bytes(content)
        with pytest.raises(ModelError, match="missing, damaged or replaced"):
            read_onnx(folder, load_info(folder))

    def test_fault_34_a_replaced_or_missing_onnx_is_refused(self, folder: Path) -> None:
        (folder / "model.onnx").write_bytes(brightness_onnx())
        with pytest.raises(ModelError, match="missing, damaged or replaced"):
            Runtime.load(folder)
        (folder / "model.onnx").unlink()
        with pytest.raises(ModelError, match="missing, damaged or replaced"):
            Runtime.load(folder)

    def test_fault_34_a_file_larger_than_any_model_is_refused_unread(self, folder: Path) -> None:
        with open(folder / "model.onnx", "rb+") as stream:
            stream.truncate(MAX_MODEL_BYTES + 1)  # a hole: it takes no space
        with pytest.raises(ModelError, match="larger than"):
            Runtime.load(folder)

    def test_fault_34_a_folder_named_like_the_network_is_refused(self, folder: Path) -> None:
        (folder / "model.onnx").unlink()
        (folder / "model.onnx").mkdir()
        with pytest.raises(ModelError, match="cannot be read"):
            Runtime.load(folder)

    @pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "weights.bin"])
    @pytest.mark.parametrize("disguised", [False, True])
    def test_fault_35_weights_in_another_file_are_refused(
        self, folder: Path, location: str, disguised: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret = np.full((3, 2), 5, dtype=np.float32).tobytes()
        for path in (folder.parent / "secret.bin", folder / "weights.bin"):
            path.write_bytes(secret)
        monkeypatch.chdir(folder)
        model = onnx.load_from_string(brightness_onnx())
        weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("length", str(len(secret)))):
            entry = weights.external_data.add()
            entry.key, entry.value = key, value
        content = model.SerializeToString()
        if disguised:
            content = _with_a_long_length(model)
            assert onnx.load_from_string(content) == model
        exchange_onnx(folder, content)
        with pytest.raises(ModelError, match="keeps weights in other files, which is not allowed"):
            Runtime.load(folder)


def _with_a_long_length(model: onnx.ModelProto) -> bytes:
    """Write a model with the length of the key `location` in two bytes, which protobuf also accepts."""
    tensor = next(tensor for tensor in model.graph.initializer if tensor.external_data)
    old = tensor.external_data[0].SerializeToString()
    new = old.replace(b"\x0a\x08location", b"\x0a\x88\x00location")
    for outer in (tensor, model.graph, model):
        old_outer = outer.SerializeToString()
        new_outer = old_outer.replace(_prefixed(old), _prefixed(new))
        old, new = old_outer, new_outer
    assert new != old
    return bytes(new)


def _prefixed(message: bytes) -> bytes:
    length, prefix = len(message), b""
    while length > 127:
        prefix += bytes([length & 127 | 128])
        length >>= 7
    return prefix + bytes([length]) + message


SCORE = {"n": 3, "log_loss": 0.5, "accuracy": 0.5, "split_selected_model": False}


class TestInvalidModelJson:
    """Fault 36."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"image_size": 10**9},
            {"image_size": 2049},
            {"image_size": 7},
            {"image_size": -16},
            {"image_size": 16.0},
            {"image_size": True},
            {"image_size": "16"},
            {"resize": "stretch"},
            {"class_names": ["cat"]},
            {"class_names": []},
            {"class_names": ["dog", "dog"]},
            {"class_names": ["cat", "cat"]},
            {"class_names": ["", "cat"]},
            {"class_names": ["cat", 3]},
            {"class_names": "cat,dog"},
            {"class_names": {"cat": 0, "dog": 1}},
            {"base_rates": [0.5]},
            {"base_rates": [0.5, 0.3, 0.2]},
            {"base_rates": [0.5, -0.5]},
            {"base_rates": [0.5, float("nan")]},
            {"base_rates": ["0.5", "0.5"]},
            {"settings": []},
            {"metrics": None},
            {"metrics": {"valid": {"n": 3}}},
            {"metrics": {"valid": {**SCORE, "log_loss": "low"}}},
            {"metrics": {"valid": {**SCORE, "log_loss_ci95": [0.1]}}},
            {"metrics": {"valid": {**SCORE, "log_loss": float("nan")}}},
            {"metrics": {"valid": {**SCORE, "mood": 1}}},
            {"metrics": {"valid": {**SCORE, "optimism": {"selected": ["lunch"]}}}},
            {"metrics": {"valid": {**SCORE, "per_class": {"cat": {"recall": 0.5}}}}},
            {"training": "yes"},
            {"training": {"seconds": "long"}},
            {"training": {"loop": {"epochs": 3}}},
            {"training": {"head": {"strength": [], "cross_validated_log_loss": 0.5}}},
            {"training": {"mood": 1}},
            {"photos": []},
            {"seed": "0"},
            {"recipe": 3},
            {"onnx_sha256": None},
        ],
        ids=str,
    )
    def test_fault_36_an_invalid_value_is_refused_by_name(self, folder: Path, changes: dict[str, Any]) -> None:
        change_json(folder, **changes)
        with pytest.raises(ModelError, match=f"{next(iter(changes))}.* cannot be right"):
            load_info(folder)

    @pytest.mark.parametrize("version", [0, -1, "1", None, [1], True, 2.0])
    def test_fault_36_an_invalid_format_version_is_refused(self, folder: Path, version: Any) -> None:
        change_json(folder, format_version=version)
        with pytest.raises(
            ModelError, match=r"not written by photoclass, or incomplete \(formats 1 to 3 can be read\)"
        ):
            load_info(folder)

    def test_fault_80_a_newer_format_version_names_the_version_that_is_needed(self, folder: Path) -> None:
        change_json(folder, format_version=4, photoclass_version="0.9.0", new_field=1)
        with pytest.raises(
            ModelError, match=r"format version 4, but this photoclass reads up to 3; .*'0\.9\.0': install"
        ):
            load_info(folder)

    @pytest.mark.parametrize("field", sorted({field.name for field in dataclasses.fields(ModelInfo)} - {"grey_bits"}))
    def test_fault_36_a_missing_field_is_refused(self, folder: Path, field: str) -> None:
        content = json.loads((folder / "model.json").read_text())
        del content[field]
        (folder / "model.json").write_text(json.dumps(content))
        with pytest.raises(ModelError, match="not written by photoclass, or incomplete"):
            load_info(folder)

    @pytest.mark.parametrize(("saved", "loaded"), [(None, None), (12, 12), ("absent", 16)])
    def test_folders_without_a_range_of_wide_greys_read_them_as_16_bits(
        self, folder: Path, saved: int | str | None, loaded: int | None
    ) -> None:
        content = json.loads((folder / "model.json").read_text())
        if saved == "absent":
            del content["grey_bits"]
        else:
            content["grey_bits"] = saved
        (folder / "model.json").write_text(json.dumps(content))
        assert load_info(folder).decode_settings().rules.grey_bits == loaded

    @pytest.mark.parametrize("bits", [0, 11, 32, -16, True, "12"])
    def test_fault_36_a_range_of_wide_greys_that_cannot_be_right_is_refused(self, folder: Path, bits: object) -> None:
        change_json(folder, grey_bits=bits)
        with pytest.raises(ModelError, match="grey_bits"):
            load_info(folder)

    def test_folders_of_format_2_keep_their_rule_of_resizing(self, folder: Path) -> None:
        content = json.loads((folder / "model.json").read_text())
        assert (content["format_version"], content["resampling"]) == (3, "bicubic")
        del content["resampling"]
        (folder / "model.json").write_text(json.dumps({**content, "format_version": 2}))
        assert load_info(folder).decode_settings() == DecodeSettings(16, resampling="area")

    @pytest.mark.parametrize("rule", ["nearest", "", None, 3])
    def test_fault_36_an_unknown_rule_of_resizing_is_refused(self, folder: Path, rule: object) -> None:
        change_json(folder, resampling=rule)
        with pytest.raises(ModelError, match="resampling"):
            load_info(folder)

    def test_fault_36_an_unknown_field_is_refused(self, folder: Path) -> None:
        change_json(folder, python_code="print()")
        with pytest.raises(ModelError, match="not written by photoclass, or incomplete"):
            load_info(folder)

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"null", b"[]", b"3", b"\xff\xfe", b"\0" * 50, b"[" * 200_000, b'{"format_version": 2}', b"PK\3\4"],
        ids=["empty", "cut", "null", "list", "number", "no-utf-8", "zeros", "deep", "bare", "zip"],
    )
    def test_fault_36_a_file_that_is_not_model_json_is_refused(self, folder: Path, content: bytes) -> None:
        (folder / "model.json").write_bytes(content)
        with pytest.raises(ModelError) as refused:
            load_info(folder)
        assert str(folder) in str(refused.value)

    @given(
        field=st.sampled_from([field.name for field in dataclasses.fields(ModelInfo)]),
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
    )
    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_fault_36_any_value_in_any_field_either_loads_or_is_refused(
        self, folder: Path, field: str, value: Any
    ) -> None:
        before = (folder / "model.json").read_bytes()
        try:
            change_json(folder, **{field: value})
            loaded = load_info(folder)
            assert 8 <= loaded.image_size <= 2048
            assert len(loaded.class_names) == len(loaded.base_rates) >= 2
        except ModelError:
            pass
        finally:
            (folder / "model.json").write_bytes(before)


class TestSaving:
    """Faults 38 and 39."""

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_fault_38_a_kill_at_any_moment_of_a_save_leaves_the_old_pair_or_the_new_one(self, tmp_path: Path) -> None:
        old, new = constant_onnx([0.9, 0.1]), constant_onnx([0.2, 0.8])
        black = [np.zeros((16, 16, 3), dtype=np.uint8)]
        found = []
        for moment in range(100):
            folder = tmp_path / f"run-{moment}"
            folder.mkdir()
            save_model(folder, make_info(seed=1), old)
            exit_code = run_killed_at(moment, partial(save_model, folder, make_info(seed=2), new))
            runtime = Runtime.load(folder, "f32")
            chance = runtime.probabilities(black)[0, 0]
            assert chance == pytest.approx({1: 0.9, 2: 0.2}[runtime.info.seed], abs=1e-6)
            found.append((runtime.info.seed, (folder / ".model.onnx.new").exists()))
            # The next save succeeds whatever was left behind.
            save_model(folder, make_info(seed=3), old)
            assert load_info(folder).seed == 3
            assert not (folder / ".model.onnx.new").exists()
            if exit_code == 0:
                break
        assert exit_code == 0
        assert set(found) == {(1, False), (1, True), (2, True), (2, False)}, "every stage occurs"

    @pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
    @pytest.mark.parametrize("file_bytes", [100, 4000])
    def test_fault_39_a_full_disk_leaves_the_old_pair_whole(self, folder: Path, file_bytes: int) -> None:
        """100 bytes are too few for the network, 4,000 are enough for it and too few for a long model.json."""
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from handmade import constant_onnx, make_info
from photoclass.errors import OutputError
from photoclass.model.folder import save_model
resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes}, resource.RLIM_INFINITY))
try:
    save_model(Path({str(folder)!r}), make_info(settings={{"long": "x" * 5000}}), constant_onnx([0.5, 0.5]))
except OutputError as error:
    print(error)
    sys.exit(1)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        (line,) = done.stdout.splitlines()
        assert "cannot be written (File too large); free some space" in line
        after = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".model.onnx.new"}
        assert after == before
        assert Runtime.load(folder).info.seed == 0


class TestFingerprint:
    """The fingerprint of the data."""

    def test_names_and_order_do_not_matter(self) -> None:
        contents, table = _contents(4), _table([0, 1, 0, 1], [0, 0, 1, 2])
        backwards = np.array([3, 2, 1, 0])
        renamed = dataclasses.replace(table.select(backwards), names=("a", "b", "c", "d"), paths=("w", "x", "y", "z"))
        assert data_fingerprint(contents, table) == data_fingerprint(contents[::-1], renamed)

    def test_content_label_split_class_names_and_number_matter(self) -> None:
        contents, table = _contents(4), _table([0, 1, 0, 1], [0, 0, 1, 2])
        fingerprints = {
            data_fingerprint(contents, table),
            data_fingerprint(_contents(5)[1:], table),
            data_fingerprint(contents, _table([1, 1, 0, 1], [0, 0, 1, 2])),
            data_fingerprint(contents, _table([0, 1, 0, 1], [0, 0, 1, 1])),
            data_fingerprint(contents, _table([0, 1, 0, 1], [0, 0, 1, 2], ("cat", "fox"))),
            data_fingerprint(contents[:3], _table([0, 1, 0], [0, 0, 1])),
            data_fingerprint((*contents, contents[0]), _table([0, 1, 0, 1, 0], [0, 0, 1, 2, 0])),
        }
        assert len(fingerprints) == 7
        assert all(len(fingerprint) == 64 for fingerprint in fingerprints)


class TestPhotosCsv:
    """The split of each photo."""

    def test_what_was_saved_is_what_is_loaded(self, tmp_path: Path) -> None:
        save_photos(tmp_path, _contents(3), _table([0, 1, 1], [0, 1, 2]))
        assert load_photo_splits(tmp_path) == dict(zip(_contents(3), ("train", "valid", "held_out"), strict=True))

    def test_unusual_names_take_one_row_each(self, tmp_path: Path) -> None:
        strange = ('a,"b".jpg', "two\nlines.jpg", "caf\udce9.jpg", "=cmd().jpg")
        table = dataclasses.replace(_table([0, 1, 0, 1], [0, 0, 1, 1]), names=strange)
        save_photos(tmp_path, _contents(4), table)
        with open(tmp_path / "photos.csv", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["label"] for row in rows] == ["cat", "dog", "cat", "dog"]
        assert [row["file"].lstrip("'") for row in rows] == list(strange)
        assert len(load_photo_splits(tmp_path)) == 4

    @pytest.mark.parametrize("splits", [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]])
    def test_a_photo_in_two_splits_counts_for_the_more_influential_one(self, tmp_path: Path, splits: list[int]) -> None:
        save_photos(tmp_path, _contents(1) * 2, _table([0, 0], splits))
        assert load_photo_splits(tmp_path) == {_contents(1)[0]: ("train", "valid", "held_out")[min(splits)]}

    @pytest.mark.parametrize(
        "content", [None, b"a,b\n1,2\n", b"sha256,split\nxyz,train\n", b"sha256,split\n00,test\n00,a\n"]
    )
    def test_a_missing_or_damaged_file_is_refused(self, tmp_path: Path, content: bytes | None) -> None:
        if content is not None:
            (tmp_path / "photos.csv").write_bytes(content)
        with pytest.raises(ModelError, match=r"photos.csv: cannot be read"):
            load_photo_splits(tmp_path)


class TestValidPredictions:
    """Predictions for the photos that selected the model."""

    def test_what_was_saved_is_what_is_loaded(self, tmp_path: Path) -> None:
        probabilities = np.array([[0.25, 0.75], [1.0, 0.0], [0.1234567, 0.8765433]], dtype=np.float32)
        save_predictions(tmp_path, "valid", _table([1, 0, 1], [1, 1, 1]), probabilities)
        loaded, labels = load_valid_predictions(tmp_path, make_info())
        np.testing.assert_allclose(loaded, probabilities, atol=1e-7)
        np.testing.assert_array_equal(labels, [1, 0, 1])

    def test_groups_are_kept_as_numbers_and_may_be_absent(self, tmp_path: Path) -> None:
        table = _table([1, 0, 1], [1, 1, 1])
        probabilities = np.full((3, 2), 0.5, dtype=np.float32)
        save_predictions(tmp_path, "valid", table, probabilities, np.array([70, 4, 70]))
        loaded = load_predictions(tmp_path, make_info(), "valid")
        assert loaded is not None and loaded.groups is not None and loaded.groups.tolist() == [1, 0, 1]
        save_predictions(tmp_path, "valid", table, probabilities)
        loaded = load_predictions(tmp_path, make_info(), "valid")
        assert loaded is not None and loaded.groups is None
        (tmp_path / "valid_predictions.csv").write_text("file,truth,prob_cat,prob_dog,group\na.jpg,cat,0.5,0.5,x\n")
        with pytest.raises(ModelError, match="cannot be read"):
            load_predictions(tmp_path, make_info(), "valid")

    def test_a_missing_or_damaged_file_or_one_of_other_classes_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="cannot be read"):
            load_valid_predictions(tmp_path, make_info())
        save_predictions(tmp_path, "valid", _table([1], [1]), np.array([[0.25, 0.75]], dtype=np.float32))
        with pytest.raises(ModelError, match="cannot be read"):
            load_valid_predictions(tmp_path, make_info(("cat", "fox")))
        (tmp_path / "valid_predictions.csv").write_text("file,truth,prob_cat,prob_dog\na.jpg,cat,much,0.5\n")
        with pytest.raises(ModelError, match="cannot be read"):
            load_valid_predictions(tmp_path, make_info())
