"""Architecture of the residual network, in a separate file so that reading it does not import torch."""

from dataclasses import dataclass

from photoclass.errors import SettingsError


@dataclass(frozen=True)
class ResnetArchitecture:
    """Sizes of the layers of the residual network.

    Attributes:
        patch: Stride of the first convolution, whose kernel covers 3 x 3 squares of this side, in pixels.
        widths: Channels at each scale.
        blocks: Residual blocks at each scale.
    """

    patch: int = 2
    widths: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 1, 1)

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1 or self.patch < 1:
            raise SettingsError("widths and patch must be at least 1")
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 0:
            raise SettingsError(
                f"blocks has {len(self.blocks)} values and widths has {len(self.widths)}; give one of each per scale"
            )

    @property
    def reduction(self) -> int:
        """Image pixels per pixel of the last feature map, in each direction."""
        return self.patch << len(self.widths)
