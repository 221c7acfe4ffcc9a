"""What `check` finds, as one HTML file that needs nothing else: photos side by side, so that a person sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.checks.description import UNCLEAR_WORDS, summary, verdict
from photoclass.checks.duplicate_groups import DuplicateGroup
from photoclass.checks.findings import Findings
from photoclass.page import render
from photoclass.photos.fixes import name_in_data
from photoclass.photos.thumbnail import thumbnail

# With all sections full, a page of some 2 MB.
_THUMBNAIL_SIDE = 160
_MOST_GROUPS, _MOST_IN_GROUP, _MOST_PHOTOS, _MOST_ROWS = 48, 6, 48, 200


_WHY_UNCLEAR = {
    "no class": "Unlike all other photos, the most so first: perhaps they do not belong here.",
    "several classes": "Two classes have much the same right, the least sure first: both are there, or none is clear.",
}


@dataclass(frozen=True)
class Card:
    """A photo on the page: its thumbnail as a data URI, empty if it cannot be read by now, and what stands below."""

    thumbnail: str
    name: str
    caption: str


@dataclass(frozen=True)
class Section:
    """One kind of finding.

    Attributes:
        title: What was found.
        why: What it means, and what to do.
        total: How many there are.
        groups: Photos to be seen side by side.
        rows: Names with a text each, of what cannot be shown.
    """

    title: str
    why: str
    total: int
    groups: tuple[tuple[Card, ...], ...] = ()
    rows: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> int:
        """How many of them the page shows."""
        return len(self.groups) + len(self.rows)


def write_page(findings: Findings, out: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    values = {
        "data": findings.data,
        "verdict": verdict(findings),
        "summary": list(summary(findings)),
        "sections": list(_sections(findings)),
    }
    page = render(__package__, "check.html.j2", values)
    with atomic_text(out) as stream:
        stream.write(page)


def _sections(findings: Findings) -> list[Section]:
    sections = [
        _twin_section(
            findings,
            "One picture in two classes",
            "One of the labels must be wrong. Give the right one in a fixes file, or leave the picture out.",
            lambda group: group.across_classes,
        ),
        _twin_section(
            findings,
            "One picture in two splits",
            "The model is asked what it has learnt by heart: a score on these photos is flattered.",
            lambda group: group.across_splits and not group.across_classes,
        ),
        _unreadable_section(findings),
        _photo_section(
            findings,
            "Doubtful labels",
            "The other photos contradict them, the most confident first. Give the right label in a fixes file.",
            [
                (d.photo, f"seems {d.suggested}: {'surely ' if d.sure else ''}wrong, {d.wrong:.2%}")
                for d in findings.labels.label_errors
            ],
        ),
        _twin_section(
            findings,
            "One picture more than once",
            "Within a class. A split that photoclass makes keeps them on one side.",
            lambda group: not group.across_splits and not group.across_classes,
        ),
    ]
    for kind in dict.fromkeys(photo.kind for photo in findings.labels.unclear):
        found = [(photo.photo, photo.measure) for photo in findings.labels.unclear if photo.kind == kind]
        sections.append(_photo_section(findings, UNCLEAR_WORDS[kind].capitalize(), _WHY_UNCLEAR[kind], found))
    for kind in dict.fromkeys(item.kind for item in findings.odd):
        found = [(item.photo, item.measure) for item in findings.odd if item.kind == kind]
        sections.append(_photo_section(findings, kind.capitalize(), "The oddest first.", found))
    turned = [(i, f"orientation {findings.photos.facts['orientation'][i]}") for i in findings.rotated]
    why = "Shown upright, as training and prediction see them."
    sections.append(_photo_section(findings, "Turned by an EXIF flag", why, turned))
    return [section for section in sections if section.total]


def _twin_section(findings: Findings, title: str, why: str, belongs: Callable[[DuplicateGroup], bool]) -> Section:
    groups = [group for group in findings.duplicates if belongs(group)]
    shown = tuple(
        tuple(_card(findings, photo, _kinds(group, photo)) for photo in group.photos[:_MOST_IN_GROUP])
        for group in groups[:_MOST_GROUPS]
    )
    return Section(title, why, len(groups), shown)


def _kinds(group: DuplicateGroup, photo: int) -> str:
    """Say in which ways a photo is a near-duplicate of those before it; of the first, how many photos there are."""
    if photo == group.photos[0]:
        return f"{len(group.photos)} photos"
    of_photo = [pair.kind for pair in group.pairs if photo in (pair.first, pair.second)]
    return ", ".join(dict.fromkeys(of_photo))


def _unreadable_section(findings: Findings) -> Section:
    rows = [(name_in_data(item.name, findings.data), item.reason) for item in findings.unreadable]
    why = "Skipped in training and scores. Repair or remove them, or leave them out in a fixes file."
    return Section("Files that cannot be used", why, len(rows), rows=tuple(rows[:_MOST_ROWS]))


def _photo_section(findings: Findings, title: str, why: str, found: Sequence[tuple[int, str]]) -> Section:
    groups = tuple((_card(findings, photo, text),) for photo, text in found[:_MOST_PHOTOS])
    return Section(title, why, len(found), groups)


def _card(findings: Findings, photo: int, text: str) -> Card:
    split = findings.split(photo)
    place = f"{findings.label(photo)}, {split}" if split else findings.label(photo)
    return Card(
        thumbnail(findings.photos.table.paths[photo], _THUMBNAIL_SIDE), findings.name(photo), f"{place} · {text}"
    )
