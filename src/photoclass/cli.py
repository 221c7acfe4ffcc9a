"""The commands: each parses its arguments, makes one library call, and prints the result."""

import gc
import io
import json
import os
import shlex
import signal
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from photoclass.errors import Interrupted, PhotoclassError, SettingsError
from photoclass.model import builtin
from photoclass.terminal import quiet_libraries, terminal_progress
from photoclass.text import describe_seconds, plural, printable

if TYPE_CHECKING:
    from photoclass.photos.sources.options import ReadOptions
    from photoclass.photos.table import PassedOver, SkippedPhoto
    from photoclass.training.stopping import StopRequest
    from photoclass.workspace import Workspace

# Libraries are imported inside the commands, so that `photoclass --help` loads none of them.

_MOST_NAMED = 10
_EXIT_FAILED, _EXIT_USAGE, _EXIT_SKIPPED = 1, 2, 3
# Objects that libraries create at import live until the end. Scanning them for garbage after every 700 new objects,
# Python's default, and once more at exit, takes a sixth of a short command's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

app = typer.Typer(
    help="Turn folders of labelled photos into an image classifier that you can trust.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DataArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA...",
        help="Labelled photos: class folders, train/ and valid/ folders, flat names (cat.0.jpg), a zip, or a table; "
        "or folders and zips that are the parts of one data set.",
        rich_help_panel="Data",
    ),
]
PhotosArgument = Annotated[list[Path], typer.Argument(metavar="PHOTOS...", help="Photo files, folders or zips.")]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", metavar="RUN", help="The model folder that train made.  [default: the built-in model, cat or dog]"
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
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit with code 3 if any photo was skipped; files passed over do not count.",
        rich_help_panel="Output",
    ),
]


class PlainCommand(TyperCommand):
    """A command whose usage line names its arguments as the documents do: `DATA`, not Typer's `{DATA}`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class TrainCommand(PlainCommand):
    """`train`, whose help groups its options by their `rich_help_panel`, as plain text, and lists the recipes."""

    def list_recipes(self) -> None:
        """Put the registry's recipes and qualities into the help of their options."""
        from photoclass.training.recipes.registry import describe_qualities, describe_recipes

        texts = {"recipe": describe_recipes, "quality": describe_qualities}
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.name in texts:
                parameter.help = texts[parameter.name]()

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each group of parameters under its heading."""
        self.list_recipes()
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            panel = getattr(parameter, "rich_help_panel", None) or "Other"
            if record := parameter.get_help_record(ctx):
                groups.setdefault(panel, []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


@app.command(cls=PlainCommand)
def check(
    data: DataArgument,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all findings to FILE.")
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that shows them with the photos.")
    ] = None,
    write_fixes: Annotated[
        Path | None, typer.Option("--write-fixes", metavar="FILE", help="Write a proposed fixes file, for you to edit.")
    ] = None,
    fixes: FixesOption = None,
    splits: SplitsOption = "",
    image_column: ImageColumnOption = "",
    label_column: LabelColumnOption = "",
    group_by: GroupByOption = "",
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Skip the search for label errors, which takes a pretrained backbone and minutes."
        ),
    ] = False,
    workers: WorkersOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Check photos before training: unreadable files, near-duplicates, data leakage, label errors. Changes nothing."""
    from photoclass.atomic import check_writable
    from photoclass.checks.check import check as check_photos
    from photoclass.checks.description import describe_findings
    from photoclass.checks.page import write_page
    from photoclass.photos import fixes as fixes_file

    for file in (json_file, html_file, write_fixes):
        if file:
            check_writable(file)
    if write_fixes:
        fixes_file.check_keeps_work(write_fixes, fixes)
    reading = _reading(splits, image_column, label_column, group_by)
    findings = check_photos(
        data,
        fixes=fixes,
        reading=reading,
        labels=not quick,
        workspace=_workspace(workers, max_megapixels),
    )
    print(printable(describe_findings(findings)))
    if json_file:
        _write_json(json_file, findings.as_json())
    if html_file:
        write_page(findings, html_file)
        print(f"{html_file}: the findings with their photos; open it in a browser")
    if write_fixes:
        proposed = findings.proposed_fixes([fix for _, fix in fixes_file.read_fixes(fixes)] if fixes else ())
        fixes_file.write_fixes(write_fixes, proposed)
        print(f"{write_fixes}: {plural(len(proposed), 'row')} proposed; edit them")
    elif findings.proposed_fixes():
        print("a fixes file corrects labels and leaves photos out, without touching the photos")
        print(_next("check", *data, *_options(reading), "--write-fixes", _unused("fixes.csv")))
    fixed = ("--fixes", write_fixes or fixes) if write_fixes or fixes else ()
    if findings.refusal:
        print(printable(f"train will refuse this as it is: {findings.refusal}"))
    else:
        print(_next("train", *data, "--out", _unused("my-model"), *_options(reading), *fixed))
    if strict and findings.unreadable:
        raise typer.Exit(_EXIT_SKIPPED)


