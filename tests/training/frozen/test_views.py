"""Views of a photo: augmented views depend on the photo's content alone."""

import numpy as np

from photoclass.training.frozen.augmented_views import augmented_views
from photoclass.training.frozen.views import ALONE, WITH_MIRROR
from photoclass.training.recipes.augment_settings import AugmentSettings

_PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
_CONTENT, _OTHER = bytes(range(32)), bytes(32)


def test_a_photo_alone_and_with_its_mirror_image() -> None:
    (alone,) = ALONE.make(_CONTENT, _PIXELS)
    photo, mirrored = WITH_MIRROR.make(_CONTENT, _PIXELS)
    assert (alone == _PIXELS).all() and (photo == _PIXELS).all() and (mirrored[:, ::-1] == _PIXELS).all()


def test_augmented_views_are_seeded_by_the_content() -> None:
    views = augmented_views(AugmentSettings(colour=0.3))
    first, second = views.make(_CONTENT, _PIXELS)
    again = views.make(_CONTENT, _PIXELS.copy())
    assert views.count == 2 and first.shape == second.shape == _PIXELS.shape
    assert (first == again[0]).all() and (second == again[1]).all()
    assert (first != second).any() and (first != _PIXELS).any()
    assert (first != views.make(_OTHER, _PIXELS)[0]).any()


def test_without_augmentation_the_photo_stays_and_each_setting_has_its_own_store() -> None:
    still = AugmentSettings(
        rotation_degrees=0, width_shift=0, height_shift=0, shear_degrees=0, zoom=0, flip=0, colour=0
    )
    assert all((view == _PIXELS).all() for view in augmented_views(still).make(_CONTENT, _PIXELS))
    names = {augmented_views(settings).name for settings in (still, AugmentSettings(), AugmentSettings(colour=0.1))}
    assert len(names) == 3 and WITH_MIRROR.name == ""
