"""Sound and video files as arrays: what is written comes back, at other rates too, and what is wrong is one line."""

import builtins
import importlib
import itertools
import os
import struct
import sys
from fractions import Fraction

import numpy as np
import pytest

from mmjax.data import media

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)  # a second of 440 Hz


@pytest.fixture(scope="module")
def soundfile():
    return pytest.importorskip("soundfile", reason="soundfile is not installed: pip install 'mmjax[media]'")


@pytest.fixture(scope="module")
def av():
    return pytest.importorskip("av", reason="PyAV is not installed: pip install 'mmjax[media]'")


@pytest.fixture(scope="module")
def soxr():
    return pytest.importorskip("soxr", reason="soxr is not installed: pip install 'mmjax[media]'")


def film(av, path, frames=10, sound=True, size=(32, 48)):
    """Five frames a second, frame n of grey 20 n + 10 with a red left half; two seconds of the tone."""
    with av.open(str(path), "w") as file:
        pictures = file.add_stream("mpeg4", rate=5)
        pictures.height, pictures.width, pictures.pix_fmt = *size, "yuv420p"
        track = file.add_stream("aac", rate=RATE, layout="mono") if sound else None
        for n in range(frames):
            pixels = np.full((*size, 3), 20 * n + 10, np.uint8)
            pixels[:, : size[1] // 2, 0] = 250
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(pictures.encode())
        if track:
            tone = av.AudioFrame.from_ndarray(np.tile(TONE, 2)[None], format="fltp", layout="mono")
            tone.sample_rate = RATE
            file.mux(track.encode(tone))
            file.mux(track.encode())
    return path


@pytest.fixture(scope="module")
def video(av, tmp_path_factory):
    return film(av, tmp_path_factory.mktemp("video") / "film.mp4")


def pitch(sound, rate):
    """The loudest frequency in Hz and its amplitude."""
    spectrum = np.abs(np.fft.rfft(sound)) * 2 / len(sound)
    return np.argmax(spectrum) * rate / len(sound), spectrum.max()


@pytest.mark.parametrize(("kind", "atol"), [("wav", 1e-4), ("flac", 1e-4), ("ogg", 0.05), ("mp3", 0.05)])
def test_sound_of_every_kind_comes_back_as_the_mean_of_its_channels(soundfile, tmp_path, kind, atol):
    path = tmp_path / f"tone.{kind}"
    soundfile.write(path, np.stack([TONE, np.zeros_like(TONE)], axis=1), RATE)
    found = media.read_audio(path, RATE)
    assert found.dtype == np.float32 and found.ndim == 1
    np.testing.assert_allclose(found[1000:15_000], TONE[1000:15_000] / 2, atol=atol)


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100])
def test_another_rate_keeps_the_pitch_and_the_length_in_seconds(soundfile, soxr, tmp_path, rate):
    soundfile.write(tmp_path / "tone.wav", TONE, RATE)
    found = media.read_audio(tmp_path / "tone.wav", rate)
    assert abs(len(found) - rate) <= 1
    frequency, amplitude = pitch(found, rate)
    assert abs(frequency - 440) < 1 and abs(amplitude - 0.5) < 0.01


def test_what_a_lower_rate_cannot_hold_is_filtered_out_and_does_not_come_back_as_another_pitch(
    soundfile, soxr, tmp_path
):
    high = 0.5 * np.sin(2 * np.pi * 6000 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "high.wav", high, RATE)
    assert np.abs(media.read_audio(tmp_path / "high.wav", 8000)[100:-100]).max() < 1e-3


def test_the_sound_of_a_video_is_read_as_a_sound_file_is(video, soxr):
    found = media.read_audio(video, 8000)
    frequency, amplitude = pitch(found[2000:10_000], 8000)
    assert abs(frequency - 440) < 2 and abs(amplitude - 0.5) < 0.02 and abs(len(found) - RATE) < 1000


def greys(frames):
    """Which frame each one is."""
    return [round((int(frame[16, 40, 1]) - 10) / 20) for frame in frames]


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, list(range(10))),
        ({"fps": 5}, list(range(10))),
        ({"fps": 2}, [0, 2, 5, 7]),
        ({"fps": 0.1}, [0]),
        ({"count": 3}, [1, 5, 8]),
        ({"count": 20}, [n for n in range(10) for _ in range(2)]),
    ],
    ids=["all", "as it is", "fewer a second", "one", "three", "more than there are"],
)
def test_frames_are_those_that_are_shown_at_the_times_asked_for(av, tmp_path, kind, asked, expected):
    frames = media.read_video(film(av, tmp_path / f"film.{kind}", sound=False), **asked)
    assert frames.dtype == np.uint8 and frames.shape[1:] == (32, 48, 3)
    assert greys(frames) == expected


