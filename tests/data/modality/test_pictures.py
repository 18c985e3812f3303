"""A row's two pictures: in their order, all there or none, and what is no pair is told."""

import numpy as np
import pytest
from PIL import Image

from mmjax.data import images
from mmjax.data.modality.pictures import Pictures

PAIR = Pictures("image", 2, (2, 4))


def grey(value: int) -> np.ndarray:
    return np.full((4, 8, 3), value, np.uint8)


def test_pictures_of_every_form_stand_in_the_order_of_the_row(tmp_path):
    Image.fromarray(grey(7)).save(tmp_path / "7.png")
    forms = ([tmp_path / "7.png", Image.fromarray(grey(90))], (images.png(grey(7)), grey(90)), [grey(7), grey(90)])
    for given in (*forms, np.stack(forms[2]), np.array([images.png(grey(7)), images.png(grey(90))], object)):
        values, mask = PAIR(given, {})
        assert mask.all() and values.shape == PAIR.blank()[0].shape == (2, 2, 4, 3)
        assert [set(one.ravel().tolist()) for one in values] == [{7}, {90}]


@pytest.mark.parametrize("given", [None, [], b"", np.zeros(0, object)])
def test_a_row_may_have_none(given):
    values, mask = PAIR(given, {})
    assert not values.any() and mask.tolist() == [False, False]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("a.png", "^1 picture, expected 2: give 2, in the order"),
        (grey(1), "^1 picture, expected 2"),
        (np.stack([grey(1)] * 3), "^3 pictures, expected 2"),
        ([grey(1), None], "^picture 1 is missing; give all 2, or none"),
        ([grey(1), b""], "^picture 1 is missing"),
        ([grey(1), b"no picture"], r"^picture 1: not a readable picture \(no known picture format\)"),
        ([5, grey(1)], "^picture 0: 5 is no picture"),
        ([[grey(1)], grey(1)], "^picture 0: a list of 1; expected one picture"),
        ({"a": 1}, "is no list of pictures"),
    ],
)
def test_what_is_no_pair_is_told(given, told):
    with pytest.raises(ValueError, match=told):
        PAIR(given, {})


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"gone\.png: no such file"):
        PAIR(["gone.png", grey(1)], {})


def test_each_picture_is_changed_by_itself_in_training():
    def add(image, rng):
        return image + np.uint8(rng.integers(1, 100))

    pair = Pictures("image", 2, (2, 4), augment=add)
    values, mask = pair([grey(0), grey(0)], {})
    varied, kept = pair.vary(values, mask, {}, np.random.default_rng(0))
    first, second = (set(one.ravel().tolist()) for one in varied)
    assert len(first) == len(second) == 1 and first != second and kept is mask


@pytest.mark.parametrize(("count", "size"), [(0, 4), (2, 0), (2, (4, 0))])
def test_counts_and_sizes_that_are_none_are_told(count, size):
    with pytest.raises(ValueError, match=r"count is|size is"):
        Pictures("image", count, size)
