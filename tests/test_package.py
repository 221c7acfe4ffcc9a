"""The package itself: imports go down only, public names are there, versions are pinned."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import photoclass

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "photoclass"
# From the lowest up: a layer may import from itself and those below it.
LAYERS = (
    "errors",
    "extras",
    "paths",
    "atomic",
    "schemas",
    "progress",
    "text",
    "machine",
    "workspace",
    "page",
    "notebook",
    "metrics",
    "photos",
    "model",
    "hub",
    "results",
    "networks",
    "training",
    "checks",
    "estimator",
    "walkthrough",
    "terminal",
    "cli",
    "__main__",
)
TORCHLESS = ("metrics", "photos", "model", "results", "checks")
# Of `checks`, doubtful labels alone need a model; all else looks at photos.
LOOK_AT_PHOTOS_ALONE = (
    "errors",
    "paths",
    "atomic",
    "schemas",
    "progress",
    "text",
    "machine",
    "workspace",
    "page",
    "notebook",
    "photos",
    "checks",
)


@functools.cache
def _modules() -> dict[str, Path]:
    return {
        ".".join(("photoclass", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in SOURCE.rglob("*.py")
    }


@functools.cache
def _imports(path: Path, at_run_time: bool = False) -> set[str]:
    """Return the modules that a file imports, those inside functions too; at run time, not those for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if at_run_time and node in for_types:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def _layer(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("module", sorted(set(_modules()) - {"photoclass"}))
def test_imports_go_down_only(module: str) -> None:
    own = LAYERS.index(_layer(module))
    for imported in _imports(_modules()[module]):
        if imported.startswith("photoclass."):
            assert LAYERS.index(_layer(imported)) <= own, f"{module} imports {imported}, which stands above it"


@pytest.mark.parametrize("module", sorted(m for m in _modules() if m.startswith("photoclass.checks.")))
def test_checks_stand_on_photos_alone(module: str) -> None:
    if module == "photoclass.checks.labels":
        return
    layers = {_layer(name) for name in _imports(_modules()[module]) if name.startswith("photoclass.")}
    assert layers <= set(LOOK_AT_PHOTOS_ALONE)


@pytest.mark.parametrize("module", sorted(m for m in _modules() if m.count(".") and _layer(m) in TORCHLESS))
def test_using_a_model_needs_no_torch(module: str) -> None:
    imported = {name.partition(".")[0] for name in _imports(_modules()[module])}
    assert not imported & {"torch", "safetensors", "onnx", "sklearn", "scipy"}


def _imports_at_start(path: Path) -> set[str]:
    """Return the packages that a module imports when it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in found}


def test_only_the_recipes_of_the_extra_torch_load_its_packages() -> None:
    """The default way is run without them in `tests/test_default_way.py`; this names the module that breaks it."""
    packages = {"torch", "safetensors", "onnxscript", "cv2", "matplotlib"}
    loading = {module for module, path in _modules().items() if _imports_at_start(path) & packages}
    others = {
        module
        for module in loading
        if not module.startswith(("photoclass.training.loop.", "photoclass.training.learners.", "photoclass.networks."))
    }
    assert others == {"photoclass.training.augment", "photoclass.training.export"}
    assert "photoclass.training.learners.features" not in loading


def test_no_module_is_imported_in_a_circle() -> None:
    modules = _modules()
    graph = {
        module: {name for name in _imports(path, at_run_time=True) if name in modules and name != "photoclass"}
        for module, path in modules.items()
        if module != "photoclass"
    }
    waiting = dict(graph)
    while free := [module for module, imported in waiting.items() if not imported & waiting.keys() - {module}]:
        for module in free:
            del waiting[module]
    assert not waiting, f"these import each other: {sorted(waiting)}"


def test_importing_photoclass_costs_no_library() -> None:
    code = (
        "import sys, photoclass; "
        "print([m for m in ('torch', 'numpy', 'PIL', 'openvino', 'matplotlib', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", photoclass.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    assert getattr(photoclass, name).__doc__


def test_public_names_are_the_same_to_type_checkers_and_at_run_time() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("photoclass."):
            for alias in node.names:
                there = f":{alias.name}" if alias.asname else ""
                imported[alias.asname or alias.name] = node.module + there
    errors = {name for name, home in imported.items() if home == "photoclass.errors"}
    assert len(photoclass.__all__) == len(set(photoclass.__all__))
    assert set(photoclass.__all__) == set(imported)
    assert {name: home for name, home in imported.items() if name not in errors} == photoclass._HOMES


def test_every_file_says_first_what_it_is_for() -> None:
    for module, path in _modules().items():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{module} has no first line"


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports them by their names alone, and could not collect the whole suite."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_pinned_version_has_its_line() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^ ]+", pin) for pin in pins)
    pinned = {pin.partition("==")[0].casefold().replace("_", "-") for pin in pins}
    wanted = re.findall(r'^\s+"([a-z0-9-]+)>=', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    wanted += re.findall(r'"([a-z0-9-]+)>=[^"]*"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {name for name in wanted if name not in ("pillow-heif",)} <= pinned


def test_naming_the_recipes_loads_no_library() -> None:
    code = (
        "import sys, photoclass.training.recipes.registry; "
        "print([m for m in ('torch', 'numpy', 'PIL', 'onnx', 'openvino', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
