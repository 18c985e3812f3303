import itertools

import numpy as np
import pytest

from mmjax.data.dataset import Dataset
from mmjax.data.split import boundaries, cut
from tests.data.conftest import draw, png, questions

READS = ("question", "answer")


def test_boundaries_and_pieces_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    for most in (1, 2, 3, 8):
        groups = np.sort(rng.integers(0, 12, 40))
        runs = [[row for row in range(40) if groups[row] == group] for group in sorted(set(groups.tolist()))]
        pieces = [[run[i : i + most] for i in range(0, len(run), most)] for run in runs]
        starts = boundaries(groups)
        assert [list(range(*ends)) for ends in itertools.pairwise(starts)] == runs
        cuts, first = cut(starts, most)
        assert [list(range(*ends)) for ends in itertools.pairwise(cuts)] == list(itertools.chain(*pieces))
        assert first.tolist() == np.cumsum([0, *map(len, pieces)])[:-1].tolist()


def test_rows_of_one_picture_are_together_and_show_it(drawings):
    split = Dataset("drawings", data_dir=drawings).split("train", READS)
    assert len(split.starts) - 1 == 23
    for number in range(23):
        rows = split.picture(number)
        found = [split.row(row) for row in rows]
        assert [(row["question"], row["answer"]) for row in found] == questions(number)
        for row in rows:
            np.testing.assert_array_equal(split.images(row), [draw(number)])


def test_rows_of_one_picture_are_found_wherever_they_stand(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(), "label": tfds.features.Text(), "scene": tfds.features.Text()}
    scenes = ["b", "a", *np.random.default_rng(0).choice(["a", "b", "c"], 200).tolist()]
    rows = [{"image": png(draw(0)), "label": str(row), "scene": scene} for row, scene in enumerate(scenes)]
    tfds_set(tmp_path, "scattered", features, {"train": rows})
    fields = {"image": "image", "caption": "label", "group": "scene"}
    split = Dataset("scattered", fields, data_dir=str(tmp_path)).split("train", ("caption",))
    for number, scene in enumerate("bac"):  # pictures are counted as they first appear
        assert split.picture(number).tolist() == [row for row in range(202) if scenes[row] == scene]
    del fields["group"]
    apart = Dataset("scattered", fields, data_dir=str(tmp_path)).split("train", ("caption",))
    assert [apart.picture(number).tolist() for number in range(202)] == [[row] for row in range(202)]


def test_what_stands_in_every_row_of_a_picture_is_read_once(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(), "caption": tfds.features.Text(), "scene": np.int64}
    said = [("a", 0), ("b", 1), ("a", 0), ("c", 1), ("b", 1), ("a", 1)]
    rows = [{"image": png(draw(0)), "caption": text, "scene": scene} for text, scene in said]
    tfds_set(tmp_path, "repeated", features, {"train": rows})
    source = Dataset("repeated", {"image": "image", "caption": "caption", "group": "scene"}, data_dir=str(tmp_path))
    split = source.split("train", ("caption",))
    assert [split.picture(number).tolist() for number in range(2)] == [[0], [1, 3, 5]]


def test_a_broken_picture_is_named_by_data_set_split_and_row(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(shape=(None, None, 3)), "label": tfds.features.Text()}
    rows = [{"image": png(draw(0)), "label": "a"}, {"image": b"\x89PNG\r\n\x1a\n and then nothing", "label": "b"}]
    tfds_set(tmp_path, "torn", features, {"train": rows})
    split = Dataset("torn", {"image": "image", "caption": "label"}, data_dir=str(tmp_path)).split("train", ("caption",))
    with pytest.raises(ValueError, match=r"^torn train row 1: not a readable picture"):
        split.images(1)
