"""Classes from file names: which patterns give them, and which are names of cameras."""

import pytest

from photoclass.photos.sources.name_labels import labels_by_name


def _numbered(*patterns: str, count: int = 3) -> list[str]:
    return [pattern.format(i) for pattern in patterns for i in range(1, count + 1)]


@pytest.mark.parametrize(
    "name",
    [
        *("cat.0.jpg", "cat.100", "cat.7.jpg_large", "cat.1.JPG~", "cat.2.jpeg?w=640", "cat.3.jpg.jpg"),
        *("cat.4.jpg:large", "cat.5 (2).jpg", "cat.3 - Copy.jpg", "cat.3 - Copy (2).jpg", "cat.9.jpg.", "cat.1.dat"),
    ],
)
def test_inputs_10_flat_names_give_the_class_whatever_their_ending(name: str) -> None:
    assert labels_by_name([name, "dog.1.jpg"]).labels == {name: "cat", "dog.1.jpg": "dog"}


@pytest.mark.parametrize(
    ("pattern", "labels"),
    [
        (("cat ({}).jpg", "dog ({}).jpg"), {"cat", "dog"}),
        (("cat_0000{}.jpg", "dog_0000{}.jpg"), {"cat", "dog"}),
        (("Abyssinian_{}.jpg", "american_pit_bull_terrier_{}.jpg"), {"Abyssinian", "american_pit_bull_terrier"}),
        (("cat-{}.jpg", "dog-{}.png"), {"cat", "dog"}),
        (("{}_frog.png", "00{}-big truck.png"), {"frog", "big truck"}),
        (("cat{}.jpg", "dog{}.jpg"), {"cat", "dog"}),
        (("Löwe {}.jpg", "猫_{}.jpg"), {"Löwe", "猫"}),
    ],
)
def test_inputs_10_other_patterns_give_the_class_where_they_are_unambiguous(
    pattern: tuple[str, ...], labels: set[str]
) -> None:
    found = labels_by_name(_numbered(*pattern))
    assert set(found.labels.values()) == labels and not found.others


@pytest.mark.parametrize(
    "names",
    [
        _numbered("IMG_000{}.jpg", "DSC_000{}.jpg"),
        _numbered("photo-{}.jpg", "image{}.jpg"),
        _numbered("IMG_2023_{}.jpg", "IMG_2024_{}.jpg"),
        _numbered("2024-01-01_{}.jpg", "1_2_{}.jpg"),
        _numbered("7_000{}.jpg", "8_000{}.jpg"),
        _numbered("cat_{}.jpg"),
        ["cat_1.jpg", "dog_1.jpg"],
        [*_numbered("cat_{}.jpg", "dog_{}.jpg", count=2), "a.jpg", "b.jpg", "c.jpg", "d.jpg"],
        _numbered("Screenshot 2024-01-0{}.png", "WhatsApp Image 2024-01-0{}.jpg"),
        _numbered("IMG-20240101-WA000{}.jpg", "VID-20240101-WA000{}.jpg"),
        _numbered("WhatsApp Image 2024-01-01 at 09.00.0{}.jpeg", "WhatsApp Image 2024-01-01 at 10.00.0{}.jpeg"),
        _numbered("Bildschirmfoto 2024-01-01 um 9.00.0{}.png", "Bildschirmfoto 2024-01-02 um 10.00.0{}.png"),
        _numbered("MFDC000{}.JPG", "RCNX000{}.JPG", "R000000{}.JPG", "_MG_000{}.JPG"),
        _numbered("dog_20240101_{}.jpg", "dog_20240102_{}.jpg", "cat_20240101_{}.jpg"),
        _numbered("clip1_frame_{}.jpg", "clip2_frame_{}.jpg"),
        _numbered("patient001_slice{}.png", "patient002_slice{}.png"),
        _numbered("frame_0001_cam{}.jpg", "frame_0002_cam{}.jpg"),
        _numbered("FB_IMG_161234567890{}.jpg", "received_161234567890{}.jpeg", "mmexport161234567890{}.jpg"),
    ],
)
def test_names_that_may_mean_something_else_give_no_class(names: list[str]) -> None:
    found = labels_by_name(names)
    assert not found.labels and list(found.others) == names


def test_a_file_called_like_a_class_belongs_to_it() -> None:
    names = ["cat.jpg", "cat (1).jpg", "cat (2).jpg", "dog - Copy.jpg", "dog (1).jpg", "dog (2).jpg", "cow.jpg"]
    assert labels_by_name(names).others == ("cow.jpg",)


def test_files_that_do_not_follow_the_pattern_are_the_others() -> None:
    names = [*_numbered("cat_{}.jpg", "dog_{}.jpg"), "holiday_2019.jpg", "me.jpg"]
    assert labels_by_name(names).others == ("holiday_2019.jpg", "me.jpg")
