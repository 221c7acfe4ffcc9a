"""Makes torch's exporter prepare its list of operators once in a process, not at each export.

The list is the same each time; to make it, the source of 500 functions is parsed, which takes most of a second.
"""

import copy
import functools
from typing import Any


def keep_operators() -> None:
    """Keep the exporter's operators from the first export on."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    original = ONNXRegistry.from_torchlib
    if isinstance(original, functools.partial):
        return
    ONNXRegistry.from_torchlib = functools.partial(_operators, functools.cache(original))


def _operators(kept: Any, *arguments: Any, **keywords: Any) -> Any:
    """Return the operators in a registry of its own, so that nobody changes those that are kept."""
    registry = copy.copy(kept(*arguments, **keywords))
    registry.functions = {name: list(choices) for name, choices in registry.functions.items()}
    return registry
