"""The findings of `check` in a notebook: the verdict, what DATA consists of, each kind of finding, some photos."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from photoclass import notebook
from photoclass.checks.description import finding_lines, summary, verdict
from photoclass.photos.thumbnail import thumbnail

if TYPE_CHECKING:  # `Findings` calls this module for `_repr_html_`
    from photoclass.checks.findings import Findings

_MOST_GROUPS, _MOST_IN_GROUP, _MOST_LABEL_ERRORS, _MOST_LINES = 4, 3, 8, 24


def findings_html(findings: "Findings") -> str:
    """Return the findings as HTML; photos that are no longer there are named."""
    lines = [
        ("fix" if line.fix else "note", line.text, "; ".join(line.examples[:1])) for line in finding_lines(findings)
    ]
    return notebook.card(
        verdict(findings),
        notebook.table("Photos", ("", ""), list(summary(findings)), texts=2),
        notebook.table("Findings", ("", "finding", "for example"), lines, most=_MOST_LINES, texts=3),
        *_duplicates(findings),
        _label_errors(findings),
    )


def _duplicates(findings: "Findings") -> Iterator[Markup]:
    """Yield a strip of photos for each of the first groups that leak or contradict."""
    groups = [group for group in findings.duplicates if group.across_classes or group.across_splits]
    for group in groups[:_MOST_GROUPS]:
        where = "classes" if group.across_classes else "splits"
        yield notebook.paragraph(f"The same picture in two {where} ({group.kind}):")
        yield notebook.photo_strip([_photo(findings, photo) for photo in group.photos[:_MOST_IN_GROUP]])


def _label_errors(findings: "Findings") -> Markup:
    errors = [error for error in findings.labels.label_errors if error.likely][:_MOST_LABEL_ERRORS]
    if not errors:
        return Markup("")
    strip = [_photo(findings, error.photo, f"likely {error.suggested}") for error in errors]
    return notebook.paragraph("Likely label errors:") + notebook.photo_strip(strip)


def _photo(findings: "Findings", photo: int, finding: str = "") -> notebook.Photo:
    split = findings.split(photo)
    label = f"{findings.label(photo)}, {split}" if split else findings.label(photo)
    picture = thumbnail(findings.photos.table.paths[photo], notebook.THUMBNAIL_SIDE, findings.photos.rules)
    return notebook.Photo(picture, findings.name(photo), tuple(text for text in (label, finding) if text))
