"""Imports go down the ranks of the folders, and what no file may import is imported by none."""

import ast
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
RANKS = {
    0: "core",
    1: "nn losses metrics optim data weights",
    2: "encoders interaction missing fusion heads align diffusion decode",
    3: "models tasks train",
    4: "cli",
}
RANK = {folder: rank for rank, folders in RANKS.items() for folder in folders.split()}
TOP = {"__init__", "__main__"}  # the package's own files: they may import anything, nothing may import them
ABSENT = {"tensorflow", "torch"}
JAX = {"jax", "jaxlib", "flax", "optax", "orbax"}
CALLS = {"import_module", "__import__", "find_spec"}


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a file imports, by `import_module("name")` too."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(first := next(iter(node.args), None), ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in CALLS and isinstance(first.value, str):
                yield node.lineno, first.value


def complaint(folder: str, name: str) -> str | None:
    """What is wrong with an import of `name` by a file in `folder` ("" for the top), if anything."""
    package, _, rest = name.partition(".")
    other = rest.partition(".")[0]
    numpy_only = folder in ("data", "weights")
    if name.startswith("."):
        return "relative import"
    if package in ABSENT:
        return f"{package} is not a dependency"
    if package in JAX and numpy_only:
        return f"{folder}/ runs in processes without {package}"
    if package != "mmjax" or not folder or other == folder:
        return None
    if other not in RANK:
        return f"imports the top of the package, or a folder without a rank: {other or 'mmjax'}"
    if numpy_only or (folder == "train" and other != "core"):
        return f"{folder}/ imports {'core/ alone' if folder == 'train' else 'nothing of mmjax'}, not {other}/"
    if RANK[other] >= RANK[folder]:
        return f"{other}/ (rank {RANK[other]}) is not below {folder}/ (rank {RANK[folder]})"
    return None


def violations(package: Path) -> list[str]:
    """Every broken rule of a package folder as "path:line: what is wrong"."""
    found = []
    for path in sorted(package.rglob("*.py")):
        inner = path.relative_to(package)
        folder = inner.parts[0] if len(inner.parts) > 1 else ""
        if not folder and path.stem not in TOP:
            found.append(f"{inner}:1: only __init__ and __main__ stand at the top")
        elif folder and folder not in RANK:
            found.append(f"{inner}:1: {folder}/ has no rank")
        else:
            lines = ((line, complaint(folder, name)) for line, name in imported(path))
            found += [f"{inner}:{line}: {wrong}" for line, wrong in lines if wrong]
    return found


def test_every_import_of_the_package_goes_down_the_ranks():
    assert violations(ROOT / "mmjax") == []


def test_every_folder_with_python_files_is_a_package_that_a_wheel_holds():
    folders = {path.parent for path in (ROOT / "mmjax").rglob("*.py")}
    assert folders and [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("path", "text", "wrong"),
    [
        ("core/a.py", "import mmjax.nn.mlp", "nn/ (rank 1) is not below core/"),
        ("core/a.py", "from mmjax import nn", "nn/ (rank 1) is not below core/"),
        ("nn/a.py", "from mmjax.losses.mean import x", "losses/ (rank 1) is not below nn/"),
        ("fusion/a.py", "def f():\n    import mmjax.heads.classify", "heads/ (rank 2) is not below fusion/"),
        ("tasks/a.py", "from mmjax.models.pali import Pali", "models/ (rank 3) is not below tasks/"),
        ("models/a.py", "from mmjax.cli import train", "cli/ (rank 4) is not below models/"),
        ("train/a.py", "from mmjax.optim.adamw import Adamw", "core/ alone"),
        ("data/a.py", "from mmjax.core.mean import Mean", "nothing of mmjax"),
        ("data/sub/a.py", "import jax.numpy as jnp", "without jax"),
        ("weights/a.py", "from flax import linen", "without flax"),
        ("nn/a.py", "from . import mlp", "relative import"),
        ("nn/a.py", "from ..core import mean", "relative import"),
        ("nn/a.py", "import mmjax", "the top of the package"),
        ("nn/a.py", "from mmjax import load", "the top of the package"),
        ("nn/a.py", "import tensorflow as tf", "tensorflow is not a dependency"),
        ("__init__.py", "import torch.nn", "torch is not a dependency"),
        ("cli/a.py", "import importlib\nimportlib.import_module('torch')", "torch is not a dependency"),
        ("cli/a.py", "from importlib import import_module as m\n__import__('torch')", "torch is not"),
        ("helpers/a.py", "", "helpers/ has no rank"),
        ("extra.py", "", "only __init__ and __main__"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, path, text, wrong):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    found = violations(tmp_path)
    assert len(found) == 1 and found[0].startswith(f"{path}:") and wrong in found[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cli/a.py", "import jax\nfrom mmjax.train.loop import run\nfrom mmjax.data import images"),
        ("train/a.py", "import mmjax.core.mean\nfrom mmjax.train import log\nimport optax"),
        ("data/sub/a.py", "import tensorflow_datasets as tfds\nfrom mmjax.data.images import decode"),
        ("__init__.py", "def load(x):\n    from mmjax.cli.load import load"),
    ],
)
def test_an_allowed_import_is_not_found(tmp_path, path, text):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert violations(tmp_path) == []


def test_nothing_that_the_install_asks_for_brings_in_tensorflow_or_torch():
    try:
        metadata.distribution("mmjax")
    except metadata.PackageNotFoundError:
        pytest.skip("mmjax is not installed here: `make test` installs it")
    asked, seen = [("mmjax", "dev")], set()
    while asked:
        name, extra = asked.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # asked for on another system only
        for wanted in map(Requirement, lines):
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                key = re.sub(r"[-_.]+", "-", wanted.name).lower()
                asked += [(key, one) for one in ("", *wanted.extras)]
    names = {name for name, _ in seen}
    assert {"jax", "tensorflow-datasets", "scikit-learn"} <= names
    assert names & {"tensorflow", "tensorflow-cpu", "torch", "torchvision", "keras"} == set()
