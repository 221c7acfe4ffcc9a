"""Write the generated parts of docs/reference/: options, settings, keys of model.json and the Python interface.

    python tools/reference.py            # writes them
    python tools/reference.py --check    # exits with 1 if one is stale

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; the rest of these files
is written by hand and left alone. tests/test_docs.py fails when a part is stale.
"""

import argparse
import ast
import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.core

import photoclass
from photoclass.cli.commands import COMMANDS, load_command
from photoclass.cli.train import TrainCommand
from photoclass.model.folder import ModelInfo
from photoclass.model.folder.files import FILES
from photoclass.model.folder.history import Epoch
from photoclass.model.folder.training_summary import (
    GroupingSummary,
    HeadSummary,
    LoopSummary,
    MixedGroups,
    PackingSummary,
    TrainingSummary,
)
from photoclass.schemas.load import schema_names
from photoclass.training.recipes.registry import QUALITIES, RECIPES
from photoclass.training.recipes.settings import named_settings

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$")
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \w+)*): ?(.*)$")
_PART = re.compile(r"<!-- generated: (?P<name>[\w. -]+) -->\n.*?<!-- end of (?P=name) -->", re.DOTALL)
_WIDTH = 120
_INTERVAL = "_ci95"
# What tables call the parts that several documents have.
_JSON_PARTS = {
    "score": "[score](#a-score)",
    "class_score": "[class score](#a-class)",
    "optimism": "[optimism](#optimism)",
    "difference": "[difference](#a-difference)",
    "prediction": "[prediction](#a-prediction)",
    "interval": "low and high",
    "skipped": "array of `file`, `reason`",
    "passed_over": "integer by name",
}
_PART_MEANINGS = {
    "skipped": "photos that could not be used, each with the reason",
    "passed_over": "files that are plainly no photos, by kind",
}
_METAVARS = {"<str>": "NAME", "<int>": "N", "<float>": "X"}


@dataclasses.dataclass(frozen=True)
class Docstring:
    """A docstring in Google's style, taken apart.

    Attributes:
        summary: Its first paragraph.
        text: The paragraphs before the first section, summary included.
        sections: By heading, pairs of name and description; the name is empty for text without one.
    """

    summary: str
    text: str
    sections: dict[str, list[tuple[str, str]]]


def read_docstring(thing: Any) -> Docstring:
    """Take a docstring apart."""
    text: list[str] = []
    sections: dict[str, list[tuple[str, str]]] = {}
    heading = ""
    for line in inspect.cleandoc(thing.__doc__ or "").splitlines():
        found = _SECTION.match(line)
        if found:
            heading = found[1]
            sections[heading] = []
        elif not heading:
            text.append(line)
        elif line.strip():
            entry = _ENTRY.match(line[4:]) if line.startswith("    ") and not line.startswith("     ") else None
            if entry:
                sections[heading].append((entry[1], entry[2]))
            elif sections[heading]:
                name, description = sections[heading][-1]
                sections[heading][-1] = (name, f"{description} {line.strip()}".strip())
            else:
                sections[heading].append(("", line.strip()))
    body = "\n".join(text).strip()
    return Docstring(body.split("\n\n")[0].replace("\n", " "), body, sections)


def attributes(kind: type) -> dict[str, str]:
    """Return what a class says of its attributes, by name."""
    return {
        name: description
        for names, description in read_docstring(kind).sections.get("Attributes", [])
        for name in names.split(", ")
    }


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def options_of(command: str) -> str:
    """Return usage, help line and options of a command, as its help page groups them."""
    found = commands()[command]
    if isinstance(found, TrainCommand):
        found.list_recipes()
    context = found.make_context(f"photoclass {command}", [], resilient_parsing=True)
    usage = found.get_usage(context).removeprefix("Usage: ")
    blocks = [f"    {re.sub(r'[{}]', '', ' '.join(usage.split()))}", (found.help or "").strip()]
    panels: dict[str, list[tuple[str, ...]]] = {}
    for parameter in found.params:
        panel = getattr(parameter, "rich_help_panel", None) or ""
        name, text = _describe_parameter(parameter, context)
        if "--help" not in name:
            panels.setdefault(panel, []).append((name, text))
    for panel, rows in panels.items():
        header = panel or ("option" if any("--" in name for name, _ in rows) else "argument")
        blocks.append(_table((header, "meaning"), rows))
    return "\n\n".join(blocks)


