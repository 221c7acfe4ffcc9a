"""The numbers of `resnet.py`'s network, apart from it, so that naming them costs no torch."""

from dataclasses import dataclass

from photoclass.errors import SettingsError


@dataclass(frozen=True)
class ResnetArchitecture:
    """The network's numbers.

    Attributes:
        patch: Side of the squares of pixels that the first convolution sees as one place.
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
                f"blocks has {len(self.blocks)} numbers and widths has {len(self.widths)}; each scale has one of both"
            )

    @property
    def reduction(self) -> int:
        """Pixels of the photo, each way, that come to one place at the last scale."""
        return self.patch << len(self.widths)
