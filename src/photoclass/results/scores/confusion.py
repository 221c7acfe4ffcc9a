"""The confusion matrix, or the most frequent confusions of many classes, for a terminal and for a notebook."""

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from photoclass import notebook
from photoclass.metrics.classification import confused_pairs
from photoclass.text import LINE_WIDTH, plural, shorten

_MOST_CONFUSIONS = _MOST_MATRIX_CLASSES = 12


def confusion_lines(table: NDArray[np.int64], class_names: tuple[str, ...]) -> list[str]:
    """Return the confusion matrix for a terminal; where it is too wide for one, the most frequent confusions instead.

    Args:
        table: Shape (C, C): photos by true class (rows) and predicted class (columns).
        class_names: In class order.
    """
    width = max(7, *(len(name) for name in class_names), len(f"{table.max():,}")) + 2
    header = f"  {'truth':<{width}}predicted:{''.join(name.rjust(width) for name in class_names)}"
    if len(header) > LINE_WIDTH:
        return _worst_confusions(table, class_names)
    lines = [header]
    for name, row in zip(class_names, table, strict=True):
        cells = "".join(f"{count:,}".rjust(width) for count in row)
        lines.append(f"  {name:<{width}}          {cells}")
    return lines


def _worst_confusions(table: NDArray[np.int64], class_names: tuple[str, ...]) -> list[str]:
    pairs = confused_pairs(table)
    if not pairs:
        return [f"  none of the {len(class_names):,} classes is confused with another"]
    shown = pairs[:_MOST_CONFUSIONS]
    width = (LINE_WIDTH - len(f"  {table.max():>8,}   predicted as ")) // 2
    names = [[shorten(class_names[c], width) for c in pair[:2]] for pair in shown]
    column = max(len(truth) for truth, _ in names)
    lines = ["  photos   most frequent confusions"]
    for (truth, predicted), (_, _, count) in zip(names, shown, strict=True):
        lines.append(f"  {count:>6,}   {truth:<{column}} predicted as {predicted}")
    if len(pairs) > len(shown):
        more = len(pairs) - len(shown)
        photos = plural(sum(count for _, _, count in pairs[len(shown) :]), "photo")
        lines.append(f"           and {plural(more, 'other pair')} of classes, {photos}; --json FILE has all")
    return lines


def confusion_table(table: NDArray[np.int64], class_names: tuple[str, ...]) -> Markup:
    """Return the confusion matrix as HTML; of more than twelve classes, the most frequent confusions instead."""
    if len(class_names) <= _MOST_MATRIX_CLASSES:
        rows = [(name, *(f"{count:,}" for count in row)) for name, row in zip(class_names, table, strict=True)]
        caption = "Confusion matrix: rows are true classes, columns predicted ones"
        return notebook.table(caption, ("", *class_names), rows)
    pairs = [(class_names[truth], class_names[predicted], f"{n:,}") for truth, predicted, n in confused_pairs(table)]
    if not pairs:
        return notebook.paragraph(f"none of the {len(class_names):,} classes is confused with another")
    return notebook.table("Most frequent confusions", ("true class", "predicted class", "photos"), pairs, texts=2)