def commands() -> dict[str, typer.core.TyperCommand]:
    """Return the commands, by name."""
    return {name: load_command(name) for name in COMMANDS}


def _describe_parameter(parameter: Any, context: Any) -> tuple[str, str]:
    record = parameter.get_help_record(context)
    text = record[1] if record else getattr(parameter, "help", "") or ""
    text = re.sub(r"\s*\[default: (.*?)\]", r" Default: \1.", re.sub(r"\s*\[required\]", " Required.", text))
    if isinstance(parameter, typer.core.TyperArgument):
        return f"`{parameter.human_readable_name}`", text
    metavar = parameter.make_metavar(context)
    value = "" if parameter.is_flag else f" {_METAVARS.get(metavar, metavar)}"
    return f"`{', '.join(parameter.opts)}{value}`", text


def qualities() -> str:
    """Return which recipe each quality stands for."""
    rows = []
    for quality, (recipe, settings) in QUALITIES.items():
        values = ", ".join(f"`{name}={value}`" for name, value in settings.items())
        rows.append((f"`{quality}`", f"`{recipe}`", values))
    return _table(("quality", "recipe", "settings"), rows)


def settings_of(recipe: str) -> str:
    """Return the settings that a recipe has beside those shared with others."""
    settings = RECIPES[recipe].settings()
    own = [field for field in dataclasses.fields(settings) if not _is_nested(getattr(settings, field.name))]
    texts = attributes(type(settings))
    rows = [(f"`{f.name}`", _value(getattr(settings, f.name)), texts.get(f.name, "")) for f in own]
    for field in dataclasses.fields(settings):
        nested = getattr(settings, field.name)
        if _is_nested(nested) and type(nested) not in _shared():
            texts = attributes(type(nested))
            rows += [(f"`{name}`", _value(value), texts.get(name, "")) for name, value in named_settings(nested)]
    return _table(("setting", "default", "meaning"), rows)


def shared_settings(field: str) -> str:
    """Return the settings under a name that several recipes have, with the default of each recipe."""
    recipes = {name: recipe.settings() for name, recipe in RECIPES.items()}
    having = {name: getattr(recipe, field) for name, recipe in recipes.items() if hasattr(recipe, field)}
    kind = type(next(iter(having.values())))
    texts = attributes(kind)
    rows = [
        (f"`{item.name}`", *(_value(getattr(value, item.name)) for value in having.values()), texts.get(item.name, ""))
        for item in dataclasses.fields(kind)
    ]
    return _table(("setting", *(f"`{name}`" for name in having), "meaning"), rows)


def _shared() -> set[type]:
    """Return the kinds of settings that more than one recipe has."""
    kinds = [
        type(getattr(settings, field.name))
        for settings in (recipe.settings() for recipe in RECIPES.values())
        for field in dataclasses.fields(settings)
        if _is_nested(getattr(settings, field.name))
    ]
    return {kind for kind in kinds if kinds.count(kind) > 1}


def _is_nested(value: Any) -> bool:
    return dataclasses.is_dataclass(value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value) or "–"


def keys_of(kind: type) -> str:
    """Return the keys of a dataclass that is written as JSON, as its docstring explains them."""
    texts = attributes(kind)
    return _table(("key", "value"), [(f"`{item.name}`", texts.get(item.name, "")) for item in dataclasses.fields(kind)])


