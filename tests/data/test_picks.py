"""Pairs of which one is as the statement says: which of them, by the statement itself and by its pictures."""

import numpy as np
import pytest

from mmjax.data import images, prepared
from mmjax.data.statements import statement
from mmjax.data.statements.picture import render
from tests import nlvr

TRAIN, TEST = 40, 10


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The rows of both splits, in small."""
    folder = tmp_path_factory.mktemp("picks")
    assert nlvr.picks(folder, TRAIN, TEST)["splits"] == {"train": TRAIN, "test": TEST}
    return [row for split in ("train", "test") for row in prepared.peek("picks", split, TRAIN + TEST, str(folder))]


def test_the_statement_is_true_of_the_picture_that_the_label_names_and_of_no_other(made):
    assert len(made) == TRAIN + TEST
    for number, row in enumerate(made):
        drawn = statement.example(0, number)
        pair = (drawn.scene, drawn.other)
        assert row["sentence"] == drawn.sentence and len(row["image"]) == 2
        assert [drawn.statement.holds(scene) for scene in pair] == [row["label"] == place for place in range(2)]
        for shown, scene in zip(row["image"], pair, strict=True):
            np.testing.assert_array_equal(shown, images.decode(render(scene)))
        assert not np.array_equal(*row["image"])


def test_the_first_picture_is_the_one_as_often_as_the_second():
    drawn = [statement.example(0, number) for number in range(1_500)]
    for alike in (True, False):
        first = np.mean([one.statement.holds(one.scene) for one in drawn if one.alike == alike])
        assert abs(first - 0.5) < 0.06
