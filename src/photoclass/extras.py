"""Packages that only an extra installs: loaded when needed, and asked for in one line where they are missing."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from photoclass.errors import MissingPackageError

INSTALL_TORCH = "pip install 'photoclass[torch]'"
# The modules of the extra `torch`, and the package of each.
_TORCH_PACKAGES = {
    "torch": "torch",
    "onnxscript": "onnxscript",
    "safetensors": "safetensors",
    "cv2": "opencv-python-headless",
}


def missing_torch_package() -> str | None:
    """Return a package of the extra `torch` that is not installed; None if all are. Nothing is imported."""
    return next((package for module, package in _TORCH_PACKAGES.items() if find_spec(module) is None), None)


def require_torch(use: str) -> None:
    """Refuse what needs the extra `torch` where a package of it is not installed.

    Raises:
        MissingPackageError: One is not; the message has the command that installs it.
    """
    package = missing_torch_package()
    if package:
        raise MissingPackageError(f"{use} needs {package}; run: {INSTALL_TORCH}")


def load_extra(module: str, extra: str, use: str) -> ModuleType:
    """Import a module that belongs to an extra.

    Args:
        module: Its name, such as `pyarrow.parquet`.
        extra: The extra of photoclass that installs it.
        use: What needs it, as the subject of a sentence: `a .parquet file`.

    Raises:
        MissingPackageError: It is not installed; the message has the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # A module that is missing inside an installed package is a damaged installation, which pip repairs as well.
        package = (error.name or module).partition(".")[0]
        raise MissingPackageError(f"{use} needs {package}; run: pip install 'photoclass[{extra}]'") from None
