"""Shared by all tests: jax on one CPU device, its compilation cache, and prepared data in a temporary folder.

It runs before any test file is imported, so it sets what jax and TFDS read when they are imported; child
processes inherit it. Tests that need several devices start a child with `environment(devices=8)`: the other
tests, and the commands that they start, then see what a laptop has, one device.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache/jax"  # a second run of the tests compiles next to nothing
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

MAIN = "PYTEST_XDIST_WORKER" not in os.environ  # the workers of xdist inherit the folder
if MAIN:
    os.environ["TFDS_DATA_DIR"] = str(Path(tempfile.mkdtemp(prefix="mmjax-tests-"), "prepared"))


def pytest_unconfigure() -> None:
    """Remove the temporary data when the last worker is done."""
    if MAIN:
        shutil.rmtree(Path(os.environ["TFDS_DATA_DIR"]).parent, ignore_errors=True)


@pytest.fixture(scope="session")
def easyvqa() -> Path:
    """The data folder of this session with easy-VQA in it, prepared by the first worker that asks."""
    from mmjax.data import prepared

    folder = Path(os.environ["TFDS_DATA_DIR"])
    with open(folder.parent / "easyvqa.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepared.prepare("easyvqa", str(folder))  # returns at once where it is there
    return folder


@pytest.fixture(scope="session")
def environment() -> Callable[[int], dict[str, str]]:
    """The environment of a child process that sees so many simulated CPU devices."""

    def simulate(devices: int = 1) -> dict[str, str]:
        return os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}

    return simulate
