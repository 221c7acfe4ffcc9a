"""What many tests share: a cache of their own, drawn photos, a small trained model."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from browser import Browser, OpenedPage, run_browser
from running import QUICK, done
from shared_files import make_once, shared_folder

pytest_plugins = ["exported_models", "hub_fixtures"]

# The same examples every time, and no deadline: machines that run tests are shared.
settings.register_profile("photoclass", derandomize=True, deadline=None)
settings.load_profile("photoclass")

# Where tests run side by side, each has one thread to compute with: more than there are processors only wait for one
# another. Set before torch is loaded; the commands that tests start inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


# Files that take longest are begun first, so that no worker is left alone with one at the end.
_LONGEST_FIRST = (
    "checks/test_planted.py",
    "walkthrough/test_demo.py",
    "test_default_way.py",
    "training/test_machines.py",
    "training/learners/test_finetune.py",
    "training/test_train.py",
    "training/frozen/test_features.py",
    "test_commands.py",
    "estimator/test_classifier.py",
    "training/frozen/test_backbone_file.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        return _LONGEST_FIRST.index(name) if name in _LONGEST_FIRST else len(_LONGEST_FIRST)

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the tests, and every process they start, out of the user's cache.

    And let these processes keep their bytecode, as installed programs do: some hundred commands are started.
    """
    cache = tmp_path_factory.mktemp("cache")
    networks = shared_folder(tmp_path_factory) / "networks"
    networks.mkdir(exist_ok=True)
    (cache / "networks").symlink_to(networks)  # pretrained networks are made once for all workers
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOCLASS_CACHE", str(cache))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield cache


@pytest.fixture(scope="session")
def drawn_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with 60 drawings a class."""
    from photoclass.walkthrough.drawings.drawings import draw_photo_folders

    return make_once(shared_folder(tmp_path_factory) / "photos", lambda folder: draw_photo_folders(folder, 60))


@pytest.fixture(scope="session")
def few_drawn_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with 24 drawings a class, where that is enough."""
    from photoclass.walkthrough.drawings.drawings import draw_photo_folders

    return make_once(shared_folder(tmp_path_factory) / "cats-and-dogs", lambda folder: draw_photo_folders(folder, 24))


@pytest.fixture(scope="session")
def model(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of the drawings, made by the real command."""

    def train(out: Path) -> None:
        done("train", drawn_photos, "--out", out, "--recipe", "small-cnn", "--epochs", 2, *QUICK)

    return make_once(shared_folder(tmp_path_factory) / "run", train)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running browser. Of a module, not of all tests: while it runs, no other event loop can."""
    with run_browser() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., OpenedPage]]:
    """`Browser.open_page`; what it opened is closed after the test."""
    yield browser.open_page
    browser.close_pages()
