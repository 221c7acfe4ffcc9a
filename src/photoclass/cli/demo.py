"""The command `demo`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import JsonOption, above_zero, workspace_of
from photoclass.cli.output import JsonOutput
from photoclass.cli.signals import stop_on_signal


def demo(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="Your own photos, instead of drawings.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for all results.")] = Path(
        "photoclass-demo"
    ),
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs; needs torch.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time budget for training, in minutes; needs torch.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the drawings, the splits and all randomness.")] = 0,
    json_file: JsonOption = None,
) -> None:
    """Try every step on drawings that it makes itself: train, evaluate, predict, submit, gallery."""
    from photoclass.training.stopping import StopRequest
    from photoclass.walkthrough.demo import demo as run_demo

    json_output = JsonOutput.of(json_file)
    stop = StopRequest.after_minutes(above_zero("--minutes", minutes))
    stop_on_signal(stop)
    result = run_demo(data, out, epochs=epochs, seed=seed, stop=stop, workspace=workspace_of())
    print(result.as_text())
    json_output.write(result)
