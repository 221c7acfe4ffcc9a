"""Each kind of finding: reported where it is, not where it is not, and in the text, the JSON and the page."""

import html
import json
import os
import shutil
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from photoclass.checks.check import check
from photoclass.checks.description import describe_findings, finding_lines, verdict
from photoclass.checks.findings import Findings
from photoclass.checks.page import write_page
from photoclass.errors import ArchiveError, DataError
from photoclass.photos.sources.options import ReadOptions
from photoclass.workspace import Workspace
from picture_files import black_png, encode, exif_block, noise_picture, orientation_entry, put, within_seconds

SAVED = {"quality": 92}
# Labels need a pretrained backbone and have their own tests.
quick_check = partial(check, labels=False)


def _picture(seed: int, width: int = 120, height: int = 90) -> Image.Image:
    """Paint smooth colours with some sharp edges on them, as photos have."""
    smooth = np.asarray(noise_picture(seed, width, height), dtype=np.int16)
    patches = np.random.default_rng(seed).choice([-30, 0, 30], (height // 6 + 1, width // 6 + 1, 1))
    edges = patches.repeat(6, axis=0).repeat(6, axis=1)[:height, :width]
    return Image.fromarray(np.clip(smooth + edges, 0, 255).astype(np.uint8))


def _photos(folder: Path, names: list[str], first_seed: int = 0) -> None:
    """Write a different picture under each name."""
    for seed, name in enumerate(names, start=first_seed):
        put(folder / name, encode(_picture(seed), "JPEG", **SAVED))


def _two_classes(folder: Path, each: int = 25) -> Path:
    _photos(folder, [f"{label}/{i}.jpg" for label in ("cat", "dog") for i in range(each)])
    return folder


def _kinds(findings: Findings) -> list[str]:
    return [item.kind for item in findings.odd]


def test_sound_photos_give_no_findings(tmp_path: Path) -> None:
    findings = quick_check(_two_classes(tmp_path / "photos"))
    assert not findings.duplicates and not findings.odd and not findings.unreadable
    assert findings.few == {} and findings.unbalanced == {} and findings.rotated == ()
    assert verdict(findings) == f"{tmp_path / 'photos'}: nothing needs to be fixed before training"
    assert findings.counts == {"all": {"cat": 25, "dog": 25}}
    assert findings.as_json()["label_errors"] is None


def test_sizes_shapes_formats_and_colour_modes_are_counted(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=3)
    put(folder / "cat/grey.jpg", encode(noise_picture(50, 90, 120).convert("L"), "JPEG"))
    put(folder / "cat/named-wrongly.jpg", encode(noise_picture(51, 80, 80), "PNG"))
    findings = quick_check(folder)
    assert findings.sizes() == {"120x90": 6, "90x120": 1, "80x80": 1}
    assert findings.shapes() == {"landscape": 6, "portrait": 1, "square": 1}
    assert findings.formats() == {"JPEG": 7, "PNG": 1}
    assert findings.modes() == {"RGB": 7, "L": 1}


def test_counts_are_by_split_and_class(tmp_path: Path) -> None:
    _photos(
        tmp_path, [f"{part}/{label}/{i}.jpg" for part in ("train", "valid") for label in ("a", "b") for i in range(2)]
    )
    assert quick_check(tmp_path).counts == {"train": {"a": 2, "b": 2}, "valid": {"a": 2, "b": 2}}


def test_without_valid_a_duplicate_in_train_and_test_is_still_a_leak(tmp_path: Path) -> None:
    _photos(
        tmp_path, [f"{part}/{label}/{i}.jpg" for part in ("train", "test") for label in ("a", "b") for i in range(2)]
    )
    shutil.copy(tmp_path / "train/a/0.jpg", tmp_path / "test/a/copy.jpg")
    findings = quick_check(tmp_path)
    assert findings.counts == {"train": {"a": 2, "b": 2}, "held_out": {"a": 3, "b": 2}}
    assert [group.across_splits for group in findings.duplicates] == [True]
    assert [fix.image for fix in findings.proposed_fixes()] == ["train/a/0.jpg"]


def test_that_no_photo_can_be_read_is_a_finding(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "dog/1.jpg"):
        put(tmp_path / name, b"no photo")
    findings = quick_check(tmp_path)
    assert len(findings.photos) == 0 and len(findings.unreadable) == 2
    assert "2 files cannot be used" in describe_findings(findings)
    write_page(findings, tmp_path / "page.html")


def test_duplicates_across_classes_come_first_then_those_across_splits(tmp_path: Path) -> None:
    names = [f"{part}/{label}/{i}.jpg" for part in ("train", "valid") for label in ("a", "b") for i in range(3)]
    _photos(tmp_path, names)
    shutil.copy(tmp_path / "train/a/0.jpg", tmp_path / "train/a/7.jpg")
    shutil.copy(tmp_path / "train/a/1.jpg", tmp_path / "valid/a/8.jpg")
    shutil.copy(tmp_path / "train/a/2.jpg", tmp_path / "train/b/9.jpg")
    findings = quick_check(tmp_path)
    assert [(group.across_classes, group.across_splits) for group in findings.duplicates] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    text = describe_findings(findings)
    assert text.startswith(f"{tmp_path}: 3 kinds of problem")
    positions = [text.index(part) for part in ("in two classes", "in two splits", "more than once")]
    assert positions == sorted(positions)
    assert "train/a/2.jpg (a) = train/b/9.jpg (b): same bytes" in text


def test_each_kind_of_duplicate_is_named(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=6)

    def original(i: int) -> Image.Image:
        return Image.open(folder / f"cat/{i}.jpg").convert("RGB")

    shutil.copy(folder / "cat/0.jpg", folder / "cat/copy.jpg")
    put(folder / "cat/lossless.jpg", encode(original(1), "PNG"))
    put(folder / "cat/again.jpg", encode(original(2), "JPEG", quality=60))
    put(folder / "cat/mirror.jpg", encode(ImageOps.mirror(original(3)), "JPEG"))
    put(folder / "cat/part.jpg", encode(original(4).crop((8, 2, 116, 83)), "JPEG"))
    put(folder / "cat/turned-part.jpg", encode(ImageOps.mirror(original(5).crop((0, 9, 108, 90))), "JPEG"))
    found = {
        frozenset(map(findings_name, group.photos)): group.kind for findings_name, group in _named(quick_check(folder))
    }
    assert found == {
        frozenset({"cat/0.jpg", "cat/copy.jpg"}): "same bytes",
        frozenset({"cat/1.jpg", "cat/lossless.jpg"}): "same pixels",
        frozenset({"cat/2.jpg", "cat/again.jpg"}): "near-duplicate",
        frozenset({"cat/3.jpg", "cat/mirror.jpg"}): "mirrored",
        frozenset({"cat/4.jpg", "cat/part.jpg"}): "cropped",
        frozenset({"cat/5.jpg", "cat/turned-part.jpg"}): "mirrored and cropped",
    }


def _named(findings: Findings) -> list:
    return [(findings.name, group) for group in findings.duplicates]


def test_a_copy_rotated_by_an_exif_flag_is_a_duplicate_and_named_as_rotated(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=4)
    lying = Image.open(folder / "dog/1.jpg").transpose(Image.Transpose.ROTATE_90)
    put(folder / "dog/phone.jpg", encode(lying, "JPEG", exif=exif_block(orientation_entry(6))))
    findings = quick_check(folder)
    assert [findings.name(i) for i in findings.rotated] == ["dog/phone.jpg"]
    assert [set(map(findings.name, group.photos)) for group in findings.duplicates] == [{"dog/1.jpg", "dog/phone.jpg"}]
    assert findings.shapes() == {"landscape": 9}
    assert "1 photo rotated by an EXIF flag" in describe_findings(findings)


@pytest.mark.parametrize(
    ("kind", "picture"),
    [
        ("blank", Image.new("RGB", (90, 90), (120, 130, 140))),
        ("very dark", noise_picture(70).point(lambda value: value // 5)),
        ("very bright", noise_picture(71).point(lambda value: 205 + value // 5)),
        ("blurred", noise_picture(72, 5, 5).resize((250, 250), Image.Resampling.BICUBIC)),
        ("odd aspect ratio", noise_picture(73, 400, 100)),
        ("tiny", noise_picture(74, 30, 40)),
    ],
)
def test_odd_photos_are_named_and_others_are_not(kind: str, picture: Image.Image, tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=4)
    put(folder / "cat/odd.jpg", encode(picture, "PNG"))
    findings = quick_check(folder)
    assert kind in _kinds(findings)
    assert {findings.name(item.photo) for item in findings.odd} == {"cat/odd.jpg"}
    assert f"1 photo: {kind}" in describe_findings(findings)


def test_classes_with_few_photos_and_class_imbalance_are_reported(tmp_path: Path) -> None:
    _photos(tmp_path, [*(f"cat/{i}.jpg" for i in range(45)), *(f"dog/{i}.jpg" for i in range(4))])
    findings = quick_check(tmp_path)
    assert findings.few == {"dog": 4} and findings.unbalanced == {"dog": 4}
    assert "fewer than 20 different photos of dog (4)" in describe_findings(findings)
    assert "unbalanced" in describe_findings(findings)


def _refusal(folder: Path) -> str:
    """Return why `train` will refuse a folder, by the findings; the text, the JSON and the page say the same."""
    findings = quick_check(folder)
    json_says = findings.as_json()["train_refuses"]
    assert (json_says or "") == findings.refusal
    assert (f"train will refuse this: {findings.refusal}" in describe_findings(findings)) == bool(findings.refusal)
    page = folder.with_suffix(".html")
    write_page(findings, page)
    assert ("train will refuse this" in page.read_text(encoding="utf-8")) == bool(findings.refusal)
    return findings.refusal


def test_fault_70_what_train_will_refuse_is_a_finding(tmp_path: Path) -> None:
    lone, pairs, copies, enough = (tmp_path / name for name in ("lone", "pairs", "copies", "enough"))
    _photos(lone, [*(f"cat/{i}.jpg" for i in range(3)), *(f"dog/{i}.jpg" for i in range(3)), "owl/0.jpg"])
    assert _refusal(lone).startswith("class 'owl' has 1 photo; at least 2 different photos of each class are needed")
    _photos(pairs, [f"{label}/{i}.jpg" for label in ("cat", "dog") for i in range(2)])
    assert "none is left to validate with" in _refusal(pairs)
    _photos(copies, [*(f"cat/{i}.jpg" for i in range(3)), *(f"dog/{i}.jpg" for i in range(3)), "owl/0.jpg"])
    for i in range(1, 14):
        shutil.copy(copies / "owl/0.jpg", copies / f"owl/{i}.jpg")
    assert _refusal(copies).startswith("class 'owl' has 14 photos, all of one picture")
    assert quick_check(copies).few == {"cat": 3, "dog": 3, "owl": 1}
    _photos(enough, [f"{label}/{i}.jpg" for label in ("cat", "dog") for i in range(3)])
    assert _refusal(enough) == ""


def test_fault_70_120_classes_fit_a_terminal_of_100_columns(tmp_path: Path) -> None:
    _photos(tmp_path / "photos", [f"n{number:03d}-breed/{number}.jpg" for number in range(120)])
    findings = quick_check(tmp_path / "photos")
    _, *lines = describe_findings(findings).split("\n")  # the first names the folder
    assert not [line for line in lines if len(line) > 100 and "refuse" not in line]
    assert "and 116 more classes" in describe_findings(findings)


def test_groups_are_counted_and_those_in_two_splits_named(tmp_path: Path) -> None:
    names = [f"train/{label}/site{i % 3}/{i}.jpg" for label in ("cat", "dog") for i in range(6)]
    _photos(tmp_path / "photos", [*names, "valid/cat/site2/6.jpg", "valid/dog/site3/6.jpg"])
    findings = quick_check(tmp_path / "photos", reading=ReadOptions(group_by="folder"))
    text = describe_findings(findings)
    assert "  groups    4 by folder, of 1 to 5 photos" in text
    assert "1 group lies in two splits: data leakage" in text
    assert "site2: train/cat/site2/2.jpg (train), valid/cat/site2/6.jpg (valid)" in text
    assert findings.as_json()["groups"] == {
        "group_by": "folder",
        "groups": 4,
        "largest": 5,
        "across_splits": ["site2"],
    }
    write_page(findings, tmp_path / "page.html")
    assert "1 group lies in two splits" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_second_check_decodes_nothing_and_reports_the_same(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=4)
    first = quick_check(folder, workspace=Workspace(tmp_path / "cache")).as_json()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.rows")}
    assert quick_check(folder, workspace=Workspace(tmp_path / "cache")).as_json() == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.rows")} == before


def test_several_processes_find_the_same_as_one(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=140)
    shutil.copy(folder / "cat/0.jpg", folder / "dog/copy.jpg")
    one, two = (quick_check(folder, workspace=Workspace(tmp_path / str(n), n)).as_json() for n in (1, 2))
    assert one == two


def test_faults_1_to_4_8_14_and_22_are_named_and_none_hangs(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=3)
    whole = encode(noise_picture(90, 200, 150), "JPEG", quality=95)
    put(folder / "cat/1-empty.jpg", b"")
    put(folder / "cat/2-page.jpg", b"<!doctype html><title>404</title>")
    put(folder / "cat/3-cut.jpg", whole[: len(whole) // 2])
    put(folder / "cat/4-flipped.jpg", whole[:900] + bytes(b ^ 0x55 for b in whole[900:940]) + whole[940:])
    put(folder / "cat/8-eps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    put(folder / "cat/14-one-pixel.jpg", encode(Image.new("RGB", (1, 1), "red"), "PNG"))
    put(folder / "cat/14-thin.jpg", encode(Image.new("RGB", (1, 20_000), "red"), "PNG"))
    os.mkfifo(folder / "cat/22-pipe.jpg")
    (folder / "cat/22-device.jpg").symlink_to("/dev/zero")
    (folder / "cat/22-loop").symlink_to(folder, target_is_directory=True)
    (folder / "cat/22-nowhere.jpg").symlink_to(folder / "cat/22-nowhere.jpg")
    with within_seconds(60):
        findings = quick_check(folder)
    named = {Path(item.name).name: item.reason for item in findings.unreadable}
    assert {
        "1-empty.jpg",
        "2-page.jpg",
        "3-cut.jpg",
        "8-eps.jpg",
        "22-pipe.jpg",
        "22-device.jpg",
        "22-nowhere.jpg",
    } <= set(named)
    assert [note for note in findings.photos.table.notes if "cat/22-loop: a link to" in note]
    assert all(named.values())
    assert {"odd aspect ratio", "tiny"} <= set(_kinds(findings))
    write_page(findings, tmp_path / "page.html")


def test_faults_5_to_13_and_20_are_named_handled_or_passed_over(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=3)
    frames = [_picture(seed) for seed in (201, 202)]
    handled = {
        "7-png": encode(_picture(210), "PNG"),
        "9-cmyk": encode(_picture(211).convert("CMYK"), "JPEG"),
        "10-wide": encode(Image.fromarray(np.asarray(_picture(212).convert("L")).astype(np.uint16) * 257), "PNG"),
        "11-alpha": encode(_picture(213).convert("RGBA"), "PNG"),
        "12-exif": encode(_picture(214), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "13-frames": encode(frames[0], "GIF", save_all=True, append_images=frames[1:]),
    }
    for name, content in handled.items():
        put(folder / f"cat/{name}.jpg", content)
    put(folder / "cat/5-bomb.jpg", black_png(20_000, 20_000))
    put(folder / "cat/Thumbs.db", b"x")
    put(folder / "__MACOSX/cat/._1.jpg", b"x")
    with within_seconds(60):
        findings = quick_check(folder)
    assert [Path(item.name).name for item in findings.unreadable] == ["5-bomb.jpg"]
    assert len(findings.photos) == 6 + len(handled) and not findings.duplicates
    assert findings.modes()["CMYK"] == 1 and findings.formats()["GIF"] == 1


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["cat/1.jpg"], "only one class"),
        (["cat/1.jpg", "dog/"], "class 'dog' is empty"),
        (["Dog/1.jpg", "dog/1.jpg"], "differ only by case"),
        ([], "no class folders found"),
    ],
)
def test_faults_18_19_and_25_are_refused_as_in_training(names: list[str], complaint: str, tmp_path: Path) -> None:
    for name in names:
        put(tmp_path / name, encode(_picture(1), "JPEG")) if name.endswith(".jpg") else (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=complaint):
        quick_check(tmp_path)


def test_fault_21_flat_names_and_fault_32_a_zip_that_leads_outside(tmp_path: Path) -> None:
    _photos(tmp_path / "flat", [f"{label}.{i}.jpg" for label in ("cat", "dog") for i in range(3)])
    assert quick_check(tmp_path / "flat").counts == {"all": {"cat": 3, "dog": 3}}
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("../cat/1.jpg", b"x")
    with pytest.raises(ArchiveError, match="leads outside"):
        quick_check(tmp_path / "photos.zip")


def test_names_that_are_hard_to_print_pass_through_json_and_page(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=3)
    hard = ["<script>alert(1)</script>.jpg".replace("/", "∕"), "two\nlines.jpg", os.fsdecode(b"caf\xe9.jpg"), "-rf.jpg"]
    for name in hard:
        shutil.copy(folder / "cat/0.jpg", folder / "cat" / name)
    put(folder / "dog/=cmd().jpg", b"")
    findings = quick_check(folder)
    assert json.loads(json.dumps(findings.as_json()))["duplicates"][0]["kind"] == "same bytes"
    write_page(findings, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8", errors="surrogateescape")
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "=cmd().jpg" in page


def test_the_page_needs_nothing_else_and_says_how_much_it_shows(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=60)
    for i in range(60):
        shutil.copy(folder / f"cat/{i}.jpg", folder / f"cat/copy-{i}.jpg")
    write_page(quick_check(folder), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "48 with pictures of 60" in page
    assert all(f"cat/copy-{i}.jpg (cat): same bytes" in page or f"cat/copy-{i}.jpg</span>" in page for i in range(60))
    assert page.count("<img ") == page.count('src="data:image/webp;base64,') == page.count('alt="') == 96
    assert "http:" not in page and "https:" not in page and "prefers-color-scheme: dark" in page
    assert len(page) < 2_000_000


def test_the_page_shows_every_finding_that_its_headline_counts(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=30)
    _photos(folder / "rare", ["1.jpg", "2.jpg"])
    put(folder / "cat/empty.jpg", b"")
    findings = quick_check(folder)
    write_page(findings, tmp_path / "page.html")
    page = html.unescape((tmp_path / "page.html").read_text(encoding="utf-8"))
    lines = list(finding_lines(findings))
    assert sum(line.fix for line in lines) >= 2 and any(not line.fix for line in lines)
    for line in lines:
        assert (f'<section id="{line.section}"' if line.section else line.text) in page
    assert page.count('class="badge wrong"') == len({line.section for line in lines if line.fix})


def test_a_photo_that_vanishes_before_the_page_is_written_keeps_its_place(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=3)
    shutil.copy(folder / "cat/0.jpg", folder / "cat/copy.jpg")
    findings = quick_check(folder)
    (folder / "cat/copy.jpg").unlink()
    write_page(findings, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "can no longer be read" in page and page.count("<img ") == 1


def test_originals_are_as_they_were(tmp_path: Path) -> None:
    folder = _two_classes(tmp_path / "photos", each=3)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.jpg")}
    write_page(quick_check(folder), tmp_path / "page.html")
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.jpg")} == before


def test_proposed_fixes_remove_data_leakage(tmp_path: Path) -> None:
    from photoclass.photos.fixes import write_fixes

    names = [f"{part}/{label}/{i}.jpg" for part in ("train", "valid") for label in ("a", "b") for i in range(4)]
    _photos(tmp_path / "photos", names)
    folder = tmp_path / "photos"
    shutil.copy(folder / "train/a/1.jpg", folder / "valid/a/8.jpg")
    shutil.copy(folder / "train/a/2.jpg", folder / "train/b/9.jpg")
    put(folder / "train/a/broken.jpg", b"no photo")
    put(folder / "train/b/blank.jpg", encode(Image.fromarray(np.full((60, 60, 3), 9, np.uint8)), "PNG"))
    findings = quick_check(folder)
    write_fixes(tmp_path / "fixes.csv", findings.proposed_fixes())
    fixed = quick_check(folder, fixes=tmp_path / "fixes.csv")
    assert not fixed.duplicates and not fixed.unreadable and not fixed.odd
    assert fixed.proposed_fixes() == ()
    kept = {fixed.name(i) for i in range(len(fixed.photos))}
    assert "valid/a/8.jpg" in kept and not {"train/a/1.jpg", "train/a/2.jpg", "train/b/9.jpg"} & kept
