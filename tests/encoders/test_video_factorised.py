"""A spatial transformer for each time and a temporal one over their means, against loops."""

import numpy as np
import pytest

from mmjax.encoders.video_factorised import VideoFactorised
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case
from tests.encoders.test_video_joint import FRAMES, MASK, tubelets

VIDEO = VideoFactorised(dim=DIM, tubelet=(2, 2), layers=1, time_layers=1, heads=2, hidden=6)
CASES = {
    "video_factorised": Case(VIDEO, FRAMES, MASK),
    "video_factorised, no time": Case(VIDEO.clone(time_layers=0), FRAMES, MASK),
}


@pytest.mark.parametrize("time_layers", [1, 0])
def test_space_is_seen_within_a_time_and_time_over_means_of_space(time_layers):
    video = VIDEO.clone(time_layers=time_layers)
    params = reference.parameters(video, FRAMES, MASK, train=False)
    x, real = tubelets(params["embed"])
    x = x + loops.grid_waves(2, 2, DIM)
    means = np.zeros((3, 3, DIM))
    for b, t in np.ndindex(3, 3):
        if real[b, t]:
            alone = x[b, t].reshape(1, 4, DIM)
            means[b, t] = loops.transformer(alone, params["spatial"], np.ones((1, 4), bool), heads=2)[0].mean(0)
    expected = loops.transformer(means + loops.waves(np.arange(3), DIM), params["temporal"], real, heads=2)
    loops.close(loops.run(video, params, FRAMES, MASK), expected, real)


def test_fewer_than_no_time_layers_are_refused():
    with pytest.raises(ValueError, match="time_layers is -1; expected at least 0"):
        VideoFactorised(dim=8, time_layers=-1)
