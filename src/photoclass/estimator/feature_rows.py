"""Features of X: those in the store of features are read, the others computed and stored."""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from photoclass.estimator.photo_files import photo_table, refuse_unreadable
from photoclass.estimator.photo_input import PhotoInput
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.training.frozen.backbones import Backbone
from photoclass.training.frozen.features import compute_features
from photoclass.workspace import Workspace


def feature_blocks(
    given: PhotoInput, settings: DecodeSettings, backbone: Backbone, workspace: Workspace
) -> Iterator[NDArray[Any]]:
    """Yield the features of photos, block after block in the order of X, each of shape (n, D), float16.

    They are always read back from the store, which keeps three digits: a photo has the same features whether they were
    in the cache or not.

    Raises:
        ValueError: A photo cannot be read.
        OutputError: The cache or the temporary folder cannot be written.
        ModelError: The backbone cannot be used.
    """
    for block in given.blocks():
        with photo_table(block) as table:
            photos = compute_features(table, settings, backbone, workspace)
            refuse_unreadable(photos.table)
            yield photos.features.all()
