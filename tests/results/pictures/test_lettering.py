"""Names in any script: drawn with a font that has their letters, else as a number with a legend; never a box."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageDraw

from handmade import SIDE, brightness_onnx, make_info
from photoclass.model.folder import save_model
from photoclass.results.pictures import fonts
from photoclass.results.pictures.gallery import gallery
from photoclass.results.pictures.lettering import Lettering

NO_FONT_HERE = "\ue123"  # for private use: no font that is made for reading has it


def _make_font(file: Path, letters: str, drawn: bool = True) -> Path:
    """Write a font in which each of the letters is a filled square, or nothing."""
    pen = TTGlyphPen(None)
    if drawn:
        pen.moveTo((100, 0))
        for corner in ((100, 700), (800, 700), (800, 0)):
            pen.lineTo(corner)
        pen.closePath()
    names = [".notdef", *(f"u{ord(letter):04X}" for letter in letters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(zip(map(ord, letters), names[1:], strict=True)))
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **dict.fromkeys(names[1:], pen.glyph())})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(file)
    return file


@pytest.fixture
def only_these_fonts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder whose fonts are all that this computer has."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    monkeypatch.setattr(fonts, "system_fonts", lambda: sorted(map(str, folder.iterdir())))
    monkeypatch.setattr(fonts, "find_spec", lambda _name: None)
    return folder


def _drawn(lettering: Lettering, text: str) -> np.ndarray:
    page = Image.new("L", (200, 40))
    lettering.draw(ImageDraw.Draw(page), (5, 5), text, 20, "white")
    return np.asarray(page)


def test_a_font_of_this_computer_draws_the_letters_that_pillows_lacks(only_these_fonts: Path) -> None:
    _make_font(only_these_fonts / "a.ttf", "犬")
    _make_font(only_these_fonts / "b.ttf", "猫犬")
    lettering = Lettering.of(["cat 猫", "犬"])
    assert lettering.class_name("cat 猫") == "cat 猫" and not lettering.notes() and not lettering.legend(["犬"])
    assert [Path(font.path).name for font in lettering.fonts] == ["a.ttf", "b.ttf"]
    runs = [(font.getname()[0], run) for font, run in lettering._runs("犬 a 猫犬", 20)]
    assert runs == [("Squares", "犬 "), ("Aileron", "a "), ("Squares", "猫犬")], "one font for all that Pillow's lacks"
    whole, start = _drawn(lettering, "cat 猫"), _drawn(lettering, "cat ")
    width = round(lettering.length("cat ", 20))
    assert (whole[:, :width] == start[:, :width]).all() and (whole[12:20, width + 10 : width + 16] == 255).all()
    assert lettering.length("cat 猫", 20) == pytest.approx(lettering.length("cat ", 20) + 18, abs=1)


def test_a_font_that_has_a_whole_text_draws_it(only_these_fonts: Path) -> None:
    _make_font(only_these_fonts / "a.ttf", "ü")
    _make_font(only_these_fonts / "b.ttf", "Münche")
    lettering = Lettering.of(["München"])
    assert [run for _, run in lettering._runs("München", 20)] == ["M", "ü", "nchen"], "b.ttf was not needed"
    (only_these_fonts / "a.ttf").unlink()
    assert [run for _, run in Lettering.of(["München"])._runs("München", 20)] == ["München"]


@pytest.mark.parametrize("name", ["猫", f"cat {NO_FONT_HERE}", "बिल्ली"])
def test_a_class_without_a_font_is_a_number_with_a_legend(name: str, only_these_fonts: Path) -> None:
    _make_font(only_these_fonts / "LastResort-Squares.ttf", "बिल्ीw")
    _make_font(only_these_fonts / "colour.ttf", f"猫{NO_FONT_HERE}", drawn=False)
    (only_these_fonts / "damaged.ttf").write_bytes(b"no font")
    lettering = Lettering.of(["ant", name])
    assert lettering.class_name(name) == "#2" and lettering.class_name("ant") == "ant"
    assert lettering.legend(["ant"]) == []
    code = f"U+{ord(name[-1]):04X}"
    assert lettering.legend([name, "ant"])[1].startswith("#2 = ") and code in lettering.legend([name])[1]
    [note] = lettering.notes()
    assert f"#2 is {name}" in note and "HTML" in note


def test_numbers_are_no_class_names(only_these_fonts: Path) -> None:
    assert Lettering.of(["#1", "猫"]).class_name("猫") == "no. 2"


def test_english_needs_no_font_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_fonts_in_order", lambda: pytest.fail("fonts of this computer are searched"))
    text = "".join(map(chr, range(32, 127))) + "…·"
    assert Lettering.of([text]).class_name(text) == text


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_fonts_are_found_where_systems_keep_them(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    places = {
        "linux": home / ".local" / "share" / "fonts" / "truetype",
        "darwin": home / "Library" / "Fonts",
        "win32": tmp_path / "windows" / "Fonts",
    }
    folder = places[platform]
    folder.mkdir(parents=True)
    for name in ("Some.TTF", "some.otf", "readme.txt"):
        (folder / name).write_bytes(b"")
    for variable, value in (("HOME", home), ("WINDIR", tmp_path / "windows"), ("LOCALAPPDATA", tmp_path / "local")):
        monkeypatch.setenv(variable, str(value))
    for variable in ("XDG_DATA_HOME", "XDG_DATA_DIRS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(fonts.sys, "platform", platform)
    assert {str(folder / name) for name in ("Some.TTF", "some.otf")} <= set(fonts.system_fonts())


def test_plain_faces_of_common_fonts_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [f"/fonts/{name}" for name in ("Z.ttf", "NotoSansCJK.ttc", "DejaVuSans-Bold.ttf", "DejaVuSans.ttf")]
    monkeypatch.setattr(fonts, "system_fonts", lambda: [*files, "/fonts/LastResort.otf"])
    monkeypatch.setattr(fonts, "find_spec", lambda _name: None)
    assert list(fonts._fonts_in_order()) == files[::-1]


@pytest.mark.parametrize("text", ["a\u3000b", "a\ufe0fb", "a\u200db", "a\u00a0b"])
def test_spaces_and_joiners_need_no_font_and_show_no_box(text: str, only_these_fonts: Path) -> None:
    lettering = Lettering.of([text])
    assert lettering.can_draw(text)
    shown = _drawn(lettering, text)
    plain = _drawn(lettering, "ab" if lettering.length(text, 20) < lettering.length("a b", 20) else "a b")
    assert (shown == plain).all()


def test_a_text_is_cut_in_its_middle_to_its_room() -> None:
    lettering = Lettering()
    short = lettering.shorten("left" + "x" * 112 + "tail", 20, 150)
    assert short.startswith("left") and short.endswith("tail") and lettering.length(short, 20) <= 150
    assert lettering.shorten("new\nline", 20, 500) == "new?line"


def test_galleries_and_heat_maps_say_which_names_they_number(only_these_fonts: Path, tmp_path: Path) -> None:
    names = ["cat", "猫"]
    model = tmp_path / "model"
    model.mkdir()
    save_model(model, make_info(names), brightness_onnx())
    for name in names:
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (SIDE, SIDE), "white").save(tmp_path / "data" / name / "犬.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = gallery([tmp_path / "data"], model, tmp_path / "g.png")
        _make_font(only_these_fonts / "a.ttf", "猫犬")
        drawn = gallery([tmp_path / "data"], model, tmp_path / "h.png")
    assert "note: no font on this computer has all letters of these class names: #2 is 猫." in made.as_text()
    assert "drawn as ?: 犬" in made.as_text()
    assert drawn.notes == ()
    with Image.open(tmp_path / "g.png") as numbered, Image.open(tmp_path / "h.png") as lettered:
        assert numbered.height > lettered.height, "the legend is below the photos"