@pytest.mark.parametrize(
    ("matrix", "red"),
    [((0, 1, -1, 0), "top"), ((-1, 0, 0, -1), "right"), ((0, -1, 1, 0), "bottom")],
    ids=["quarter", "half", "three quarters"],
)
def test_a_video_filmed_on_its_side_comes_upright(video, tmp_path, matrix, red):
    data = video.read_bytes()
    at = data.index(b"tkhd") + 4 + 4 + 20 + 16  # version and flags, times and numbers, layer and volume
    a, b, c, d = (65536 * x for x in matrix)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :])
    frame = media.read_video(turned, count=1)[0].astype(int)
    assert frame.shape == ((32, 48, 3) if red == "right" else (48, 32, 3))
    redness = frame[..., 0] - frame[..., 1]
    middle = [side // 2 for side in redness.shape]
    places = {"top": (3, middle[1]), "bottom": (-4, middle[1]), "left": (middle[0], 3), "right": (middle[0], -4)}
    assert {name for name, place in places.items() if redness[place] > 60} & {red, OPPOSITE[red]} == {red}


OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


def read(path):
    return media.read_video(path) if path.suffix == ".mp4" else media.read_audio(path, RATE)


def one_line(path, error, *parts, function=read):
    with pytest.raises(error) as found:
        function(path)
    message = str(found.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize("name", ["x.wav", "x.mp4"])
def test_a_file_that_is_absent_a_folder_or_empty_is_named(tmp_path, name):
    path = tmp_path / name
    one_line(path, FileNotFoundError, "no such file, expected a")
    path.mkdir()
    one_line(path, ValueError, "a folder, expected a")
    path.rmdir()
    path.touch()
    one_line(path, ValueError, "an empty file, expected a")


@pytest.mark.parametrize("content", [os.urandom(5000), b"plain text\n" * 99, b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n"])
@pytest.mark.parametrize("name", ["x.wav", "x.mp3", "x.mp4"])
def test_a_file_that_is_something_else_is_one_line(soundfile, av, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    one_line(path, ValueError, "not a readable")


def test_lists_of_other_files_are_no_videos(av, video, tmp_path):
    (tmp_path / "film.mp4").write_bytes(video.read_bytes())
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile film.mp4\n")
    one_line(tmp_path / "list.mp4", ValueError, "not a readable video such as .mp4")


def test_a_file_that_is_cut_off_is_one_line(soundfile, av, video, tmp_path):
    data = video.read_bytes()
    (tmp_path / "film.mp4").write_bytes(data[: len(data) // 2])
    one_line(tmp_path / "film.mp4", ValueError, "not a readable video")
    soundfile.write(tmp_path / "whole.flac", TONE, RATE)
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[:30])
    one_line(tmp_path / "cut.flac", ValueError, "not a readable sound file")


@pytest.mark.parametrize("kind", ["wav", "aiff"])
def test_half_a_plain_file_is_no_shorter_sound(soundfile, tmp_path, kind):
    whole, path = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    soundfile.write(whole, TONE, RATE)
    data = whole.read_bytes()
    assert len(media.read_audio(whole, RATE)) == len(TONE)
    path.write_bytes(data[: len(data) // 2])
    one_line(path, ValueError, f"cut off, {len(data) // 2:,} bytes of {len(data):,}; copy it again")
    # What is recorded while it is streamed tells no size.
    path.write_bytes(data[:4] + b"\xff" * 4 + data[8:])
    assert len(media.read_audio(path, RATE)) == len(TONE)


def test_half_a_coded_file_that_tells_its_length_is_no_shorter_one(soundfile, av, tmp_path):
    path = tmp_path / "half.mp3"
    soundfile.write(path, np.tile(TONE, 4), RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    one_line(path, ValueError, "cut off, ", f" samples of {4 * len(TONE):,}; copy it again")
    path = tmp_path / "half.mkv"
    film(av, path, sound=False)
    assert len(media.read_video(path)) == 10
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    one_line(path, ValueError, "cut off, ", " seconds of 2.0; copy it again", function=media.read_video)


def test_sound_without_samples_with_nan_or_of_too_many_seconds_is_refused(soundfile, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "none.wav", TONE[:0], RATE)
    one_line(tmp_path / "none.wav", ValueError, "holds no sound, not a single sample")
    soundfile.write(tmp_path / "nan.wav", np.full(9, np.nan, np.float32), RATE, subtype="FLOAT")
    one_line(tmp_path / "nan.wav", ValueError, "holds samples that are no numbers")
    monkeypatch.setattr(media, "SECONDS", 0.5)
    soundfile.write(tmp_path / "long.wav", TONE, RATE)
    one_line(tmp_path / "long.wav", ValueError, "seconds of sound, at most 0.5 are read")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.9999])
def test_a_cut_ogg_file_is_no_shorter_sound(soundfile, tmp_path, share):
    whole, path = tmp_path / "whole.ogg", tmp_path / "cut.ogg"
    soundfile.write(whole, np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE), RATE)
    assert len(media.read_audio(whole, RATE)) == 4 * RATE
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    one_line(path, ValueError, "cut off, without the page that ends it; copy it again, or convert it")


def test_samples_a_little_beyond_one_are_cut_off_there_and_another_unit_is_refused(soundfile, tmp_path):
    for name, loudest in (("hot", 1.3), ("loud", 30)):
        soundfile.write(tmp_path / f"{name}.wav", (loudest * TONE / np.abs(TONE).max()), RATE, subtype="FLOAT")
    found = media.read_audio(tmp_path / "hot.wav", RATE)
    assert found.max() == 1 and found.min() == -1
    np.testing.assert_allclose(found, np.clip(1.3 * TONE / np.abs(TONE).max(), -1, 1), atol=1e-6)
    one_line(tmp_path / "loud.wav", ValueError, "samples of up to 30; scale the file to -1..1")


def test_a_sound_too_short_for_a_lower_rate_is_refused(soundfile, soxr, tmp_path):
    soundfile.write(tmp_path / "click.wav", TONE[:1], 44_100)
    one_line(tmp_path / "click.wav", ValueError, "1 samples at 44100 a second leave none at 16000")


def test_a_video_without_the_track_that_is_asked_for_or_with_too_many_frames_is_refused(av, tmp_path, monkeypatch):
    silent = film(av, tmp_path / "silent.mp4", sound=False)
    one_line(silent, ValueError, "has no audio track", function=lambda path: media.read_audio(path, RATE))
    monkeypatch.setattr(media, "BYTES", 3 * 32 * 48 * 3)
    one_line(silent, ValueError, "4 frames of 48 x 32 pixels are more than", "take fewer by fps or count")
    assert greys(media.read_video(silent, count=3)) == [1, 5, 8]
    one_line(silent, ValueError, "20 frames", function=lambda path: media.read_video(path, count=20))


@pytest.mark.parametrize("asked", [dict(fps=1, count=2), dict(fps=0), dict(count=0)])
def test_times_that_say_nothing_or_two_things_are_refused(tmp_path, asked):
    with pytest.raises(ValueError, match="expected"):
        media.read_video(tmp_path / "x.mp4", **asked)
    with pytest.raises(ValueError, match="rate is 0"):
        media.read_audio(tmp_path / "x.wav", 0)


@pytest.mark.parametrize(("name", "library"), [("x.wav", "soundfile"), ("x.mp4", "av")])
def test_a_library_that_is_absent_is_named_with_the_extra_that_brings_it(tmp_path, monkeypatch, name, library):
    (tmp_path / name).write_bytes(b"something")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"{library} is needed .* pip install 'mmjax\[media\]'"):
        read(tmp_path / name)


def test_the_file_itself_needs_none_of_the_libraries(monkeypatch):
    whole = builtins.__import__

    def refuse(name, *args, **kwargs):
        assert name.partition(".")[0] not in ("soundfile", "av", "soxr"), name
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    importlib.reload(media)


def test_motion_is_how_much_changes_between_frames_and_when(video, av):
    changes, times = media.read_motion(video)
    np.testing.assert_allclose(times, np.arange(9) / 5 + 0.1, atol=1e-6)
    frames = media.read_video(video).astype(float) @ [0.299, 0.587, 0.114] / 255
    expected = [np.abs(after - before).mean() for before, after in itertools.pairwise(frames)]
    np.testing.assert_allclose(changes, expected, atol=0.01)


def test_a_film_of_one_frame_does_not_move(av, tmp_path):
    with pytest.raises(ValueError, match=r"film\.mp4: holds fewer than two frames, so that nothing moves"):
        media.read_motion(film(av, tmp_path / "film.mp4", frames=1, sound=False))


def test_what_compression_changes_of_a_still_film_is_no_motion(av, tmp_path):
    rough = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
    lamp = rough.copy()
    lamp[:16, :16] = 255 - lamp[:16, :16]
    for name, frames in (("still.mp4", [rough] * 30), ("lamp.mp4", [rough] * 15 + [lamp] * 15)):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = 128
            for frame in (*(av.VideoFrame.from_ndarray(one, format="rgb24") for one in frames), None):
                container.mux(stream.encode(frame))
    with pytest.raises(ValueError, match=r"still\.mp4: nothing moves: .*; give a film in which something does"):
        media.read_motion(tmp_path / "still.mp4")
    changes, times = media.read_motion(tmp_path / "lamp.mp4")
    assert times[changes.argmax()] == pytest.approx(1.45)


@pytest.mark.parametrize("late", [0.0, 0.75])
def test_the_sound_of_a_video_begins_when_a_player_begins_it(av, tmp_path, late):
    path = tmp_path / "late.mp4"
    with av.open(str(path), "w") as file:
        track = file.add_stream("aac", rate=RATE, layout="mono")
        tone = av.AudioFrame.from_ndarray(TONE[None], format="fltp", layout="mono")
        tone.sample_rate, tone.pts, tone.time_base = RATE, round(late * RATE), Fraction(1, RATE)
        file.mux(track.encode(tone))
        file.mux(track.encode())
    # An encoder begins with silence of its own, which is cut off or stands before.
    loud = np.flatnonzero(np.abs(media.read_audio(path, RATE)) > 0.2)[0] / RATE
    assert media.sound_begins(path) + loud == pytest.approx(late, abs=0.04)
    with pytest.raises(ValueError, match="has no audio track"):
        media.sound_begins(film(av, tmp_path / "mute.mp4", sound=False))
