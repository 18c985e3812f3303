"""The study of late streams: its runs build, energies tell offsets that the data was drawn with, tables add up."""

import jax
import numpy as np
import pytest

from experiments.alignment import run
from mmjax.cli import config
from mmjax.train.state import one_row


def test_every_run_is_of_a_config_and_builds(tmp_path):
    grid = run.cells(tmp_path, 2)
    assert list(grid) == ["offset", *run.VARIANTS] and [cell.seed for cell in grid["plain"]] == [0, 1]
    for row in grid.values():
        experiment = config.load(row[0].spec, row[0].changes)
        params, _ = jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))
        assert params
    sounds = {name: config.load(row[0].spec).data.modalities["sound"].feature for name, row in grid.items()}
    assert [name for name, feature in sounds.items() if feature == "in_time"] == ["in_time"]


def test_energies_tell_much_of_an_offset_and_never_more_than_it_can_be(small_wheels, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_wheels))
    found = run.energies(split="train")
    assert list(found) == list(run.METHODS)
    for said, true in found.values():
        assert said.shape == true.shape == (40,) and np.abs(said).max() <= run.MOST + 1e-6
    said, true = found["correlation of energies"]
    away = said - true  # what rings on after a bounce makes the sound late by a tenth of a second
    assert 0.05 < np.median(away) < 0.15
    assert np.median(np.abs(away - np.median(away))) < 0.05 < np.median(np.abs(np.roll(true, 1) - true))


def test_a_table_holds_the_share_within_a_frame_and_the_median_and_the_plot_a_panel_a_method(tmp_path):
    true = np.array([0.1, -0.2, 0.3, 0.4])
    found = {"one": [(true + np.array([0.01, -0.02, 0.06, 0.2]), true)], "two": [(true, true), (true + 0.1, true)]}
    text = run.offsets(found)
    assert "| one | 75.00 % | 40.00 |" in text and "| two | 50.00 ± 70.71 % | 50.00 ± 70.71 |" in text
    run.plot(found, tmp_path / "offsets.svg")
    assert (tmp_path / "offsets.svg").read_text().count('id="PathCollection') == 2


@pytest.mark.parametrize("scores", [[0.5, 0.7], []])
def test_variants_without_a_run_have_no_line(scores):
    class Row:
        def __init__(self, score):
            self.score, self.done = score, True

        def scores(self):
            return {"accuracy": self.score}

    text = run.fused({"plain": [Row(score) for score in scores]})
    assert ("60.00 ± 14.14 %" in text) == bool(scores)
