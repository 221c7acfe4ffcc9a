"""Options and arguments that several commands share, and the values that are made of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photoclass.hub.reference import is_hub_reference
from photoclass.model import builtin
from photoclass.terminal import terminal_progress

if TYPE_CHECKING:
    from photoclass.photos.sources.options import ReadOptions
    from photoclass.workspace import Workspace

DataArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA...",
        help="Labelled photos: class folders, train/ and valid/ folders, flat names (cat.0.jpg), a zip, a tar, or a "
        "table (CSV, JSON Lines, Parquet, Arrow); or several of these that are the parts of one data set.",
        rich_help_panel="Data",
    ),
]
PhotosArgument = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTOS...", help="Photo files, folders, zips, tars, or Parquet files that hold photos."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="RUN",
        help="The model folder that train made, or hf:OWNER/REPO[@REVISION] on the Hugging Face Hub.  "
        "[default: the built-in model, cat or dog]",
    ),
]
CoverageByOption = Annotated[
    str | None,
    typer.Option(
        "--coverage-by",
        metavar="all|class",
        help="Keep the coverage among all photos, or in each class.  [default: all]",
    ),
]
FixesOption = Annotated[
    Path | None,
    typer.Option(
        "--fixes",
        metavar="FILE",
        help="A table of image,label with corrections to DATA's labels; the label - excludes a photo.",
        rich_help_panel="Data",
    ),
]
SplitsOption = Annotated[
    str,
    typer.Option(
        "--splits",
        metavar="NAME=SPLIT,...",
        help="What folders of DATA (or words of a table) are: train, valid, test, class or ignore; * for all others.",
        rich_help_panel="Data",
    ),
]
ImageColumnOption = Annotated[
    str,
    typer.Option(
        "--image-column",
        metavar="NAME",
        help="The column of a label table that names the photos.",
        rich_help_panel="Data",
    ),
]
LabelColumnOption = Annotated[
    str,
    typer.Option(
        "--label-column", metavar="NAME", help="The column of a label table with the classes.", rich_help_panel="Data"
    ),
]
GroupByOption = Annotated[
    str,
    typer.Option(
        "--group-by",
        metavar="COLUMN|folder|PATTERN",
        help="Keep all photos of one animal, patient or site in one split: by a table's column, by the folder below "
        "the class, or by a regular expression on the path with one group, such as '/(IMG_[0-9]+)_'.",
        rich_help_panel="Data",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Processes that decode photos.  [default: one per processor]", rich_help_panel="Hardware"),
]
MaxMegapixelsOption = Annotated[
    float | None,
    typer.Option(
        "--max-megapixels",
        metavar="M",
        help="Skip photos of more megapixels; ordinary JPEGs may have eight times as many.  [default: 134]",
        rich_help_panel="Data",
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE|-",
        help="Write the result as JSON to FILE; with -, to standard output and nothing else there.",
        rich_help_panel="Output",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit with code 3 if any photo was skipped; files passed over do not count.",
        rich_help_panel="Output",
    ),
]


def reading_of(splits: str, image_column: str, label_column: str, group_by: str) -> "ReadOptions":
    """Return how DATA is read, from the options that say so."""
    from photoclass.photos.sources.options import ReadOptions, parse_assignments

    return ReadOptions(
        splits=parse_assignments("--splits", splits, "training_set=train"),
        image_column=image_column,
        label_column=label_column,
        group_by=group_by,
    )


def workspace_of(workers: int | None = None, max_megapixels: float | None = None) -> "Workspace":
    """Return the user's cache, the given number of workers and limit of pixels, and progress on the terminal."""
    from photoclass.workspace import Workspace

    megapixels = above_zero("--max-megapixels", max_megapixels)
    return Workspace(
        workers=above_zero("--workers", workers),
        progress=terminal_progress(),
        max_pixels=None if megapixels is None else int(megapixels * 1e6),
    )


def above_zero(option: str, value: Any) -> Any:
    if value is not None and not value > 0:
        raise typer.BadParameter(f"{option} is {value}; it must be above 0")
    return value


def model_or_builtin(model: Path | None, workspace: "Workspace") -> Path:
    """Return the model folder to use; without --model, report that it is the built-in one.

    A model on the hub is downloaded, unless it is on this disk already.
    """
    if model is not None and is_hub_reference(str(model)):
        from photoclass.hub.download_model import download_model

        return download_model(str(model), workspace=workspace)
    if model is None:
        model = builtin.builtin_model()
        workspace.say("no --model given: using the built-in model, which knows only cats and dogs")
    return model
