"""`mmjax new` writes files that pass the contracts as they are, and refuses in one line what cannot be."""

import os
import shutil
import subprocess
import sys

import pytest

from mmjax.__main__ import main
from mmjax.cli import new
from tests.command import ROOT

NAME = "freshly_made"


def snapshot(root):
    return sorted(path for folder in ("mmjax", "tests") for path in (root / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout, for what is written."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("mmjax", "tests"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def process(copy, *words):
    env = os.environ | {"PYTHONPATH": str(copy)}
    return subprocess.run([sys.executable, "-m", *words], cwd=copy, env=env, text=True, capture_output=True)


def test_every_kind_passes_its_contract_and_the_linter_as_it_was_written_and_an_op_trains(copy, small_wheels):
    done = process(copy, "mmjax", "new", "fusion", NAME)
    assert (done.returncode, done.stderr) == (0, "")
    paths = [copy / "mmjax/fusion" / f"{NAME}.py", copy / "tests/fusion" / f"test_{NAME}.py"]
    assert done.stdout.splitlines() == [
        *(f"wrote {path}" for path in paths),
        f'in a config:  fusion=use("fusion.{NAME}", order=ORDER)',
        f"test it:      python -m pytest tests/fusion -k {NAME}",
    ]
    for kind in ("interaction", "encoder", "head"):
        paths += new.write(kind, NAME, copy)
    folders = [f"tests/{folder}" for folder, _ in new.KINDS.values()]
    tested = process(copy, "pytest", "-q", "-p", "no:cacheprovider", *folders, "-k", f"{NAME} or every_file")
    assert tested.returncode == 0, tested.stdout
    lines = tested.stdout.splitlines()
    assert int(lines[-1].split()[0]) >= 30, lines[-1]
    for ruff in (["check"], ["format", "--check"]):
        linted = process(copy, "ruff", *ruff, *map(str, paths))
        assert linted.returncode == 0, linted.stdout
    changed = (f"--config.task.model.fusion.use=fusion.{NAME}", "--config.steps=3")
    trained = process(
        copy, "mmjax", "train", f"--config={ROOT}/configs/mfeat.py:smoke", f"--workdir={copy}/run", *changed
    )
    assert trained.returncode == 0, trained.stderr
    assert (copy / "run/report.html").exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("fusion", "low_rank"), ["mmjax/fusion/low_rank.py is there already", "another name"]),
        (("fusion", "contract"), ["tests/fusion/test_contract.py is there already"]),
        (("fusion", "LowRank"), ["'LowRank'", "snake_case of at most 80 letters, such as 'low_rank'"]),
        (("fusion", "low-rank"), ["'low-rank'", "such as 'low_rank'"]),
        (("fusion", "../evil"), ["'../evil'", "such as 'evil'"]),
        (("head", "class"), ["'class'", "such as 'class_op'"]),
        (("fusion", "none"), ["'none'", "such as 'none_op'"]),
        (("fusion", "x" * 300), ["'xxx", "snake_case of at most 80 letters, such as 'xxx"]),
        (("head", "2"), ["'2'", "such as 'my_op'"]),
        (("fusion", "dense"), ["'dense' would be a class Dense, which every fusion imports"]),
        (("encoder", "layer_norm"), ["'layer_norm' would be a class LayerNorm"]),
        (("fuson", "mine"), ["'fuson'", "fusion", "head"]),
        (("fusion",), ["name", "required"]),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(words, parts, copy, capsys, monkeypatch):
    monkeypatch.setattr(new, "__file__", str(copy / "mmjax/cli/new.py"))
    before = snapshot(copy)
    assert main(["new", *words]) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and err.startswith("mmjax: ")
    assert all(part in err for part in parts), err
    assert snapshot(copy) == before


def test_an_installed_package_is_no_checkout(tmp_path):
    (tmp_path / "mmjax/fusion").mkdir(parents=True)
    with pytest.raises(OSError, match=r"is no checkout of mmjax, for it has no tests/fusion; clone"):
        new.write("fusion", NAME, tmp_path)
    assert snapshot(tmp_path) == []


def test_where_the_test_cannot_be_written_the_file_is_taken_back(tmp_path):
    for folder in ("mmjax/fusion", "tests/fusion"):
        (tmp_path / folder).mkdir(parents=True)
    # A link to nowhere does not exist, and yet nothing can be opened there anew: so it is for root too.
    (tmp_path / f"tests/fusion/test_{NAME}.py").symlink_to(tmp_path / "nowhere/at_all.py")
    with pytest.raises(OSError, match=rf"test_{NAME}.py cannot be written: "):
        new.write("fusion", NAME, tmp_path)
    assert not (tmp_path / f"mmjax/fusion/{NAME}.py").exists()
