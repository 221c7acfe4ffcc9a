"""The commands: each parses its words, makes one library call, and prints what came of it."""

import gc
import io
import json
import signal
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photoclass.errors import Interrupted, PhotoclassError, SettingsError
from photoclass.model import builtin
from photoclass.terminal import terminal_progress
from photoclass.text import describe_seconds, printable

if TYPE_CHECKING:
    from photoclass.photos.table import SkippedPhoto
    from photoclass.training.stopping import StopRequest
    from photoclass.workspace import Workspace

# Libraries are imported inside the commands: `photoclass --help` then costs none of them.

_MOST_NAMED = 10
_EXIT_FAILED, _EXIT_SKIPPED = 1, 3
# What libraries make at their import stays. Looking through all of it for garbage at every 700 objects, which is
# Python's own number, and once more at the end, takes a sixth of a short command's time.
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
    Path,
    typer.Argument(
        metavar="DATA", help="Class folders, train/ and valid/ folders, flat names (cat.0.jpg), a zip, or a CSV."
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
        "--fixes", metavar="FILE", help="A CSV of image,label that fixes DATA's labels; - leaves a photo out."
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 3 if any photo was skipped.")]


@app.command()
def check(
    data: DataArgument,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all findings there.")] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that shows them, photos side by side.")
    ] = None,
    write_fixes: Annotated[
        Path | None, typer.Option("--write-fixes", metavar="FILE", help="Propose a fixes file there, to be edited.")
    ] = None,
    fixes: FixesOption = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave the labels alone: they take a pretrained network and minutes.")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes to decode in.  [default: one a processor]")] = None,
    strict: StrictOption = False,
) -> None:
    """Look at photos before training: bad files, near-duplicates, leaks, doubtful labels, odd ones. Changes nothing."""
    from photoclass.atomic import check_writable
    from photoclass.checks.check import check as check_photos
    from photoclass.checks.description import in_words
    from photoclass.checks.page import write_page
    from photoclass.photos import fixes as fixes_file

    for file in (json_file, html_file, write_fixes):
        if file:
            check_writable(file)
    if write_fixes:
        fixes_file.check_keeps_work(write_fixes, fixes)
    findings = check_photos(
        data,
        fixes=fixes,
        labels=not quick,
        workspace=_workspace(workers),
    )
    print(printable(in_words(findings)))
    if json_file:
        _write_json(json_file, findings.as_json())
    if html_file:
        write_page(findings, html_file)
        print(f"{html_file}: the photos side by side; open it in a browser")
    if write_fixes:
        proposed = findings.proposed_fixes([fix for _, fix in fixes_file.read_fixes(fixes)] if fixes else ())
        fixes_file.write_fixes(write_fixes, proposed)
        print(f"{write_fixes}: {len(proposed):,} rows proposed; edit them")
    elif findings.proposed_fixes():
        print(f"next: photoclass check {data} --write-fixes fixes.csv, to fix this without touching the photos")
    fixed = f" --fixes {write_fixes or fixes}" if write_fixes or fixes else ""
    print(f"next: photoclass train {data} --out my-model{fixed}")
    if strict and findings.unreadable:
        raise typer.Exit(_EXIT_SKIPPED)


