"""The command `train`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperOption

from photoclass.cli.commands import PlainCommand
from photoclass.cli.config import from_command_line, load_config, settings_of_config, without_other_recipe
from photoclass.cli.options import (
    DataArgument,
    FixesOption,
    GroupByOption,
    ImageColumnOption,
    JsonOption,
    LabelColumnOption,
    MaxMegapixelsOption,
    SplitsOption,
    StrictOption,
    WorkersOption,
    above_zero,
    reading_of,
    workspace_of,
)
from photoclass.cli.output import JsonOutput, next_line, report_unused
from photoclass.cli.signals import stop_on_signal
from photoclass.errors import SettingsError
from photoclass.text import describe_seconds, printable


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


COMMAND_CLASS = TrainCommand


def train(
    context: typer.Context,
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
            metavar="NAME|FILE|hf:OWNER/REPO",
            help="For features and finetune: lite0 or lite2; for features also lite0+lite2, an ONNX file, or one on "
            "the Hugging Face Hub: hf:OWNER/REPO[@REVISION][:FILE.onnx].",
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
    backbone_output: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What FILE's features are: class, mean or both (class token, mean of the patches) of a transformer's "
            "tokens; penultimate (what the last layer takes) of a classifier; or one of several outputs, by its name.",
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
        str, typer.Option(help="auto, bf16 or fp32; for features auto, int8 or fp32.", rich_help_panel="Hardware")
    ] = "auto",
    workers: WorkersOption = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|RUN",
            help="Take options from a TOML file, or DATA, recipe, settings and seed from an earlier run's folder. The "
            "command line wins.",
            is_eager=True,
            callback=load_config,
            rich_help_panel="Recipe",
        ),
    ] = None,
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN", help="The model folder to create.", rich_help_panel="Output")
    ],
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRACKER",
            help="Also record the run with tensorboard, mlflow, wandb (offline) or trackio; may be repeated.",
            rich_help_panel="Output",
        ),
    ] = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write RUN/report.html.", rich_help_panel="Output")
    ] = False,
    json_file: JsonOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Train a model on DATA and write its folder."""
    from photoclass.photos.split import SplitFractions
    from photoclass.training.run import TrainOptions
    from photoclass.training.stopping import StopRequest
    from photoclass.training.train import train as train_model

    json_output = JsonOutput.of(json_file)
    given = {
        "balance": balance or None,
        "drop_label_errors": drop_label_errors or None,
        "backbone": backbone,
        "backbone_size": backbone_size,
        "backbone_mean": backbone_mean,
        "backbone_std": backbone_std,
        "backbone_output": backbone_output,
        "tail": tail,
        "epochs": epochs,
    }
    chosen = {name: str(value) for name, value in given.items() if value is not None}
    in_file = {name: value for name, value in chosen.items() if not from_command_line(context, name)}
    recipe, quality = without_other_recipe(context, recipe, quality)
    values = settings_of_config(context) | in_file | _named_values(settings or [])
    values |= {name: value for name, value in chosen.items() if name not in in_file}
    stop = StopRequest.after_minutes(above_zero("--minutes", minutes))
    stop_on_signal(stop)
    options = TrainOptions(
        seed=seed,
        minutes=minutes,
        resume=resume,
        force=force,
        device=device,
        precision=precision,
        fixes=fixes,
        reading=reading_of(splits, image_column, label_column, group_by),
        split=SplitFractions.parse(split) if split is not None else None,
        log=tuple(log or ()),
        report=not no_report,
    )
    workspace = workspace_of(workers, max_megapixels)
    trained = train_model(data, out, recipe, values, options, stop, workspace, quality=quality)
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
    print(next_line("predict", "PHOTOS", "--model", out, "--out", "predictions.csv"))
    json_output.write(trained)
    report_unused(trained.skipped, trained.passed_over, strict, f"; {out / 'skipped.csv'} names all")


def _named_values(assignments: Sequence[str]) -> dict[str, str]:
    values = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment}: give NAME=VALUE, for example --set dropout=0.5")
        values[name.strip()] = value.strip()
    return values
