"""Changes of pictures by what each does to values and places; erased rectangles and turns by what is left."""

import numpy as np
import pytest
from PIL import Image

from mmjax.core.build import build, use
from mmjax.data.erase import Erase
from mmjax.data.in_turn import InTurn
from mmjax.data.rand_augment import CHANGES, MEAN, RandAugment

PICTURE = np.random.default_rng(0).integers(40, 216, (20, 30, 3)).astype(np.uint8)
WIDE = np.kron(PICTURE, np.ones((8, 8, 1), np.uint8))  # so smooth that a place between pixels has a value


def changed(name, strength, sign=1, image=PICTURE):
    return np.asarray(CHANGES[name](Image.fromarray(image), strength, sign)).astype(int)


VALUES = {
    "identity": lambda x: x,
    "invert": lambda x: 255 - x,
    "posterize": lambda x: x & 0b11000000,
    "solarize": lambda x: np.where(x < 128, x, 255 - x),
    "solarize_add": lambda x: np.where(x < 128, np.minimum(x + 55, 255), x),
    "brightness": lambda x: np.minimum(1.45 * x, 255),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_changed_by_half_of_the_strength_as_published(name):
    np.testing.assert_allclose(changed(name, 0.5), VALUES[name](PICTURE.astype(int)), atol=1)


def test_contrast_and_colour_stretch_away_from_grey_and_less_of_them_draws_nearer():
    for name, spread in (("contrast", lambda x: x.mean(-1).std()), ("color", lambda x: x.std(-1).mean())):
        less, as_it_is, more = spread(changed(name, 0.5, -1)), spread(PICTURE), spread(changed(name, 0.5))
        assert less < 0.7 * as_it_is and more > 1.2 * as_it_is, name
    assert changed("autocontrast", 1.0).min() == 0 and changed("autocontrast", 1.0).max() == 255
    dark = (WIDE.astype(int) ** 2 // 255).astype(np.uint8)
    even = np.histogram(changed("equalize", 1.0, image=dark)[..., 0], bins=4, range=(0, 256))[0] / dark[..., 0].size
    assert np.abs(even - 0.25).max() < 0.04


PLACES = {  # of the strength 0.5, from where (y, x) of the result is taken, both from the upper left corner
    "shear_x": lambda y, x: (y, x + 0.15 * y),
    "shear_y": lambda y, x: (y + 0.15 * x, x),
    "translate_x": lambda y, x: (y, x + 0.225 * WIDE.shape[1]),
    "translate_y": lambda y, x: (y + 0.225 * WIDE.shape[0], x),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_are_moved_and_what_comes_free_is_the_mean_colour(name):
    found, free = changed(name, 0.5, image=WIDE), 0
    for y, x in np.random.default_rng(1).integers((0, 0), WIDE.shape[:2], (300, 2)):
        down, across = PLACES[name](y, x)
        if down >= WIDE.shape[0] + 1 or across >= WIDE.shape[1] + 1:
            assert tuple(found[y, x]) == MEAN
            free += 1
            continue
        near = WIDE[int(max(down - 1, 0)) : int(down + 3), int(max(across - 1, 0)) : int(across + 3)].reshape(-1, 3)
        if len(near) == 16:
            assert (found[y, x] >= near.min(0).astype(int) - 1).all() and (found[y, x] <= near.max(0)).all()
    assert free > 10


def test_the_whole_strength_turns_by_thirty_degrees_around_the_middle():
    square = np.zeros((41, 41, 3), np.uint8)
    square[18:23, 38:41] = 255
    found = np.argwhere(changed("rotate", 1.0, image=square)[..., 0] == 255).mean(0)
    angle = np.degrees(np.arctan2(20 - found[0], found[1] - 20))
    assert abs(angle - 30) < 2 and np.hypot(*(found - 20)) == pytest.approx(19, abs=1)


def test_none_is_done_at_probability_zero_and_all_names_are_drawn_alike():
    rng = np.random.default_rng(0)
    assert (RandAugment(probability=0.0)(PICTURE, rng) == PICTURE).all()
    once = RandAugment(count=1, probability=1.0, strength=0.5, changes=("invert", "identity"))
    turned = [(once(PICTURE, np.random.default_rng(seed)) == 255 - PICTURE).all() for seed in range(400)]
    assert 0.42 < np.mean(turned) < 0.58
    again = [once(PICTURE, np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_every_change_keeps_shape_and_type_at_any_strength():
    for seed in range(60):
        found = RandAugment(count=3, deviation=0.5, probability=1.0)(PICTURE, np.random.default_rng(seed))
        assert found.shape == PICTURE.shape and found.dtype == np.uint8


def test_a_rectangle_of_a_drawn_share_and_shape_becomes_noise():
    erase, black = Erase(probability=0.5, area=(0.1, 0.2), aspect=(0.5, 2.0)), np.zeros((40, 50, 3), np.uint8)
    shares, shapes = [], []
    for seed in range(400):
        rows, columns = np.nonzero(erase(black, np.random.default_rng(seed)).any(-1))
        if len(rows):
            height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert len(rows) >= 0.99 * height * width
            shares.append(height * width / 2000)
            shapes.append(height / width)
    assert 0.42 < len(shares) / 400 < 0.58 and not black.any()
    assert 0.09 < min(shares) < 0.11 and 0.18 < max(shares) < 0.22
    assert 0.45 < min(shapes) < 0.6 and 1.7 < max(shapes) < 2.2


def test_parts_act_in_turn_and_stand_in_a_config():
    first = use("data.rand_augment", count=1, probability=1.0, changes=("invert",))
    both = build(use("data.in_turn", parts=(first, use("data.erase", probability=1.0))))
    assert isinstance(both, InTurn)
    found = both(PICTURE, np.random.default_rng(0))
    same = (found == 255 - PICTURE).all(-1)
    assert 0.5 < same.mean() < 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: RandAugment(count=0), "count is 0 and deviation 0.0; expected at least 1 and 0"),
        (lambda: RandAugment(strength=9), r"strength is 9; expected a number in \[0, 1\]"),
        (lambda: RandAugment(changes=("rotate", "zoom")), "changes has zoom; expected some of identity, autocontrast"),
        (lambda: RandAugment(changes=()), "changes has nothing; expected some of identity"),
        (lambda: Erase(probability=2), r"probability is 2; expected a number in \[0, 1\]"),
        (lambda: Erase(area=(0.5, 0.1)), r"area is \(0.5, 0.1\); expected two numbers with 0 < low <= high <= 1"),
        (lambda: InTurn(()), "parts is empty; name at least one change"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()
