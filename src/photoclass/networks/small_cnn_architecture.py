"""Architecture of the reference CNN, in a separate file so that reading it does not import torch."""

from dataclasses import dataclass

from photoclass.errors import SettingsError


@dataclass(frozen=True)
class SmallCnnArchitecture:
    """Sizes of the layers; the defaults are those of *Cat or Dog?*, the blog post.

    Attributes:
        filters: Output channels of each convolution; each is followed by max-pooling, which halves the resolution.
        kernel_size: Side of each convolution's kernel; no padding.
        dense_units: Width of the hidden dense layer.
        dropout: Share of its activations that are set to zero in each training step.
    """

    filters: tuple[int, ...] = (32, 32, 64)
    kernel_size: int = 3
    dense_units: int = 64
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if not self.filters or min(self.filters) < 1 or self.kernel_size < 1 or self.dense_units < 1:
            raise SettingsError("filters, kernel_size and dense_units must be at least 1")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout is {self.dropout}; it must be at least 0 and less than 1")
