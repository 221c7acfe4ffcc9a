"""The findings of `check` as values, for programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from photoclass.checks.duplicate_groups import DuplicateGroup
from photoclass.checks.inspection import InspectedPhotos, OddPhoto
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.fixes import Fix
from photoclass.photos.table import NO_SPLIT, SPLITS, TRAIN, SkippedPhoto, count_by_class, name_in_data, skipped_as_json

SCHEMA = "photoclass/check/1"
# As a share of the largest class. Below it, always predicting the largest class is right more than ten times in eleven.
_UNBALANCED = 0.1
_ALL = "all"


@dataclass(frozen=True)
class LabelError:
    """A photo whose predicted class is not its label, by a model that was trained on other photos.

    Attributes:
        photo: Its index.
        probability: The probability that the label is wrong.
        suggested: The predicted class.
        likely: Whether it is a likely label error, not just a possible one: the prediction is about as confident as
            is usual for photos of that class.
    """

    photo: int
    probability: float
    suggested: str
    likely: bool


@dataclass(frozen=True)
class UnclearPhoto:
    """A photo that is possibly of `several classes`, or of `no class`.

    Attributes:
        photo: Its index.
        kind: Which of the two.
        measure: What was measured, as text.
    """

    photo: int
    kind: str
    measure: str


@dataclass(frozen=True)
class LabelFindings:
    """Label errors, and photos that fit no label well.

    Attributes:
        label_errors: The most probable first.
        unclear: By kind, the most extreme first.
        not_checked: Why labels were not checked; empty if they were.
    """

    label_errors: tuple[LabelError, ...] = ()
    unclear: tuple[UnclearPhoto, ...] = ()
    not_checked: str = ""


@dataclass(frozen=True)
class Findings:
    """The findings of `check`. Photos are indices into `photos.table`.

    Attributes:
        data: Where DATA is, as the user wrote it.
        photos: The photos that could be read, with their measures.
        duplicates: Groups of near-duplicates; first those across classes, then those across splits.
        odd: Outliers, by kind.
        labels: Label errors, and photos that fit no label well.
        refusal: Why `train` will refuse these photos; empty if it will not.
        group_by: What the user groups photos by; empty for nothing.
    """

    # A tenth of the photos is held out, and fewer than two held-out photos of a class give no meaningful score.
    FEW_PHOTOS: ClassVar[int] = 20

    data: DataPaths
    photos: InspectedPhotos
    duplicates: tuple[DuplicateGroup, ...]
    odd: tuple[OddPhoto, ...]
    labels: LabelFindings
    refusal: str = ""
    group_by: str = ""

    @property
    def unreadable(self) -> tuple[SkippedPhoto, ...]:
        """Files that cannot be used, each with its reason."""
        return self.photos.table.skipped

    def name(self, photo: int) -> str:
        """Return a photo's name within DATA."""
        return name_in_data(self.photos.table.names[photo], self.data)

    def label(self, photo: int) -> str:
        """Return a photo's class name."""
        table = self.photos.table
        return table.class_names[int(table.labels[photo])]

    def split(self, photo: int) -> str | None:
        """Return the split that DATA gives a photo; None if DATA is not split."""
        splits = self.photos.table.splits
        if splits[photo] != NO_SPLIT:
            return SPLITS[splits[photo]]
        # With test/ but no valid/, the photos in train/ are still to be divided.
        return None if (splits == NO_SPLIT).all() else SPLITS[TRAIN]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """The number of photos by split and class; the split is `all` if DATA is not split."""
        table = self.photos.table
        counts = {}
        for split in np.unique(table.splits).tolist():
            rows = table.splits == split
            name = self.split(int(np.argmax(rows)))
            counts[name or _ALL] = count_by_class(table.labels[rows], table.class_names)
        return counts

    @property
    def rotated(self) -> tuple[int, ...]:
        """Photos that are rotated or mirrored by an EXIF flag, which is applied wherever they are decoded."""
        return tuple(np.flatnonzero(self.photos.measures["orientation"] > 1).tolist())

    @property
    def few(self) -> dict[str, int]:
        """Classes with too few photos for a meaningful score, with their number of different photos."""
        counts = self._by_class()
        for group in self.duplicates:
            for name, copies in Counter(map(self.label, group.photos)).items():
                counts[name] -= copies - 1
        return {name: count for name, count in counts.items() if count < self.FEW_PHOTOS}

    @property
    def unbalanced(self) -> dict[str, int]:
        """Classes much smaller than the largest one, with their number of photos."""
        counts = self._by_class()
        return {name: count for name, count in counts.items() if count < _UNBALANCED * max(counts.values())}

    def sizes(self) -> dict[str, int]:
        """Count photos by stored size, such as `200x200`, the most frequent first."""
        measures = self.photos.measures
        return _counted(
            [f"{w}x{h}" for w, h in zip(measures["width"].tolist(), measures["height"].tolist(), strict=True)]
        )

    def shapes(self) -> dict[str, int]:
        """Count landscape, portrait and square photos, after EXIF rotation."""
        measures = self.photos.measures
        transposed = measures["orientation"] >= 5  # EXIF's 5 to 8 exchange width and height
        width = np.where(transposed, measures["height"], measures["width"])
        height = np.where(transposed, measures["width"], measures["height"])
        names = np.select([width > height, width < height], ["landscape", "portrait"], "square")
        return _counted(names.tolist())

    def formats(self) -> dict[str, int]:
        """Count photos by their true format, whatever the file extension says."""
        return _counted([value.decode() for value in self.photos.measures["format"].tolist()])

    def modes(self) -> dict[str, int]:
        """Count photos by colour mode, as Pillow names it."""
        return _counted([value.decode() for value in self.photos.measures["mode"].tolist()])

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        table, names = self.photos.table, self.photos.table.names
        return {
            "schema": SCHEMA,
            "data": self.data.as_json(),
            "photos": len(self.photos),
            "counts": self.counts,
            "sizes": self.sizes(),
            "shapes": self.shapes(),
            "formats": self.formats(),
            "colour_modes": self.modes(),
            "rotated": [names[i] for i in self.rotated],
            "unreadable": skipped_as_json(self.unreadable),
            "passed_over": {item.kind: item.count for item in table.passed_over},
            "duplicates": [self._group_as_json(group) for group in self.duplicates],
            "odd": [{"file": names[item.photo], "kind": item.kind, "measure": item.measure} for item in self.odd],
            "few": self.few,
            "unbalanced": self.unbalanced,
            "label_errors": self._label_errors_as_json(),
            "unclear": [{"file": names[p.photo], "kind": p.kind, "measure": p.measure} for p in self.labels.unclear],
            "notes": list(table.notes),
            "train_refuses": self.refusal or None,
            "groups": self._groups_as_json() if table.groups else None,
        }

    def _repr_html_(self) -> str:
        from photoclass.checks.notebook import findings_html

        return findings_html(self)

    def proposed_fixes(self, present: Sequence[Fix] = ()) -> tuple[Fix, ...]:
        """Propose the suggested labels for likely label errors, and photos to exclude.

        Excluded are unreadable files, blank photos, and near-duplicates across classes or splits. Only a person can
        say which label is right for a picture in two classes, so all of its photos are excluded; of a picture in two
        splits, those in the first split are (normally `train`).

        Args:
            present: The fixes that were in use for this check; they are kept.
        """
        splits = self.photos.table.splits
        notes = {name_in_data(item.name, self.data): f"cannot be used: {item.reason}" for item in self.unreadable}
        for group in self.duplicates:
            first, *others = (f"{self.name(i)} ({self.label(i)})" for i in group.photos)
            pictures = f"{first} and {', '.join(others)}"
            if group.across_classes:
                note = f"one picture in two classes: {pictures}; give the right label or exclude"
                notes |= {self.name(i): note for i in group.photos}
            elif group.across_splits:
                first_split = min(splits[i] for i in group.photos)
                note = f"one picture in two splits: {pictures}"
                notes |= {self.name(i): note for i in group.photos if splits[i] == first_split}
        notes |= {self.name(item.photo): f"blank: {item.measure}" for item in self.odd if item.kind == "blank"}
        kept = {name_in_data(fix.image, self.data): fix for fix in present}
        relabelled = {
            self.name(error.photo): Fix(self.name(error.photo), error.suggested, self.describe_label_error(error))
            for error in self.labels.label_errors
            if error.likely
        }
        excluded = {name: Fix(name, None, note) for name, note in notes.items()}
        return tuple((kept | relabelled | excluded).values())

    def describe_label_error(self, error: LabelError) -> str:
        """Return the label, the predicted class, and the probability that the label is wrong."""
        return f"labelled {self.label(error.photo)}, predicted {error.suggested}: P(wrong) = {error.probability:.2%}"

    def _by_class(self) -> dict[str, int]:
        return count_by_class(self.photos.table.labels, self.photos.table.class_names)

    def _group_as_json(self, group: DuplicateGroup) -> dict[str, Any]:
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

    def torn_groups(self) -> dict[str, tuple[int, ...]]:
        """Return the user's groups that lie in several splits of DATA, with the photos of each."""
        photos_of: dict[str, list[int]] = {}
        for photo, group in enumerate(self.photos.table.groups):
            photos_of.setdefault(group, []).append(photo)
        splits = self.photos.table.splits
        return {group: tuple(photos) for group, photos in photos_of.items() if len(set(splits[photos].tolist())) > 1}

    def _groups_as_json(self) -> dict[str, Any]:
        sizes = Counter(self.photos.table.groups)
        return {
            "group_by": self.group_by,
            "groups": len(sizes),
            "largest": max(sizes.values()),
            "across_splits": list(self.torn_groups()),
        }

    def _label_errors_as_json(self) -> list[dict[str, Any]] | None:
        if self.labels.not_checked:
            return None
        names = self.photos.table.names
        return [
            {
                "file": names[error.photo],
                "label": self.label(error.photo),
                "suggested": error.suggested,
                "probability": error.probability,
                "likely": error.likely,
            }
            for error in self.labels.label_errors
        ]


def _counted(values: list[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