@app.command(cls=TrainCommand)
def train(
    data: DataArgument,
    fixes: FixesOption = None,
    splits: SplitsOption = "",
    image_column: ImageColumnOption = "",
    label_column: LabelColumnOption = "",
    group_by: GroupByOption = "",
    split: Annotated[
        str | None,
        typer.Option(
            metavar="TRAIN/VALID/HELD_OUT",
            help="Percentages, where DATA gives no splits.  [default: 80/10/10]",
            rich_help_panel="Data",
        ),
    ] = None,
    recipe: Annotated[str | None, typer.Option(metavar="NAME", help="What to train.", rich_help_panel="Recipe")] = None,
    quality: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead of --recipe.", rich_help_panel="Recipe")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change any hyperparameter of the recipe, for example --set dropout=0.5; may be repeated.",
            rich_help_panel="Recipe",
        ),
    ] = None,
    balance: Annotated[
        bool,
        typer.Option(
            "--balance", help="Weight the classes equally, however many photos each has.", rich_help_panel="Recipe"
        ),
    ] = False,
    drop_label_errors: Annotated[
        bool,
        typer.Option(
            "--drop-label-errors",
            help="For features: leave out training photos with likely label errors.",
            rich_help_panel="Recipe",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of the splits and of all randomness.  [default: 0]", rich_help_panel="Recipe"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Maximum number of epochs.", rich_help_panel="Time and budget")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Time budget: finish within this many minutes, with the best epoch so far.",
            rich_help_panel="Time and budget",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue from the checkpoint in RUN; without one, start from the beginning.",
            rich_help_panel="Time and budget",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Resume even if data or settings have changed.", rich_help_panel="Time and budget"
        ),
    ] = False,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="For features and finetune: lite0 or lite2; for features also lite0+lite2, or an ONNX file.",
            rich_help_panel="Pretrained backbone",
        ),
    ] = None,
    backbone_size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Side of FILE's square input, if the file does not fix it.",
            rich_help_panel="Pretrained backbone",
        ),
    ] = None,
    backbone_mean: Annotated[
        str | None,
        typer.Option(
            metavar="R,G,B",
            help="Subtract this mean from pixels in [0, 1], for FILE: 0.485,0.456,0.406 or 127/255.",
            rich_help_panel="Pretrained backbone",
        ),
    ] = None,
    backbone_std: Annotated[
        str | None,
        typer.Option(
            metavar="R,G,B",
            help="Then divide by this standard deviation: 0.229,0.224,0.225 or 1/255.",
            rich_help_panel="Pretrained backbone",
        ),
    ] = None,
    tail: Annotated[
        int | None,
        typer.Option(
            help="For finetune: how many of the last blocks are trained.  [default: 3; on a GPU, all]",
            rich_help_panel="Pretrained backbone",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel="Hardware")] = "auto",
    precision: Annotated[
        str, typer.Option(help="auto, bf16 or fp32; for features also int8.", rich_help_panel="Hardware")
    ] = "auto",
    workers: WorkersOption = None,
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN", help="The model folder to create.", rich_help_panel="Output")
    ],
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRACKER",
            help="Also record the run with tensorboard or mlflow; may be repeated.",
            rich_help_panel="Output",
        ),
    ] = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write RUN/report.html.", rich_help_panel="Output")
    ] = False,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Train a model on DATA and write its folder."""
    from photoclass.photos.split import SplitFractions
    from photoclass.training.recipes.registry import recipe_of_quality
    from photoclass.training.run import TrainOptions
    from photoclass.training.stopping import StopRequest
    from photoclass.training.train import train as train_model

    values = _named_values(settings or [])
    if quality is not None:
        recipe, quality_settings = recipe_of_quality(quality, recipe)
        values = quality_settings | values
    if balance:
        values["balance"] = "1"
    if drop_label_errors:
        values["drop_label_errors"] = "1"
    given = {
        "backbone": backbone,
        "backbone_size": backbone_size,
        "backbone_mean": backbone_mean,
        "backbone_std": backbone_std,
        "tail": tail,
        "epochs": epochs,
    }
    values |= {name: str(value) for name, value in given.items() if value is not None}
    stop = StopRequest.after_minutes(_above_zero("--minutes", minutes))
    _stop_on_signal(stop)
    options = TrainOptions(
        seed=seed,
        minutes=minutes,
        resume=resume,
        force=force,
        device=device,
        precision=precision,
        fixes=fixes,
        reading=_reading(splits, image_column, label_column, group_by),
        split=SplitFractions.parse(split) if split is not None else None,
        log=tuple(log or ()),
        report=not no_report,
    )
    trained = train_model(data, out, recipe, values, options, stop, _workspace(workers, max_megapixels))
    for score in trained.scores:
        print(score.as_text())
    if trained.info.training.grouping:
        print(printable(f"groups: {trained.info.training.grouping.as_text()}"))
    seconds = describe_seconds(trained.info.training.seconds)
    loop = trained.info.training.loop
    kept = f"epoch {loop.best_epoch:g} kept, " if loop and loop.best_epoch else "done "
    print(f"{out}: {kept}after {seconds} of training")
    if trained.report:
        print(trained.report.as_text())
    print(_next("predict", "PHOTOS", "--model", out, "--out", "predictions.csv"))
    _report_unused(trained.skipped, trained.passed_over, strict, f"; {out / 'skipped.csv'} names all")


@app.command(cls=PlainCommand)
def evaluate(
    data: DataArgument,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="RUN",
            help="The model folder that train made; give it twice to compare two models.  "
            "[default: the built-in model, cat or dog]",
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the scores to FILE.")] = None,
    include_known: Annotated[
        bool, typer.Option("--include-known", help="Also score photos that the model was trained or selected on.")
    ] = False,
    cost_fp: Annotated[
        float | None,
        typer.Option("--cost-fp", help="Cost of a false positive; with --cost-fn, recommends a threshold."),
    ] = None,
    cost_fn: Annotated[float | None, typer.Option("--cost-fn", help="Cost of a false negative.")] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The positive class.  [default: the second of two]")
    ] = None,
    fixes: FixesOption = None,
    splits: SplitsOption = "",
    image_column: ImageColumnOption = "",
    label_column: LabelColumnOption = "",
    group_by: GroupByOption = "",
    classes: Annotated[
        str,
        typer.Option(metavar="NAME=CLASS,...", help="Which class of the model a class of DATA is: cats=cat,dogs=dog."),
    ] = "",
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Score a model on labelled photos that it was not trained on, or compare two models on the same photos."""
    from photoclass.atomic import check_writable
    from photoclass.photos.sources.options import parse_assignments
    from photoclass.results.scores.compare import Comparison, compare
    from photoclass.results.scores.evaluate import Evaluation
    from photoclass.results.scores.evaluate import evaluate as evaluate_model
    from photoclass.results.scores.thresholds import costs_of

    costs = costs_of(cost_fp, cost_fn, positive)
    if json_file:
        check_writable(json_file)
    reading = _reading(splits, image_column, label_column, group_by)
    mapped = parse_assignments("--classes", classes, "cats=cat")
    workspace = _workspace()
    workspace = _workspace(max_megapixels=max_megapixels)
    found: Evaluation | Comparison
    if not models or len(models) == 1:
        model = _model_or_builtin(models[0] if models else None, workspace)
        found = evaluate_model(
            data,
            model,
            include_known=include_known,
            costs=costs,
            fixes=fixes,
            reading=reading,
            classes=mapped,
            workspace=workspace,
        )
    elif costs:
        raise SettingsError("costs are for one model at a time; leave out --cost-fp and --cost-fn, or a --model")
    else:
        found = compare(
            data,
            models,
            include_known=include_known,
            fixes=fixes,
            reading=reading,
            classes=mapped,
            workspace=workspace,
        )
    print(printable(found.as_text()))
    if json_file:
        _write_json(json_file, found.as_json())
    _report_unused(found.skipped, found.passed_over, strict, "; --json FILE names all")


