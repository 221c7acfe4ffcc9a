"""The command `convert`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import (
    DataArgument,
    FixesOption,
    GroupByOption,
    ImageColumnOption,
    JsonOption,
    LabelColumnOption,
    SplitsOption,
    StrictOption,
    reading_of,
    workspace_of,
)
from photoclass.cli.output import JsonOutput, next_line, report_unused, unused_name
from photoclass.text import printable


def convert(
    data: DataArgument,
    to: Annotated[str, typer.Option("--to", metavar="FORM", help="imagefolder, csv or parquet.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to create.")],
    fixes: FixesOption = None,
    splits: SplitsOption = "",
    image_column: ImageColumnOption = "",
    label_column: LabelColumnOption = "",
    group_by: GroupByOption = "",
    json_file: JsonOption = None,
    strict: StrictOption = False,
) -> None:
    """Write DATA in another form: class folders, a table of labels, or Parquet as on the Hugging Face hub."""
    from photoclass.photos.convert.convert import convert as convert_data

    json_output = JsonOutput.of(json_file)
    reading = reading_of(splits, image_column, label_column, group_by)
    done = convert_data(data, to, out, fixes=fixes, reading=reading, workspace=workspace_of())
    print(printable(done.as_text()))
    print(
        next_line(
            "train", done.data, "--out", unused_name("my-model"), *(("--group-by", "group") if done.has_groups else ())
        )
    )
    json_output.write(done)
    report_unused(done.skipped, (), strict)
