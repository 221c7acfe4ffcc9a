"""What `check` finds, as values for a program."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from photoclass.checks.duplicate_groups import DuplicateGroup
from photoclass.checks.inspection import InspectedPhotos, OddPhoto
from photoclass.photos.fixes import Fix
from photoclass.photos.table import NO_SPLIT, SPLITS, TRAIN, SkippedPhoto, count_by_class, name_in_data

# A score of fewer photos held out than two a class says nothing, and a tenth is held out.
FEW_PHOTOS = 20
# Of the largest class. Below, always saying the largest is right more than ten times in eleven.
_UNBALANCED = 0.1
_ALL = "all"


@dataclass(frozen=True)
class LabelError:
    """A photo whose label the other photos contradict.

    Attributes:
        photo: Its index.
        wrong: The probability that the label is wrong, by a model that did not learn from it.
        suggested: The class that it seems to show.
        sure: Whether it surely does.
    """

    photo: int
    wrong: float
    suggested: str
    sure: bool


@dataclass(frozen=True)
class UnclearPhoto:
    """A photo that could be of `several classes`, or seems to show `no class`.

    Attributes:
        photo: Its index.
        kind: Which of the two.
        measure: What was measured, in words.
    """

    photo: int
    kind: str
    measure: str


@dataclass(frozen=True)
class LabelFindings:
    """What the photos say of each other's labels.

    Attributes:
        doubtful: The most confident first.
        unclear: By kind, the most striking first.
        not_looked: Why nobody has looked; empty if somebody has.
    """

    label_errors: tuple[LabelError, ...] = ()
    unclear: tuple[UnclearPhoto, ...] = ()
    not_looked: str = ""


@dataclass(frozen=True)
class Findings:
    """What looking at DATA has told. Photos are indices into `photos.table`.

    Attributes:
        data: What a person calls DATA.
        photos: The photos that could be read, with their measures.
        near-duplicates: Photos that show one picture; those in two classes first, then those in two splits.
        odd: Photos that stand out, by kind.
        labels: What the photos say of each other's labels.
    """

    data: str
    photos: InspectedPhotos
    duplicates: tuple[DuplicateGroup, ...]
    odd: tuple[OddPhoto, ...]
    labels: LabelFindings

    @property
    def unreadable(self) -> tuple[SkippedPhoto, ...]:
        """Files that cannot be used, each with its reason."""
        return self.photos.table.skipped

    def name(self, photo: int) -> str:
        """Return what a photo is called within DATA."""
        return name_in_data(self.photos.table.names[photo], self.data)

    def label(self, photo: int) -> str:
        """Return a photo's class name."""
        table = self.photos.table
        return table.class_names[int(table.labels[photo])]

    def split(self, photo: int) -> str | None:
        """Return the split that DATA gives a photo; None where DATA is not split at all."""
        splits = self.photos.table.splits
        if splits[photo] != NO_SPLIT:
            return SPLITS[splits[photo]]
        # Beside test/ without valid/, what stands in train/ is still to be divided.
        return None if (splits == NO_SPLIT).all() else SPLITS[TRAIN]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Photos by split and class; the split is `all` where DATA gives none."""
        table = self.photos.table
        counts = {}
        for split in np.unique(table.splits).tolist():
            of_split = table.splits == split
            name = self.split(int(np.argmax(of_split)))
            counts[name or _ALL] = count_by_class(table.labels[of_split], table.class_names)
        return counts

    @property
    def rotated(self) -> tuple[int, ...]:
        """Photos that EXIF says to turn; it is done wherever they are decoded."""
        return tuple(np.flatnonzero(self.photos.measures["orientation"] > 1).tolist())

    @property
    def few(self) -> dict[str, int]:
        """Classes with too few photos to say how good a model is, with their number."""
        return {name: count for name, count in self._by_class().items() if count < FEW_PHOTOS}

    @property
    def unbalanced(self) -> dict[str, int]:
        """Classes much smaller than the largest, with their number."""
        counts = self._by_class()
        return {name: count for name, count in counts.items() if count < _UNBALANCED * max(counts.values())}

    def sizes(self) -> dict[str, int]:
        """Count photos by size as stored, as `200x200`, the most frequent first."""
        measures = self.photos.measures
        return _counted(
            [f"{w}x{h}" for w, h in zip(measures["width"].tolist(), measures["height"].tolist(), strict=True)]
        )

    def shapes(self) -> dict[str, int]:
        """Count landscape, portrait and square photos, upright."""
        measures = self.photos.measures
        lying = measures["orientation"] >= 5  # EXIF's 5 to 8 exchange the sides
        width = np.where(lying, measures["height"], measures["width"])
        height = np.where(lying, measures["width"], measures["height"])
        names = np.select([width > height, width < height], ["landscape", "portrait"], "square")
        return _counted(names.tolist())

    def formats(self) -> dict[str, int]:
        """Count photos by the format that they have, whatever their names end in."""
        return _counted([value.decode() for value in self.photos.measures["format"].tolist()])

    def modes(self) -> dict[str, int]:
        """Count photos by colour mode, in Pillow's words."""
        return _counted([value.decode() for value in self.photos.measures["mode"].tolist()])

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        table, names = self.photos.table, self.photos.table.names
        return {
            "data": self.data,
            "photos": len(self.photos),
            "counts": self.counts,
            "sizes": self.sizes(),
            "shapes": self.shapes(),
            "formats": self.formats(),
            "colour_modes": self.modes(),
            "rotated": [names[i] for i in self.rotated],
            "unreadable": [{"file": item.name, "reason": item.reason} for item in self.unreadable],
            "duplicates": [self._twins_as_json(group) for group in self.duplicates],
            "odd": [{"file": names[item.photo], "kind": item.kind, "measure": item.measure} for item in self.odd],
            "few": self.few,
            "unbalanced": self.unbalanced,
            "doubtful_labels": self._doubts_as_json(),
            "unclear": [{"file": names[p.photo], "kind": p.kind, "measure": p.measure} for p in self.labels.unclear],
            "notes": list(table.notes),
        }

    def proposed_fixes(self, present: Sequence[Fix] = ()) -> tuple[Fix, ...]:
        """Propose other labels for those that are surely wrong, and what to leave out.

        Left out are unreadable files, blank photos, and near-duplicates that make a score a lie. Of a picture in two classes
        nobody but a person knows the label, so all of its photos are proposed to be left out; of one in two splits,
        those that stand in train.

        Args:
            present: The fixes that the photos were looked at with; they are kept.
        """
        splits = self.photos.table.splits
        notes = {name_in_data(item.name, self.data): f"cannot be used: {item.reason}" for item in self.unreadable}
        for group in self.duplicates:
            first, *others = (f"{self.name(i)} ({self.label(i)})" for i in group.photos)
            pictures = f"{first} and {', '.join(others)}"
            if group.across_classes:
                note = f"one picture in two classes: {pictures}; give the right label or leave out"
                notes |= {self.name(i): note for i in group.photos}
            elif group.across_splits:
                first_split = min(splits[i] for i in group.photos)
                note = f"one picture in two splits: {pictures}"
                notes |= {self.name(i): note for i in group.photos if splits[i] == first_split}
        notes |= {self.name(item.photo): f"blank: {item.measure}" for item in self.odd if item.kind == "blank"}
        kept = {name_in_data(fix.image, self.data): fix for fix in present}
        relabelled = {
            self.name(doubt.photo): Fix(self.name(doubt.photo), doubt.suggested, self.describe_doubt(doubt))
            for doubt in self.labels.label_errors
            if doubt.sure
        }
        left_out = {name: Fix(name, None, note) for name, note in notes.items()}
        return tuple((kept | relabelled | left_out).values())

    def describe_doubt(self, doubt: LabelError) -> str:
        """Say what speaks against a label."""
        return f"labelled {self.label(doubt.photo)}, seems {doubt.suggested}: wrong with {doubt.wrong:.2%}"

    def _by_class(self) -> dict[str, int]:
        return count_by_class(self.photos.table.labels, self.photos.table.class_names)

    def _twins_as_json(self, group: DuplicateGroup) -> dict[str, Any]:
        table = self.photos.table
        return {
            "kind": group.kind,
            "across_classes": group.across_classes,
            "across_splits": group.across_splits,
            "photos": [
                {
                    "file": table.names[i],
                    "label": self.label(i),
                    "split": self.split(i),
                }
                for i in group.photos
            ],
            "pairs": [
                {"first": table.names[pair.first], "second": table.names[pair.second], "kind": pair.kind}
                for pair in group.pairs
            ],
        }

    def _doubts_as_json(self) -> list[dict[str, Any]] | None:
        if self.labels.not_looked:
            return None
        names = self.photos.table.names
        return [
            {
                "file": names[doubt.photo],
                "label": self.label(doubt.photo),
                "suggested": doubt.suggested,
                "wrong": doubt.wrong,
                "sure": doubt.sure,
            }
            for doubt in self.labels.label_errors
        ]


def _counted(words: list[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())
