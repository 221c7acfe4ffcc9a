"""The findings of `check` as text: the verdict first, then one line for each kind of finding."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photoclass.checks.duplicate_groups import DuplicateGroup
from photoclass.photos.table import describe_passed_over, name_in_data
from photoclass.text import LINE_WIDTH, listed, plural

if TYPE_CHECKING:  # findings are described by this module for `_repr_html_`
    from photoclass.checks.findings import Findings

UNCLEAR_TITLES = {"no class": "possibly of no class", "several classes": "possibly of several classes"}
ROTATED_TITLE = "Rotated by an EXIF flag"
_EXAMPLES = 3
_MOST_SKIPPED_NAMED = 10
_MOST_COUNTED = 4
_HEADING_WIDTH = 12


@dataclass(frozen=True)
class Line:
    """One kind of finding.

    Attributes:
        fix: Whether it should be fixed before training; otherwise it is only worth knowing.
        text: The finding.
        examples: The first few photos or groups.
        count: How many there are, where `examples` are only some of them.
        where: Where the others are named.
        section: The section of the page that shows all of them with their photos; empty if the page has this text.
    """

    fix: bool
    text: str
    examples: tuple[str, ...] = ()
    count: int = 0
    where: str = ""
    section: str = ""


def verdict(findings: "Findings") -> str:
    """Return one line: whether anything should be fixed before training."""
    to_fix = sum(line.fix for line in finding_lines(findings))
    if to_fix:
        return f"{findings.data}: {plural(to_fix, 'kind')} of problem to fix before training"
    return f"{findings.data}: nothing needs to be fixed before training"


def describe_findings(findings: "Findings") -> str:
    """Return the verdict, the composition of DATA and the findings as lines for a terminal."""
    lines = [verdict(findings)]
    lines += [f"  {name:<9} {text}" for name, text in summary(findings)]
    for line in finding_lines(findings):
        lines.append(f"  {'fix' if line.fix else 'note':<9} {line.text}")
        lines += [f"              {example}" for example in line.examples]
        if line.count > len(line.examples):
            lines.append(f"              and {line.count - len(line.examples):,} more{line.where}")
    return "\n".join(lines)


def summary(findings: "Findings") -> Iterator[tuple[str, str]]:
    """Yield what DATA consists of, as (heading, text) pairs."""
    for split, by_class in findings.counts.items():
        total = f"{sum(by_class.values()):,}: "
        classes = _named(by_class, LINE_WIDTH - _HEADING_WIDTH - len(total))
        yield ("photos" if split == "all" else split), f"{total}{classes}"
    if findings.photos.table.groups:
        sizes = Counter(findings.photos.table.groups)
        yield (
            "groups",
            f"{len(sizes):,} by {findings.group_by}, of {min(sizes.values()):,} to {max(sizes.values()):,} photos",
        )
    for heading, counts in (
        ("formats", findings.formats()),
        ("colours", findings.modes()),
        ("sizes", findings.sizes()),
        ("shapes", findings.shapes()),
    ):
        shown = [f"{count:,} {name}" for name, count in list(counts.items())[:_MOST_COUNTED]]
        more = f" and {plural(len(counts) - _MOST_COUNTED, 'other')}" if len(counts) > _MOST_COUNTED else ""
        yield heading, f"{', '.join(shown)}{more}"


def finding_lines(findings: "Findings") -> Iterator[Line]:
    """Yield each kind of finding: what `train` refuses, unusable files, what was assumed, then by importance."""
    if findings.refusal:
        yield Line(True, f"train will refuse this: {findings.refusal}")
    table = findings.photos.table
    if findings.unreadable:
        count = len(findings.unreadable)
        examples = tuple(
            f"{name_in_data(item.name, findings.data)}: {item.reason}"
            for item in findings.unreadable[:_MOST_SKIPPED_NAMED]
        )
        text = f"{plural(count, 'file')} cannot be used and will be skipped"
        yield Line(True, text, examples, count, "; --json FILE names all", section="unusable")
    for note in table.notes:
        yield Line(False, note)
    if table.passed_over:
        yield Line(False, describe_passed_over(table.passed_over, findings.data))
    groups = findings.duplicates
    across_classes = [group for group in groups if group.across_classes]
    across_splits = [group for group in groups if group.across_splits and not group.across_classes]
    others = [group for group in groups if not (group.across_classes or group.across_splits)]
    if across_classes:
        text = f"{_pictures(across_classes)} in two classes: one of the labels is probably wrong"
        yield _duplicates_line(findings, across_classes, text, "duplicates-across-classes", fix=True)
    if across_splits:
        text = f"{_pictures(across_splits)} in two splits: data leakage, which makes scores too good"
        yield _duplicates_line(findings, across_splits, text, "duplicates-across-splits", fix=True)
    torn = findings.torn_groups()
    if torn:
        splits = "splits: data leakage, which makes scores too good"
        text = f"{plural(len(torn), 'group lies', 'groups lie')} in two {splits}"
        examples = tuple(_describe_torn(findings, group, photos) for group, photos in list(torn.items())[:_EXAMPLES])
        yield Line(True, text, examples, len(torn))
    label_errors = findings.labels.label_errors
    if label_errors:
        likely = sum(error.likely for error in label_errors)
        examples = tuple(
            f"{findings.name(error.photo)}: {findings.describe_label_error(error)}"
            for error in label_errors[:_EXAMPLES]
        )
        text = f"{plural(len(label_errors), 'possible label error')}, {likely:,} of them likely"
        yield Line(likely > 0, text, examples, len(label_errors), section="label-errors")
    if findings.few:
        before = f"fewer than {findings.FEW_PHOTOS} different photos of"
        yield _classes_line(True, before, findings.few, ": too few for a meaningful score")
    if findings.unbalanced:
        before = "unbalanced, with less than a tenth of the largest class:"
        yield _classes_line(False, before, findings.unbalanced, "; consider train --balance")
    if others:
        text = f"{_pictures(others)} more than once within a class; photoclass keeps them in the same split"
        yield _duplicates_line(findings, others, text, "duplicates", fix=False)
    for kind in dict.fromkeys(photo.kind for photo in findings.labels.unclear):
        unclear, title = [photo for photo in findings.labels.unclear if photo.kind == kind], UNCLEAR_TITLES[kind]
        examples = tuple(f"{findings.name(photo.photo)}: {photo.measure}" for photo in unclear[:_EXAMPLES])
        yield Line(False, f"{plural(len(unclear), 'photo')} {title}", examples, len(unclear), section=section_of(title))
    if findings.labels.not_checked:
        yield Line(False, f"labels were not checked: {findings.labels.not_checked}")
    for kind in dict.fromkeys(item.kind for item in findings.odd):
        odd = [item for item in findings.odd if item.kind == kind]
        examples = tuple(f"{findings.name(item.photo)}: {item.measure}" for item in odd[:_EXAMPLES])
        yield Line(False, f"{plural(len(odd), 'photo')}: {kind}", examples, len(odd), section=section_of(kind))
    if findings.rotated:
        count = len(findings.rotated)
        examples = tuple(findings.name(i) for i in findings.rotated[:_EXAMPLES])
        text = f"{plural(count, 'photo')} rotated by an EXIF flag, which is applied wherever photos are decoded"
        yield Line(False, text, examples, count, section=section_of(ROTATED_TITLE))


def section_of(title: str) -> str:
    """Return the id of the page's section with this title."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower())


