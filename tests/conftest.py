"""Shared by all tests: jax on one CPU device, its compilation cache, and prepared data in a temporary folder.

It runs before any test file is imported, so it sets what jax and TFDS read when they are imported; child
processes inherit it. Tests that need several devices start a child with `environment(devices=8)`: the other
tests, and the commands that they start, then see what a laptop has, one device.
"""

import fcntl
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache/jax"  # a second run of the tests compiles next to nothing
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
gc.set_threshold(5_000, 20, 50)  # or what jax keeps of thousands of programs would be walked again and again
MAIN = "PYTEST_XDIST_WORKER" not in os.environ  # the workers of xdist inherit what it sets


# Most of the time goes into compiling programs that run once: machine code that is not optimised, from the plainer of
# two generators and in one piece, is made in less than half of it. What is compiled as users do is `make quickstart`.
PLAIN = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)


def known(*flags: str) -> bool:
    """Whether this version of XLA has these flags; a process that is given others is aborted."""
    env = os.environ | {"XLA_FLAGS": " ".join(flags)}
    return not subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"], env=env, capture_output=True
    ).returncode


if MAIN:
    flags = PLAIN if known(*PLAIN) else [flag for flag in PLAIN if known(flag)]
    os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *flags]).strip()
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
    with locked("easyvqa"):
        for name in ("easyvqa", "easyvqa_pictures", "easyvqa_captions"):
            prepared.prepare(name, str(folder))  # returns at once where it is there
    return folder


@pytest.fixture(scope="session")
def small_wheels(tmp_path_factory) -> Path:
    """The data folder with the sets of wheels and of folders, prepared from small files in their published form."""
    from mmjax.data import own, prepared
    from tests import classes, nlvr, opinions, wheels

    folder = Path(os.environ["TFDS_DATA_DIR"])
    with locked("wheels"):
        if not (folder / "mfeat").exists() or not (folder / "basic_motions").exists():
            with wheels.installed(tmp_path_factory.mktemp("site")) as site:
                wheels.digits(site)
                wheels.motions(site)
                for name in ("mfeat", "basic_motions"):
                    prepared.prepare(name, str(folder))
        wheels.spoken(folder)
        wheels.relations(folder)
        wheels.things(folder)
        if not (folder / "emoji").exists():
            prepared.prepare("emoji", str(folder), wheels.emoji(tmp_path_factory.mktemp("emoji"), 120))
        if not (folder / "nlvr").exists():
            prepared.prepare("nlvr", str(folder), nlvr.nlvr(tmp_path_factory.mktemp("nlvr")))
        if not (folder / "fashion").exists():
            brought = tmp_path_factory.mktemp("fashion") / "brought"
            classes.fashion(brought)
            prepared.prepare("fashion", str(folder), brought)
        if not (folder / "picks").exists():
            nlvr.picks(folder)
        for name in ("mosi", "mosei"):
            if not (folder / name).exists():
                prepared.prepare(name, str(folder), opinions.write(tmp_path_factory.mktemp("brought") / name, name))
        if not (folder / "posts").exists():
            own.build(opinions.posts(tmp_path_factory.mktemp("posts")), "posts", str(folder))
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One worker at a time: what the first one makes, the others find."""
    with open(Path(os.environ["TFDS_DATA_DIR"]).parent / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def squares() -> Path:
    """The rows (.jsonl, beside the pictures) of the data set "squares" of tests/tiny.py, which is prepared."""
    from mmjax.data import own
    from tests import tiny

    folder = Path(os.environ["TFDS_DATA_DIR"])
    rows = folder.parent / "squares"
    with locked("squares"):
        if not (folder / "squares").exists():
            own.build(tiny.rows(rows), "squares", str(folder))
    return rows / "squares.jsonl"


@pytest.fixture(scope="session")
def trained(squares: Path) -> Path:
    """The folder of a complete run of tests/tiny.py, made by the command line: 12 steps, to be read only."""
    from tests import tiny
    from tests.command import mmjax

    folder = squares.parent / "trained"
    with locked("trained"):
        if not (folder / "report.html").exists():
            done = mmjax("train", f"--config={tiny.CONFIG}", f"--workdir={folder}")
            assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def environment() -> Callable[[int], dict[str, str]]:
    """The environment of a child process that sees so many simulated CPU devices."""

    def simulate(devices: int = 1) -> dict[str, str]:
        flags = (
            os.environ.get("XLA_FLAGS", ""),
            f"--xla_force_host_platform_device_count={devices}",
            "--xla_cpu_collective_call_terminate_timeout_seconds=300",
        )
        # Simulated devices share one pool of threads, and a collective holds a thread until all devices have come to
        # it: in a pool of the usual size, one for each device, they can wait for each other for ever.
        return os.environ | {"XLA_FLAGS": " ".join(flags), "PJRT_NPROC": "64", "TF_CPP_MIN_LOG_LEVEL": "2"}

    return simulate
