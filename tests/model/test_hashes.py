"""`photos.bin`: the photos of the built-in model by the start of their SHA-256."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import ModelError
from photoclass.model.folder import KnownPhoto, load_photo_splits, load_photos, save_photo_hashes

_PHOTO = st.builds(
    KnownPhoto,
    st.binary(min_size=1, max_size=4).map(lambda text: hashlib.sha256(text).digest()),
    st.sampled_from(["train", "valid", "held_out"]),
    st.sampled_from(["cat", "dog", 'größer, "quoted"']),
    st.just("name.jpg"),
)


@given(photos=st.lists(_PHOTO, max_size=30, unique_by=lambda photo: photo.content))
def test_what_was_saved_is_loaded_without_names(
    photos: list[KnownPhoto], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("model")
    save_photo_hashes(folder, photos)
    loaded = load_photos(folder)
    assert {(p.content, p.split, p.label) for p in loaded} == {(p.content[:8], p.split, p.label) for p in photos}
    assert all(photo.name == photo.content.hex() for photo in loaded)
    splits = load_photo_splits(folder)
    assert {photo.content: splits.get(photo.content) for photo in photos} == {p.content: p.split for p in photos}
    assert splits.get(hashlib.sha256(b"another photo").digest()) is None
    assert b"name.jpg" not in (folder / "photos.bin").read_bytes()


_PHOTOS = [KnownPhoto(hashlib.sha256(bytes([i])).digest(), "train", "cat", "") for i in range(3)]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"", b"x", "do not fit its header"),
        (b'"cat", 3', b'"cat", 4', "do not fit its header"),
        (b'"cat", 3', b'"cat", 3000000000000', "do not fit its header"),
        (b'"cat", 3', b'"cat", -3', "out of range"),
        (b'"train"', b'"trial"', "unknown split"),
        (b'"digest_bytes": 8', b'"digest_bytes": 0', "out of range"),
        (b'"photos"', b'"pictures"', "cannot be read"),
        (b"{", b"[", "cannot be read"),
        (b'"format": 1', b'"format": 2', "has format 2, and this photoclass reads 1; update photoclass"),
    ],
    ids=["longer", "more", "many", "negative", "split", "length", "key", "json", "newer"],
)
def test_a_damaged_file_is_refused(before: bytes, after: bytes, message: str, tmp_path: Path) -> None:
    save_photo_hashes(tmp_path, _PHOTOS)
    content = (tmp_path / "photos.bin").read_bytes()
    (tmp_path / "photos.bin").write_bytes(content.replace(before, after, 1) if before else content + after)
    with pytest.raises(ModelError, match=rf"photos\.bin: .*{message}"):
        load_photos(tmp_path)