@app.command(cls=PlainCommand)
def predict(
    photos: PhotosArgument,
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write .csv or .jsonl; by default, print.")
    ] = None,
    abstain: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Answer unsure below this probability, 0.5 to 1, and for out-of-distribution photos.",
        ),
    ] = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Predict the class of photos, one row for each."""
    from photoclass.atomic import check_writable
    from photoclass.results.predict import check_abstain
    from photoclass.results.predict import predict as predict_photos
    from photoclass.results.prediction_files.write import check_ending, write_predictions

    if out:
        check_ending(out)
        check_writable(out)
    if abstain is not None:
        check_abstain(abstain)
    workspace = _workspace(max_megapixels=max_megapixels)
    predictions = predict_photos(photos, _model_or_builtin(model, workspace), abstain=abstain, workspace=workspace)
    if out:
        write_predictions(predictions, out)
        print(f"{out}: {plural(len(predictions), 'row')}, {predictions.photos_per_second:,.0f} photos/s")
    else:
        for i, file in enumerate(predictions.files):
            print(printable(f"{file}: {predictions.describe(i)}"))
    _report_unused(predictions.skipped, predictions.passed_over, strict, f"; {out} has all" if out else "")


@app.command(cls=PlainCommand)
def submit(
    test: Annotated[Path, typer.Argument(metavar="TEST", help="The test photos: a folder or a zip.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The submission to write.")],
    model: ModelOption = None,
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="CSV", help="Kaggle's sampleSubmission.csv, with the ids to predict."),
    ] = None,
    clip: Annotated[
        float,
        typer.Option(help="No probability is higher than 1 - clip; the other classes have their share of the clip."),
    ] = 0.005,
    id_column: Annotated[
        str, typer.Option("--id-column", metavar="NAME", help="The sample's column of ids, where it is not clear.")
    ] = "",
    positive: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="The class whose probability a column such as label has.  [default: the second of two]",
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What such a column has: probability or class.  [default: what the sample's cells are]",
        ),
    ] = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Write a Kaggle submission: one row for every id of the sample, in its order."""
    from photoclass.results.submit.sample import SampleOptions
    from photoclass.results.submit.submit import submit as write_submission

    options = SampleOptions(id_column, positive, values)
    workspace = _workspace(max_megapixels=max_megapixels)
    submission = write_submission(
        test, _model_or_builtin(model, workspace), out, sample=sample, clip=clip, options=options, workspace=workspace
    )
    print(printable(f"{out}: {submission.as_text()}"))
    _report_unused((*submission.base_rate_rows, *submission.skipped), submission.passed_over, strict)


