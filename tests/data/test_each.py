"""Rows with lists as a row for each thing in them, against a loop."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mmjax.data.each import Each
from mmjax.data.modality.text import Text
from mmjax.data.rows import Rows
from mmjax.data.words import Words

ROWS = [
    {"n": 0, "said": ["a", "b"], "by": [1, 2, 3, 4], "none": []},
    {"n": 1, "said": [], "by": [], "none": []},
    {"n": 2, "said": ["c"], "by": [5, 6], "none": []},
    {"n": 3, "said": ["d", "e", "f"], "by": [7, 8, 9, 10, 11, 12], "none": []},
]


class Counted(list):
    """Rows that count how often they are read."""

    read = 0

    def __getitem__(self, place):
        self.read += 1
        return super().__getitem__(place)


@pytest.mark.parametrize("counts", [None, [2, 0, 1, 3]])
def test_a_row_is_one_thing_of_a_list_and_what_another_list_has_for_it(counts):
    rows = Counted(ROWS)
    each = Each(rows, ("said", "by", "none"), counts)
    assert rows.read == (0 if counts else 4)
    found = [each[place] for place in range(len(each))]
    wanted = [
        {"n": row["n"], "said": said, "by": row["by"][2 * i : 2 * i + 2], "none": []}
        for row in ROWS
        for i, said in enumerate(row["said"])
    ]
    assert found == wanted and rows.read == (3 if counts else 7)  # once for all of a row
    assert each[4] == wanted[4] and each[0] == wanted[0]
    for place in (-1, 6):
        with pytest.raises(IndexError):
            each[place]


def test_lists_that_do_not_share_out_are_told():
    with pytest.raises(ValueError, match="row 0: by has 3 things for 2; expected as many, or so many for each"):
        Each([{"said": ["a", "b"], "by": [1, 2, 3]}], ("said", "by"))[0]


def test_a_feed_has_a_row_for_each_caption_and_says_where_there_is_no_such_feature(tmp_path, tfds_set):
    features = {"captions": tfds.features.Sequence(tfds.features.Text()), "n": np.int64}
    rows = [{"captions": row["said"], "n": row["n"]} for row in ROWS if row["said"]]
    tfds_set(tmp_path, "said", features, {"train": rows, "test": rows[:2]})
    config = Rows("said", {"text": Text("captions", 3)}, each=("captions",), tokenizer=Words(32), batch=4)
    feed = Rows(**{**vars(config), "data_dir": str(tmp_path)}).open(tmp_path / "run")
    assert (feed.examples("train"), feed.examples()) == (6, 3)
    texts = [text for batch in feed.split(split="train") for text in batch["text"] if text.any()]
    assert [feed.vocabulary.words.decode(text) for text in texts] == list("abcdef")
    with pytest.raises(ValueError, match=r"data\.each\.0 is 'titles', but data set 'said' has captions, n"):
        _ = Rows(**{**vars(config), "data_dir": str(tmp_path), "each": ("titles",)}).open(tmp_path / "other").source
    with pytest.raises(ValueError, match=r"data\.each\.0 is 'n', of which a row of 'said' has one; name features"):
        _ = Rows(**{**vars(config), "data_dir": str(tmp_path), "each": ("n",)}).open(tmp_path / "other").source
