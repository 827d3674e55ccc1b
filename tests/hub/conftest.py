"""Hubs on 127.0.0.1, one that behaves and one that does not, and a cache for each test."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub.loopback import CONTENT, LoopbackHub, MisbehavingHub, serving

from ugatit_cli.hub import client, patience


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own, which is returned, and little patience."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.01)
    return cache


@pytest.fixture
def use_endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes an address the Hub of this process and of those it starts."""
    from huggingface_hub import constants

    def use(endpoint: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setenv("HF_ENDPOINT", endpoint)

    return use


@pytest.fixture
def loopback(use_endpoint: Callable[[str], None]) -> Iterator[LoopbackHub]:
    """A Hub that behaves, with `me/toon` in it."""
    with serving(LoopbackHub({"me/toon": {"weights.safetensors": CONTENT, "README.md": b"# toon"}})) as hub:
        use_endpoint(hub.endpoint)
        yield hub


@pytest.fixture(scope="session")
def misbehaving_servers(shared: Path) -> MisbehavingHub:
    spec = importlib.util.spec_from_file_location("fake_hub", shared / "hostile" / "fake_hub.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return MisbehavingHub(module.start(CONTENT))


@pytest.fixture
def misbehaving(misbehaving_servers: MisbehavingHub, use_endpoint: Callable[[str], None]) -> MisbehavingHub:
    misbehaving_servers.new_test()
    use_endpoint(misbehaving_servers.endpoint)
    return misbehaving_servers
