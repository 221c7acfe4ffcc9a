"""The command `push`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import JsonOption, workspace_of
from photoclass.cli.output import JsonOutput, next_line
from photoclass.text import printable


def push(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="The model folder that train made.")],
    to: Annotated[
        str, typer.Argument(metavar="hf:OWNER/REPO[@BRANCH]", help="The repository on the Hugging Face Hub.")
    ],
    public: Annotated[bool, typer.Option("--public", help="Make a new repository public.  [default: private]")] = False,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Also upload files that show photos or name them: thumbnails, the report."),
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Upload a model folder to the Hugging Face Hub, in one commit, without names and pictures of photos."""
    from photoclass.hub.push import push as push_model

    json_output = JsonOutput.of(json_file)
    pushed = push_model(model, to, public=public, everything=everything, workspace=workspace_of())
    print(printable(pushed.as_text()))
    print(next_line("predict", "PHOTOS", "--model", pushed.reference))
    json_output.write(pushed)