@app.command()
def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="The model folder to make.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="What to train: features, a head on a pretrained network; finetune, the end of that network too; "
            "resnet, a network from scratch; or small-cnn, the post's network.  [default: features]"
        ),
    ] = None,
    quality: Annotated[
        str | None, typer.Option(help="Instead of a recipe: fast, good or best.  [default: good]")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Of features and finetune: lite0 or lite2; of features also lite0+lite2, or a network's .onnx file.",
        ),
    ] = None,
    backbone_size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side of the square that FILE takes, if it does not say.")
    ] = None,
    backbone_mean: Annotated[
        str | None,
        typer.Option(metavar="R,G,B", help="What FILE takes from pixels in [0, 1], as 0.485,0.456,0.406 or 127/255."),
    ] = None,
    backbone_std: Annotated[
        str | None, typer.Option(metavar="R,G,B", help="What it divides them by, as 0.229,0.224,0.225 or 1/255.")
    ] = None,
    tail: Annotated[
        int | None,
        typer.Option(help="Of finetune: how many of the network's last blocks learn.  [default: 3; on a GPU, all]"),
    ] = None,
    balance: Annotated[
        bool, typer.Option("--balance", help="Let every class weigh the same, however many photos it has.")
    ] = False,
    drop_label_errors: Annotated[
        bool,
        typer.Option("--drop-label-errors", help="Of features: leave out training photos whose label is surely wrong."),
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training photos, at most.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Be done after this many minutes, with the best so far.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Decides splits and all randomness.  [default: 0]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in RUN.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Resume even if data or settings are others now.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set any number of the recipe, as --set dropout=0.5."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32; for features int8, too.")] = "auto",
    workers: Annotated[int | None, typer.Option(help="Processes to decode in.  [default: one a processor]")] = None,
    fixes: FixesOption = None,
    log: Annotated[
        list[str] | None,
        typer.Option(metavar="LOG", help="Record the run for tensorboard or mlflow as well; may be given twice."),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave out RUN/report.html.")] = False,
    strict: StrictOption = False,
) -> None:
    """Train a model on DATA and write its folder."""
    from photoclass.training.recipes.registry import recipe_of_quality
    from photoclass.training.run import TrainOptions
    from photoclass.training.stopping import StopRequest
    from photoclass.training.train import train as train_model

    values = _named_values(settings or [])
    if quality is not None:
        recipe, of_it = recipe_of_quality(quality, recipe)
        values = of_it | values
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
    _end_in_good_order(stop)
    options = TrainOptions(
        seed,
        minutes,
        resume,
        force,
        device,
        precision,
        fixes=fixes,
        log=tuple(log or ()),
        report=not no_report,
    )
    trained = train_model(
        data,
        out,
        recipe,
        values,
        options,
        stop,
        _workspace(workers),
    )
    for score in trained.scores:
        print(score.as_text())
    seconds = describe_seconds(trained.info.trained["seconds"])
    kept = f"epoch {trained.info.trained['best_epoch']:g} kept, " if trained.history else "done "
    print(f"{out}: {kept}after {seconds} of training")
    if trained.report:
        print(trained.report.as_text())
    print(f"next: photoclass predict PHOTOS --model {out} --out predictions.csv")
    _end(trained.skipped, strict)


@app.command()
def evaluate(
    data: DataArgument,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="RUN",
            help="The model folder that train made; given twice, compare the two.  "
            "[default: the built-in model, cat or dog]",
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")] = None,
    include_known: Annotated[
        bool, typer.Option("--include-known", help="Score the photos that trained or chose the model, too.")
    ] = False,
    cost_fp: Annotated[
        float | None, typer.Option("--cost-fp", help="Cost of wrongly telling the positive class; finds a threshold.")
    ] = None,
    cost_fn: Annotated[float | None, typer.Option("--cost-fn", help="Cost of missing the positive class.")] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Which class is positive.  [default: the second of two]")
    ] = None,
    fixes: FixesOption = None,
    strict: StrictOption = False,
) -> None:
    """Score a model on labelled photos that it has not seen, or compare two on the same photos."""
    from photoclass.atomic import check_writable
    from photoclass.results.scores.compare import Comparison, compare
    from photoclass.results.scores.evaluate import Evaluation
    from photoclass.results.scores.evaluate import evaluate as evaluate_model
    from photoclass.results.scores.thresholds import costs_of

    costs = costs_of(cost_fp, cost_fn, positive)
    if json_file:
        check_writable(json_file)
    workspace = _workspace()
    found: Evaluation | Comparison
    if not models or len(models) == 1:
        model = _chosen(models[0] if models else None, workspace)
        found = evaluate_model(data, model, include_known=include_known, costs=costs, fixes=fixes, workspace=workspace)
    elif costs:
        raise SettingsError("costs are for one model at a time; leave out --cost-fp and --cost-fn, or a --model")
    else:
        found = compare(data, models, include_known=include_known, fixes=fixes, workspace=workspace)
    print(printable(found.as_text()))
    if json_file:
        _write_json(json_file, found.as_json())
    _end(found.skipped, strict)


