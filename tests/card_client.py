"""The lines of Python in a model card that use the model without photoclass."""


def client_of(card: str) -> str:
    """Return the code block of a card that imports ONNX Runtime."""
    lines = card.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("    import ") and "onnxruntime" in line)
    last = next(i for i in range(first, len(lines)) if lines[i] and not lines[i].startswith("    "))
    return "\n".join(line[4:] for line in lines[first:last])