def json_document(name: str) -> str:
    """Return what a JSON document is, and the table of its keys."""
    schema = photoclass.schema(name)
    about = textwrap.fill(schema["description"], _WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"{about}\n\n{_schema_table(schema)}"


def json_part(name: str) -> str:
    """Return the table of a part of JSON documents."""
    return _schema_table(_json_parts()[name])


def _json_parts() -> dict[str, dict[str, Any]]:
    """Return the parts that are objects, by name."""
    documents = [photoclass.schema(name) for name in schema_names()]
    parts = {name: part for document in documents for name, part in document.get("$defs", {}).items()}
    return {name: part for name, part in sorted(parts.items()) if "properties" in part}


def _schema_table(schema: dict[str, Any]) -> str:
    return _table(("key", "type", "value"), list(_schema_rows(schema, "")))


def _schema_rows(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each key, those of inner objects after that of the outer one; an interval is in its figure's."""
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    for name, value in properties.items():
        if name.removesuffix(_INTERVAL) in properties and name.endswith(_INTERVAL):
            continue
        interval = f", `…{_INTERVAL}`" if f"{name}{_INTERVAL}" in properties else ""
        yield f"`{prefix}{name}`{interval}", _schema_type(value), _schema_meaning(value)
        inner, path = _inner_object(value, f"{prefix}{name}")
        yield from _schema_rows(inner, f"{path}.")
    for pattern, value in schema.get("patternProperties", {}).items():
        yield f"`{prefix}{pattern.strip('^$')}…`", _schema_type(value), _schema_meaning(value)


def _schema_meaning(value: dict[str, Any]) -> str:
    """Return the description of a value, and what may be chosen for it."""
    text = value.get("description") or _PART_MEANINGS.get(value.get("$ref", "").rpartition("/")[2], "")
    choices = ", ".join(f"`{choice}`" for choice in value.get("enum", ()) if choice is not None)
    return f"{text}: {choices}" if choices else text


def _inner_object(value: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """Return the object whose keys belong below a key, and its path: that of an array's rows, or of named values."""
    for choice in value.get("anyOf", []):
        if choice.get("type") != "null":
            return _inner_object(choice, path)
    if "items" in value:
        return _inner_object(value["items"], f"{path}[]")
    if isinstance(value.get("additionalProperties"), dict):
        return _inner_object(value["additionalProperties"], f"{path}.NAME")
    return value, path


def _schema_type(value: dict[str, Any]) -> str:
    """Return the type of a value: `string`, `number or null`, `array of string`, or a link to a part."""
    if "anyOf" in value:
        return " or ".join(_schema_type(choice) for choice in value["anyOf"])
    if "allOf" in value:
        return _schema_type(value["allOf"][0])
    if "$ref" in value:
        return _JSON_PARTS[value["$ref"].rpartition("/")[2]]
    if "const" in value:
        return "string"
    if isinstance(value["type"], list):
        return " or ".join(value["type"])
    if value["type"] == "array":
        return f"array of {_schema_type(value['items'])}"
    if isinstance(value.get("additionalProperties"), dict):
        return f"{_schema_type(value['additionalProperties'])} by name"
    return str(value["type"])


def model_files() -> str:
    """Return the files of a model folder."""
    return _table(("file", "what it holds"), [(f"`{name}`", text) for name, text in FILES.items()])


def python_name(name: str) -> str:
    """Return the section on a public name: signature, docstring, public methods."""
    thing = getattr(photoclass, name)
    blocks = [f"### `{name}`"]
    node = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    if isinstance(node, ast.FunctionDef):
        blocks.append(f"```python\n{_signature(name, node.args, node.returns)}\n```")
    blocks += _as_markdown(read_docstring(thing))
    if isinstance(node, ast.ClassDef):
        methods = [_item(text) for item in node.body for text in _method(item)]
        if methods:
            blocks.append("*Methods and properties*\n\n" + "\n".join(methods))
    return "\n\n".join(blocks)


def _item(text: str) -> str:
    """Return an item of a list, its lines no longer than the page's."""
    lines = textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "- " + "\n  ".join(lines)


def _method(node: ast.stmt) -> Iterator[str]:
    if not isinstance(node, ast.FunctionDef) or (node.name.startswith("_") and node.name != "__len__"):
        return
    text = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    if node.name == "__len__":
        yield "`len(…)`: how many rows there are."
    elif decorators & {"property", "cached_property"}:
        yield f"`.{node.name}`: {text}"
    else:
        arguments = ast.unparse(node.args)
        arguments = re.sub(r"^(self|cls)(, )?", "", arguments)
        yield f"`.{node.name}({arguments})`: {text}"


def _signature(name: str, arguments: ast.arguments, returns: ast.expr | None) -> str:
    ending = f") -> {ast.unparse(returns).strip(chr(39))}" if returns else ")"
    whole = f"{name}({ast.unparse(arguments)}{ending}"
    if len(whole) <= 100:
        return whole
    parts: list[str] = []
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    parts += [_parameter(item, value) for item, value in zip(positional, defaults, strict=True)]
    if arguments.kwonlyargs:
        parts.append("*")
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        parts += [_parameter(item, value) for item, value in pairs]
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), ending])


