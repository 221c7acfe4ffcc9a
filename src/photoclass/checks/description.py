"""What `check` finds, in words: the verdict first, then a line for each kind of finding."""

from collections.abc import Iterator
from dataclasses import dataclass

from photoclass.checks.duplicate_groups import DuplicateGroup
from photoclass.checks.findings import FEW_PHOTOS, Findings
from photoclass.photos.table import name_in_data

UNCLEAR_WORDS = {"no class": "seem to show no class", "several classes": "could be of several classes"}
_EXAMPLES = 3
_MOST_COUNTED = 4


@dataclass(frozen=True)
class Line:
    """One kind of finding.

    Attributes:
        fix: Whether it should be fixed before training; else it is to be known.
        text: The finding.
        examples: The first of what was found.
        count: How many were found, where examples are only some of them.
    """

    advice: bool
    text: str
    examples: tuple[str, ...] = ()
    count: int = 0


def verdict(findings: Findings) -> str:
    """Say in one line whether anything should be fixed before training."""
    to_mend = sum(line.advice for line in finding_lines(findings))
    if to_mend:
        return f"{findings.data}: {to_mend} kind{'s' if to_mend > 1 else ''} of fault to fix before training on it"
    return f"{findings.data}: nothing that must be fixed before training on it"


def in_words(findings: Findings) -> str:
    """Say verdict, counts and findings in lines for a terminal."""
    lines = [verdict(findings)]
    lines += [f"  {name:<9} {text}" for name, text in summary(findings)]
    for line in finding_lines(findings):
        lines.append(f"  {'advice' if line.advice else 'look at':<9} {line.text}")
        lines += [f"              {example}" for example in line.examples]
        if line.count > len(line.examples):
            lines.append(f"              and {line.count - len(line.examples):,} more")
    return "\n".join(lines)


def summary(findings: Findings) -> Iterator[tuple[str, str]]:
    """Say what DATA is made of: (heading, text) pairs."""
    for split, by_class in findings.counts.items():
        classes = ", ".join(f"{count:,} {name}" for name, count in by_class.items())
        yield ("photos" if split == "all" else split), f"{sum(by_class.values()):,}: {classes}"
    for heading, counts in (
        ("formats", findings.formats()),
        ("colours", findings.modes()),
        ("sizes", findings.sizes()),
        ("shapes", findings.shapes()),
    ):
        shown = [f"{count:,} {name}" for name, count in list(counts.items())[:_MOST_COUNTED]]
        more = f" and {len(counts) - _MOST_COUNTED:,} others" if len(counts) > _MOST_COUNTED else ""
        yield heading, f"{', '.join(shown)}{more}"


def finding_lines(findings: Findings) -> Iterator[Line]:
    """Say each kind of finding, those that should be fixed first."""
    groups = findings.duplicates
    across_classes = [group for group in groups if group.across_classes]
    across_splits = [group for group in groups if group.across_splits and not group.across_classes]
    others = [group for group in groups if not (group.across_classes or group.across_splits)]
    if across_classes:
        text = f"{_pictures(across_classes)} in two classes: one of the labels must be wrong"
        yield _twin_line(findings, across_classes, text, advice=True)
    if across_splits:
        text = f"{_pictures(across_splits)} in two splits: a score on them is flattered"
        yield _twin_line(findings, across_splits, text, advice=True)
    if findings.unreadable:
        examples = tuple(
            f"{name_in_data(item.name, findings.data)}: {item.reason}" for item in findings.unreadable[:_EXAMPLES]
        )
        count = len(findings.unreadable)
        yield Line(True, f"{_files(count)} cannot be used, and will be skipped", examples, count)
    label_errors = findings.labels.label_errors
    if label_errors:
        sure = [doubt for doubt in label_errors if doubt.sure]
        examples = tuple(f"{findings.name(d.photo)}: {findings.describe_doubt(d)}" for d in label_errors[:_EXAMPLES])
        text = f"{len(label_errors):,} labels contradicted by the other photos, {len(sure):,} of them surely wrong"
        yield Line(bool(sure), text, examples, len(label_errors))
    if findings.few:
        named = ", ".join(f"{name} ({count:,})" for name, count in findings.few.items())
        yield Line(True, f"fewer than {FEW_PHOTOS} photos of {named}: no score on them means much")
    if findings.unbalanced:
        named = ", ".join(f"{name} ({count:,})" for name, count in findings.unbalanced.items())
        yield Line(
            False, f"unbalanced: less than a tenth as many as of the largest class: {named}; train has --balance"
        )
    if others:
        text = f"{_pictures(others)} more than once, within a class; they stay on one side of a split"
        yield _twin_line(findings, others, text, advice=False)
    for kind in dict.fromkeys(photo.kind for photo in findings.labels.unclear):
        unclear = [photo for photo in findings.labels.unclear if photo.kind == kind]
        examples = tuple(f"{findings.name(photo.photo)}: {photo.measure}" for photo in unclear[:_EXAMPLES])
        yield Line(False, f"{len(unclear):,} that {UNCLEAR_WORDS[kind]}", examples, len(unclear))
    if findings.labels.not_looked:
        yield Line(False, f"labels were not looked at: {findings.labels.not_looked}")
    for kind in dict.fromkeys(item.kind for item in findings.odd):
        of_kind = [item for item in findings.odd if item.kind == kind]
        examples = tuple(f"{findings.name(item.photo)}: {item.measure}" for item in of_kind[:_EXAMPLES])
        yield Line(False, f"{len(of_kind):,} {kind}", examples, len(of_kind))
    if findings.rotated:
        examples = tuple(findings.name(i) for i in findings.rotated[:_EXAMPLES])
        text = f"{len(findings.rotated):,} turned by an EXIF flag, which is followed wherever they are decoded"
        yield Line(False, text, examples, len(findings.rotated))


def describe_duplicates(findings: Findings, group: DuplicateGroup) -> str:
    """Name the photos of a group with their labels, and how they are near-duplicates."""
    photos = " = ".join(f"{findings.name(i)} ({findings.label(i)})" for i in group.photos[:_EXAMPLES])
    more = f" = {len(group.photos) - _EXAMPLES:,} more" if len(group.photos) > _EXAMPLES else ""
    return f"{photos}{more}: {group.kind}"


def _twin_line(findings: Findings, groups: list[DuplicateGroup], text: str, *, advice: bool) -> Line:
    return Line(advice, text, tuple(describe_duplicates(findings, group) for group in groups[:_EXAMPLES]), len(groups))


def _pictures(groups: list[DuplicateGroup]) -> str:
    return f"{len(groups):,} picture{'s stand' if len(groups) > 1 else ' stands'}"


def _files(count: int) -> str:
    return f"{count:,} file{'s' if count > 1 else ''}"