@app.command()
def predict(
    photos: PhotosArgument,
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write .csv or .jsonl; without it, print.")
    ] = None,
    abstain: Annotated[
        float | None,
        typer.Option(
            metavar="P", help="Tell unsure below this probability, 0.5 to 1, and of photos unlike those seen."
        ),
    ] = None,
    strict: StrictOption = False,
) -> None:
    """Tell the class of photos, one row for each."""
    from photoclass.atomic import check_writable
    from photoclass.results.predict import check_abstain, check_ending, write_predictions
    from photoclass.results.predict import predict as predict_photos

    if out:
        check_ending(out)
        check_writable(out)
    if abstain is not None:
        check_abstain(abstain)
    workspace = _workspace()
    predictions = predict_photos(photos, _chosen(model, workspace), abstain=abstain, workspace=workspace)
    if out:
        write_predictions(predictions, out)
        print(f"{out}: {len(predictions):,} rows, {predictions.photos_per_second:,.0f} photos/s")
    else:
        for i, file in enumerate(predictions.files):
            print(printable(f"{file}: {predictions.words(i)}"))
    _end(predictions.skipped, strict)


@app.command()
def submit(
    test: Annotated[Path, typer.Argument(metavar="TEST", help="The test photos: a folder or a zip.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The submission to write.")],
    model: ModelOption = None,
    sample: Annotated[
        Path | None, typer.Option("--sample", metavar="CSV", help="Kaggle's sampleSubmission.csv, whose ids to answer.")
    ] = None,
    clip: Annotated[float, typer.Option(help="Hold probabilities within [clip, 1 - clip].")] = 0.005,
    strict: StrictOption = False,
) -> None:
    """Write a Kaggle submission: every id of the sample once, in its order."""
    from photoclass.results.submit import submit as write_submission

    workspace = _workspace()
    submission = write_submission(test, _chosen(model, workspace), out, sample=sample, clip=clip, workspace=workspace)
    print(f"{out}: {submission.as_text()}")
    _end(submission.base_rate_rows, strict)


@app.command()
def gallery(
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write, .png, .jpg or .webp.")],
    model: ModelOption = None,
    worst: Annotated[
        bool, typer.Option("--worst", help="Show the most confident mistakes; needs known labels.")
    ] = False,
    count: Annotated[int | None, typer.Option(help="Show at most this many.  [default: all; with --worst, 25]")] = None,
    seed: Annotated[int, typer.Option(help="Decides which, if there are more.")] = 0,
    strict: StrictOption = False,
) -> None:
    """Draw pages of photos with what the model says of each."""
    from photoclass.results.pictures.gallery import gallery as draw

    workspace = _workspace()
    drawn = draw(photos, _chosen(model, workspace), out, worst=worst, count=count, seed=seed, workspace=workspace)
    print(drawn.as_text())
    _end(drawn.skipped, strict)


@app.command()
def explain(
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write, .png, .jpg or .webp.")],
    model: ModelOption = None,
    count: Annotated[int | None, typer.Option(help="Show at most this many, a random choice.  [default: all]")] = None,
    seed: Annotated[int, typer.Option(help="Decides which, if there are more.")] = 0,
    target: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Show what spoke for this class.  [default: the class told]"),
    ] = None,
    strict: StrictOption = False,
) -> None:
    """Draw heat maps beside photos: which part of each spoke for its class."""
    from photoclass.results.explain.explain import explain as draw

    workspace = _workspace()
    drawn = draw(photos, _chosen(model, workspace), out, count=count, seed=seed, target=target, workspace=workspace)
    print(drawn.as_text())
    _end(drawn.skipped, strict)


@app.command()
def report(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="The model folder that train made.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The page to write.  [default: RUN/report.html]")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DATA", help="Where the photos lie now.  [default: where they lay at training]"),
    ] = None,
) -> None:
    """Write all that there is to know of a model as one HTML file that needs nothing else."""
    from photoclass.results.report.report import report as write_report

    print(printable(write_report(model, out, data=data, workspace=_workspace()).as_text()))


