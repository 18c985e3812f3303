"""Mel filters against triangles drawn by interpolation, published constants and other libraries' numbers."""

import math

import numpy as np
import pytest

from mmjax.nn.mel_filters import htk_hertz, htk_mel, mel_filters, slaney_hertz, slaney_mel


def test_mels_have_their_published_values():
    assert htk_mel(1000) == pytest.approx(999.9855, abs=1e-4)
    np.testing.assert_allclose(htk_mel([0, 440, 4000]), [0, 549.6387, 2146.0645], atol=1e-4)
    np.testing.assert_allclose(slaney_mel([0, 200, 440, 1000, 6400]), [0, 3, 6.6, 15, 42], atol=1e-9)
    assert slaney_mel(4000) == pytest.approx(35.16376, abs=1e-5)


@pytest.mark.parametrize(("to", "back"), [(htk_mel, htk_hertz), (slaney_mel, slaney_hertz)])
def test_hertz_come_back_from_mels(to, back):
    hertz = np.linspace(0, 11_025, 97)
    np.testing.assert_allclose(back(to(hertz)), hertz, atol=1e-8)
    assert (np.diff(to(hertz)) > 0).all()


def triangles(rate, size, mels, to, back):
    """[bins, mels] and the edges of each filter, one point after the other."""
    top = to(rate / 2)
    edges = [float(back(top * i / (mels + 1))) for i in range(mels + 2)]
    weights = np.zeros((size // 2 + 1, mels))
    for k, m in np.ndindex(weights.shape):
        weights[k, m] = np.interp(k * rate / size, edges[m : m + 3], [0, 1, 0])
    return weights, edges


def one_htk(hertz):
    return 1126.99422 * math.log(1 + hertz / 700)  # 2595 / ln 10


def one_slaney(hertz):
    return hertz / (200 / 3) if hertz < 1000 else 15 + math.log(hertz / 1000) / (math.log(6.4) / 27)


@pytest.mark.parametrize(("rate", "size", "mels"), [(16_000, 400, 80), (8000, 256, 12)])
def test_slaney_filters_are_triangles_of_area_one(rate, size, mels):
    expected, edges = triangles(rate, size, mels, one_slaney, slaney_hertz)
    for m in range(mels):
        expected[:, m] *= 2 / (edges[m + 2] - edges[m])
    np.testing.assert_allclose(mel_filters(rate, size, mels), expected, atol=1e-7)


def test_htk_filters_are_triangles_that_peak_at_one():
    expected, _ = triangles(16_000, 512, 26, one_htk, htk_hertz)
    np.testing.assert_allclose(mel_filters(16_000, 512, 26, "htk"), expected, atol=1e-4)


def test_they_are_those_of_librosa():
    # librosa 0.11: filters.mel(sr=16000, n_fft=512, n_mels=10), and with htk=True, norm=None
    slaney, htk = mel_filters(16_000, 512, 10), mel_filters(16_000, 512, 10, "htk")
    np.testing.assert_allclose(slaney[27:31, 3], [0.00023221, 0.0005761, 0.00091998, 0.00126386], atol=1e-8)
    np.testing.assert_allclose(slaney[200:204, 9], [0.00051396, 0.00050478, 0.0004956, 0.00048642], atol=1e-8)
    np.testing.assert_allclose(htk[23:27, 3], [0.07521309, 0.1624239, 0.24963468, 0.3368455], atol=1e-7)
    np.testing.assert_allclose(htk[200:204, 9], [0.9824454, 0.96490175, 0.9473581, 0.9298144], atol=1e-7)
    assert not slaney[[26, 47], 3].any() and not htk[[22, 49], 3].any()


def test_a_filter_without_a_bin_is_an_error_and_not_a_mel_that_is_always_silent():
    with pytest.raises(ValueError, match="mels is 128, but filter 0 lies between two bins of a transform of 400"):
        mel_filters(16_000, 400, 128, "htk")
    with pytest.raises(ValueError, match="scale is 'mel'; expected one of slaney, htk"):
        mel_filters(16_000, 400, 40, "mel")
    with pytest.raises(ValueError, match="rate is 0, size 400 and mels 40"):
        mel_filters(0, 400, 40)
