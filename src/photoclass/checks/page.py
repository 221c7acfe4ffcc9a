"""The findings of `check` as one self-contained HTML file, with the photos side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.checks.description import (
    ROTATED_TITLE,
    UNCLEAR_TITLES,
    Line,
    describe_duplicates,
    finding_lines,
    section_of,
    summary,
    verdict,
)
from photoclass.checks.duplicate_groups import DuplicateGroup
from photoclass.checks.findings import Findings, LabelError
from photoclass.page import Masthead, Stat, render
from photoclass.paths import AnyPath
from photoclass.photos.table import name_in_data
from photoclass.photos.thumbnail import thumbnail
from photoclass.text import SPLIT_NAMES, plural

# A page with all sections full has some 2 MB.
_THUMBNAIL_SIDE = 160
_MOST_GROUPS, _MOST_IN_GROUP, _MOST_PHOTOS, _MOST_CLASSES = 48, 6, 48, 200
_MOST_ROWS = 5_000  # names of files, and of photos beyond those shown; check's --json has no limit


_WHY_UNCLEAR = {
    "no class": "Unlike all other photos, the most unusual first: perhaps they do not belong here.",
    "several classes": "Two classes are about equally probable, the closest first: the photo shows both, or neither.",
}


@dataclass(frozen=True)
class Card:
    """A photo on the page.

    Attributes:
        thumbnail: A data URI; empty if the photo can no longer be read.
        name: Its name within DATA.
        label: Its class, and its split if DATA has splits.
        finding: What was found.
    """

    thumbnail: str
    name: str
    label: str
    finding: str


@dataclass(frozen=True)
class Section:
    """One kind of finding.

    Attributes:
        id: The name of the section within the page.
        label: Its name in the table of contents.
        title: What was found.
        why: What it means, and what to do.
        fix: Whether it should be fixed before training.
        total: The number of findings.
        groups: Photos to be compared side by side.
        rows: Names with a text each, for files that cannot be shown, and for the photos beyond those that are.
        lines: Findings that are text alone.
    """

    id: str
    label: str
    title: str
    why: str
    fix: bool
    total: int
    groups: tuple[tuple[Card, ...], ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def shown(self) -> int:
        """The number of findings that the page shows."""
        return len(self.groups) + len(self.rows) + len(self.lines)

    @property
    def is_single(self) -> bool:
        """Whether each photo stands alone."""
        return all(len(group) == 1 for group in self.groups)


def write_page(findings: Findings, out: AnyPath) -> None:
    """Write the page; a page that cannot be completed leaves no file.

    Raises:
        OutputError: It cannot be written.
    """
    out = Path(out)
    sections = _sections(findings)
    values = {
        "masthead": _masthead(findings),
        "contents": [("", [("data", "Data"), *((section.id, section.label) for section in sections)])],
        "counts": {SPLIT_NAMES.get(split, "photos"): by_class for split, by_class in findings.counts.items()},
        "class_names": findings.photos.table.class_names[:_MOST_CLASSES],
        "more_classes": max(0, len(findings.photos.table.class_names) - _MOST_CLASSES),
        "facts": [
            (heading, text) for heading, text in summary(findings) if heading not in {*findings.counts, "photos"}
        ],
        "sections": sections,
    }
    page = render(__package__, "check.html.j2", values, ("check.css",))
    with atomic_text(out) as stream:
        stream.write(page)


def _masthead(findings: Findings) -> Masthead:
    headline = verdict(findings).removeprefix(f"{findings.data}: ").removesuffix(" on it")
    labels, unreadable, groups = findings.labels, len(findings.unreadable), findings.duplicates
    errors, certain = len(labels.label_errors), sum(error.likely for error in labels.label_errors)
    leaks = sum(group.across_classes or group.across_splits for group in groups)
    return Masthead(
        title=f"Check of {findings.data}",
        kind="Data check",
        subject=str(findings.data),
        headline=headline[:1].upper() + headline[1:],
        stats=(
            Stat(
                "Photos",
                f"{len(findings.photos):,}",
                plural(len(findings.photos.table.class_names), "class", "classes"),
            ),
            Stat("Likely label errors", "–", "labels were not checked")
            if labels.not_checked
            else Stat(
                "Likely label errors",
                f"{errors:,}",
                f"{certain:,} nearly certain" if errors else "none found",
                tone="wrong" if certain else "",
            ),
            Stat(
                "Groups of near-duplicates",
                f"{len(groups):,}",
                f"{leaks:,} across classes or splits" if groups else "none found",
                tone="wrong" if leaks else "",
            ),
            Stat(
                "Unusable files",
                f"{unreadable:,}",
                "skipped in training" if unreadable else "all files can be read",
                tone="wrong" if unreadable else "",
            ),
        ),
    )


def _sections(findings: Findings) -> list[Section]:
    certain = any(error.likely for error in findings.labels.label_errors)
    sections = [
        _duplicate_section(
            findings,
            Section(
                "duplicates-across-classes",
                "Across classes",
                "The same picture in two classes",
                "One of the labels is probably wrong. Give the right one in a fixes file, or exclude the photos.",
                fix=True,
                total=0,
            ),
            lambda group: group.across_classes,
        ),
        _duplicate_section(
            findings,
            Section(
                "duplicates-across-splits",
                "Across splits",
                "The same picture in two splits",
                "Data leakage: the model is tested on what it has memorised, so the score is too good.",
                fix=True,
                total=0,
            ),
            lambda group: group.across_splits and not group.across_classes,
        ),
        _unreadable_section(findings),
        _photo_section(
            findings,
            Section(
                "label-errors",
                "Label errors",
                "Likely label errors",
                "A model trained on the other photos disagrees with these labels, the most confident first. Give the "
                "right label in a fixes file.",
                fix=certain,
                total=0,
            ),
            [(error.photo, _describe_label_error(error)) for error in findings.labels.label_errors],
        ),
        _duplicate_section(
            findings,
            Section(
                "duplicates",
                "Near-duplicates",
                "The same picture more than once",
                "Within a class. A split that photoclass makes keeps near-duplicates in the same part.",
                fix=False,
                total=0,
            ),
            lambda group: not group.across_splits and not group.across_classes,
        ),
    ]
    for kind in dict.fromkeys(photo.kind for photo in findings.labels.unclear):
        found = [(photo.photo, photo.measure) for photo in findings.labels.unclear if photo.kind == kind]
        sections.append(
            _photo_section(findings, _for_information(UNCLEAR_TITLES[kind].capitalize(), _WHY_UNCLEAR[kind]), found)
        )
    for kind in dict.fromkeys(item.kind for item in findings.odd):
        found = [(item.photo, item.measure) for item in findings.odd if item.kind == kind]
        sections.append(_photo_section(findings, _for_information(kind.capitalize(), "The most extreme first."), found))
    rotated = [(i, f"orientation {findings.photos.measures['orientation'][i]}") for i in findings.rotated]
    why = "Shown upright, as in training and prediction."
    sections.append(_photo_section(findings, _for_information(ROTATED_TITLE, why), rotated))
    return [section for section in [*_text_sections(findings), *sections] if section.total]


def _text_sections(findings: Findings) -> list[Section]:
    """Return the findings that no other section shows with photos."""
    texts = [line for line in finding_lines(findings) if not line.section]
    fix, known = (tuple(line for line in texts if line.fix is wanted) for wanted in (True, False))
    why_fix = "What else stands in the way of a good model."
    why_known = "How DATA was read, and what else is worth knowing."
    return [
        Section("to-fix", "Data as a whole", "The data as a whole", why_fix, True, len(fix), lines=fix),
        Section("notes", "Notes", "Notes", why_known, False, len(known), lines=known),
    ]


def _describe_label_error(error: LabelError) -> str:
    likelihood = "likely" if error.likely else "possibly"
    return f"{likelihood} {error.suggested}: P(label wrong) = {error.probability:.2%}"


def _for_information(title: str, why: str) -> Section:
    """Return a section that need not be fixed, still without photos."""
    label = title.removeprefix("Possibly of ").capitalize()
    return Section(section_of(title), label, title, why, fix=False, total=0)


def _duplicate_section(findings: Findings, section: Section, belongs: Callable[[DuplicateGroup], bool]) -> Section:
    groups = [group for group in findings.duplicates if belongs(group)]
    shown = tuple(
        tuple(_card(findings, photo, _kinds(group, photo)) for photo in group.photos[:_MOST_IN_GROUP])
        for group in groups[:_MOST_GROUPS]
    )
    rows = tuple(
        (findings.name(group.photos[0]), describe_duplicates(findings, group))
        for group in groups[_MOST_GROUPS : _MOST_GROUPS + _MOST_ROWS]
    )
    return replace(section, total=len(groups), groups=shown, rows=rows)


def _kinds(group: DuplicateGroup, photo: int) -> str:
    """Say how a photo resembles those before it; for the first one, how many photos the group has."""
    if photo == group.photos[0]:
        return f"{len(group.photos)} photos"
    kinds = [pair.kind for pair in group.pairs if photo in (pair.first, pair.second)]
    return ", ".join(dict.fromkeys(kinds))


def _unreadable_section(findings: Findings) -> Section:
    rows = [(name_in_data(item.name, findings.data), item.reason) for item in findings.unreadable]
    return Section(
        "unusable",
        "Unusable files",
        "Files that cannot be used",
        "Skipped in training and evaluation. Repair or remove them, or exclude them in a fixes file.",
        fix=True,
        total=len(rows),
        rows=tuple(rows[:_MOST_ROWS]),
    )


def _photo_section(findings: Findings, section: Section, found: Sequence[tuple[int, str]]) -> Section:
    groups = tuple((_card(findings, photo, text),) for photo, text in found[:_MOST_PHOTOS])
    rows = tuple((findings.name(photo), text) for photo, text in found[_MOST_PHOTOS : _MOST_PHOTOS + _MOST_ROWS])
    return replace(section, total=len(found), groups=groups, rows=rows)


def _card(findings: Findings, photo: int, finding: str) -> Card:
    split = findings.split(photo)
    label = f"{findings.label(photo)}, {split}" if split else findings.label(photo)
    picture = thumbnail(findings.photos.table.paths[photo], _THUMBNAIL_SIDE, findings.photos.rules)
    return Card(picture, findings.name(photo), label, finding)
