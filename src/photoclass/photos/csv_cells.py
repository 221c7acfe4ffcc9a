"""Names in CSVs so that no spreadsheet takes one for a formula and runs it, and that they read back the same."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_file(file: str) -> str:
    """`./=cmd().jpg` is the same file as `=cmd().jpg`, and no formula."""
    return f"./{file}" if file.startswith(_FORMULA_STARTS) else file


def plain_file(cell: str) -> str:
    """Return the file name that `safe_file` wrote."""
    rest = cell.removeprefix("./")
    return rest if rest.startswith(_FORMULA_STARTS) else cell


def safe_label(label: str) -> str:
    """Put a `'` before a class name that could be a formula, as spreadsheets themselves do."""
    return f"'{label}" if label.startswith((*_FORMULA_STARTS, "'")) else label


def plain_label(cell: str) -> str:
    """Return the class name that `safe_label` wrote."""
    return cell[1:] if cell.startswith("'") else cell
