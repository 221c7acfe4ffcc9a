"""`PhotoFeatures`: the features of a pretrained backbone, as a transformer of scikit-learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.estimator.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, validation
from photoclass.estimator.errors import value_errors
from photoclass.estimator.feature_rows import feature_blocks
from photoclass.estimator.photo_files import photo_table
from photoclass.estimator.photo_input import PhotoInput
from photoclass.photos.cache.photo_set import hash_contents
from photoclass.photos.cache.pixels import fit_settings
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.training.learners.features import open_recipe_backbone
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.training.recipes.settings import with_settings
from photoclass.workspace import Workspace


class PhotoFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn photos into features (embeddings) of a frozen pretrained backbone, for a head of your own.

    X is what `PhotoClassifier` takes. Features are kept in the cache by the content of each photo: cross-validation
    computes them once. They are never negative for the built-in backbones, with heavy tails; a linear head is better on
    their square roots.

    Args:
        backbone: `lite0`, `lite2`, `lite0+lite2`, or the path of an ONNX file.
        settings: Settings of the recipe `features` that concern the backbone, by name: `resize`, and for an ONNX file
            `backbone_size`, `backbone_mean`, `backbone_std`, `backbone_output`, `backbone_sha256`.
        precision: `auto`, `int8` or `fp32`.
        workspace: The cache folder, the number of workers, and who receives progress reports; None for `Workspace()`.

    Attributes:
        backbone_: The backbone that was opened.
        settings_: How photos are decoded, with the range that the wide greys of the fitted photos reach.
    """

    def __init__(
        self,
        backbone: str = "lite2",
        *,
        settings: Mapping[str, Any] | None = None,
        precision: str = "auto",
        workspace: Workspace | None = None,
    ) -> None:
        self.backbone = backbone
        self.settings = settings
        self.precision = precision
        self.workspace = workspace

    def fit(self, X: Any, y: Any = None) -> "PhotoFeatures":
        """Open the backbone, and look up what range the greys of more than 8 bits in X reach.

        Args:
            X: Photos, as `PhotoClassifier.fit` takes them.
            y: Ignored.

        Raises:
            ValueError: X or a parameter cannot be used.
        """
        given, workspace = PhotoInput.of(X), self.workspace or Workspace()
        with value_errors():
            backbone, recipe = open_recipe_backbone(self._recipe_settings(), self.precision, workspace)
            settings = DecodeSettings(backbone.image_size, recipe.resize)
            with photo_table(given) as table:
                readable, contents = hash_contents(table, workspace.progress)
                settings = fit_settings(settings, readable, contents, workspace, fit_greys=True)
        self.backbone_, self.settings_ = backbone, settings
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the features of photos, shape (N, D).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X cannot be used, or one of its photos cannot be read.
        """
        validation.check_is_fitted(self)
        with value_errors():
            blocks = feature_blocks(PhotoInput.of(X), self.settings_, self.backbone_, self.workspace or Workspace())
            return np.concatenate([block.astype(np.float32) for block in blocks])

    @property
    def _n_features_out(self) -> int:
        return self.backbone_.row_shape[0]

    def _recipe_settings(self) -> FeaturesSettings:
        settings = self.settings or {}
        if not isinstance(settings, Mapping):
            raise ValueError(f"settings is {settings!r}; give a mapping, such as {{'resize': 'crop'}}")
        for name in settings:
            if name != "resize" and not name.startswith("backbone_"):
                raise ValueError(f"settings has {name!r}, which is no setting of a backbone; see PhotoFeatures")
        return with_settings(FeaturesSettings(), {"backbone": self.backbone, **settings})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