@app.command()
def cache(
    empty: Annotated[bool, typer.Option("--empty", help="Remove all of it; it is made again when needed.")] = False,
) -> None:
    """Tell what the cache folder holds, or empty it."""
    from photoclass.photos.cache.cache import cache as look_at_cache

    print(printable(look_at_cache(empty=empty).as_text()))


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="Your own photos, instead of drawn ones.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where everything goes.")] = Path("photoclass-demo"),
    epochs: Annotated[int | None, typer.Option(help="Passes over the photos, at most.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Train no longer than this many minutes.")] = None,
    seed: Annotated[int, typer.Option(help="Decides drawings, splits and all randomness.")] = 0,
) -> None:
    """Go the whole way on pictures that it draws itself: train, score, predict, submit, gallery."""
    from photoclass.training.stopping import StopRequest
    from photoclass.walkthrough.demo import demo as go_the_whole_way

    stop = StopRequest.after_minutes(_above_zero("--minutes", minutes))
    _end_in_good_order(stop)
    told = go_the_whole_way(data, out, epochs=epochs, seed=seed, stop=stop, workspace=_workspace())
    print(told.as_text())


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that are no UTF-8 are shown, not fatal
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app(args=arguments, prog_name="photoclass")
    except Interrupted as error:
        _fail(str(error), error.exit_code)
    except PhotoclassError as error:
        _fail(builtin.in_words(error), _EXIT_FAILED)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", _EXIT_FAILED)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("torch", "onnx", "onnxscript", "safetensors"):
            raise
        _fail(f"training needs {error.name}; run: pip install 'photoclass[train]'", _EXIT_FAILED)
    finally:
        gc.freeze()


def _fail(message: str, exit_code: int) -> None:
    print(f"photoclass: {printable(message)}", file=sys.stderr)
    sys.exit(exit_code)


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    raise Interrupted("interrupted", 128 + number)


def _end_in_good_order(stop: "StopRequest") -> None:
    """Let the first Ctrl-C or SIGTERM end the training loop after its step, and a second one end all at once."""

    def handle(number: int, frame: types.FrameType | None) -> None:
        if stop.listening and not stop.signal_number:
            stop.signal_number = number
            return
        _interrupt(number, frame)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def _end(skipped: "Sequence[SkippedPhoto]", strict: bool) -> None:
    """Name the photos that were skipped; with --strict they decide the exit code."""
    if not skipped:
        return
    print(f"{len(skipped):,} skipped:", file=sys.stderr)
    for item in skipped[:_MOST_NAMED]:
        print(printable(f"  {item.name}: {item.reason}"), file=sys.stderr)
    if len(skipped) > _MOST_NAMED:
        print(f"  and {len(skipped) - _MOST_NAMED:,} more", file=sys.stderr)
    if strict:
        raise typer.Exit(_EXIT_SKIPPED)


def _chosen(model: Path | None, workspace: "Workspace") -> Path:
    """Return the model folder to use: the built-in one, having said so, where none was given."""
    if model is None:
        model = builtin.builtin_model()
        workspace.say("no --model: the built-in model answers, which knows cats and dogs alone")
    return model


def _write_json(file: Path, values: dict[str, Any]) -> None:
    from photoclass.atomic import atomic_text

    with atomic_text(file) as stream:
        json.dump(values, stream, indent=2)
        stream.write("\n")


def _named_values(words: Sequence[str]) -> dict[str, str]:
    values = {}
    for word in words:
        name, is_given, value = word.partition("=")
        if not is_given:
            raise SettingsError(f"--set {word}: give NAME=VALUE, as --set dropout=0.5")
        values[name.strip()] = value.strip()
    return values


def _workspace(workers: int | None = None) -> "Workspace":
    """Return the user's cache, the processes asked for, and a display on the terminal."""
    from photoclass.workspace import Workspace

    return Workspace(workers=_above_zero("--workers", workers), progress=terminal_progress())


def _above_zero(option: str, value: Any) -> Any:
    if value is not None and not value > 0:
        raise typer.BadParameter(f"{option} is {value}; it must be above 0")
    return value


if __name__ == "__main__":
    main()
