"""Changes of pictures by what each does to values and places; crops, erased rectangles and chains by what is left."""

import numpy as np
import pytest
from PIL import Image

from mmjax.core.build import build, use
from mmjax.data.chain import Chain
from mmjax.data.rand_augment import CHANGES, MEAN, RandAugment
from mmjax.data.random_erasing import RandomErasing
from mmjax.data.random_resized_crop import RandomResizedCrop

PICTURE = np.random.default_rng(0).integers(40, 216, (20, 30, 3)).astype(np.uint8)
WIDE = np.kron(PICTURE, np.ones((8, 8, 1), np.uint8))  # so smooth that a place between pixels has a value


def changed(name, magnitude, sign=1, image=PICTURE, **how):
    return np.asarray(RandAugment(**how).changed(Image.fromarray(image), name, magnitude, sign)).astype(int)


VALUES = {
    "identity": lambda x: x,
    "invert": lambda x: 255 - x,
    "posterize": lambda x: x & 0b11000000,
    "solarize": lambda x: np.where(x < 128, x, 255 - x),
    "solarize_add": lambda x: np.where(x < 128, np.minimum(x + 55, 255), x),
    "brightness": lambda x: np.minimum(1.45 * x, 255),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_changed_by_half_of_the_magnitude_as_published(name):
    np.testing.assert_allclose(changed(name, 0.5), VALUES[name](PICTURE.astype(int)), atol=1)


def test_contrast_and_colour_stretch_away_from_grey_and_less_of_them_draws_nearer():
    for name, spread in (("contrast", lambda x: x.mean(-1).std()), ("color", lambda x: x.std(-1).mean())):
        less, as_it_is, more = spread(changed(name, 0.5, -1)), spread(PICTURE), spread(changed(name, 0.5))
        assert less < 0.7 * as_it_is and more > 1.2 * as_it_is, name
    assert changed("autocontrast", 1.0).min() == 0 and changed("autocontrast", 1.0).max() == 255
    dark = (WIDE.astype(int) ** 2 // 255).astype(np.uint8)
    even = np.histogram(changed("equalize", 1.0, image=dark)[..., 0], bins=4, range=(0, 256))[0] / dark[..., 0].size
    assert np.abs(even - 0.25).max() < 0.04


PLACES = {  # of the magnitude 0.5, from where (y, x) of the result is taken, both from the upper left corner
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


def test_the_whole_magnitude_turns_by_thirty_degrees_around_the_middle():
    square = np.zeros((41, 41, 3), np.uint8)
    square[18:23, 38:41] = 255
    found = np.argwhere(changed("rotate", 1.0, image=square)[..., 0] == 255).mean(0)
    angle = np.degrees(np.arctan2(20 - found[0], found[1] - 20))
    assert abs(angle - 30) < 2 and np.hypot(*(found - 20)) == pytest.approx(19, abs=1)


def test_none_is_done_at_probability_zero_and_all_names_are_drawn_alike():
    rng = np.random.default_rng(0)
    assert (RandAugment(probability=0.0)(PICTURE, rng) == PICTURE).all()
    once = RandAugment(count=1, probability=1.0, magnitude=0.5, changes=("invert", "identity"))
    turned = [(once(PICTURE, np.random.default_rng(seed)) == 255 - PICTURE).all() for seed in range(400)]
    assert 0.42 < np.mean(turned) < 0.58
    again = [once(PICTURE, np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"identity"}))
def test_every_change_changes_and_one_state_of_the_generator_is_one_picture(name):
    once = RandAugment(count=1, magnitude=0.8, deviation=0.05, probability=1.0, changes=(name,))
    found = [once(PICTURE, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert found[0].shape == PICTURE.shape and found[0].dtype == np.uint8
    assert (found[0] != PICTURE).mean() > 0.1
    np.testing.assert_array_equal(found[0], found[1])


def test_as_first_published_factors_have_one_direction_and_shifts_are_of_few_pixels():
    how = dict(symmetric=False, shift=0.1, fill=(1, 2, 3))
    np.testing.assert_allclose(changed("brightness", 0.5, -1, **how), PICTURE, atol=1)
    np.testing.assert_allclose(changed("brightness", 0.7, -1, **how), np.minimum(1.36 * PICTURE, 255), atol=1)
    found = changed("translate_x", 0.5, -1, WIDE, **how)
    assert (found[:, :11] == (1, 2, 3)).all() and (found[:, 13:] == WIDE[:, 1:-12]).all()  # 12 of 240


def test_a_crop_is_a_part_at_the_size_of_the_whole_and_at_times_mirrored():
    height, width = 60, 90
    places = np.stack(np.broadcast_arrays(np.arange(height)[:, None] * 4, np.arange(width) * 2, 7), -1).astype(np.uint8)
    crop, shares, aspects, mirrored = RandomResizedCrop(area=(0.4, 0.8), aspect=(0.8, 1.25)), [], [], []
    for seed in range(300):
        found = crop(places, np.random.default_rng(seed)).astype(float)
        assert found.shape == places.shape
        down, across = np.ptp(found[..., 0]) / 4 / (height - 1), np.ptp(found[..., 1]) / 2 / (width - 1)
        shares.append(down * across)
        aspects.append(down / across)
        mirrored.append(found[0, 0, 1] > found[0, -1, 1])
    assert 0.38 < min(shares) < 0.43 and 0.77 < max(shares) < 0.83
    assert 0.77 < min(aspects) < 0.85 and 1.17 < max(aspects) < 1.3
    assert 0.42 < np.mean(mirrored) < 0.58
    whole = RandomResizedCrop(area=(1, 1), aspect=(2, 2), flip=0)  # which never fits
    np.testing.assert_array_equal(whole(places, np.random.default_rng(0)), places)


def test_a_rectangle_of_a_drawn_share_and_shape_becomes_noise():
    erase, black = RandomErasing(probability=0.5, area=(0.1, 0.2), aspect=(0.5, 2.0)), np.zeros((40, 50, 3), np.uint8)
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
    both = build(use("data.chain", parts=(first, use("data.random_erasing", probability=1.0))))
    assert isinstance(both, Chain)
    found = both(PICTURE, np.random.default_rng(0))
    same = (found == 255 - PICTURE).all(-1)
    assert 0.5 < same.mean() < 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: RandAugment(count=0), "count is 0 and deviation 0.0; expected at least 1 and 0"),
        (lambda: RandAugment(magnitude=9), r"magnitude is 9; expected a number in \[0, 1\]"),
        (lambda: RandAugment(changes=("rotate", "zoom")), "changes has zoom; expected some of identity, autocontrast"),
        (lambda: RandAugment(changes=()), "changes has nothing; expected some of identity"),
        (lambda: RandomErasing(probability=2), r"probability is 2; expected a number in \[0, 1\]"),
        (
            lambda: RandomErasing(area=(0.5, 0.1)),
            r"area is \(0.5, 0.1\); expected two numbers with 0 < low <= high <= 1",
        ),
        (lambda: RandAugment(fill=(300, 0, 0)), r"fill is \(300, 0, 0\); expected three numbers from 0 to 255"),
        (lambda: RandomErasing(aspect=(0.5, np.inf)), r"aspect is \(0.5, inf\); expected two numbers"),
        (lambda: RandomResizedCrop(flip=-1), r"flip is -1; expected a number in \[0, 1\]"),
        (
            lambda: RandomResizedCrop(aspect=(2, 1)),
            r"aspect is \(2, 1\); expected two numbers with 0 < low <= high <= inf",
        ),
        (lambda: Chain(()), "parts is empty; name at least one change"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()
