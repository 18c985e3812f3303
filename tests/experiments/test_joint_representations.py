"""The study of joint representations: its runs build, and its table has the best first."""

import jax

from experiments.joint_representations import run
from mmjax.cli import config
from mmjax.train.state import one_row


def test_every_run_builds_with_its_loss_and_the_data_of_its_set(tmp_path):
    for name, (_, views) in run.SETS.items():
        for loss, (path, given) in run.LOSSES.items():
            (cell,) = run.cells(tmp_path, name, loss, 1)
            experiment = config.load(cell.spec, cell.changes)
            assert type(experiment.task.loss_of).__module__ == f"mmjax.{path}"
            assert experiment.task.model.order == views
            assert {type(one).__name__ for one in experiment.task.model.heads.values()} == {
                "Regress" if run.FREE in given else "Embed"
            }
            params, _ = jax.eval_shape(experiment.task.init, jax.random.key(0), one_row(experiment.data))
            assert params


class Row:
    """A run that is done, with its scores."""

    done = True

    def __init__(self, precision):
        self.precision = precision

    def scores(self):
        return dict.fromkeys(run.SCORES.values(), 0.5) | {"mean_average_precision": self.precision}


def test_a_table_has_the_best_first_and_leaves_out_what_was_not_run():
    text = run.table("mfeat", {"worse": [Row(0.2)], "none": [], "better": [Row(0.4), Row(0.8)]})
    assert [line.split(" | ")[0] for line in text.splitlines()[4:]] == ["| better", "| worse"]
    assert text.splitlines()[4].endswith("| 60.00 ± 28.28 % |") or text.splitlines()[4].endswith("| 60.00 ± 20.00 % |")
