"""A hub on loopback, and a cache of its files, for each test that asks for them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hub import FakeHub, run_fake_hub
from photoclass.hub.access import HubAccess


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A running hub, which no program but the test's own uses, with nobody logged in."""
    from huggingface_hub import constants

    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    with run_fake_hub() as running:
        # In this process it was imported long ago, perhaps, and made its addresses then.
        template = running.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", running.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        # Commands that a test starts find it by the environment.
        for name, value in {
            "HF_ENDPOINT": running.endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_ETAG_TIMEOUT": "5",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def access(hub: FakeHub, tmp_path: Path) -> HubAccess:
    return HubAccess(hub.endpoint, tmp_path / "hf" / "hub", timeout=1)
