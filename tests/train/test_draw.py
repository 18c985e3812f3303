"""Arrays drawn for a page: the pixels, veils and curves that come out are those that went in."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mmjax.train import draw


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def lines(svg: str) -> dict[str, list[np.ndarray]]:
    """The points of every stretch of the curve of each colour."""
    found = {}
    for path, colour in re.findall(r'<path d="([^"]*)"[^>]*stroke: var\(--(series-\d)\)', svg):
        stretches = [re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", part) for part in re.split(r"(?=M )", path) if part]
        found.setdefault(colour, []).extend(np.array(points, float) for points in stretches)
    return found


def test_a_small_picture_keeps_every_pixel():
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    drawn = draw.picture(image)
    np.testing.assert_array_equal(np.asarray(opened(drawn.uri)), image)
    assert (drawn.width, drawn.height, drawn.small) == (64, 48, True)


def test_a_photograph_is_made_smaller_in_its_proportions():
    image = np.zeros((600, 1200, 3), np.uint8)
    image[:, 600:] = 200
    drawn = draw.picture(image)
    pixels = np.asarray(opened(drawn.uri)).astype(int)
    assert pixels.shape == (256, 512, 3)
    assert pixels[:, :250].max() < 10
    assert pixels[:, 262:].min() > 190
    assert not drawn.small


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\]"):
        draw.picture(image)


def test_a_veil_is_clear_where_the_map_has_its_peak_and_dark_where_it_is_zero():
    weights = np.zeros((8, 8))
    weights[2, 5] = 0.01
    alpha = np.asarray(opened(draw.heat(weights)).convert("RGBA"))[..., 3]
    row, column = np.unravel_index(alpha.argmin(), alpha.shape)
    assert (row * 8 // alpha.shape[0], column * 8 // alpha.shape[1]) == (2, 5)
    assert alpha.min() < 20
    assert alpha[-8:].min() > 200


def test_a_veil_of_nothing_is_dark_everywhere():
    for weights in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
        alpha = np.asarray(opened(draw.heat(weights)).convert("RGBA"))[..., 3]
        assert alpha.min() > 200


def test_a_veil_has_the_proportions_of_its_map():
    assert opened(draw.heat(np.ones((4, 8)))).size == (64, 32)
    assert opened(draw.heat(np.ones((224, 56)))).size == (16, 64)


def test_a_heat_map_of_another_rank_is_refused():
    with pytest.raises(ValueError, match=r"\[h, w\]"):
        draw.heat(np.ones((1, 4, 4)))


def test_a_curve_goes_through_its_points():
    x = np.arange(40.0)
    y = np.random.default_rng(0).normal(size=40)
    (points,) = lines(draw.curve([(x, y)]))["series-0"]
    # The page is an affine picture of the data, y downwards.
    for given, shown, sign in ((x, points[:, 0], 1), (y, points[:, 1], -1)):
        slope, offset = np.polyfit(given, shown, 1)
        np.testing.assert_allclose(slope * given + offset, shown, atol=0.01)
        assert np.sign(slope) == sign


def test_a_curve_on_a_log_scale_is_straight_where_the_data_are_exponential():
    x = np.arange(40.0)
    (points,) = lines(draw.curve([(x, np.exp(-x))], log=True))["series-0"]
    np.testing.assert_allclose(np.diff(points[:, 1]), np.diff(points[:, 1]).mean(), atol=0.01)


def test_each_curve_has_its_colour_also_after_one_without_points():
    x = np.arange(40.0)
    assert set(lines(draw.curve([((), ()), (x, x), (x, -x)]))) == {"series-1", "series-2"}


def test_values_that_are_not_finite_leave_a_gap():
    y = np.arange(40.0)
    y[20] = np.nan
    before, after = lines(draw.curve([(np.arange(40.0), y)]))["series-0"]
    assert (len(before), len(after)) == (20, 19)


def test_a_long_curve_is_drawn_as_means_of_stretches():
    x = np.arange(4000.0)
    (points,) = lines(draw.curve([(x, np.tile([-1.0, 1.0], 2000))]))["series-0"]
    assert len(points) <= 400
    assert np.ptp(points[:, 1]) < 0.01


def test_few_points_have_marks_so_that_one_alone_is_seen():
    assert draw.curve([([10], [0.5])]).count("<use") > draw.curve([(range(40), range(40))]).count("<use")


def test_figures_follow_the_colours_of_the_page_and_refer_to_nothing_outside():
    svg = draw.curve([([1, 2], [3, 4])])
    assert not re.findall(r"#[0-9a-f]{6}|http|<style", svg)
    assert re.fullmatch(r'<svg viewBox="[\d. ]+">.*</svg>\s*', svg)
