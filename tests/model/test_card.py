"""The model card says in words what model.json says."""

from pathlib import Path

from handmade import make_info

from photoclass.model.card import card, write_card
from photoclass.model.folder import ModelInfo

SCORE = {
    "n": 1234,
    "log_loss": 0.25,
    "log_loss_ci95": [0.2, 0.3],
    "accuracy": 0.9,
    "accuracy_ci95": [0.88, 0.92],
}


def _info(**changes: object) -> ModelInfo:
    values = {
        "metrics": {
            "valid": {**SCORE, "split_chose_model": True},
            "held_out": {**SCORE, "log_loss": 0.5, "split_chose_model": False},
        },
        "trained": {
            "epochs": 12,
            "best_epoch": 7,
            "seconds": 150.0,
            "device": "cpu",
            "precision": "bf16",
            "stopped": "early stopping: no lower val_loss",
        },
    }
    return make_info(**{**values, **changes})  # type: ignore[arg-type]


def test_it_names_classes_scores_with_intervals_and_how_it_was_trained() -> None:
    text = card(_info())
    assert text.startswith("# cat or dog?\n")
    valid, held_out = (line for line in text.splitlines() if line.startswith(("| valid | 1", "| held_out | 1")))
    assert valid == (
        "| valid | 1,234 | 0.2500 (0.2000–0.3000) | 90.00% (88.00%–92.00%) | chose the model: a little flattering |"
    )
    assert held_out.endswith("| the honest score |")
    assert "0.5000" in held_out
    assert "| train | 6 | 3 cat, 3 dog |" in text
    assert "(N, 16, 16, 3)" in text
    assert "in the order: cat, dog" in text
    assert "12 epochs in 2.5 minutes on cpu in bf16, seed 0; kept is epoch 7." in text
    assert "early stopping: no lower val_loss" in text
    assert "`" + "0" * 64 + "`" in text


def test_many_classes_are_counted_in_the_title_and_named_in_the_text() -> None:
    names = tuple("abcdef")
    text = card(_info(class_names=names, base_rates=(1 / 6,) * 6))
    assert text.startswith("# 6 classes?\n")
    assert "in the order: a, b, c, d, e, f" in text


def test_it_is_written_as_readme(tmp_path: Path) -> None:
    write_card(tmp_path, _info())
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == card(_info())
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
