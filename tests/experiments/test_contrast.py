"""The study of contrast: its runs build, and its tables hold both ways."""

import jax

from experiments.contrast import run
from mmjax.cli import config
from mmjax.train.state import one_row


def test_every_run_is_of_a_config_and_builds_and_losses_differ_in_nothing_else(tmp_path):
    for name in run.VIEWS:
        grid = run.cells(tmp_path, name, 1)
        clip, siglip = (config.load(row[0].spec, row[0].changes) for row in grid.values())
        assert clip.data == siglip.data and clip.optim == siglip.optim and clip.steps == siglip.steps
        assert clip.task.model.order == run.VIEWS[name] and clip.task.loss_of != siglip.task.loss_of
        params, _ = jax.eval_shape(siglip.task.init, jax.random.key(0), one_row(siglip.data))
        assert params


class Row:
    """A run that is done, with its scores."""

    done = True

    def __init__(self, folder, ways, best):
        self.folder, self.ways, self.best = folder, ways, best

    def scores(self):
        return {f"recall_at_{k}/retrieval/{way}": self.best - k / 100 for way in self.ways for k in run.AT}


def test_a_table_holds_both_ways_and_classes_by_prompts_where_there_are_texts(tmp_path):
    (tmp_path / run.ZERO_SHOT).write_text('{"zero_shot_accuracy": 0.875}\n')
    ways = ("image to text", "text to image")
    text = run.table("captions", {"CLIP": [Row(tmp_path, ways, 0.9), Row(tmp_path, ways, 0.8)], "SigLIP": []})
    assert "| by prompts |" in text and "SigLIP" not in text
    assert text.splitlines()[-1].endswith("| 75.00 ± 7.07 % | 87.50 ± 0.00 % |")
    ways = ("google to twitter", "twitter to google")
    text = run.table("emoji", {"SigLIP": [Row(tmp_path / "none", ways, 0.9)]})
    assert "by prompts" not in text and text.splitlines()[-1].count("89.00 %") == 2
