"""WebDataset's samples: files of one name, such as `0001.jpg` and `0001.cls`, of which one says the label.

The name of a sample is its path up to the first dot of the file's name
(https://github.com/webdataset/webdataset, "The WebDataset Format").
"""

import json
from collections.abc import Sequence
from pathlib import Path

from photoclass.photos.sources.archives.kinds import is_tar
from photoclass.photos.sources.listing import Listing
from photoclass.photos.tables.columns import holds_labels
from photoclass.photos.tables.delimited import TableRow
from photoclass.photos.tables.json_lines import cell_of
from photoclass.photos.tables.table_file import TableFile

_IMAGE, _LABEL = "image", "label"
_MOST_LABEL_BYTES = 1024
_MOST_JSON_BYTES = 1 << 16


def sample_table(listing: Listing, root: str, where: Path) -> TableFile | None:
    """Return the photos and labels of samples as a table; None if what is listed are no samples with labels.

    A label is the text of a `.cls` file: a class's name or its number. In a tar without such files it is what `.json`
    files say, if they have a usual name for it.

    Args:
        listing: The files.
        root: The folder that they are in.
        where: What messages call it.
    """
    labels = _by_sample(listing, ".cls")
    if labels:
        texts = {sample: _text(Path(root, file)) for sample, file in labels.items()}
        rows = [(file, texts[sample]) for file, sample in _photos(listing) if sample in texts]
        return _table(where, (_IMAGE, _LABEL), rows) if rows else None
    if where.is_file() and is_tar(where):
        return _table_of_json(listing, root, where)
    return None


def sample_of(file: str) -> str:
    """Return the name of the sample that a file belongs to."""
    folder, slash, name = file.rpartition("/")
    return folder + slash + name.partition(".")[0]


def _photos(listing: Listing) -> list[tuple[str, str]]:
    """Return the photos with their samples: of `0001.jpg` beside `0001.seg.png`, the first alone."""
    plain = {sample_of(file) for file in listing.files if _is_plain(file)}
    return [(file, sample) for file in listing.files if (sample := sample_of(file)) not in plain or _is_plain(file)]


def _is_plain(file: str) -> bool:
    return file.rpartition("/")[2].count(".") == 1


def _by_sample(listing: Listing, ending: str) -> dict[str, str]:
    return {sample_of(file): file for file in listing.kinds if file.casefold().endswith(ending)}


def _table_of_json(listing: Listing, root: str, where: Path) -> TableFile | None:
    values = {sample: _object(Path(root, file)) for sample, file in _by_sample(listing, ".json").items()}
    keys = tuple(dict.fromkeys(key for value in values.values() for key in value if key != _IMAGE))
    rows = [
        (file, *(cell_of(values[sample].get(key)) for key in keys))
        for file, sample in _photos(listing)
        if sample in values
    ]
    table = _table(where, (_IMAGE, *keys), rows)
    return table if rows and holds_labels(table, _IMAGE) else None


def _table(where: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> TableFile:
    numbered = tuple(TableRow(number, row) for number, row in enumerate(rows))
    return TableFile(where, header, numbered, unit="sample")


def _text(file: Path) -> str:
    with open(file, "rb") as stream:
        return stream.read(_MOST_LABEL_BYTES).decode("utf-8", "surrogateescape").strip()


def _object(file: Path) -> dict[str, object]:
    with open(file, "rb") as stream:
        content = stream.read(_MOST_JSON_BYTES)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
