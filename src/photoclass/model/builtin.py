"""The model that comes with photoclass: cat or dog, for whoever has trained none. `tools/builtin_model.py` makes it."""

from pathlib import Path

from photoclass.errors import ModelError, PhotoclassError

BUILTIN_MODEL = Path(__file__).parents[1] / "cat-or-dog"
_MEND = "photoclass is not whole; install it again, or give a model of your own with --model"


def builtin_model() -> Path:
    """Return the folder of the built-in cat-or-dog model, a model folder as any other.

    Raises:
        ModelError: It is not there.
    """
    if not BUILTIN_MODEL.is_dir():
        raise ModelError(f"{BUILTIN_MODEL}: the built-in model is missing; {_MEND}")
    return BUILTIN_MODEL


def in_words(error: PhotoclassError) -> str:
    """Return what an error says; where the built-in model is at fault, that it is the installation to fix."""
    text = str(error)
    if not isinstance(error, ModelError) or not text.startswith(str(BUILTIN_MODEL)) or _MEND in text:
        return text
    return f"{text.rpartition(';')[0] or text}; this is the built-in model: {_MEND}"
