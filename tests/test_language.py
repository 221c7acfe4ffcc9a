"""The language: the field's standard terms, not the private ones of earlier versions.

A phrase is matched as a whole, in any case. Old keys and file names may be quoted where they are read or
listed: in the reader of `format_version` 1 and in the changelog.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TITLE = "Cat or Dog?"
# What may quote old names: the changelog is not looked at, nor are the readers of old formats.
QUOTING = ("src/photoclass/model/folder/version1.py", "src/photoclass/model/folder/files.py")
# A phrase of earlier versions, and what to say instead.
PHRASES = {
    r"(told|tells?|telling) (rightly|wrongly)|(rightly|wrongly) (told|telling)": "classified correctly, misclassified",
    r"sureness|surest|how surely|less surely": "confidence, most confident",
    r"twins?|\w*_twins?|twins?_\w*": "near-duplicates, duplicates",
    r"sets? aside|setting aside|set_aside": "skipped",
    r"strangers?|neither class": "out-of-distribution photos",
    r"seen\.npz": "novelty.npz",
    r"flatter(s|ed|ing|y)?": "optimism, overstates",
    r"from nothing": "from scratch",
    r"networks? that sees?|what (a|the) network sees|network that saw": "backbone, features",
    r"the end of (a|the|that|its|this) (pretrained )?network": "the last blocks",
    r"varied|variations|varied_share": "augmented, augmentations",
    r"by lot|the lots": "at random",
    r"turns? (a |the )?kernels?|kernels? turns?|kernel's turns?|made orthogonal|orthogonal in rounds": "Muon's update",
    r"running means? of the weights": "exponential moving average (EMA)",
    r"share of the start|start_share": "weight interpolation with the initial weights",
    r"(all )?its numbers|numbers of (a|the|every) recipe|recipe's (own )?numbers|post's numbers": "settings",
    r"(is|are|be|became|becomes) no numbers?|none of numbers|not numbers": "NaN or infinity",
    r"that (is|are) none|(is|are) none of|there (is|are): \w+": "unknown X; choose from a, b",
    r"anew|wholly|by far|as of": "again, fully, much, from",
    r"mend(s|ed|ing)?": "fix",
    r"surely wrong|surely is wrong|contradicted by the other": "likely label errors, likely wrong",
    r"doubtful labels?|doubtful_\w+|drop_doubtful|drop-doubtful": "label errors",
    r"makes? a score a lie": "data leakage",
    r"cost of (wrongly|missing)": "cost of a false positive, of a false negative",
    r"taken for what": "confusion matrix",
    r"the pace|epochs there is time for": "time budget",
    r"in words(?!:)|in_words|words_on_\w+|_words_for_\w+": "as text; describe",
    r"hears? of": "reports progress",
    r"the house|own floor|floors? (above|below)|which floor": "package, layers",
    r"of the advance": "progress",
    r"kernel_rate|kernel_momentum": "muon_rate, muon_momentum",
    r"\w*_chose_model": "…_selected_model",
}


def _texts() -> list[Path]:
    source = [
        path for ending in ("py", "j2", "js", "css", "md", "json") for path in (ROOT / "src").rglob(f"*.{ending}")
    ]
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "benchmarks" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
    scripts = [path for folder in ("benchmarks", "tools") for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in [*source, *pages, *scripts] if _name(path) not in QUOTING)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_of_earlier_versions_are_gone(phrase: str) -> None:
    # Lines are joined, since a phrase may be broken; what stands between is white space, and quotes of split strings.
    pattern = re.compile(rf"(?<![\w-])(?:{phrase})(?![\w-])".replace(" ", r"[\s\"'#*]+"), re.IGNORECASE)
    found = []
    for path in _texts():
        text = path.read_text(encoding="utf-8")
        found += [f"{_name(path)}:{text[: hit.start()].count(chr(10)) + 1}: {hit[0]}" for hit in pattern.finditer(text)]
    assert not found, "\n".join([f"say: {PHRASES[phrase]}", *found])


@pytest.mark.parametrize("path", [path for path in _texts() if path.suffix in (".py", ".md")], ids=_name)
def test_the_post_is_named_by_its_title_first(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = re.search(r"\b[Tt]he (blog )?post\b", text)
    if first:
        assert TITLE in text, f"{_name(path)} speaks of the post and never names it: {TITLE}"