def _parameter(item: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {ast.unparse(item.annotation).strip(chr(39))}" if item.annotation else ""
    return item.arg + annotation + (f" = {ast.unparse(default)}" if default else "")


def _as_markdown(doc: Docstring) -> Iterator[str]:
    if doc.text:
        yield doc.text
    for heading, entries in doc.sections.items():
        lines = []
        for name, description in entries:
            label = ", ".join(f"`{one}`" for one in name.split(", ")) + ": " if name else ""
            lines.append(_item(f"{label}{description}"))
        yield f"*{heading}*\n\n" + "\n".join(lines)


def python_names() -> str:
    """Return the sections on all public names, in the order of `__all__`."""
    return "\n\n".join(python_name(name) for name in photoclass.__all__)


def parts() -> dict[str, Callable[[], str]]:
    """Return what writes each generated part, by its name."""

    def of(make: Callable[[Any], str], argument: Any) -> Callable[[], str]:
        return lambda: make(argument)

    return {
        **{f"photoclass {name}": of(options_of, name) for name in commands()},
        **{f"settings of {name}": of(settings_of, name) for name in RECIPES},
        "settings of the loop": of(shared_settings, "loop"),
        "settings of augmentation": of(shared_settings, "augment"),
        **{f"JSON of {name.split('/')[1]}": of(json_document, name) for name in schema_names()},
        **{f"JSON part {name}": of(json_part, name) for name in _json_parts()},
        "qualities": qualities,
        "files of a model folder": model_files,
        "columns of history.csv": of(keys_of, Epoch),
        "model.json": of(keys_of, ModelInfo),
        "training in model.json": of(keys_of, TrainingSummary),
        "grouping in model.json": of(keys_of, GroupingSummary),
        "mixed groups in model.json": of(keys_of, MixedGroups),
        "head in model.json": of(keys_of, HeadSummary),
        "loop in model.json": of(keys_of, LoopSummary),
        "packing in model.json": of(keys_of, PackingSummary),
        "Python": python_names,
    }


def written(text: str) -> str:
    """Return the text of a page with its generated parts made again."""
    known = parts()

    def make(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- generated: {name} -->\n\n{known[name]()}\n\n<!-- end of {name} -->"

    return _PART.sub(make, text)


def main() -> None:
    """Write the generated parts, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a part is stale")
    check = parser.parse_args().check
    stale = False
    for page in sorted(REFERENCE.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        new = written(text)
        if new != text:
            stale = True
            print(f"{page}: {'stale; run: make reference' if check else 'written'}")
            if not check:
                page.write_text(new, encoding="utf-8")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
