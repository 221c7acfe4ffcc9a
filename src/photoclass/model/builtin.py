"""The built-in model, cat or dog, which is used where no model is given. `tools/builtin_model.py` makes it."""

from pathlib import Path

from photoclass.errors import ModelError, PhotoclassError

BUILTIN_MODEL = Path(__file__).parents[1] / "cat-or-dog"
_ADVICE = "the installation of photoclass is damaged; install it again, or give another model with --model"


def builtin_model() -> Path:
    """Return the built-in model's folder, a model folder like any other.

    Raises:
        ModelError: It is missing.
    """
    if not BUILTIN_MODEL.is_dir():
        raise ModelError(f"{BUILTIN_MODEL}: the built-in model is missing; {_ADVICE}")
    return BUILTIN_MODEL


def describe_error(error: PhotoclassError) -> str:
    """Return an error's message; where the built-in model is at fault, with the advice to repair the installation."""
    text = str(error)
    if not isinstance(error, ModelError) or not text.startswith(str(BUILTIN_MODEL)) or _ADVICE in text:
        return text
    return f"{text.rpartition(';')[0] or text}; this is the built-in model: {_ADVICE}"
