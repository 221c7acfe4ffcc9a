"""CSV cells: file and class names escaped so that no spreadsheet runs them as formulas, and read back unchanged."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_file(file: str) -> str:
    """Escape a file name: `./=cmd().jpg` is the same file as `=cmd().jpg`, but not a formula."""
    return f"./{file}" if file.startswith(_FORMULA_STARTS) else file


def plain_file(cell: str) -> str:
    """Undo `safe_file`."""
    rest = cell.removeprefix("./")
    return rest if rest.startswith(_FORMULA_STARTS) else cell


def safe_label(label: str) -> str:
    """Escape a class name or note that could be a formula with a leading `'`, as spreadsheets do."""
    return f"'{label}" if label.startswith((*_FORMULA_STARTS, "'")) else label


def plain_label(cell: str) -> str:
    """Undo `safe_label`."""
    return cell[1:] if cell.startswith("'") else cell
