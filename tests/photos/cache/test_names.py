"""Names in the cache: they parse to what they were made from, and rows that must not be mixed never share a name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from photoclass.photos.cache import names
from photoclass.photos.decode_settings import DecodeSettings

CACHE = Path("cache")
SQUASH, CROP = DecodeSettings(260), DecodeSettings(24, "crop")
OLDER = DecodeSettings(260, resampling="area")
DIGEST, OTHER_DIGEST = "0123456789abcdef" * 4, "f" * 64


def _features(backbone: str = "lite2", digest: str = DIGEST, settings: DecodeSettings = SQUASH, **more: object) -> Path:
    given = {"precision": "int8", **more}
    return names.features_folder(CACHE, backbone, digest, settings, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("folder", "kind", "text"),
    [
        (names.pixels_folder(CACHE, SQUASH), "store", "pixels at 260 px, squash"),
        (names.pixels_folder(CACHE, CROP), "store", "pixels at 24 px, crop"),
        (names.pixels_folder(CACHE, OLDER), "store", "pixels at 260 px, squash, area"),
        (_features(settings=OLDER), "store", "features of lite2, int8, at 260 px, squash, area"),
        (_features(), "store", "features of lite2, int8, at 260 px, squash"),
        (_features("lite0+lite2"), "store", "features of lite0+lite2, int8, at 260 px, squash"),
        (_features("my-net.onnx", settings=CROP), "store", "features of my-net.onnx, int8, at 24 px, crop"),
        (_features("lite0-blocks15", maps=True), "store", "maps of lite0-blocks15, int8, at 260 px, squash"),
        (_features("lite0", maps=True, views="two"), "store", "maps of lite0-two, int8, at 260 px, squash"),
        (names.network_folder(CACHE, "lite2", "fp32", 3, DIGEST), "network", "backbone lite2, fp32"),
        (names.network_folder(CACHE, "lite0+lite2", "int8", 3, DIGEST), "network", "backbone lite0+lite2, int8"),
    ],
)
def test_a_name_is_parsed_to_what_it_was_made_from(folder: Path, kind: str, text: str) -> None:
    assert folder.parent.parent == CACHE
    found = names.parse(folder.parent.name, folder.name)
    assert (found.kind, found.text, found.is_ours) == (kind, text, True)


def test_stores_that_have_no_settings_are_described_by_their_names() -> None:
    for folder in (names.fingerprints_folder(CACHE, 1), names.measures_folder(CACHE, 1)):
        found = names.parse(folder.parent.name, folder.name)
        assert (found.kind, found.text) == ("store", f"{folder.parent.name} ({folder.name})")


def test_pixels_of_another_decoder_are_named_as_such() -> None:
    assert names.parse("pixels", "v0-pillow1-opencv2-squash-260").text.endswith(", by another version of the decoder")


def test_networks_that_older_versions_kept_are_known() -> None:
    assert names.parse("networks", f"lite2-int8-{DIGEST[:16]}").kind == "network"


@pytest.mark.parametrize(("kind", "name"), [("networks", "lite2"), ("unpacked", "photos"), ("other", "thing")])
def test_other_folders_are_not_taken_for_ours_by_their_names(kind: str, name: str) -> None:
    found = names.parse(kind, name)
    assert (found.kind, found.is_ours) == ("store", False)


@pytest.mark.parametrize("digest", ["0123456789abcdef0123456789abcdef"])
def test_an_unpacked_zip_and_an_unfinished_one_are_known(digest: str) -> None:
    folder = names.unpacked_folder(CACHE, digest)
    assert names.is_unpacked(folder.name) and names.is_unpacked(f"{folder.name}.part")
    assert names.parse("unpacked", folder.name).kind == names.parse("unpacked", f"{digest}.part").kind == "unpacked"


@pytest.mark.parametrize(
    "other",
    [
        lambda: _features("lite0"),
        lambda: _features(digest=OTHER_DIGEST),
        lambda: _features(settings=DecodeSettings(224)),
        lambda: _features(settings=DecodeSettings(260, "crop")),
        lambda: _features(settings=OLDER),
        lambda: _features(precision="fp32"),
        lambda: _features(views="two"),
        lambda: _features(maps=True),
    ],
)
def test_whatever_changes_features_changes_their_name(other: Callable[[], Path]) -> None:
    assert other() != _features()


def test_unusual_names_of_backbone_files_are_made_safe() -> None:
    folder = _features("../a b\\" + "n" * 300)
    assert folder.parent == CACHE / "features" and len(folder.name) < 200
