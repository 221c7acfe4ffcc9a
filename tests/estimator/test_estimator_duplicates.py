"""`near_duplicate_groups`: copies in X share a number."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import GroupKFold

from photoclass import near_duplicate_groups


def test_copies_and_the_users_groups_share_a_number(drawn_photos: Path) -> None:
    files = sorted(drawn_photos.rglob("*.jpg"))[:6]
    smaller = io.BytesIO()
    with Image.open(files[0]) as picture:
        picture.resize((picture.width * 3 // 4, picture.height * 3 // 4)).save(smaller, "JPEG")
        mirrored = np.asarray(picture)[:, ::-1]
    X = [*map(str, files), smaller.getvalue(), mirrored]
    groups = near_duplicate_groups(X)
    assert groups.shape == (8,)
    assert groups[6] == groups[7] == groups[0]
    assert len(set(groups[:6])) == 6
    for train, test in GroupKFold(3).split(X, groups=groups):
        assert not {*groups[train]} & {*groups[test]}
    joined = near_duplicate_groups(X, groups=[1, 2, 3, 4, 5, 6, 7, 2])
    assert joined[1] == joined[0] == joined[6] == joined[7]
    assert len(set(joined)) == 5


def test_what_cannot_be_used_is_refused(drawn_photos: Path) -> None:
    photo = str(next(drawn_photos.rglob("*.jpg")))
    with pytest.raises(ValueError, match="X has 2 photos, but groups has 1 values"):
        near_duplicate_groups([photo, photo], groups=[1])
    with pytest.raises(ValueError, match=r"X\[1\]: file is empty"):
        near_duplicate_groups([photo, b""])
