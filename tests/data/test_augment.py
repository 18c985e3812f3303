import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmjax.data.augment import Augment

COLOURS = [(255, 0, 0), (0, 128, 128), (128, 128, 128), (165, 42, 42), (255, 255, 0), (0, 0, 0)]
GROUND = (236, 240, 250)
SOLID = {"ellipse": np.pi / 4, "rectangle": 1.0, "polygon": 0.5}  # the share of its box that a shape fills
STILL = Augment(scale=(1, 1), shift=0, flip=0, tint=0, ground=0)


def scene(shape: str, colour=COLOURS[0], box=(20, 24, 43, 47), size=64) -> np.ndarray:
    picture = Image.new("RGB", (size, size), GROUND)
    left, top, right, bottom = box
    if shape == "polygon":
        ImageDraw.Draw(picture).polygon([(left, bottom), (right, bottom), ((left + right) / 2, top)], fill=colour)
    else:
        getattr(ImageDraw.Draw(picture), shape)(box, fill=colour)
    return np.asarray(picture)


def content(image: np.ndarray) -> np.ndarray:
    """True where the picture differs clearly from its own corner colour (corners are ground in these scenes)."""
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    return np.abs(image.astype(int) - np.median(corners, 0)).max(-1) > 60


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    down, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return down[0], down[-1] + 1, across[0], across[-1] + 1


def views(image: np.ndarray, count: int = 40, augment: Augment | None = None) -> list[np.ndarray]:
    return [(augment or Augment())(image, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("shape", SOLID)
def test_shapes_stay_whole_and_what_they_are(shape):
    for view in views(scene(shape)):
        top, bottom, left, right = box(content(view))
        assert abs((bottom - top) - (right - left)) <= 2  # neither stretched nor cut
        assert 12 <= bottom - top <= 40  # 24 pixels times 0.6 to 1.6
        filled = content(view).sum() / ((bottom - top) * (right - left))
        assert abs(filled - SOLID[shape]) < 0.09


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_of_content_change_by_the_tint_alone(colour):
    for view in views(scene("rectangle", colour)):
        top, bottom, left, right = box(content(view))
        middle = view[(top + bottom) // 2, (left + right) // 2].astype(float)
        low, high = np.array(colour) * 0.94 - 1, np.minimum(np.array(colour) * 1.06, 255) + 1
        assert ((low <= middle) & (middle <= high)).all()


def test_the_ground_never_comes_near_the_content():
    faint = tuple(value - 80 for value in GROUND)
    for view in views(scene("rectangle", faint), augment=Augment(tint=0, scale=(1, 1))):
        assert np.abs(view.astype(int) - view[0, 0]).max() >= 80 * 2 / 3 - 1


def test_places_sizes_sides_and_grounds_vary():
    seen = [(*box(content(view)), *view[0, 0]) for view in views(scene("polygon"), 60)]
    spread = np.ptp(np.array(seen), axis=0)
    assert (spread[:4] > 25).all() and (spread[4:] > 50).all()
    slope = scene("rectangle").copy()
    slope[24:48, 20:24] = 0  # a dark left side
    sides = {
        bool(view[:, : w[2] + 2][w[0] + 2, w[2] + 1].max() < 60) for view in views(slope) if (w := box(content(view)))
    }
    assert sides == {True, False}


@pytest.mark.parametrize("edge", ["top", "bottom", "left", "right"])
def test_what_the_edge_cuts_stays_at_that_edge(edge):
    boxes = {"top": (30, -8, 45, 7), "bottom": (30, 56, 45, 71), "left": (-8, 30, 7, 45), "right": (56, 30, 71, 45)}
    for view in views(scene("ellipse", box=boxes[edge]), augment=Augment(flip=0)):
        top, bottom, left, right = box(content(view))
        assert {"top": top == 0, "bottom": bottom == 64, "left": left == 0, "right": right == 64}[edge]
        short, long = sorted((bottom - top, right - left))
        assert abs(long - 2 * short) <= 3  # still the half that it was


def test_tiny_content_is_not_shrunk_beyond_recognition():
    for view in views(scene("rectangle", box=(30, 30, 38, 38))):
        top, bottom, left, right = box(content(view))
        assert min(bottom - top, right - left) >= 7


def test_nothing_allowed_changes_nothing():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for image in (scene("ellipse"), photo, np.full((8, 8, 3), 255, np.uint8)):
        np.testing.assert_array_equal(STILL(image, rng), image)


def test_the_generator_alone_decides():
    image = scene("ellipse")
    before = image.copy()
    one, same, other = (Augment()(image, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    np.testing.assert_array_equal(image, before)


def test_pictures_without_a_plain_ground_are_cropped_or_shrunk_whole():
    across, down = np.meshgrid(np.arange(64), np.arange(64))
    photo = np.stack([across * 4, down * 4, 255 - across * 4], -1).astype(np.uint8)
    corners = set()
    for view in views(photo, augment=Augment(scale=(2, 2), flip=0, tint=0)):
        steps = np.diff(view[8:-8, 8:-8, 0].astype(int), axis=1)
        assert set(np.unique(steps)) <= {1, 2, 3} and abs(steps.mean() - 2) < 0.05  # half as steep: twice as large
        assert view[..., 0].max() - int(view[..., 0].min()) <= 4 * 33  # half of the picture
        corners.add(tuple(view[0, 0]))
    assert len(corners) > 30
    for view in views(photo, augment=Augment(scale=(0.5, 0.5), flip=0, tint=0)):
        filled = (view == np.array(np.median(view.reshape(-1, 3), axis=0), np.uint8)).all(-1)
        assert abs(filled.mean() - 0.75) < 0.05


@pytest.mark.parametrize(
    "wrong", [{"scale": (0, 1)}, {"scale": (2, 1)}, {"flip": 1.5}, {"ground": -1}, {"shift": -0.1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augment(**wrong)
