"""mmjax align: known offsets of films, sounds and series are found, drawn and told; what has none is one line."""

import json
import pickle
import re
import sys
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from mmjax.__main__ import main

SECONDS = 6
EVENTS = np.array([0.6, 1.1, 2.0, 2.3, 3.4, 4.5, 4.7])  # seconds


def bumps(rate, late=0.0, seconds=SECONDS):
    """A series that rises at each event."""
    t = np.arange(seconds * rate) / rate
    return np.exp(-(((t[:, None] - EVENTS - late) / 0.06) ** 2)).sum(1)


def clicks(rate=8000, late=0.0):
    """A sound in which each event is a short burst."""
    t, rng = np.arange(SECONDS * rate) / rate, np.random.default_rng(0)
    since = t[:, None] - EVENTS - late
    return 0.5 * rng.uniform(-1, 1, len(t)) * np.where((since >= 0) & (since < 0.05), 1, 0).max(1)


def film(av, path, sound=None, rate=8000):
    """25 frames a second; a square jumps at each event. With or without a sound."""
    with av.open(str(path), "w") as file:
        pictures = file.add_stream("mpeg4", rate=25)
        pictures.height, pictures.width, pictures.pix_fmt = 32, 48, "yuv420p"
        track = None if sound is None else file.add_stream("aac", rate=rate, layout="mono")
        for n in range(25 * SECONDS):
            pixels, place = np.full((32, 48, 3), 40, np.uint8), int(np.sum(n / 25 >= EVENTS))
            pixels[8:24, 16 * (place % 2) : 16 * (place % 2) + 16] = 220
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(pictures.encode())
        if track:
            frame = av.AudioFrame.from_ndarray(sound.astype(np.float32)[None], format="fltp", layout="mono")
            # With times the encoder says by how much its first packet is early; else a player would hear it late.
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            file.mux(track.encode(frame))
            file.mux(track.encode())
    return path


@pytest.fixture
def media():
    """(soundfile, av), where sound and film can be read."""
    return [pytest.importorskip(name, reason="pip install 'mmjax[media]'") for name in ("soundfile", "av", "soxr")][:2]


@pytest.fixture
def aligned(tmp_path, capfd):
    """Runs the verb on words, of which files stand in `tmp_path`: (what it found, what it said)."""

    def run(*words, out=True):
        assert main(["align", *map(str, words), *[f"--out={tmp_path / 'plot.svg'}"] * out]) == 0, capfd.readouterr().err
        out, err = capfd.readouterr()
        return json.loads(out.splitlines()[-1]), err

    return run


def refused(capfd, tmp_path, *words):
    """The one line of what cannot be."""
    assert main(["align", *map(str, words), f"--out={tmp_path / 'none.svg'}"]) == 1
    out, err = capfd.readouterr()
    assert out == "" and not (tmp_path / "none.svg").exists()
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize("method", ["correlation", "gcc_phat"])
def test_series_of_two_rates_are_compared_on_one_clock(tmp_path, aligned, method):
    np.save(tmp_path / "a.npy", bumps(100) + 0.01 * np.random.default_rng(0).normal(size=600))
    rows = "".join(f"{n},{value:.6f}\n" for n, value in enumerate(bumps(50, late=0.3)))
    (tmp_path / "b.csv").write_text(f"frame,height\n{rows}")
    words = (tmp_path / "a.npy", tmp_path / "b.csv", "--rate=100,50", f"--method={method}")
    found, said = aligned(*words, "--column=0,height")
    assert found["offset"] == pytest.approx(0.3, abs=0.011) and found["rate"] == 100
    assert re.search(r"b\.csv is 0\.3\d\d seconds late to .*a\.npy, confidence", said)
    svg = (tmp_path / "plot.svg").read_text()
    assert svg.count("<path") > 5 and "in step" in svg


def test_a_sound_is_late_to_another_by_its_loudness_and_the_plot_may_be_a_picture(tmp_path, aligned, media):
    media[0].write(tmp_path / "a.wav", clicks(), 8000)
    media[0].write(tmp_path / "b.flac", clicks(late=-0.25), 8000)
    words = tmp_path / "a.wav", tmp_path / "b.flac", f"--out={tmp_path / 'plot.png'}"
    found, said = aligned(*words, out=False)
    assert found["offset"] == pytest.approx(-0.25, abs=0.011) and found["confidence"] > 0.2
    assert "seconds early to" in said
    assert Image.open(tmp_path / "plot.png").size == (960, 768)


def test_a_film_is_compared_with_a_sound_and_with_its_own(tmp_path, aligned, media):
    media[0].write(tmp_path / "a.wav", clicks(late=0.2), 8000)
    path = film(media[1], tmp_path / "film.mp4", clicks(late=-0.12))
    assert aligned(path, tmp_path / "a.wav")[0]["offset"] == pytest.approx(0.2, abs=0.04)
    found, said = aligned(path)
    assert found["offset"] == pytest.approx(-0.12, abs=0.04)
    assert "film.mp4 (sound) is" in said


def test_readings_that_are_no_numbers_are_left_out_and_told(tmp_path, aligned):
    series = bumps(50)
    series[[3, 40, 200]] = np.nan, np.inf, np.nan
    np.save(tmp_path / "a.npy", series)
    np.save(tmp_path / "b.npy", bumps(50, late=0.5)[:, None])
    found, said = aligned(tmp_path / "a.npy", tmp_path / "b.npy", "--rate=50")
    assert found["offset"] == pytest.approx(0.5) and "a.npy: 3 of 300 readings are no numbers" in said


