"""What names of folders mean: splits in many spellings, and words that only look alike."""

import pytest

from photoclass.photos.sources.names import is_no_class, is_seldom_class, is_unlabelled, split_of_name
from photoclass.photos.table import HELD_OUT, TRAIN, VALID


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (TRAIN, "train Train TRAINING training_set train-set trainset train_images TrainImages seg_train stage1_train"),
        (
            TRAIN,
            "train2017 train_1 trainval Trainingsdaten Entraînement entrenamiento Обучающая 训练集 学習データ",
        ),
        (VALID, "valid val Validation Valid-Set dev eval validationset Validación Validierungsdaten 验证集 検証データ"),
        (HELD_OUT, "test test1 Testing test_set Test-Set held_out held-out holdout seg_test prueba テストデータ Тест"),
    ],
)
def test_split_folders_are_known_by_their_words(split: int, names: str) -> None:
    assert {name: split_of_name(name) for name in names.split()} == dict.fromkeys(names.split(), split)


def test_names_with_other_words_mean_no_split() -> None:
    names = "contest latest train_station test_tube train_test device images trainer cats_train 0 evaluator retrain"
    assert {name: split_of_name(name) for name in names.split()} == dict.fromkeys(names.split())


def test_folders_without_labels_and_folders_that_are_no_class_are_known_by_their_words() -> None:
    assert all(map(is_unlabelled, ["unknown", "seg_pred", "Unlabelled", "no_label", "predictions"]))
    assert not any(map(is_unlabelled, ["test", "unknown soldier", "cats"]))
    assert all(map(is_no_class, ["annotations", "trimaps", "Outputs", "runs", "xmls"]))
    assert all(map(is_seldom_class, ["labels", "models", "masks", "ground_truth"]))
    assert not any(map(is_no_class, ["run", "labels of wine", "cats"]))