def _named(by_class: dict[str, int], room: int) -> str:
    return listed([f"{count:,} {name}" for name, count in by_class.items()], "class", "classes", room)


def describe_duplicates(findings: "Findings", group: DuplicateGroup) -> str:
    """Return the photos of a group with their labels, and how they differ."""
    photos = " = ".join(f"{findings.name(i)} ({findings.label(i)})" for i in group.photos[:_EXAMPLES])
    more = f" = {len(group.photos) - _EXAMPLES:,} more" if len(group.photos) > _EXAMPLES else ""
    return f"{photos}{more}: {group.kind}"


def _classes_line(fix: bool, before: str, by_class: dict[str, int], after: str) -> Line:
    """Return a finding about classes, with their names in its line if they fit, else below it."""
    named = [f"{name} ({count:,})" for name, count in by_class.items()]
    inline = f"{before} {', '.join(named)}{after}"
    if len(inline) <= LINE_WIDTH - _HEADING_WIDTH:
        return Line(fix, inline)
    below = listed(named, "class", "classes", LINE_WIDTH - _HEADING_WIDTH - 2)
    return Line(fix, f"{before} {plural(len(named), 'class', 'classes')}{after}", (below,))


def _describe_torn(findings: "Findings", group: str, photos: tuple[int, ...]) -> str:
    """Return a group with a photo of it in each split."""
    of_split = {findings.split(photo): findings.name(photo) for photo in reversed(photos)}
    return f"{group}: {', '.join(f'{name} ({split})' for split, name in reversed(of_split.items()))}"


def _duplicates_line(findings: "Findings", groups: list[DuplicateGroup], text: str, section: str, *, fix: bool) -> Line:
    examples = tuple(describe_duplicates(findings, group) for group in groups[:_EXAMPLES])
    return Line(fix, text, examples, len(groups), section=section)


def _pictures(groups: list[DuplicateGroup]) -> str:
    return plural(len(groups), "picture appears", "pictures appear")
