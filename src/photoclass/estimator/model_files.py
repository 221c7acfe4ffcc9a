"""A model folder in memory: an estimator keeps it, can be pickled with it, and saves it again."""

from dataclasses import dataclass, replace
from pathlib import Path

from photoclass.atomic import write_bytes
from photoclass.errors import ModelError
from photoclass.model.folder import (
    CARD_FILE,
    FILES,
    INFO_FILE,
    NETWORK_FILE,
    ModelInfo,
    load_info,
    read_onnx,
    save_model,
)

_OTHERS = tuple(name for name in (*FILES, CARD_FILE) if name not in (INFO_FILE, NETWORK_FILE) and name[-1] != "/")


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model folder; those that only continue its training are left out.

    Attributes:
        info: The content of `model.json`.
        onnx: The content of `model.onnx`.
        others: The content of each other file, by name.
    """

    info: ModelInfo
    onnx: bytes
    others: dict[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> "ModelFiles":
        """Read a model folder.

        Raises:
            ModelError: It is not a model folder, or a file of it is damaged or cannot be read.
        """
        info = load_info(folder)
        onnx = read_onnx(folder, info)
        try:
            others = {name: (folder / name).read_bytes() for name in _OTHERS if (folder / name).is_file()}
        except OSError as error:
            raise ModelError(f"{error.filename}: cannot be read ({error.strerror}); copy the folder again") from error
        return cls(info, onnx, others)

    def write(self, folder: Path) -> None:
        """Write the model folder, which the caller has locked.

        Raises:
            OutputError: It cannot be written.
        """
        for name, content in self.others.items():
            write_bytes(folder / name, content)
        save_model(folder, self.info, self.onnx)


def keep_label_type(folder: Path, label_type: str) -> None:
    """Write into a model folder what its class names were as labels."""
    info = load_info(folder)
    if info.training.label_type != label_type:
        training = replace(info.training, label_type=label_type)
        save_model(folder, replace(info, training=training), read_onnx(folder, info))
