"""Every op, encoder and head has a test of its own beside the contract of its folder, which compares what it gives."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WITHIN = {"covariances", "distances", "log_one_more", "mining"}  # what losses share, and are compared with it
COMPARE = {"assert_allclose", "assert_array_equal", "close"}  # the last one is of tests.encoders.loops

NUMBERS = frozenset({*COMPARE, "approx"})  # a loss is one number


def without_reference(package: Path, tests: Path) -> list[str]:
    """The files of a package whose test does not import them, or has no test function that compares arrays."""
    names = sorted(path.stem for path in package.glob("*.py") if path.stem != "__init__")
    return [name for name in names if not referenced(f"{package.name}.{name}", tests / f"test_{name}.py")]


def referenced(module: str, path: Path, compares: frozenset[str] = frozenset(COMPARE)) -> bool:
    """Whether a test file imports `mmjax.MODULE`, and one of its tests compares arrays, itself or by what it calls."""
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text())
    if not any(isinstance(node, ast.ImportFrom) and node.module == f"mmjax.{module}" for node in tree.body):
        return False
    calls = {
        one.name: {
            getattr(node.func, "attr", getattr(node.func, "id", None))
            for node in ast.walk(one)
            if isinstance(node, ast.Call)
        }
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
    }
    compare = compares | {name for name, called in calls.items() if called & compares}
    return any(name.startswith("test_") and called & compare for name, called in calls.items())


@pytest.mark.parametrize("folder", ["align", "encoders", "fusion", "heads", "interaction", "missing"])
def test_every_file_has_a_test_with_its_own_reference(folder):
    assert without_reference(TESTS.parent / "mmjax" / folder, TESTS / folder) == []


def test_every_loss_is_compared_with_something_by_some_test():
    losses, tests = TESTS.parent / "mmjax/losses", sorted((TESTS / "losses").glob("test_*.py"))
    names = sorted(path.stem for path in losses.glob("*.py") if path.stem not in ("__init__", *WITHIN))
    assert [name for name in names if not any(referenced(f"losses.{name}", test, NUMBERS) for test in tests)] == []


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("", True),
        ("def test_it():\n    pass\n", True),
        ("def test_it():\n    assert Mine().shape == 3\n", True),
        ("def near():\n    np.testing.assert_allclose(1, 1)\n", True),
        ("def test_it():\n    np.testing.assert_allclose(Mine(), 1)\n", False),
        ("def near():\n    np.testing.assert_allclose(1, 1)\ndef test_it():\n    near()\n", False),
    ],
)
def test_a_test_that_compares_nothing_is_no_reference(tmp_path, text, lacks):
    package = tmp_path / "fusion"
    package.mkdir()
    (package / "mine.py").touch()
    assert without_reference(package, tmp_path) == ["mine"]
    (tmp_path / "test_mine.py").write_text(f"from mmjax.fusion.mine import Mine\n{text}")
    assert without_reference(package, tmp_path) == (["mine"] if lacks else [])
