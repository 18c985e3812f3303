import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mmjax.data import images


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def noise(size: int = 24) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)


def transparent_palette() -> bytes:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 200, 10, 10])
    picture.putdata([0, 1])
    return encoded(picture, "PNG", transparency=0)


KINDS = {
    "grey": (encoded(Image.new("L", (2, 1), 77), "PNG"), [(77, 77, 77)] * 2),
    "one bit": (encoded(Image.new("1", (2, 1), 1), "PNG"), [(255, 255, 255)] * 2),
    "16-bit grey": (
        encoded(Image.fromarray(np.array([[0x1234, 0xFF00]], np.uint16)), "PNG"),
        [(0x12,) * 3, (0xFF,) * 3],
    ),
    "palette": (encoded(Image.new("RGB", (2, 1), (9, 90, 200)).quantize(2), "PNG"), [(9, 90, 200)] * 2),
    "palette with a hole": (transparent_palette(), [(255, 255, 255), (200, 10, 10)]),
    "alpha": (encoded(Image.new("RGBA", (2, 1), (100, 0, 200, 0)), "PNG"), [(255, 255, 255)] * 2),
    "half alpha": (encoded(Image.new("RGBA", (2, 1), (100, 0, 200, 51)), "PNG"), [(224, 204, 244)] * 2),
    "grey alpha": (encoded(Image.new("LA", (2, 1), (0, 51)), "PNG"), [(204, 204, 204)] * 2),
    "transparent colour": (
        encoded(Image.new("RGB", (2, 1), (1, 2, 3)), "PNG", transparency=(1, 2, 3)),
        [(255, 255, 255)] * 2,
    ),
    "cmyk tiff": (encoded(Image.new("CMYK", (2, 1), (255, 0, 0, 0)), "TIFF"), [(0, 255, 255)] * 2),
    "gif": (encoded(Image.new("RGB", (2, 1), (0, 0, 255)), "GIF"), [(0, 0, 255)] * 2),
    "bmp": (encoded(Image.new("RGB", (2, 1), (1, 2, 3)), "BMP"), [(1, 2, 3)] * 2),
    "lossless webp": (encoded(Image.new("RGB", (2, 1), (1, 2, 3)), "WEBP", lossless=True), [(1, 2, 3)] * 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pixel_becomes_the_colour_that_one_sees(kind):
    source, colours = KINDS[kind]
    image = images.decode(source)
    assert image.dtype == np.uint8
    assert image.tolist() == [[list(colour) for colour in colours]]


def test_cmyk_jpeg_keeps_its_colour():
    image = images.decode(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    assert np.abs(image.astype(int) - [255, 0, 0]).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_exif_says(orientation):
    upright = noise()[:, :16]
    stored = {  # how a camera stores the upright picture under each orientation (EXIF 2.3, tag 0x0112)
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    np.testing.assert_array_equal(images.decode(source), upright)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_loses_the_rotation_and_not_the_picture():
    image = noise()
    source = encoded(Image.fromarray(image), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    np.testing.assert_array_equal(images.decode(source), image)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_truncated_file_is_an_error_and_never_half_a_picture(kind):
    whole = encoded(Image.fromarray(noise()), kind)
    expected = images.decode(whole)
    refused = 0
    for length in range(0, len(whole), 7):
        try:
            image = images.decode(whole[:length], "photo 7")
        except ValueError as error:
            assert str(error).startswith("photo 7: ")
            refused += 1
        else:
            np.testing.assert_array_equal(image, expected)  # only what follows the pixels was lost
    assert refused >= len(whole) // 7 - 6


def test_broken_files_are_named(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(encoded(Image.fromarray(noise()), "PNG")[:300])
    with pytest.raises(ValueError, match=r"cat\.png: not a readable picture \(image file is truncated\)"):
        images.decode(path)
    path.write_text("dear diary")
    with pytest.raises(ValueError, match=r"cat\.png: not a readable picture \(no known picture format\)"):
        images.decode(path)
    with pytest.raises(ValueError, match="a folder, expected a picture file"):
        images.decode(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"dog\.png: no such file"):
        images.decode(tmp_path / "dog.png")


def test_formats_that_run_other_programs_are_not_opened():
    with pytest.raises(ValueError, match="no known picture format"):
        images.decode(encoded(Image.fromarray(noise()), "EPS"))


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims width x height pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # pytest drops the module's own filter
@pytest.mark.parametrize("side", [9_000, 12_000, 50_000])
def test_decompression_bombs_are_refused_by_their_header(side):
    with pytest.raises(ValueError, match=r"^holiday: .*at most 64,000,000 are read"):
        images.decode(bomb(side, side), "holiday")


def test_the_limit_is_the_largest_number_of_pixels():
    source = encoded(Image.fromarray(noise(10)), "PNG")
    assert images.decode(source, limit=100).shape == (10, 10, 3)
    with pytest.raises(ValueError, match="10 x 10 pixels, at most 99"):
        images.decode(source, limit=99)


@pytest.mark.parametrize(("mode", "value"), [("F", 0.5), ("I", 1 << 20)])
def test_pixels_without_a_fixed_range_are_refused(mode, value):
    with pytest.raises(ValueError, match="save it with 8 or 16 bits"):
        images.decode(encoded(Image.new(mode, (2, 2), value), "TIFF"))


def test_arrays_and_pillow_images_pass_through_the_same_door():
    image = noise()
    np.testing.assert_array_equal(images.decode(image), image)
    np.testing.assert_array_equal(images.decode(Image.fromarray(image)), image)
    grey = image[..., 0]
    np.testing.assert_array_equal(images.decode(grey), np.stack([grey] * 3, -1))
    np.testing.assert_array_equal(images.decode(grey[..., None]), np.stack([grey] * 3, -1))
    clear = np.concatenate([image, np.zeros_like(image[..., :1])], -1)
    assert (images.decode(clear) == 255).all()


@pytest.mark.parametrize("values", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_refused(values):
    with pytest.raises(ValueError, match=r"row 3: array .*expected uint8 \[H, W, 3\]"):
        images.decode(values, "row 3")


def test_shrinking_averages_and_keeps_flat_colours():
    board = np.indices((64, 64)).sum(0) % 2 * 200
    small = images.resize(np.stack([board] * 3, -1).astype(np.uint8), 8)
    assert small.shape == (8, 8, 3) and np.abs(small[2:-2, 2:-2].astype(int) - 100).max() <= 2
    flat = np.broadcast_to(np.array([10, 128, 250], np.uint8), (40, 90, 3))
    assert (images.resize(np.ascontiguousarray(flat), 32) == [10, 128, 250]).all()


def overlap(cells: int, size: int) -> np.ndarray:
    """[cells, size]: what share of each pixel of a side lies in each of the cells that divide it evenly."""
    edges = [(k * size / cells, (k + 1) * size / cells) for k in range(cells)]
    return np.array([[max(0, min(end, i + 1) - max(start, i)) for i in range(size)] for start, end in edges])


def test_a_smaller_picture_holds_the_mean_of_the_area_that_each_pixel_covers():
    image = noise(20)[:, :15]
    rows, columns = overlap(8, 20), overlap(8, 15)
    for c in range(3):
        expected = rows @ image[..., c] @ columns.T / (20 / 8 * 15 / 8)
        assert np.abs(images.resize(image, 8)[..., c] - expected).max() <= 1


def test_one_side_may_grow_while_the_other_shrinks():
    image = np.zeros((16, 4, 3), np.uint8)
    image[:8] = (0, 100, 200)
    found = images.resize(image, 8)
    assert (found[:4] == (0, 100, 200)).all() and (found[4:] == 0).all()


def test_a_picture_of_the_right_size_is_not_touched():
    image = noise(32)
    assert images.resize(image, 32) is image


def test_pictures_of_other_sizes_are_stretched_padded_cropped_or_refused():
    image = np.zeros((4, 8, 3), np.uint8)  # black, its middle half red
    image[:, 2:6, 0] = 200
    stretched = images.resize(image, 8)
    assert (stretched[:, 3:5] == (200, 0, 0)).all() and (stretched[:, 0] == 0).all()
    padded = images.resize(image, 8, "fit")
    np.testing.assert_array_equal(padded[2:6], image)
    assert (padded[:2] == 255).all() and (padded[6:] == 255).all()
    np.testing.assert_array_equal(images.resize(image, 4, "crop"), image[:, 2:6])
    with pytest.raises(ValueError, match=r"^mine row 3: 8 x 4 pixels, but data\.size is 8 and data\.resize None: make"):
        images.resize(image, 8, None, "mine row 3")
    square = np.zeros((8, 8, 3), np.uint8)
    assert all(images.resize(square, 8, how) is square for how in ("stretch", "fit", "crop", None))


@pytest.mark.parametrize("shape", [(1, 200_000), (200_000, 1), (3, 90_000)])
@pytest.mark.parametrize("how", ["stretch", "fit", "crop"])
def test_of_a_long_and_narrow_picture_nothing_is_made_that_is_larger_than_it_or_the_result(shape, how, monkeypatch):
    made, resize = [], images.cv2.resize

    def watched(image, size, interpolation):
        made.append(size[0] * size[1])
        assert made[-1] <= max(shape[0] * shape[1], 32 * 32)
        return resize(image, size, interpolation=interpolation)

    monkeypatch.setattr(images.cv2, "resize", watched)
    image = np.full((*shape, 3), 90, np.uint8)
    found = images.resize(image, 32, how)
    assert made and found.shape == (32, 32, 3)
    assert (found[15:17, 15:17] == 90).any() and (how == "fit") == bool((found == 255).any())


def test_a_crop_is_the_square_in_the_middle_scaled():
    image = noise(40)[:, :25]
    np.testing.assert_array_equal(images.resize(image, 10, "crop"), images.resize(image[7:32], 10))


def test_a_picture_that_opencv_cannot_scale_is_named(monkeypatch):
    def fails(*_, **__):
        raise images.cv2.error("OpenCV: Insufficient memory\n in function 'x'")

    monkeypatch.setattr(images.cv2, "resize", fails)
    with pytest.raises(
        ValueError, match=r"^cat\.png: 24 x 24 pixels cannot be resized to 8 x 8 \(.*Insufficient memory in"
    ):
        images.resize(noise(), 8, "crop", "cat.png")


def test_a_path_that_no_file_can_have_is_named():
    with pytest.raises(ValueError, match="a path with a NUL in it"):
        images.decode("a\0b.png")


def test_a_size_of_two_numbers_is_height_and_width_whatever_the_picture():
    image = noise(40)[:10]  # 10 x 40
    assert images.resize(image, (10, 40)) is image
    np.testing.assert_array_equal(images.resize(image, (5, 20), "crop"), images.resize(image, (5, 20)))
    np.testing.assert_array_equal(images.resize(image, (5, 20), "fit"), images.resize(image, (5, 20)))
    np.testing.assert_array_equal(images.resize(image, (8, 8)), images.resize(image, 8))
    with pytest.raises(ValueError, match=r"40 x 10 pixels, but data\.size is \(10, 20\) and data\.resize None"):
        images.resize(image, (10, 20), None)


def test_a_picture_that_is_not_square_is_padded_or_cropped_to_the_aspect_ratio_of_the_size():
    image = np.full((8, 8, 3), 90, np.uint8)
    image[2:6] = 200
    padded = images.resize(image, (8, 16), "fit")
    np.testing.assert_array_equal(padded[:, 4:12], image)
    assert (padded[:, :4] == 255).all() and (padded[:, 12:] == 255).all()
    np.testing.assert_array_equal(images.resize(image, (4, 8), "crop"), image[2:6])
    np.testing.assert_array_equal(images.resize(image, (8, 2), "crop"), image[:, 3:5])


@pytest.mark.parametrize("size", [(16, 64), (64, 16)])
def test_a_long_picture_is_cropped_to_a_size_that_is_long_the_other_way(size):
    image = np.zeros((40, 2_000, 3), np.uint8)
    image[:, 990:1010] = 200  # its middle
    found = images.resize(image, size, "crop")
    assert found.shape == (*size, 3) and (found[:, size[1] // 2] > 100).all()
