"""The photos that the rows of a table name or hold."""

from collections.abc import Sequence
from pathlib import Path

from photoclass.photos.sources.label_tables.held_photos import unpack_photos
from photoclass.photos.sources.label_tables.locate import FoundPhoto, Missing, PhotoFinder, check_uncertain
from photoclass.photos.tables.columns import find_columns, photo_column
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.photos.tables.table_file import TableFile, read_table_file
from photoclass.text import plural
from photoclass.workspace import Workspace


def photos_of_table(file: Path, workspace: Workspace) -> tuple[dict[str, str], list[str]]:
    """Find the photos that a table holds or names, whatever else it says.

    Returns:
        The path of each photo by its name, which is `FILE/NAME` of one that the table holds; and notes.

    Raises:
        DataError: No column holds or names photos, a cell is empty, or a file is not there.
    """
    table = read_table_file(file)
    column, folder, held = photo_column(table), file.parent, None
    if column is None:
        column = find_columns(table, has_options=False).images[0]
    else:
        held = unpack_photos(table, column, workspace)
        table, folder = held.table, held.folder
    faults = RowFaults(table.file, table.unit)
    cells = [(row.line, row.cells[column]) for row in table.rows]
    faults.add_all((line for line, cell in cells if not cell.strip()), "the photo is empty")
    faults.refuse()
    notes = list(table.notes)
    found = find_photos(table, cells, PhotoFinder(str(folder), table.encoding, str(file.parent)), notes)
    return {held.name(photo.name) if held else photo.name: photo.path for photo in found.values()}, notes


def find_photos(
    table: TableFile, cells: Sequence[tuple[int, str]], finder: PhotoFinder, notes: list[str]
) -> dict[str, FoundPhoto]:
    """Return the photo of each cell.

    Args:
        table: The table, for messages.
        cells: The line and the cell that names a photo.
        finder: Finds them.
        notes: Takes what was assumed.

    Raises:
        DataError: Some are not there; the cause is named once.
    """
    found: dict[str, tuple[int, FoundPhoto]] = {}
    elsewhere: list[tuple[str, FoundPhoto]] = []
    faults = RowFaults(table.file, table.unit)
    missing: dict[str, Missing] = {}
    for line, cell in cells:
        if cell in found:
            continue
        photo = missing.get(cell) or finder.as_written(cell)
        if photo is None:
            photo = finder.below(cell)
            if isinstance(photo, FoundPhoto):
                elsewhere.append((cell, photo))
        if isinstance(photo, FoundPhoto):
            found[cell] = (line, photo)
        else:
            missing[cell] = photo
            faults.add(line, *photo)
    check_uncertain(found, faults)
    faults.refuse()
    if finder.by_table:
        cell, name = finder.by_table
        notes.append(
            f"{table.file}: of several files with one name, that in the folder of the table's split is read, such as "
            f"{cell.strip()!r} → {name}"
        )
    elif elsewhere:
        cell, photo = elsewhere[0]
        notes.append(
            f"{table.file}: {plural(len(elsewhere), 'name')} read as the only file that can be meant, such as "
            f"{cell.strip()!r} → {photo.name}"
        )
    return {cell: photo for cell, (_, photo) in found.items()}
