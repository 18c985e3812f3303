import itertools

import numpy as np
import pytest

from mmjax.data.split import Split, boundaries, cut
from tests.data.conftest import draw, png, questions

FIELDS = {"image": "image", "text": "question", "target": "answer", "group": "image_id"}


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
    split = Split("drawings", "train", FIELDS, drawings)
    assert len(split.starts) - 1 == 23
    for number in range(23):
        rows = split.picture(number)
        pairs = [split.pair(row, "{text}") for row in rows]
        assert [(pair.text, pair.target) for pair in pairs] == questions(number)
        for row in rows:
            np.testing.assert_array_equal(split.load(row, 16), draw(number))


def test_rows_of_one_picture_are_found_wherever_they_stand(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(), "label": tfds.features.Text(), "scene": tfds.features.Text()}
    scenes = ["b", "a", *np.random.default_rng(0).choice(["a", "b", "c"], 200).tolist()]
    rows = [{"image": png(draw(0)), "label": str(row), "scene": scene} for row, scene in enumerate(scenes)]
    tfds_set(tmp_path, "scattered", features, {"train": rows})
    fields = {"image": "image", "target": "label", "group": "scene"}
    split = Split("scattered", "train", fields, str(tmp_path))
    for number, scene in enumerate("bac"):  # pictures are counted as they first appear
        assert split.picture(number).tolist() == [row for row in range(202) if scenes[row] == scene]
    apart = Split("scattered", "train", {"image": "image", "target": "label"}, str(tmp_path))
    assert [apart.picture(number).tolist() for number in range(202)] == [[row] for row in range(202)]


def test_the_prompt_surrounds_the_text_and_braces_in_it_stay(drawings):
    split = Split("drawings", "test", FIELDS, drawings)
    text = split.columns.text[0]
    assert split.pair(0, "Answer {in} one word: {text}").text == f"Answer {{in}} one word: {text}"
    assert split.pair(0, "describe").text == "describe"


def test_a_broken_picture_is_named_by_data_set_split_and_row(tfds_set, tmp_path):
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(shape=(None, None, 3)), "label": tfds.features.Text()}
    rows = [{"image": png(draw(0)), "label": "a"}, {"image": b"\x89PNG\r\n\x1a\n and then nothing", "label": "b"}]
    tfds_set(tmp_path, "torn", features, {"train": rows})
    split = Split("torn", "train", {"image": "image", "target": "label"}, str(tmp_path))
    with pytest.raises(ValueError, match=r"^torn train row 1: not a readable picture"):
        split.load(1, 16)
