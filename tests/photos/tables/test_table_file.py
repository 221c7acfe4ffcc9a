"""Tables read back as they were written, in any encoding, delimiter and quoting; others are refused by name."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from photoclass.errors import DataError
from photoclass.photos.tables.table_file import TableFile, read_table_file
from picture_files import put

_HEADER = ("image", "label", "note")
_ROWS = [("a.jpg", "cat", "x"), ("b.jpg", "dog", "")]
_MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE, "utf-8": codecs.BOM_UTF8}
_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def _read(folder: Path, content: str | bytes) -> TableFile:
    return read_table_file(put(folder / "t.csv", content if isinstance(content, bytes) else content.encode()))


def _refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(DataError) as refused:
        _read(folder, content)
    assert str(refused.value).startswith(f"{folder / 't.csv'}: ") and "\n" not in str(refused.value)
    return str(refused.value)


def _cells(table: TableFile) -> list[tuple[str, ...]]:
    return [row.cells for row in table.rows]


@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS, _CELLS), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
    marked=st.booleans(),
    sep_line=st.booleans(),
)
def test_any_table_reads_back_to_the_same_cells(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    quoting: int,
    ending: str,
    encoding: str,
    marked: bool,
    sep_line: bool,
) -> None:
    # Python's writer leaves the line ends bare that are not its own.
    assume(
        ending == "\r\n"
        or quoting == csv.QUOTE_ALL
        or not any(c in cell for row in rows for cell in row for c in "\r\n")
    )
    stream = io.StringIO()
    if sep_line:
        stream.write(f"sep={delimiter}{ending}")
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=ending)
    writer.writerows([_HEADER, *rows])
    mark = _MARKS[encoding] if marked else b""
    table = _read(tmp_path_factory.mktemp("table"), mark + stream.getvalue().encode(encoding))
    assert table.header == _HEADER
    assert _cells(table) == [row for row in rows if any(cell.strip() for cell in row)]
    assert (table.delimiter, table.encoding) == (delimiter, encoding)


@given(st.lists(st.tuples(*[st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=9)] * 3)))
def test_a_table_in_cp1252_reads_back_and_is_named(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([_HEADER, *rows])
    content = stream.getvalue().encode("cp1252")
    # Two letters of cp1252 may be one of UTF-8, which is then what they are taken for.
    assume(
        all(letter < "\x80" or "\udc80" <= letter <= "\udcff" for letter in content.decode("utf-8", "surrogateescape"))
    )
    table = _read(tmp_path_factory.mktemp("table"), content)
    assert _cells(table) == [row for row in rows if any(cell.strip() for cell in row)]
    assert any("read as Windows-1252 (cp1252)" in note for note in table.notes) == (not content.isascii())


def test_the_note_on_cp1252_gives_a_word_and_its_line(tmp_path: Path) -> None:
    table = _read(tmp_path, "image,label\na.jpg,cat\nKätzchen.jpg,cat\n".encode("cp1252"))
    assert table.notes == (
        f"{tmp_path / 't.csv'}: not UTF-8; read as Windows-1252 (cp1252), which gives 'Kätzchen.jpg' in line 3. "
        "If that is wrong, save it as UTF-8",
    )


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("image;label\na.jpg;cat, small\nb.jpg;dog, large\n", ";"),
        ('image,label\n"a;b;c.jpg",cat\n"d;e.jpg",dog\n', ","),
        ("image\tlabel\na, b.jpg\tcat; small\n", "\t"),
        ('"a,b";label\nx.jpg;cat\n', ";"),
        ("image|label\na.jpg|cat\n", "|"),
        ("file;label;a,b\nx.jpg;cat;0,5\ny.jpg;dog;7\n", ";"),
        ("sep=|\na,b|c,d\n1,2|3,4\n", "|"),
        ('"sep=;"\r\na,b;c\r\n1,2;3\r\n', ";"),
    ],
)
def test_the_delimiter_is_that_of_the_header_whatever_the_cells_contain(
    text: str, delimiter: str, tmp_path: Path
) -> None:
    table = _read(tmp_path, text)
    assert table.delimiter == delimiter and len(table.header) == (3 if text.startswith("file") else 2)


def test_two_delimiters_that_fit_equally_are_refused_with_the_line_that_decides(tmp_path: Path) -> None:
    assert "both commas and semicolons divide every row" in _refusal(tmp_path, "a,b;c\n1,2;3\n4,5;6\n")
    assert "sep=, or sep=;" in _refusal(tmp_path, "a,b;c\n1,2;3\n4,5;6\n")


@pytest.mark.parametrize(
    "text",
    [
        "image,label,note\na.jpg,cat,x\nb.jpg,dog\n\n\n",
        "\n\nimage,label,note\n\na.jpg,cat,x\n,,\nb.jpg,dog,\n,,\n , ,\n",
        "image,label,note,\na.jpg,cat,x,\nb.jpg,dog,,,,\n",
        'image, "label" ,note\na.jpg, "cat" ,x\nb.jpg,dog,\n',
        '"image,label,note"\n"a.jpg,cat,x"\n"b.jpg,dog,"\n',
    ],
)
def test_blank_rows_missing_cells_and_empty_columns_at_the_end_do_no_harm(text: str, tmp_path: Path) -> None:
    table = _read(tmp_path, text)
    assert table.header == _HEADER
    assert _cells(table) == _ROWS


def test_rows_are_numbered_by_the_line_at_which_they_begin(tmp_path: Path) -> None:
    table = _read(tmp_path, 'sep=,\r\nimage,label\r\n\r\n"a\r\nb.jpg",cat\r\nc.jpg,dog\r\n')
    assert [row.line for row in table.rows] == [4, 6]
    assert table.notes == (
        f"{tmp_path / 't.csv'}: 1 row of more than one line, the first in line 4; "
        "if that is not meant, a quote is missing",
    )


def test_row_names_without_a_name_in_the_header_are_an_index(tmp_path: Path) -> None:
    table = _read(tmp_path, '"image","label"\n"1","a.jpg","cat"\n"2","b.jpg","dog"\n')
    assert table.header == ("", "image", "label") and _cells(table)[0] == ("1", "a.jpg", "cat")


def test_json_lines_are_a_table(tmp_path: Path) -> None:
    table = _read(tmp_path, '{"file_name": "a.jpg", "label": 1}\n\n{"file_name": "b.jpg", "x": null, "label": "dög"}\n')
    assert table.header == ("file_name", "label", "x")
    assert _cells(table) == [("a.jpg", "1", ""), ("b.jpg", "dög", "")]
    assert [row.line for row in table.rows] == [1, 3]
    assert "line 2 is not a JSON object" in _refusal(tmp_path, '{"a": 1}\n[1]\n')
    assert "line 1 is not a JSON object" in _refusal(tmp_path, "[\n  1\n]\n")


def test_an_array_of_json_objects_is_a_table(tmp_path: Path) -> None:
    table = _read(tmp_path, '[\n  {"image": "a.jpg", "label": "cat"},\n  {"image": "b.jpg", "label": NaN}\n]\n')
    assert table.header == ("image", "label") and _cells(table) == [("a.jpg", "cat"), ("b.jpg", "")]
    assert "is a COCO file" in _refusal(tmp_path, '{"images": [],\n "annotations": []}')


@given(st.binary(max_size=200) | st.text(st.sampled_from('a,;"\n\r\t|{}[]: ='), max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        table = _read(tmp_path_factory.mktemp("bytes"), content)
    except DataError as refused:
        assert "\n" not in str(refused)
    else:
        assert all(len(row.cells) == len(table.header) for row in table.rows)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b",,\n,,\n", "has only blank rows"),
        (b"PK\x03\x04....xl/workbook.xml....", 'an Excel workbook (.xlsx); save it as "CSV UTF-8"'),
        (b"PK\x03\x04application/vnd.oasis.opendocument.spreadsheet", "a LibreOffice workbook (.ods)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "an Excel workbook (.xls)"),
        (b"PAR1....", "damaged, or no whole table"),
        (b"\n<!DOCTYPE html><html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run git lfs pull"),
        (b"image,label\na\0b.jpg,cat\n", "line 2 contains a NUL byte"),
        (b'image,label\na.jpg,cat\n"b.jpg,dog\n', 'line 3: a quote (") is opened and not closed'),
        (b'image,label\n"a.jpg,cat\nb.jpg,"dog"\n', 'line 2: a quote (") is opened and not closed'),
        (b'image,label\n"a" b.jpg,cat\n', "line 2: text stands after a closing quote"),
        (
            b"image,label\na.jpg,cat\na,b.jpg,cat\n",
            "1 row has more cells than the 2 columns of the first line, as line 3",
        ),
    ],
)
def test_what_is_no_table_is_refused_as_what_it_is(content: bytes, cause: str, tmp_path: Path) -> None:
    assert cause in _refusal(tmp_path, content)


def test_names_that_are_not_utf8_beside_words_that_are_keep_their_bytes(tmp_path: Path) -> None:
    table = _read(tmp_path, b"image,label\ncaf\xe9.jpg,K\xc3\xa4tzchen\n")
    assert (table.encoding, _cells(table)) == ("utf-8", [("caf\udce9.jpg", "Kätzchen")])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_table_file(tmp_path / "none.csv")
