"""Batches: every photo once per epoch; order and augmentation depend on seed and epoch alone."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.training.loop.batches import Batch, count_batches, plain_batches, training_batches
from photoclass.training.loop.examples import PhotoExamples
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings

BY_8 = LoopSettings(batch_size=8)
NO_AUGMENTATION = AugmentSettings(rotation_degrees=0, width_shift=0, height_shift=0, shear_degrees=0, zoom=0, flip=0)


def _joined(batches: list[Batch]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.concatenate([b.inputs for b in batches]), np.concatenate([b.labels for b in batches])


def _all_pixels(photos: CachedPhotos) -> NDArray[np.uint8]:
    return np.stack([photos.pixels[i] for i in range(len(photos))]).astype(np.uint8)


def _few(photos: CachedPhotos, count: int) -> CachedPhotos:
    return photos.select(np.linspace(0, len(photos) - 1, count).astype(np.int64))


def _equal(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a.inputs, b.inputs) and np.array_equal(a.labels, b.labels)
        for a, b in zip(one, other, strict=True)
    )


@given(photos=st.integers(0, 1000), batch_size=st.integers(1, 100))
def test_the_smaller_last_batch_is_counted(photos: int, batch_size: int) -> None:
    assert count_batches(photos, batch_size) == len(range(0, photos, batch_size))


@given(count=st.integers(1, 20), batch_size=st.integers(1, 25), seed=st.integers(0, 2**40), epoch=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_every_photo_comes_once_per_epoch(
    tiny_photos: CachedPhotos, count: int, batch_size: int, seed: int, epoch: int
) -> None:
    photos = _few(tiny_photos, count)
    batches = list(
        training_batches(PhotoExamples(photos, NO_AUGMENTATION), LoopSettings(batch_size=batch_size), seed, epoch)
    )
    sizes = [len(batch.labels) for batch in batches]
    assert sizes == [min(batch_size, count - start) for start in range(0, count, batch_size)]
    pixels, labels = _joined(batches)
    yielded = sorted((p.tobytes(), int(label)) for p, label in zip(pixels, labels, strict=True))
    expected = sorted(
        (p.tobytes(), int(label)) for p, label in zip(_all_pixels(photos), photos.table.labels, strict=True)
    )
    assert yielded == expected, "each photo once, with its own label"


@given(count=st.integers(1, 40), batch_size=st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_even_batches_differ_by_at_most_one_photo(tiny_photos: CachedPhotos, count: int, batch_size: int) -> None:
    photos = _few(tiny_photos, count)
    even = LoopSettings(batch_size=batch_size, even_batches=True)
    batches = list(training_batches(PhotoExamples(photos, NO_AUGMENTATION), even, 0, 0))
    sizes = [len(batch.labels) for batch in batches]
    assert sum(sizes) == count
    assert len(sizes) == count_batches(count, batch_size)
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size


def test_photos_are_shuffled_and_warped_differently_in_each_epoch(tiny_photos: CachedPhotos) -> None:
    plain = [list(training_batches(PhotoExamples(tiny_photos, NO_AUGMENTATION), BY_8, 0, epoch)) for epoch in (0, 1)]
    in_order = list(plain_batches(PhotoExamples(tiny_photos, NO_AUGMENTATION), 8))
    assert not _equal(plain[0], plain[1])
    assert not _equal(plain[0], in_order)
    orders = [[p.tobytes() for p in _joined(batches)[0]] for batches in plain]
    warped = [list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), BY_8, 0, epoch)) for epoch in (0, 1)]
    by_photo = [
        dict(zip(order, _joined(batches)[0], strict=True)) for order, batches in zip(orders, warped, strict=True)
    ]
    same = [np.array_equal(by_photo[0][photo], by_photo[1][photo]) for photo in by_photo[0]]
    assert not any(same)


def test_order_and_warps_depend_on_seed_and_epoch_alone(tiny_photos: CachedPhotos) -> None:
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    first = list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), BY_8, 3, 4))
    np.random.seed(2)  # noqa: NPY002
    assert _equal(first, list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), BY_8, 3, 4)))
    for other in ((3, 5), (4, 4), (4, 3)):
        assert not _equal(first, list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), BY_8, *other)))


def test_the_batch_size_does_not_change_the_warp_of_a_photo(tiny_photos: CachedPhotos) -> None:
    whole = _joined(
        list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), LoopSettings(batch_size=48), 1, 2))
    )
    single = _joined(
        list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), LoopSettings(batch_size=1), 1, 2))
    )
    np.testing.assert_array_equal(whole[0], single[0])
    np.testing.assert_array_equal(whole[1], single[1])


@pytest.mark.parametrize("first_step", range(7))
def test_an_epoch_resumed_at_a_step_equals_the_rest_of_the_whole_epoch(
    tiny_photos: CachedPhotos, first_step: int
) -> None:
    whole = list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), BY_8, 5, 6))
    assert len(whole) == 6
    tail = list(training_batches(PhotoExamples(tiny_photos, AugmentSettings()), BY_8, 5, 6, first_step))
    assert _equal(tail, whole[first_step:])


@pytest.mark.parametrize("batch_size", [1, 7, 48, 100])
def test_plain_batches_are_the_pixels_in_order(tiny_photos: CachedPhotos, batch_size: int) -> None:
    batches = list(plain_batches(PhotoExamples(tiny_photos, NO_AUGMENTATION), batch_size))
    assert len(batches) == count_batches(48, batch_size)
    pixels, labels = _joined(batches)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, _all_pixels(tiny_photos))
    np.testing.assert_array_equal(labels, tiny_photos.table.labels)


def test_an_epoch_ended_early_leaves_no_thread_behind(tiny_photos: CachedPhotos) -> None:
    batches: Iterator[Batch] = training_batches(
        PhotoExamples(tiny_photos, AugmentSettings()), LoopSettings(batch_size=2), 0, 0
    )
    next(batches)
    assert any(thread.name.startswith("batches") for thread in threading.enumerate())
    batches.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("batches") for thread in threading.enumerate())


def test_a_photo_that_has_become_unreadable_is_an_error_not_a_gap(tiny_photos: CachedPhotos) -> None:
    class Gone:
        def __getitem__(self, index: int) -> NDArray[np.uint8]:
            raise KeyError(f"row {index} is not in the store")

    photos = replace(tiny_photos, pixels=Gone())  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        list(training_batches(PhotoExamples(photos, AugmentSettings()), BY_8, 0, 0))
    with pytest.raises(KeyError):
        list(plain_batches(PhotoExamples(photos, NO_AUGMENTATION), 8))


def test_validation_images_grow_with_training_images_up_to_full_size(tiny_photos: CachedPhotos) -> None:
    whole = tiny_photos.settings.image_size
    photos = PhotoExamples(tiny_photos, AugmentSettings(), sides=(whole // 4, whole // 2))
    rows = np.arange(3)
    sides = [photos.for_validation(done).plain(rows).shape[1] for done in (0, 0.49, 0.5, 1)]
    assert sides == [whole // 2, whole // 2, whole, whole], (
        "larger than training images by the same factor as at the end"
    )
    assert np.array_equal(photos.for_validation(1).plain(rows), photos.plain(rows))
    one_size = PhotoExamples(tiny_photos, AugmentSettings())
    assert np.array_equal(one_size.for_validation(0).plain(rows), one_size.plain(rows))
