"""What every test gets: a cache of its own, one thread, examples that repeat, and the way to the shared data."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports torch or OpenCV, and inherited by the processes that tests start: the workers of
# pytest-xdist share the cores, and sums taken in one thread come out the same every time.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"

# The Hub's client reads these once, when it is imported. Nothing listens on port 9: a test that asks the Hub brings its own.
os.environ |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="ugatit-hub-")
atexit.register(shutil.rmtree, os.environ["HF_HOME"], ignore_errors=True)
for variable in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"):
    os.environ.pop(variable, None)

settings.register_profile("ugatit", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ugatit")


def pytest_configure(config: pytest.Config) -> None:
    """What `--device auto` takes is the CPU, whatever machine this is, but for tests that ask for a GPU: `-m gpu`."""
    if "gpu" not in config.option.markexpr:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here, or it was not asked for with -m gpu")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden numbers, bad inputs and picture sets that lies beside the repository, if it does."""
    if not SHARED.is_dir():
        pytest.skip("the shared data folder does not lie beside the repository")
    return SHARED


@pytest.fixture(autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, an empty data folder, and none of the developer's own settings."""
    monkeypatch.setenv("UGATIT_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("UGATIT_DATA", str(tmp_path_factory.mktemp("data")))
    for variable in ("UGATIT_DEBUG", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH"):
        monkeypatch.delenv(variable, raising=False)
