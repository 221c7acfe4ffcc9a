"""The command `check`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.exit_codes import SKIPPED
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
    reading_of,
    workspace_of,
)
from photoclass.cli.output import JsonOutput, next_line, options_of, refuse_shared_files, unused_name
from photoclass.text import plural, printable


def check(
    data: DataArgument,
    json_file: JsonOption = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that shows them with the photos.")
    ] = None,
    croissant: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Describe the photos in Croissant 1.0 metadata (JSON-LD).")
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
    from photoclass.checks.croissant import write_croissant
    from photoclass.checks.description import describe_findings
    from photoclass.checks.page import write_page
    from photoclass.photos import fixes as fixes_file

    refuse_shared_files(
        {"--json": json_file, "--html": html_file, "--croissant": croissant, "--write-fixes": write_fixes}
    )
    json_output = JsonOutput.of(json_file)
    for file in (html_file, croissant, write_fixes):
        if file:
            check_writable(file)
    if write_fixes:
        fixes_file.check_keeps_work(write_fixes, fixes)
    reading = reading_of(splits, image_column, label_column, group_by)
    findings = check_photos(
        data,
        fixes=fixes,
        reading=reading,
        labels=not quick,
        workspace=workspace_of(workers, max_megapixels),
    )
    print(printable(describe_findings(findings)))
    json_output.write(findings)
    if html_file:
        write_page(findings, html_file)
        print(f"{html_file}: the findings with their photos; open it in a browser")
    if croissant:
        print(printable(write_croissant(findings, croissant)))
    if write_fixes:
        proposed = findings.proposed_fixes([fix for _, fix in fixes_file.read_fixes(fixes)] if fixes else ())
        fixes_file.write_fixes(write_fixes, proposed)
        print(f"{write_fixes}: {plural(len(proposed), 'row')} proposed; edit them")
    elif findings.proposed_fixes():
        print("a fixes file corrects labels and leaves photos out, without touching the photos")
        print(next_line("check", *data, *options_of(reading), "--write-fixes", unused_name("fixes.csv")))
    fixed = ("--fixes", write_fixes or fixes) if write_fixes or fixes else ()
    if findings.refusal:
        print(printable(f"train will refuse this as it is: {findings.refusal}"))
    else:
        print(next_line("train", *data, "--out", unused_name("my-model"), *options_of(reading), *fixed))
    if strict and findings.unreadable:
        raise typer.Exit(SKIPPED)
