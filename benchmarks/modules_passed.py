"""Through how many modules of photoclass a training passes, and how many of its calls go up to a higher layer.

    python benchmarks/modules_passed.py [--recipe small-cnn features] [--photos 40]

Each recipe trains on drawings, without a report, while `sys.setprofile` watches every function call. A module counts
once a function of it has run, imports aside. A call goes up if the nearest caller within photoclass belongs to a lower
layer. The layers are read from tests/test_package.py, or named by --layers from the lowest up, for a checkout that has
others. Work in other processes (decoding) is not seen.
"""

import argparse
import ast
import contextlib
import io
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import photoclass
from photoclass import cli
from photoclass.walkthrough.drawings.drawings import draw_photo_folders

_SOURCE = Path(photoclass.__file__).parent
_LAYERS_FILE = Path(__file__).parents[1] / "tests" / "test_package.py"


class CallCounter:
    """Counts calls between modules of photoclass; pass its `event` to `sys.setprofile`.

    Attributes:
        modules: How many calls each module received.
        edges: How often a function of the first module led to one of the second, without a third of photoclass between.
    """

    def __init__(self) -> None:
        self.modules: Counter[str] = Counter()
        self.edges: Counter[tuple[str, str]] = Counter()
        self._names: dict[str, str | None] = {}

    def event(self, frame: FrameType, kind: str, argument: Any) -> None:
        """Count one call."""
        if kind != "call" or frame.f_code.co_name == "<module>" or not (module := self._module(frame)):
            return
        self.modules[module] += 1
        caller = frame.f_back
        while caller is not None:
            if (name := self._module(caller)) is not None:
                if name != module:
                    self.edges[name, module] += 1
                return
            caller = caller.f_back

    def _module(self, frame: FrameType) -> str | None:
        file = frame.f_code.co_filename
        if file not in self._names:
            path = Path(file)
            inside = path.is_relative_to(_SOURCE) and path.suffix == ".py"
            self._names[file] = ".".join(path.relative_to(_SOURCE).with_suffix("").parts) if inside else None
        return self._names[file]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", nargs="+", default=["small-cnn", "features"])
    parser.add_argument("--photos", type=int, default=40, help="drawings of each class")
    parser.add_argument("--layers", nargs="+", help="from the lowest up, if not those of tests/test_package.py")
    parser.add_argument("--list", action="store_true", help="name the modules and the calls that go up")
    arguments = parser.parse_args()
    layers = arguments.layers or read_layers(_LAYERS_FILE)
    counters = {recipe: count_training(recipe, arguments.photos) for recipe in arguments.recipe}
    print("| recipe | modules passed | pairs of modules with a call up | calls up |\n| --- | --- | --- | --- |")
    for recipe, counter in counters.items():
        up = {pair: calls for pair, calls in counter.edges.items() if goes_up(*pair, layers)}
        print(f"| `{recipe}` | {len(counter.modules)} | {len(up)} | {sum(up.values()):,} |")
        if arguments.list:
            print("\n".join(f"  {module}" for module in sorted(counter.modules)))
            print("\n".join(f"  {caller} -> {called}: {calls:,}" for (caller, called), calls in sorted(up.items())))


def read_layers(file: Path) -> list[str]:
    """Return the tuple that tests/test_package.py assigns to LAYERS."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["LAYERS"]:
            return list(ast.literal_eval(node.value))
    raise SystemExit(f"{file}: assigns no LAYERS; name them with --layers")


def goes_up(caller: str, called: str, layers: Sequence[str]) -> bool:
    """Return whether the called module stands in a higher layer than its caller; the package itself has none."""
    first, second = (name.partition(".")[0] for name in (caller, called))
    return first in layers and second in layers and layers.index(second) > layers.index(first)


def count_training(recipe: str, photos: int) -> CallCounter:
    """Train on drawings as the command does, once, and return what was called."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "photos"
        draw_photo_folders(data, photos, 0)
        words = ["train", str(data), "--recipe", recipe, "--out", f"{folder}/run", "--no-report"]
        if recipe != "features":
            words += ["--epochs", "1", "--set", "image_size=64"]
        counter = CallCounter()
        threading.setprofile(counter.event)
        sys.setprofile(counter.event)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                cli.main(words)
        except SystemExit as ended:
            if ended.code:
                raise
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    return counter


if __name__ == "__main__":
    main()
