"""Sound and video in rows: from arrays, prepared data and files, what is missing, and what is told."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from mmjax.data import images
from mmjax.data.label import Label
from mmjax.data.modality.sound import Sound
from mmjax.data.modality.video import Video
from mmjax.data.rows import Rows
from mmjax.encoders.speech_conv import SpeechConv
from mmjax.encoders.video_factorised import VideoFactorised
from mmjax.encoders.waveform import Waveform

RATE, SAMPLES, FRAMES, SIZE = 8000, 20, 3, 4


def clip(number: int) -> np.ndarray:
    """Samples of 16 bits; row 2 has none."""
    return np.arange(0 if number == 2 else 5 + number, dtype=np.int16) * 1000 - 3000


def film(number: int) -> np.ndarray:
    """Frames of one colour each; row 3 has none."""
    count = 0 if number == 3 else 1 + number % FRAMES
    return (
        np.stack([np.full((8, 6, 3), 10 * number + t, np.uint8) for t in range(count)])
        if count
        else np.zeros((0, 8, 6, 3), np.uint8)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def feed(tfds_set, folder, tmp_path):
    if not (folder / "media").exists():
        features = {
            "clip": tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding="bytes"),
            "film": tfds.features.Sequence(tfds.features.Image(shape=(8, 6, 3), encoding_format="png")),
            "kind": tfds.features.Text(),
        }
        made = [
            {"clip": clip(n), "film": [Image.fromarray(frame) for frame in film(n)], "kind": "ab"[n % 2]}
            for n in range(6)
        ]
        tfds_set(folder, "media", features, {"train": made[:5], "test": made[5:]})
    return rows(folder).open(tmp_path)


def rows(folder, **changes) -> Rows:
    modalities = {"sound": Sound("clip", SAMPLES, RATE), "video": Video("film", FRAMES, SIZE)}
    fields = dict(name="media", modalities=modalities, label=Label("kind"), batch=2, data_dir=str(folder))
    return Rows(**fields | changes)


def everything(feed, split) -> dict[int, dict]:
    batches = list(feed.split(split=split))
    places = [(batch, b) for batch in batches for b, index in enumerate(batch["index"]) if index >= 0]
    return {int(batch["index"][b]): {name: value[b] for name, value in batch.items()} for batch, b in places}


def test_prepared_sounds_and_videos_are_filled_up_and_masked(feed):
    found = everything(feed, "train")
    for number, row in found.items():
        samples, frames = clip(number), film(number)
        assert row["sound_mask"].tolist() == [place < len(samples) for place in range(SAMPLES)]
        np.testing.assert_allclose(row["sound"][: len(samples)], [sample / 32768 for sample in samples.tolist()])
        assert row["video_mask"].tolist() == [t < len(frames) for t in range(FRAMES)]
        assert [frame[0, 0, 0] for frame in row["video"][: len(frames)]] == [frame[0, 0, 0] for frame in frames]
        assert not row["sound"][len(samples) :].any() and not row["video"][len(frames) :].any()
    assert not found[2]["sound_mask"].any() and not found[3]["video_mask"].any()
    blank, real = feed.config.blank(), next(feed.train(0))
    assert {k: (v.shape, v.dtype) for k, v in blank.items()} == {k: (v.shape, v.dtype) for k, v in real.items()}


def test_a_row_may_bring_arrays_or_lists_and_leave_out_either(feed):
    asked = [
        {"sound": [0.5, -0.25], "video": film(1)},
        {"video": list(film(4))},
        {"sound": np.int16([16384]), "video": []},
    ]
    batches, errors = feed.encode(asked)
    assert errors == {}
    first, second, third = (batches[n // 2] for n in range(3))
    assert first["sound"][0, :3].tolist() == [0.5, -0.25, 0] and first["sound_mask"][0].sum() == 2
    assert first["video_mask"][0].sum() == 2 and first["video"][0, 1, 0, 0, 0] == 11
    assert not second["sound_mask"][1].any() and second["video"][1, 0, 3, 3, 2] == 40
    assert third["sound"][0, 0] == 0.5 and not third["video_mask"][0].any()


def test_files_are_found_from_the_folder_of_the_rows_and_brought_to_rate_and_frames(feed, tmp_path):
    soundfile, av = pytest.importorskip("soundfile"), pytest.importorskip("av")
    pytest.importorskip("soxr")
    soundfile.write(tmp_path / "slow.wav", np.zeros(2 * SAMPLES), 2 * RATE)
    with av.open(str(tmp_path / "film.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for n in range(9):
            shown = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 25 * n + 10, np.uint8), format="rgb24")
            file.mux(stream.encode(shown))
        file.mux(stream.encode())
    Image.fromarray(film(4)[0]).save(tmp_path / "one.png")
    asked = [{"sound": "slow.wav"}, {"video": "film.mp4"}, {"video": ["one.png", "one.png"]}]
    (first, second), errors = feed.encode(asked, tmp_path)
    assert errors == {}
    assert first["sound_mask"][0].all()
    # The middles of three thirds of nine frames.
    np.testing.assert_allclose(first["video"][1, :, 0, 0, 0], [35, 110, 185], atol=8)
    assert second["video"][0, 1, 0, 0, 0] == 40 and second["video_mask"][0].tolist() == [True, True, False]
    values, mask = Video("film", FRAMES, SIZE, fps=1)(tmp_path / "film.mp4", {})  # frames at 0 and 1 seconds
    np.testing.assert_allclose(values[mask][:, 0, 0, 0], [10, 135], atol=8)


BROKEN = {
    "empty.wav": b"",
    "cut.wav": b"RIFF1234WAVEfmt ",
    "odd.wav": b"RIFF\0\0\0\0WAVEfmt ",
    "text.mp4": b"no video at all",
    "empty.mp4": b"",
}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sound": "gone.wav"}, "sound: .*gone.wav: no such file"),
        ({"sound": "empty.wav"}, "sound: .*empty.wav: an empty file"),
        ({"sound": "cut.wav"}, "sound: .*cut.wav: cut off, 16 bytes of 875,770,425; copy it again"),
        ({"sound": "odd.wav"}, "sound: .*odd.wav: not a readable sound file"),
        ({"sound": "none.wav"}, "sound: .*none.wav: holds no sound"),
        ({"sound": "long.wav"}, r"sound: 21 samples, 0.00 seconds, but its length is 20: set it to 21 or more"),
        ({"sound": [[0.1, 0.2]]}, r"sound: samples of shape \[1, 2\], expected one channel"),
        ({"sound": [0.1, float("nan")]}, "sound: sample 1 is no finite number"),
        ({"sound": [100.0, 3000.0]}, "sound: samples of up to 3,000, expected floats in -1..1"),
        ({"sound": [100_000]}, "sound: samples of up to 100,000, expected .* 16-bit integers"),
        ({"sound": ["a"]}, "sound: a list of 1 paths or texts; expected numbers, or one path where it is a file"),
        ({"sound": {"a": 1}}, "sound: .* is not made of numbers"),
        ({"video": "gone.mp4"}, "video: .*gone.mp4: no such file"),
        ({"video": "text.mp4"}, "video: .*text.mp4: not a readable video"),
        ({"video": "empty.mp4"}, "video: .*empty.mp4: an empty file"),
        ({"video": np.zeros((8, 6, 3), np.uint8)}, r"video: frames uint8\[8, 6, 3\], expected uint8 \[T, H, W, 3\]"),
        ({"video": np.zeros((2, 8, 6, 3))}, r"video: frame 0: array float64\[8, 6, 3\], expected uint8"),
        ({"video": np.zeros((4, 8, 6, 3), np.uint8)}, "video: 4 frames, but its frames are 3: set them to 4 or more"),
        ({"video": ["empty.wav"]}, "video: .*empty.wav: not a readable picture"),
        ({"video": 5}, "video: 5 is no video"),
        ({"sound": [], "video": None}, "every modality of it is missing"),
    ],
)
def test_what_is_no_sound_or_video_is_told_with_its_field_and_the_other_rows_are_answered(feed, tmp_path, asked, told):
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("av")
    for name, content in BROKEN.items():
        (tmp_path / name).write_bytes(content)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "long.wav", np.zeros(SAMPLES + 1), RATE)
    (batch,), errors = feed.encode([asked, {"sound": [0.5]}], tmp_path)
    assert batch["index"].tolist() == [1, -1]
    with pytest.raises(ValueError, match=f"^row 0: {told}" if "missing" not in told else told):
        raise ValueError(errors[0])


def test_prepared_rows_that_do_not_fit_are_told_with_row_and_field(feed, folder, tmp_path):
    short = {"sound": Sound("clip", 7, RATE)}
    with pytest.raises(ValueError, match=r"^media train row 3: sound: 8 samples, .* its length is 7"):
        _ = rows(folder, modalities=short).open(tmp_path / "short").vocabulary
    few = rows(folder, modalities={"video": Video("film", 2, SIZE)}).open(tmp_path / "few")
    with pytest.raises(ValueError, match="media train row 2: video: 3 frames, but its frames are 2"):
        everything(few, "train")


def test_a_feature_that_has_another_rate_is_told_before_a_row_is_read():
    class Audio:  # TFDS makes its own only where TensorFlow is
        sample_rate = 44_100

    with pytest.raises(ValueError, match="has 44100 samples a second, but rate is 8000: set it to 44100"):
        Sound("clip", SAMPLES, RATE).check(Audio())
    Sound("clip", SAMPLES, 44_100).check(Audio())
    Sound("clip", SAMPLES, RATE).check(tfds.features.Tensor(shape=(None,), dtype=np.int16))


def test_frames_are_scaled_as_pictures_are():
    tall = np.random.default_rng(0).integers(0, 256, (2, 12, 6, 3), dtype=np.uint8)
    values, _ = Video("film", FRAMES, SIZE, resize="crop")(tall, {})
    np.testing.assert_array_equal(values[1], images.resize(tall[1], SIZE, "crop"))
    with pytest.raises(ValueError, match="frame 0: 6 x 12 pixels"):
        Video("film", FRAMES, SIZE, resize=None)(tall, {})


def test_encoders_do_not_see_how_much_room_a_sound_or_video_has():
    rng = np.random.default_rng(0)
    sound, video = rng.uniform(-1, 1, 300), rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    frames = SpeechConv(dim=8, layers=1, heads=2)
    for value, narrow, wide, encoder in (
        (sound, Sound("clip", 320, RATE), Sound("clip", 400, RATE), Waveform(8, frames, RATE, 64, 20, 8)),
        (video, Video("film", 4, 8), Video("film", 6, 8), VideoFactorised(8, (2, 4), layers=1, time_layers=1, heads=2)),
    ):
        given = [modality(value, {}) for modality in (narrow, wide)]
        batches = [(jnp.asarray(values, jnp.float32)[None], jnp.asarray(mask)[None]) for values, mask in given]
        params = jax.jit(partial(encoder.init, train=False))(jax.random.key(0), *batches[0])
        found = [jax.jit(partial(encoder.apply, train=False))(params, *batch) for batch in batches]
        real = [np.asarray(tokens.x[tokens.mask]) for tokens in found]
        assert len(real[0]) and len(found[1].mask[0]) > len(found[0].mask[0])
        np.testing.assert_allclose(*real, atol=1e-5)