def test_streams_that_have_nothing_to_do_with_each_other_are_doubted(tmp_path, aligned):
    for n in range(2):
        np.save(tmp_path / f"{n}.npy", np.random.default_rng(n).normal(size=600))
    found, said = aligned(tmp_path / "0.npy", tmp_path / "1.npy", "--rate=50")
    assert found["confidence"] < 0.05 and "do not rely on this one" in said


SERIES = {
    "good.npy": lambda: bumps(50),
    "constant.npy": lambda: np.full(300, 3.7),
    "short.npy": lambda: bumps(50)[:5],
    "table.npy": lambda: np.ones((300, 3)),
    "cube.npy": lambda: np.ones((3, 3, 3)),
    "text.npy": lambda: np.array(["a", "b"]),
    "empty.npy": lambda: np.zeros(0),
    "nothing.npy": lambda: np.full(300, np.nan),
}
WRONG = [
    (("good.npy", "constant.npy", "--rate=50"), "constant.npy: does not change, so that no offset can be told"),
    (("good.npy", "short.npy", "--rate=50"), "short.npy: 5 steps at 50 a second; expected at least 8"),
    (("good.npy", "table.npy", "--rate=50"), "table.npy: has 3 columns (0, 1, 2); choose one by --column"),
    (("table.npy", "table.npy", "--rate=50", "--column=0,x"), "table.npy: has no column 'x'; it has 0, 1, 2"),
    (("good.npy", "cube.npy", "--rate=50"), "cube.npy: holds float64 [3, 3, 3]; expected real numbers [steps]"),
    (("good.npy", "text.npy", "--rate=50"), "text.npy: holds <U1 [2]; expected real numbers"),
    (("good.npy", "nothing.npy", "--rate=50"), "nothing.npy: holds no reading that is a number"),
    (("good.npy", "pickled.npy", "--rate=50"), "pickled.npy: holds pickled objects, which are never loaded"),
    (("good.npy", "broken.npy", "--rate=50"), "broken.npy: not a readable .npy file"),
    (("good.npy", "gone.npy", "--rate=50"), "gone.npy: no such file, expected a series in .npy or .csv"),
    (("good.npy", ".", "--rate=50"), "a folder, expected a sound file"),
    (("good.npy", "gone.wav", "--rate=50"), "gone.wav: no such file, expected a sound file"),
    (("good.npy", "good.npy"), "good.npy: its rate is not said; give --rate=READINGS_A_SECOND, above 0"),
    (("good.npy", "good.npy", "--rate=-5"), "good.npy: its rate is -5"),
    (("good.npy", "good.npy", "--rate=x"), "--rate: 'x' is no number"),
    (("good.npy", "good.npy", "--rate=1,2,3"), "--rate=1,2,3: 3 given, for 2 series"),
    (("good.npy", "good.npy", "--rate=50", "--most=0"), "--most=0: expected at least one step of 0.02 seconds"),
    (("good.npy", "good.npy", "--rate=50", "--most=nan"), "--most=nan: expected at least one step"),
    (("good.npy", "good.npy", "--rate=1,1e9"), "299 seconds at 1e+09 steps a second; at most 8,388,608"),
    (("good.npy", "empty.npy", "--rate=50"), "empty.npy: holds float64 [0]; expected real numbers"),
    (("good.npy",), "good.npy: expected a second stream; only a film has a sound of its own"),
    (("good.npy", "words.csv", "--rate=50"), "words.csv:3: 'three' is no number; leave what is missing empty"),
    (("good.npy", "ragged.csv", "--rate=50"), "ragged.csv:2: 1 cells, where there are 2 columns"),
    (("good.npy", "empty.csv", "--rate=50"), "empty.csv: holds no rows"),
    (("good.npy", "bytes.csv", "--rate=50"), "bytes.csv: not a readable .csv file"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("series")
    for name, make in SERIES.items():
        np.save(path / name, make())
    (path / "pickled.npy").write_bytes(pickle.dumps([1, 2]))
    (path / "broken.npy").write_bytes((path / "good.npy").read_bytes()[:200])
    (path / "words.csv").write_text("height\n1\nthree\n")
    (path / "ragged.csv").write_text("1,2\n3\n")
    (path / "empty.csv").write_text("\n")
    (path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    return path


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_has_no_offset_or_is_no_stream_is_one_line(folder, tmp_path, capfd, words, told):
    line = refused(capfd, tmp_path, *(word if word.startswith("--") else folder / word for word in words))
    assert line.startswith("mmjax: ") and told in line


def test_a_film_without_sound_a_sound_without_film_and_silence_are_told(tmp_path, capfd, media):
    mute = film(media[1], tmp_path / "mute.mp4")
    assert "mute.mp4: has no audio track" in refused(capfd, tmp_path, mute)
    media[0].write(tmp_path / "silence.wav", np.zeros(8000), 8000)
    assert "silence.wav: does not change" in refused(capfd, tmp_path, mute, tmp_path / "silence.wav")
    (tmp_path / "text.mp4").write_text("no film")
    assert "text.mp4: not a readable video" in refused(capfd, tmp_path, tmp_path / "text.mp4", mute)


def test_a_library_that_is_missing_is_told_with_what_to_install(tmp_path, capfd, monkeypatch):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    line = refused(capfd, tmp_path, tmp_path / "a.wav", tmp_path / "a.wav")
    assert line.startswith("mmjax: soundfile is needed for this and cannot be used: pip install 'mmjax[media]'")


def test_a_plot_that_cannot_be_written_is_told_before_anything_is_read(tmp_path, capfd):
    for out, told in (("plot.gif", "ends with .svg or .png"), ("gone/plot.svg", "gone is no folder")):
        assert main(["align", "a.wav", "b.wav", f"--out={tmp_path / out}"]) == 1
        assert told in capfd.readouterr().err
