"""Settings of the recipe `features`, the default: a linear head on the features of a frozen pretrained backbone."""

from dataclasses import dataclass

from photoclass.errors import SettingsError
from photoclass.hub.reference import is_hub_reference, parse_reference
from photoclass.networks.pretrained.catalog import BACKBONES, image_size_of
from photoclass.photos.decode_settings import ResizeRule, check_resize


@dataclass(frozen=True)
class FeaturesSettings:
    """A regularised linear head on the features of a frozen pretrained backbone: minutes, not hours.

    Attributes:
        backbone: The pretrained network: `lite0` is fast, `lite2` is accurate, `lite0+lite2` concatenates the features
            of both; or an ONNX file, whose name ends in .onnx; or one on the hub, as hf:OWNER/REPO@REVISION:FILE. The
            next five settings are for these files.
        backbone_size: Side of the square input, in pixels; 0 where the file fixes it.
        backbone_mean: Mean subtracted from pixels in [0, 1]: one value, or one for each channel.
        backbone_std: Standard deviation that they are then divided by, likewise.
        backbone_output: What its features are: `class`, `mean` or `both` of a transformer's tokens; `penultimate`, what
            a classifier's last linear layer takes; the name of an output; or empty for the only one.
        backbone_sha256: Checksum that the file must have; empty for any.
        resize: How a photo becomes the backbone's square.
        balance: Weight the classes equally, however many photos each has.
        drop_label_errors: Leave out training photos with a likely label error.
    """

    backbone: str = "lite2"
    backbone_size: int = 0
    backbone_mean: tuple[float, ...] = ()
    backbone_std: tuple[float, ...] = ()
    backbone_output: str = ""
    backbone_sha256: str = ""
    resize: ResizeRule = "squash"
    balance: bool = False
    drop_label_errors: bool = False

    def __post_init__(self) -> None:
        check_resize(self.resize)
        if self.backbone_is_on_hub:
            parse_reference(self.backbone, takes_file=True)
        if self.backbone_is_file:
            _check_scaling(self.backbone_mean, self.backbone_std)
            return
        if self.backbone not in BACKBONES:
            names = ", ".join(BACKBONES)
            raise SettingsError(
                f"unknown backbone {self.backbone!r}; choose from {names}, or give an .onnx file or hf:OWNER/REPO"
            )
        if (
            self.backbone_size
            or self.backbone_mean
            or self.backbone_std
            or self.backbone_output
            or self.backbone_sha256
        ):
            raise SettingsError(
                f"the backbone {self.backbone} has a fixed size, scaling and output; backbone_size, backbone_mean, "
                "backbone_std, backbone_output and backbone_sha256 are for an ONNX file"
            )

    @property
    def backbone_is_file(self) -> bool:
        """Whether the backbone is an ONNX file, the user's own or one on the hub."""
        return self.backbone_is_on_hub or self.backbone.casefold().endswith(".onnx")

    @property
    def backbone_is_on_hub(self) -> bool:
        """Whether the backbone is a file in a repository on the hub."""
        return is_hub_reference(self.backbone)

    @property
    def image_size(self) -> int:
        """Side of the backbone's square input, in pixels; 0 for a file that has not been read yet."""
        return self.backbone_size if self.backbone_is_file else image_size_of(self.backbone)


def _check_scaling(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Refuse what cannot scale pixels in [0, 1], above all values meant for pixels from 0 to 255."""
    if len(mean) not in (0, 1, 3) or len(std) not in (0, 1, 3) or bool(mean) != bool(std):
        raise SettingsError("give backbone_mean and backbone_std together, each as one number or three")
    if not all(0 <= value <= 1 for value in mean) or not all(0 < value <= 1 for value in std):
        raise SettingsError(
            "backbone_mean and backbone_std are for pixels in [0, 1] and must lie in that range themselves; divide "
            "values for pixels from 0 to 255, as in 127/255"
        )
