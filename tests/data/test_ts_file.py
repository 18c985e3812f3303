import numpy as np
import pytest

from mmjax.data import ts_file

HEAD = "#about it\n@problemName Toy\n@timeStamps false\n@equalLength false\n@classLabel true a b\n@data\n"


def test_a_file_gives_its_series_of_unequal_length_and_their_classes(tmp_path):
    path = tmp_path / "Toy_TRAIN.ts"
    path.write_text(HEAD + "1,2,3:4,5,6:b\n\n7,?:-1e-3,9:a\n")
    (first, b), (second, a) = ts_file.read(path)
    assert (a, b) == ("a", "b")
    np.testing.assert_array_equal(first, [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_allclose(second, [[7, -1e-3], [np.nan, 9]])


@pytest.mark.parametrize("line", ["1,2:3:a", "1,x:3,4:a"])
def test_a_line_that_is_no_series_is_named(tmp_path, line):
    path = tmp_path / "Toy_TEST.ts"
    path.write_text(f"{HEAD}1,2:3,4:a\n{line}\n")
    with pytest.raises(ValueError, match=r"Toy_TEST.ts:8: 2 channels that make no series"):
        list(ts_file.read(path))


def test_the_wheel_that_is_absent_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"BasicMotions.*absent: pip install --no-deps aeon"):
        ts_file.folder("BasicMotions")
