"""The command `evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import (
    CoverageByOption,
    DataArgument,
    FixesOption,
    GroupByOption,
    ImageColumnOption,
    JsonOption,
    LabelColumnOption,
    MaxMegapixelsOption,
    SplitsOption,
    StrictOption,
    model_or_builtin,
    reading_of,
    workspace_of,
)
from photoclass.cli.output import JsonOutput, report_unused
from photoclass.errors import SettingsError
from photoclass.text import printable


def evaluate(
    data: DataArgument,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="RUN",
            help="The model folder that train made, or hf:OWNER/REPO[@REVISION]; give it twice to compare two models.  "
            "[default: the built-in model, cat or dog]",
        ),
    ] = None,
    json_file: JsonOption = None,
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
    coverage: Annotated[
        float | None,
        typer.Option(metavar="C", help="Measure prediction sets for this coverage.  [default: for 0.9, 0.95 and 0.99]"),
    ] = None,
    coverage_by: CoverageByOption = None,
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
    from photoclass.photos.sources.options import parse_assignments
    from photoclass.results.scores.compare import Comparison, compare
    from photoclass.results.scores.evaluate import evaluate as evaluate_model
    from photoclass.results.scores.evaluation import Evaluation
    from photoclass.results.scores.thresholds import costs_of

    costs = costs_of(cost_fp, cost_fn, positive)
    json_output = JsonOutput.of(json_file)
    reading = reading_of(splits, image_column, label_column, group_by)
    mapped = parse_assignments("--classes", classes, "cats=cat")
    workspace = workspace_of(max_megapixels=max_megapixels)
    found: Evaluation | Comparison
    if not models or len(models) == 1:
        model = model_or_builtin(models[0] if models else None, workspace)
        found = evaluate_model(
            data,
            model,
            include_known=include_known,
            costs=costs,
            coverage=coverage,
            coverage_by=coverage_by,
            fixes=fixes,
            reading=reading,
            classes=mapped,
            workspace=workspace,
        )
    elif costs:
        raise SettingsError("costs are for one model at a time; leave out --cost-fp and --cost-fn, or a --model")
    elif coverage is not None or coverage_by is not None:
        raise SettingsError("--coverage and --coverage-by are for one model at a time; leave them out, or a --model")
    else:
        found = compare(
            data,
            [model_or_builtin(model, workspace) for model in models],
            include_known=include_known,
            fixes=fixes,
            reading=reading,
            classes=mapped,
            workspace=workspace,
        )
    print(printable(found.as_text()))
    json_output.write(found)
    report_unused(found.skipped, found.passed_over, strict, "; --json FILE names all")
