"""What the report is made of: the model, its scored predictions, the photos to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import Epoch, ModelInfo, StoredScore
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.table import SkippedPhoto
from photoclass.results.report.choice import ReportPhotos
from photoclass.results.scores.prediction_sets import PredictionSets


@dataclass(frozen=True)
class ScoredSplit:
    """The photos that the report is about, with their predictions and score.

    Attributes:
        name: `held_out` or `valid`.
        photos: The names of the photos, as `photos.csv` has them.
        predictions: Of each photo, with its true class.
        score: Their score.
    """

    name: str
    photos: tuple[str, ...]
    predictions: LabelledProbabilities
    score: StoredScore

    def __len__(self) -> int:
        return len(self.photos)


@dataclass(frozen=True)
class PhotoSource:
    """Where the photos are.

    Attributes:
        data: Where DATA is; without a path if it is not known.
        paths: Where each photo is read from, by name.
        note: Which photos are missing, and why; empty if none are.
    """

    data: DataPaths
    paths: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True)
class HeatMap:
    """A photo beside its heat map, as data URIs; `row` is that of the predictions."""

    row: int
    picture: str
    overlay: str


@dataclass(frozen=True)
class Pictures:
    """The pictures in the report.

    Attributes:
        chosen: Which photos are shown, and where.
        thumbnails: Data URIs, by row of the predictions.
        heat_maps: Heat maps.
        no_heat_maps: Why there are none; empty if there are some.
    """

    chosen: ReportPhotos
    thumbnails: Mapping[int, str]
    heat_maps: tuple[HeatMap, ...] = ()
    no_heat_maps: str = ""


@dataclass(frozen=True)
class ReportData:
    """All that the report shows.

    Attributes:
        model: The model folder.
        info: Its model.json.
        scored: The scored photos.
        source: Where the photos are.
        pictures: The pictures of them.
        history: The epochs; empty if the recipe has none.
        skipped: Files that could not be used.
        sets: How prediction sets turned out on the scored photos.
        diagram: The network as SVG.
    """

    model: Path
    info: ModelInfo
    scored: ScoredSplit
    source: PhotoSource
    pictures: Pictures
    history: tuple[Epoch, ...]
    skipped: tuple[SkippedPhoto, ...]
    sets: PredictionSets
    diagram: str
