"""Boxes in strings: what is read, what overlaps, and what counts as found."""

import numpy as np
import pytest

from mmjax.metrics.box_f1 import BoxF1, boxes, iou


def written(*things):
    return " ; ".join("".join(f"<loc{place:04}>" for place in box) + f" {label}" for label, box in things)


RED, BLUE = ("red circle", (0, 0, 9, 9)), ("blue star", (10, 10, 19, 29))


def test_boxes_are_read_from_strings_with_and_without_spaces_between_tokens():
    text = written(RED, BLUE)
    assert boxes(text) == [RED, BLUE]
    assert boxes(text.replace("><", "> <")) == [RED, BLUE]
    assert boxes("<loc0001> <loc0002> red ; nothing") == []


def test_the_overlap_is_counted_bin_by_bin():
    rng = np.random.default_rng(0)
    for _ in range(20):
        corners = np.sort(rng.integers(0, 8, (2, 2, 2)), axis=1)
        one, other = ((*box[0], *box[1]) for box in corners.tolist())
        grids = [{(y, x) for y in range(b[0], b[2] + 1) for x in range(b[1], b[3] + 1)} for b in (one, other)]
        np.testing.assert_allclose(iou(one, other), len(grids[0] & grids[1]) / len(grids[0] | grids[1]))


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ([RED, BLUE], 1),
        ([BLUE, RED], 1),
        ([RED], 2 / 3),
        ([RED, RED, BLUE], 4 / 5),  # a true box is found once
        ([("red star", RED[1]), BLUE], 1 / 2),  # the label counts
        ([("red circle", (0, 0, 9, 4)), BLUE], 1),  # half of it is enough
        ([("red circle", (0, 0, 9, 3)), BLUE], 1 / 2),
        ([], 0),
    ],
)
def test_a_box_is_found_where_its_label_is_right_and_it_overlaps_enough(found, score):
    np.testing.assert_allclose(BoxF1()(written(*found), written(RED, BLUE)), score)


def test_a_picture_without_objects_is_right_when_nothing_is_written():
    assert BoxF1()("", "") == 1
    assert BoxF1()(written(RED), "") == 0


def test_an_overlap_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="overlap is 0"):
        BoxF1(overlap=0.0)