@app.command(cls=PlainCommand)
def gallery(
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write, .png, .jpg or .webp.")],
    model: ModelOption = None,
    worst: Annotated[bool, typer.Option("--worst", help="Show the most confident mistakes; needs labels.")] = False,
    count: Annotated[int | None, typer.Option(help="Show at most this many.  [default: all; with --worst, 25]")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the choice, if there are more.")] = 0,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Draw pages of photos with their predicted classes."""
    from photoclass.results.pictures.gallery import gallery as draw

    workspace = _workspace(max_megapixels=max_megapixels)
    drawn = draw(
        photos, _model_or_builtin(model, workspace), out, worst=worst, count=count, seed=seed, workspace=workspace
    )
    print(printable(drawn.as_text()))
    _report_unused(drawn.skipped, drawn.passed_over, strict)


@app.command(cls=PlainCommand)
def explain(
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write, .png, .jpg or .webp.")],
    model: ModelOption = None,
    count: Annotated[int | None, typer.Option(help="Show a random sample of this many.  [default: all]")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the choice, if there are more.")] = 0,
    target: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME", help="Show the evidence for this class.  [default: the predicted class]"
        ),
    ] = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Draw heat maps beside photos: which parts of each the prediction is based on."""
    from photoclass.results.explain.explain import explain as draw

    workspace = _workspace(max_megapixels=max_megapixels)
    drawn = draw(
        photos, _model_or_builtin(model, workspace), out, count=count, seed=seed, target=target, workspace=workspace
    )
    print(printable(drawn.as_text()))
    _report_unused(drawn.skipped, drawn.passed_over, strict)


@app.command(cls=PlainCommand)
def report(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="The model folder that train made.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The page to write.  [default: RUN/report.html]")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="Where the photos are now; once for each part.  [default: where they were at training]",
        ),
    ] = None,
) -> None:
    """Write a report on a model as one self-contained HTML file."""
    from photoclass.results.report.report import report as write_report

    print(printable(write_report(model, out, data=data or None, workspace=_workspace()).as_text()))


@app.command(cls=PlainCommand)
def cache(
    empty: Annotated[
        bool, typer.Option("--empty", help="Delete everything in it; it is computed again when needed.")
    ] = False,
) -> None:
    """Show what is in the cache folder, or empty it."""
    from photoclass.photos.cache.cache import cache as look_at_cache

    print(printable(look_at_cache(empty=empty).as_text()))


@app.command(cls=PlainCommand)
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="Your own photos, instead of drawings.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for all results.")] = Path(
        "photoclass-demo"
    ),
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time budget for training, in minutes.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the drawings, the splits and all randomness.")] = 0,
) -> None:
    """Try every step on drawings that it makes itself: train, evaluate, predict, submit, gallery."""
    from photoclass.training.stopping import StopRequest
    from photoclass.walkthrough.demo import demo as run_demo

    stop = StopRequest.after_minutes(_above_zero("--minutes", minutes))
    _stop_on_signal(stop)
    result = run_demo(data, out, epochs=epochs, seed=seed, stop=stop, workspace=_workspace())
    print(result.as_text())


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        print(f"photoclass {version_of('photoclass')}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed with one clear line, 2 wrong usage, 3 photos skipped, 130 Ctrl-C."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    if arguments is None:
        _restart_in_utf8()
        arguments = sys.argv[1:]
    quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names that are not UTF-8 are escaped, not fatal
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        _refuse_empty(arguments)
        app(args=list(arguments), prog_name="photoclass")
    except Interrupted as error:
        _fail(str(error), error.exit_code)
    except PhotoclassError as error:
        _fail(builtin.describe_error(error), _EXIT_FAILED)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", _EXIT_FAILED)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("torch", "onnx", "onnxscript", "safetensors"):
            raise
        _fail(f"training needs {error.name}; run: pip install 'photoclass[train]'", _EXIT_FAILED)
    finally:
        gc.freeze()


def _restart_in_utf8() -> None:
    """Start again in UTF-8 mode where the locale names files in another encoding, such as ASCII under `LC_ALL=C`.

    Class names come from folder names. In ASCII they would be no text, and no table in UTF-8 could name a photo.
    """
    if os.name == "posix" and sys.getfilesystemencoding().lower().replace("-", "") != "utf8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "photoclass", *sys.argv[1:]])


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty argument, which would stand for the current folder and most often is an unset shell variable."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, equals, value = argument.partition("=")
        if not argument or (option.startswith("--") and equals and not value):
            after = f" after {before}" if before and not argument else f" of {option}" if argument else ""
            _fail(f"the argument{after} is empty; give a value (is a shell variable unset?)", _EXIT_USAGE)


def _fail(message: str, exit_code: int) -> None:
    print(f"photoclass: {printable(message)}", file=sys.stderr)
    sys.exit(exit_code)


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    raise Interrupted("interrupted", 128 + number)


def _stop_on_signal(stop: "StopRequest") -> None:
    """Let the first Ctrl-C or SIGTERM end the training loop after the current step, and a second one end at once."""

    def handle(number: int, frame: types.FrameType | None) -> None:
        if stop.listening and not stop.signal_number:
            stop.signal_number = number
            return
        _interrupt(number, frame)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def _report_unused(
    skipped: "Sequence[SkippedPhoto]", passed_over: "Sequence[PassedOver]", strict: bool, where: str = ""
) -> None:
    """Name the photos that were skipped and count what was passed over; with --strict, exit with code 3 for the former.

    Args:
        skipped: Photos that could not be used.
        passed_over: Files that are plainly no photos.
        strict: Whether a skipped photo is a failure; a file that was passed over is none.
        where: Where all skipped photos are named, if the screen does not.
    """
    from photoclass.photos.table import describe_passed_over

    if skipped:
        print(f"{len(skipped):,} skipped:", file=sys.stderr)
        for item in skipped[:_MOST_NAMED]:
            print(printable(f"  {item.name}: {item.reason}"), file=sys.stderr)
        if len(skipped) > _MOST_NAMED:
            print(printable(f"  and {len(skipped) - _MOST_NAMED:,} more{where}"), file=sys.stderr)
    if passed_over:
        print(printable(describe_passed_over(passed_over)), file=sys.stderr)
    if strict and skipped:
        raise typer.Exit(_EXIT_SKIPPED)


def _model_or_builtin(model: Path | None, workspace: "Workspace") -> Path:
    """Return the model folder to use; without --model, report that it is the built-in one."""
    if model is None:
        model = builtin.builtin_model()
        workspace.say("no --model given: using the built-in model, which knows only cats and dogs")
    return model


def _write_json(file: Path, values: dict[str, Any]) -> None:
    from photoclass.atomic import atomic_text

    with atomic_text(file) as stream:
        json.dump(values, stream, indent=2)
        stream.write("\n")


def _named_values(assignments: Sequence[str]) -> dict[str, str]:
    values = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment}: give NAME=VALUE, for example --set dropout=0.5")
        values[name.strip()] = value.strip()
    return values


def _unused(name: str) -> str:
    """Return a name for a new file or folder that does not exist yet: `my-model`, `my-model-2`."""
    path, number = Path(name), 1
    while os.path.lexists(path):
        number += 1
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
    return str(path)


def _next(*parts: object) -> str:
    """Return the line that proposes the next command, quoted so that a shell takes it as it is."""
    # A path that begins with a dash would be taken for an option.
    words = [f"./{part}" if isinstance(part, Path) and str(part).startswith("-") else str(part) for part in parts]
    return f"next: {printable(shlex.join(['photoclass', *words]))}"


def _options(reading: "ReadOptions") -> list[str]:
    return [part for pair in reading.as_arguments() for part in pair]


def _reading(splits: str, image_column: str, label_column: str, group_by: str) -> "ReadOptions":
    """Return how DATA is read, from the options that say so."""
    from photoclass.photos.sources.options import ReadOptions, parse_assignments

    return ReadOptions(
        splits=parse_assignments("--splits", splits, "training_set=train"),
        image_column=image_column,
        label_column=label_column,
        group_by=group_by,
    )


def _workspace(workers: int | None = None, max_megapixels: float | None = None) -> "Workspace":
    """Return the user's cache, the given number of workers and limit of pixels, and progress on the terminal."""
    from photoclass.workspace import Workspace

    megapixels = _above_zero("--max-megapixels", max_megapixels)
    return Workspace(
        workers=_above_zero("--workers", workers),
        progress=terminal_progress(),
        max_pixels=None if megapixels is None else int(megapixels * 1e6),
    )


def _above_zero(option: str, value: Any) -> Any:
    if value is not None and not value > 0:
        raise typer.BadParameter(f"{option} is {value}; it must be above 0")
    return value


if __name__ == "__main__":
    main()
