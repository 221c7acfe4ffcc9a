"""Write the JSON Schemas of all documents, src/photoclass/schemas/*.json, from the descriptions below.

    python tools/schemas.py            # writes them
    python tools/schemas.py --check    # exits with 1 if one is stale

Each schema is complete in itself, so that any validator takes it as it is; parts that several have are written once,
here. Within a version, keys may be added. A key that goes, or has another type or meaning, makes a new version.
tests/test_schemas.py validates what every command writes, and fails when a file is stale.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "src" / "photoclass" / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def text(about: str, *choices: str) -> Schema:
    """Return a string, one of some choices if they are given."""
    return {"type": "string", "description": about} | ({"enum": list(choices)} if choices else {})


def count(about: str) -> Schema:
    """Return an integer of at least 0."""
    return {"type": "integer", "description": about, "minimum": 0}


def number(about: str, low: float | None = None, high: float | None = None) -> Schema:
    """Return a number, within limits if they are given."""
    limits = {"minimum": low, "maximum": high}
    return {"type": "number", "description": about} | {k: v for k, v in limits.items() if v is not None}


def flag(about: str) -> Schema:
    """Return a boolean."""
    return {"type": "boolean", "description": about}


def keys(about: str = "", **values: Schema) -> Schema:
    """Return an object that has all of these keys; an underscore at the end of a name is for Python alone."""
    properties = {name.rstrip("_"): value for name, value in values.items()}
    start = {"type": "object"} | ({"description": about} if about else {})
    return start | {"properties": properties, "required": list(properties)}


def rows(about: str, values: Schema) -> Schema:
    """Return an array."""
    return {"type": "array", "description": about, "items": values}


def texts(about: str) -> Schema:
    """Return an array of strings."""
    return rows(about, {"type": "string"})


def by_name(about: str, values: Schema) -> Schema:
    """Return an object whose keys are names that the data give, such as classes."""
    return {"type": "object", "description": about, "additionalProperties": values}


def counts(about: str) -> Schema:
    """Return counts by name."""
    return by_name(about, {"type": "integer", "minimum": 0})


def part(name: str, about: str = "") -> Schema:
    """Return one of PARTS, with a description of its own if one is given."""
    return {"$ref": f"#/$defs/{name}"} | ({"description": about} if about else {})


def or_null(schema: Schema) -> Schema:
    """Return a schema that takes null, too."""
    if "type" in schema and isinstance(schema["type"], str) and "properties" not in schema and "items" not in schema:
        more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        return schema | {"type": [schema["type"], "null"]} | more
    about = {"description": schema["description"]} if "description" in schema else {}
    return about | {"anyOf": [{k: v for k, v in schema.items() if k != "description"}, {"type": "null"}]}


def figure(name: str, value: Schema) -> dict[str, Schema]:
    """Return a figure and its confidence interval, as two keys."""
    interval = part("interval", f"the 95 % confidence interval of `{name}`; null where it cannot be computed")
    return {name: value, f"{name}_ci95": or_null(interval)}


def share(about: str) -> Schema:
    """Return a number from 0 to 1."""
    return number(about, 0, 1)


SKIPPED = {"file": text("the file"), "reason": text("why it was skipped")}

SCORE = keys(
    "how good a model is on some photos",
    n=count("photos scored"),
    distinct_photos=or_null(
        count(
            "distinct pictures among them: near-duplicates, and the photos of a group of `--group-by`, counted once; "
            "null where near-duplicates were not looked for"
        )
    ),
    grouped_by=or_null(text("what `--group-by` names; null without it")),
    **figure("log_loss", number("mean negative log-likelihood, in nats", 0)),
    **figure("accuracy", share("share of photos classified correctly")),
    **figure("ece", share("expected calibration error, 15 bins")),
    **figure("balanced_accuracy", share("mean recall of the classes that have photos")),
    **figure("brier", number("Brier score: 0 to 1 for two classes, 0 to 2 for more", 0, 2)),
    **figure(
        "roc_auc",
        or_null(share("of the second of two classes; of more, macro one-vs-rest; null where a class has no photo")),
    ),
    **figure("average_precision", or_null(share("likewise"))),
    per_class=by_name("the scores of each class, by its name", part("class_score")),
    confusion=rows(
        "photos by true class (rows) and predicted class (columns), in the order of `class_names`",
        {"type": "array", "items": {"type": "integer", "minimum": 0}},
    ),
    class_names=texts("the model's classes, in order"),
    missing=rows(
        "what is null, and why",
        keys(
            figure=text(
                "its key, such as `roc_auc`, `log_loss_ci95`, `per_class.cat.recall`; a figure that is null is listed "
                "without its interval"
            ),
            reason=text("why it is undefined"),
        ),
    ),
    split=text("which photos these are", "train", "valid", "held_out", "all"),
    split_selected_model=flag("whether some of them trained or selected the model"),
    optimism=or_null(part("optimism", "null unless all of these photos selected the model")),
)

PARTS: dict[str, Schema] = {
    "interval": {
        "type": "array",
        "description": "a confidence interval: low and high",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
    },
    "skipped": rows("photos that could not be used, each with the reason", keys(**SKIPPED)),
    "passed_over": counts("files that are plainly no photos, by kind"),
    "score": SCORE,
    "class_score": keys(
        "how good a model is on one class",
        n=count("photos of the class"),
        **figure(
            "precision", or_null(share("share of the photos predicted as the class that are of it; null without any"))
        ),
        **figure(
            "recall", or_null(share("share of the photos of the class that are predicted as it; null without any"))
        ),
        **figure("f1", or_null(share("harmonic mean of both; null if no photo is of the class or predicted as it"))),
    ),
    "optimism": keys(
        "by how much a score on photos that selected the model overstates how good it is",
        selected=rows("what these photos selected", {"type": "string", "enum": ["epoch", "temperature"]}),
        log_loss=or_null(number("by how much the log loss overstates if above 0; null where unknown")),
        log_loss_se=or_null(number("its standard error")),
        accuracy=or_null(number("by how much the accuracy overstates if above 0; null where unknown")),
        accuracy_se=or_null(number("its standard error")),
        method=text("how it was estimated, or why it was not"),
    ),
    "difference": keys(
        "the difference of two models in one figure",
        **figure("a_minus_b", number("the difference; its interval is a paired bootstrap")),
        p=share("p-value: sign-flip test for log loss, McNemar's exact test for accuracy"),
        better=or_null(text("the better model; null where no difference can be shown", "A", "B")),
        photos_needed=or_null(
            count("how many photos would show a difference of this size; null where it is shown, or no number is known")
        ),
    ),
    "prediction": keys(
        "the prediction of one photo; what a skipped photo has no value of is null",
        file=text("the photo as messages call it: the path that was given; inside a zip, `photos.zip/cats/1.jpg`"),
        status=text("`ok`, or the reason why the photo was skipped"),
        label=or_null(text("the predicted class; `unsure` if the model abstains")),
        probability=or_null(share("probability of the most probable class")),
    )
    | {"patternProperties": {"^prob_": or_null(share("`prob_CLASS`, the probability of each class"))}},
}
# Keys of a prediction that only an option adds.
PARTS["prediction"]["properties"] |= {
    "distance": or_null(
        share("only with `--abstain`: share of the validation photos that are nearer to the training data")
    ),
    "set": or_null(texts("only with `--coverage`: the classes of the prediction set, the most probable first")),
}

UNUSED = {"skipped": part("skipped"), "passed_over": part("passed_over")}
NOTES = {"notes": texts("what else to know about how the photos were read, one line each")}
LEFT_OUT = {
    "left_out_trained": count("photos left out because they trained the model"),
    "left_out_selected_model": count("photos left out because they selected the model"),
}

THRESHOLD = keys(
    "the cheapest decision threshold; null without costs",
    positive=text("the class that it is for"),
    value=number("the threshold; above 1: never predict the class"),
    value_range=part("interval", "the middle 95 % of it over bootstrap draws"),
    theoretical=share("fp / (fp + fn)"),
    cost_fp=number("cost of a false positive", 0),
    cost_fn=number("cost of a false negative", 0),
    cost_in_sample=number("cost per 1,000 photos on the photos that selected the threshold, which is optimistic"),
    **figure("cost", or_null(number("the same, cross-fitted; null for a single photo"))),
    **figure("cost_at_half", number("the same at a threshold of 0.5")),
    **figure("cost_at_theoretical", number("the same at `theoretical`")),
    **figure("saved", or_null(number("`cost_at_half` minus `cost`; null for a single photo"))),
)

PREDICTION_SETS = keys(
    "how the prediction sets of `--coverage` turned out on these photos",
    measured=rows(
        "a row for each coverage: 0.9, 0.95 and 0.99, or that of `--coverage`",
        keys(
            asked=share("the coverage that was asked for"),
            by=text("that of `--coverage-by`", "all", "class"),
            calibration_photos=count("validation photos that the sets were calibrated on"),
            photos=count("photos that they were measured on, which neither trained the model nor calibrated the sets"),
            **figure("covered", share("share of these whose set holds the true class")),
            mean_size=number("classes in a set, on average; a set is never empty", 0),
            sizes=counts("photos by the number of classes in their set"),
            per_class=by_name(
                "the same by class name",
                keys(
                    threshold=number("the least probability that puts the class into a set"),
                    **figure("covered", or_null(share("share of its photos whose set holds it; null without photos"))),
                ),
            ),
        ),
    ),
    not_measured=rows(
        "coverages that could not be measured",
        keys(asked=share("the coverage"), reason=text("why: too few validation photos, or no photo that is unknown")),
    ),
    valid_selected_model=flag(
        "whether the photos that calibrate the sets also selected the model, which voids the guarantee but not the "
        "measurement"
    ),
)

EVALUATE = {"allOf": [part("score")]} | keys(
    "What `evaluate` writes for one model: the keys of a score, and these.",
    coverage=rows(
        "how many photos are predicted, and how many of them correctly, by the confidence that is asked for",
        keys(
            target=or_null(share("the coverage aimed at: 0.5 to 1; null for the thresholds 0.9, 0.99, 0.999")),
            threshold=share("the least confidence that is predicted"),
            predicted=count("photos that are"),
            coverage=share("their share"),
            **figure("accuracy", or_null(share("share of these classified correctly; null if there are none"))),
        ),
    ),
    out_of_distribution=or_null(
        count("photos too far from the training data to be of any class; null if the model folder has no `novelty.npz`")
    ),
    threshold=or_null(THRESHOLD),
    prediction_sets=PREDICTION_SETS,
    **LEFT_OUT,
    leaked_duplicates=or_null(
        count("scored photos that are near-duplicates of training photos; null without `fingerprints.bin`")
    ),
    leaked_groups=or_null(
        count("scored photos of groups of which other photos trained the model; null without `--group-by`")
    ),
    without_leaked_duplicates=or_null(
        part("score", "the score without the photos of the two rows above; null if there are none, or no others")
    ),
    **UNUSED,
    **NOTES,
)

MODEL_OF_TWO = {"allOf": [part("score")]} | keys(
    "the keys of a score, and these",
    model=text("its folder"),
    leaked_duplicates=or_null(
        count("scored photos that are near-duplicates of photos that trained it; null without `fingerprints.bin`")
    ),
)

COMPARE = keys(
    "What `evaluate` writes for two models.",
    **{name: SCORE["properties"][name] for name in ("n", "distinct_photos", "grouped_by")},
    models=keys("the scores of both models on the same photos", A=MODEL_OF_TWO, B=MODEL_OF_TWO),
    difference=keys("A minus B", log_loss=part("difference"), accuracy=part("difference")),
    only_a_correct=count("distinct photos that only A classifies correctly"),
    only_b_correct=count("distinct photos that only B classifies correctly"),
    verdict=texts("two lines of text, on log loss and on accuracy"),
    **LEFT_OUT,
    **UNUSED,
    **NOTES,
)

DUPLICATES = rows(
    "groups of near-duplicates, first those across classes, then those across splits",
    keys(
        kind=text("the way in which they differ most, as in `pairs`"),
        across_classes=flag("whether they have several classes"),
        across_splits=flag("whether they are in several splits"),
        photos=rows(
            "the photos of the group",
            keys(
                file=text("the photo"),
                label=text("its class"),
                split=or_null(
                    text("the split that DATA gives it; null if it gives none", "train", "valid", "held_out")
                ),
            ),
        ),
        pairs=rows(
            "the pairs that make it a group",
            keys(
                first=text("a photo; of a cropped pair, the one that shows more"),
                second=text("another"),
                kind=text(
                    "how they differ",
                    *("same bytes", "same pixels", "near-duplicate", "mirrored", "cropped", "mirrored and cropped"),
                ),
            ),
        ),
    ),
)

LABEL_ERRORS = rows(
    "label errors, the most likely first; null where they were not looked for: with `--quick`, or where a class has "
    "fewer than two distinct photos",
    keys(
        file=text("the photo"),
        label=text("its label"),
        suggested=text("the predicted class"),
        probability=share("that the label is wrong, by a model that had not seen the photo or its near-duplicates"),
        likely=flag("whether it is a likely label error, not just a possible one"),
    ),
)

CHECK = keys(
    "What `check` found.",
    data={
        "description": "the path that was checked; a list of paths for parts",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    },
    photos=count("how many of its photos can be read"),
    counts=by_name(
        "photos by split (`train`, `valid`, `held_out`; `all` where DATA has no split) and class",
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    ),
    sizes=counts("photos by stored size, such as `200x200`, the most frequent first"),
    shapes=counts("photos that are `landscape`, `portrait` or `square`, upright"),
    formats=counts("photos by true format, whatever the file's ending says"),
    colour_modes=counts("photos by colour mode, as Pillow names it"),
    rotated=texts("files with an EXIF rotation"),
    unreadable=part("skipped"),
    passed_over=part(
        "passed_over", "files that are plainly no photos, by kind; files given = `photos` + `unreadable` + these"
    ),
    duplicates=DUPLICATES,
    odd=rows(
        "outliers, by kind",
        keys(
            file=text("the photo"),
            kind=text("`blank`, `very dark`, `very bright`, `blurred`, `odd aspect ratio` or `tiny`"),
            measure=text("what was measured, as text"),
        ),
    ),
    few=counts("classes with fewer than 20 different photos, and how many they have"),
    unbalanced=counts("classes with less than a tenth of the photos of the largest, and how many they have"),
    label_errors=or_null(LABEL_ERRORS),
    unclear=rows(
        "photos that fit no label well",
        keys(
            file=text("the photo"),
            kind=text("what it may be", "several classes", "no class"),
            measure=text("what was measured, as text"),
        ),
    ),
    **NOTES,
    train_refuses=or_null(text("why `train` will refuse these photos; null if it will not")),
    groups=or_null(
        keys(
            "the groups of `--group-by`; null without it",
            group_by=text("what they were made by"),
            groups=count("how many there are"),
            largest=count("photos of the largest"),
            across_splits=texts("groups that lie in several splits that DATA gives"),
        )
    ),
)

TRAIN = keys(
    "What `train` made; `model.json` in the folder has everything else.",
    model=text("the model folder"),
    recipe=text("the name of the recipe"),
    class_names=texts("the model's classes, in order"),
    photos=by_name(
        "photos by split and class", {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
    ),
    seconds=number("duration of the training", 0),
    stop_reason=text("why it ended"),
    device=text("`cpu`, `cuda` or `mps`"),
    precision=text("precision of the training, or of the frozen backbone"),
    best_epoch=or_null(number("the epoch whose weights were kept; null where there is none, or none was scored")),
    scores=by_name("the score on the photos of each split, by its name: `valid`, `held_out`", part("score")),
    history=rows(
        "the epochs; empty where the recipe has none. NaN is null",
        keys(
            epoch=number("its number, from 1; a fraction where the time ran out within it"),
            loss=or_null(number("mean training loss, in nats")),
            accuracy=or_null(number("training accuracy")),
            val_loss=or_null(number("validation log loss")),
            val_accuracy=or_null(number("validation accuracy")),
            seconds=or_null(number("duration")),
            photos_per_second=or_null(number("training speed")),
        ),
    ),
    report=or_null(text("the report; null where none was written")),
    **UNUSED,
    **NOTES,
)

CONVERT = keys(
    "What `convert` wrote.",
    folder=text("the new folder"),
    form=text("the form", "imagefolder", "csv", "parquet"),
    data=text("what to give as DATA: the folder, or the table in it"),
    photos=count("how many photos it holds"),
    classes=by_name("photos by class", {"type": "integer", "minimum": 0}),
    splits=by_name(
        "photos by split: `train`, `valid`, `held_out`; `none` are those that have none yet",
        {"type": "integer", "minimum": 0},
    ),
    has_groups=flag("whether it says groups, in the column `group`"),
    **UNUSED,
    **NOTES,
)

PREDICT = keys(
    "What `predict` writes with `--json`, and as `.json`. A row is a line of `.jsonl`, and its keys are the columns of "
    "`.csv` and `.parquet`.",
    class_names=texts("the model's classes, in order"),
    abstain=or_null(number("the confidence of `--abstain`; null without it", 0.5, 1)),
    coverage=or_null(share("that of `--coverage`; null without it")),
    coverage_by=or_null(text("that of `--coverage-by`; null without `--coverage`", "all", "class")),
    photos=count("how many rows there are"),
    **UNUSED,
    **NOTES,
    seconds=number("duration of the prediction, without the start", 0),
    predictions=rows("a row for each photo given, in natural order of their names", part("prediction")),
)

SUBMIT = keys(
    "The submission that `submit` wrote.",
    file=text("the submission"),
    rows=count("how many ids it has"),
    class_names=texts("the model's classes, in order"),
    columns=rows(
        "the columns, in order",
        keys(
            name=text("as the sample spells it"),
            role=text(
                "what it has: the ids, the probability of a class, the predicted class, or the sample's own cells",
                *("id", "probability", "class", "copied"),
            ),
            class_=or_null(text("the class whose probability it has; null for other columns")),
        ),
    ),
    clipping=or_null(
        keys(
            "what clipping does to the log loss; null if no probabilities were written",
            clip=number("no probability is higher than 1 - clip", 0),
            lowest=number("no probability is lower than this", 0),
            valid_photos=count("validation photos that it was measured on"),
            log_loss_unclipped=number("log loss of the model on them", 0),
            log_loss_clipped=number("the same with probabilities as they are written", 0),
        )
    ),
    base_rate_rows=part(
        "skipped",
        "photos that could not be read; their rows have the class frequencies of the training photos, or the most "
        "frequent class",
    ),
    skipped=part("skipped", "files that cannot be read and have no row"),
    passed_over=part("passed_over"),
    **NOTES,
)

PAGES = {
    "pages": texts("the files"),
    "shown": count("photos on them"),
    "found": count("photos to choose from"),
    "notes": texts("what else to know about the pages, one line each"),
    **UNUSED,
}

DOCUMENTS: dict[str, Schema] = {
    "check": CHECK,
    "convert": CONVERT,
    "train": TRAIN,
    "evaluate": EVALUATE,
    "compare": COMPARE,
    "predict": PREDICT,
    "submit": SUBMIT,
    "gallery": keys("The pages of photos that `gallery` drew.", **PAGES),
    "explain": keys("The pages of heat maps that `explain` drew.", **PAGES),
    "report": keys(
        "The report that `report` wrote.",
        file=text("the page"),
        bytes=count("its size"),
        seconds=number("the time that it took", 0),
        note=or_null(text("what is missing from it, and why; null if nothing is")),
    ),
    "push": keys(
        "The model folder that `push` uploaded.",
        model=text("its name on the hub, at the commit that was made: what `--model` takes"),
        url=text("the page of its repository"),
        files=texts("the files of that commit"),
        bytes=count("their size"),
        left_out=texts("files of the model folder that stayed here, since they show or name photos"),
    ),
    "cache": keys(
        "What is in the cache folder, or was before `--empty`.",
        folder=text("the cache folder"),
        files=count("files in it"),
        bytes=count("their size"),
        emptied=flag("whether they were removed"),
        stored=rows(
            "what was found, by kind",
            keys(
                what=text("a description"),
                photos=or_null(count("photos in a store; null for anything else, or if its index cannot be read")),
                files=count("its files"),
                bytes=count("their size"),
            ),
        ),
        in_use=texts("what was not removed because another run is writing it"),
    ),
    "demo": keys(
        "What `demo` made.",
        folder=text("the folder with everything"),
        drawn=flag("whether it drew the pictures itself"),
        score=part("score", "on pictures that the model was not trained on"),
        files=rows("what is in the folder", keys(file=text("the file, or folder"), description=text("what it is"))),
    ),
}


def schema_of(name: str) -> Schema:
    """Return the whole schema of a document: what it is, the key `schema`, and the parts that it uses."""
    document = DOCUMENTS[name]
    title = f"photoclass/{name}/1"
    first = {"const": title, "description": "the name and version of this document"}
    start = {"$schema": _DIALECT, "$id": f"urn:photoclass:{name}:1", "$comment": "generated by tools/schemas.py"}
    whole = start | {"title": title} | document
    whole["properties"] = {"schema": first} | document["properties"]
    whole["required"] = ["schema", *document["required"]]
    used: set[str] = set()
    waiting = set(_used_parts(document))
    while waiting:
        used |= waiting
        waiting = {name for part_name in waiting for name in _used_parts(PARTS[part_name])} - used
    return whole | ({"$defs": {name: PARTS[name] for name in PARTS if name in used}} if used else {})


def _used_parts(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for value in schema.values():
            yield from _used_parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _used_parts(value)


def stale() -> dict[Path, str]:
    """Return what should be written to the files that are not up to date."""
    texts = {
        FOLDER / f"{name}-1.json": json.dumps(schema_of(name), indent=1, ensure_ascii=False) + "\n"
        for name in DOCUMENTS
    }
    return {file: text for file, text in texts.items() if not file.exists() or file.read_text(encoding="utf-8") != text}


def main() -> None:
    """Write the schemas, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a schema is stale")
    check = parser.parse_args().check
    files = stale()
    for file, content in files.items():
        print(f"{file}: {'stale; run: make reference' if check else 'written'}")
        if not check:
            file.write_text(content, encoding="utf-8")
    if check and files:
        sys.exit(1)


if __name__ == "__main__":
    main()
