"""The loop: one compilation, what it writes and when, what stops it, and that it goes on from where it was."""

import dataclasses
import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest

from mmjax.optim.constant import Constant
from mmjax.train.evaluate import Diverged
from mmjax.train.experiment import Checkpoint, Evaluate, Guard, Log
from mmjax.train.loop import Run, Stopped
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from tests.train import bits
from tests.train.toy import Points, Toy, experiment, optimizer, points


def run(folder: Path, said=None, **changes):
    """What `train` returns for this experiment."""
    folder.mkdir(exist_ok=True)
    with Run(experiment(**changes), folder, (said if said is not None else []).append) as running:
        return running.train()


def rows(folder: Path, split: str) -> dict[int, dict[str, float]]:
    return {step: values for step, name, values in bits.metrics(folder) if name == split}


@contextmanager
def compiled(caplog) -> Iterator[Counter]:
    """How often each function, by its name, is compiled: a new shape, type or placement counts, a cached one too."""
    found = Counter()
    jax.config.update("jax_log_compiles", True)
    try:
        with caplog.at_level(logging.WARNING):
            yield found
    finally:
        jax.config.update("jax_log_compiles", False)
    lines = [record.getMessage() for record in caplog.records]
    found.update(line.split("(")[1].split(")")[0] for line in lines if line.startswith("Compiling "))


def test_a_mesh_compiles_one_training_step_and_one_evaluation_step_ragged_last_batches_included(tmp_path, caplog):
    task, feed = Toy(), Points(batch=8, test=19)
    with compiled(caplog) as found:
        run(tmp_path, task=task, data=feed, evaluate=Evaluate(2), log=Log(2), steps=7)
    assert (found["placed"], found["step"]) == (1, 1)
    assert task.traced == {"loss": 1, "predict": 1}


def test_pmap_compiles_the_two_steps_and_the_placing_of_states_and_batches_once_each(tmp_path, caplog):
    task, feed = Toy(), Points(batch=8, test=19)
    with compiled(caplog) as found:
        run(tmp_path, task=task, data=feed, partition=Pmap(1), evaluate=Evaluate(2), log=Log(2), steps=7)
    assert found["_fun"] == 4  # all that pmap compiles is called so
    assert task.traced == {"loss": 1, "predict": 1}


def test_the_state_before_a_step_is_given_away(tmp_path):
    with Run(experiment(), tmp_path, print) as running:
        state, _ = running._start()
        after, _ = running.step(state, running.partition.put_batch(next(running.feed.train(0))))
        assert all(leaf.is_deleted() for leaf in jax.tree.leaves((state.params, state.opt)))
        assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(after))


def test_rows_hold_the_means_over_all_entries_of_the_steps_since_the_last_row(tmp_path):
    run(tmp_path / "each", log=Log(1), steps=7)
    run(tmp_path / "three", log=Log(3), steps=7)
    each, three = rows(tmp_path / "each", "train"), rows(tmp_path / "three", "train")
    assert (list(each), list(three)) == ([*range(1, 8)], [3, 6, 7])
    counts = {step: points((0, step - 1), 8)["mask"].sum() for step in each}
    for last, steps in {3: (1, 2, 3), 6: (4, 5, 6), 7: (7,)}.items():
        weights = [counts[step] for step in steps]
        assert three[last]["loss"] == pytest.approx(np.mean([each[step]["loss"] for step in steps]))
        for name in ("fit", "error"):
            expected = np.average([each[step][name] for step in steps], weights=weights)
            assert three[last][name] == pytest.approx(expected, rel=1e-5)


def test_metrics_are_fetched_from_the_device_at_the_steps_that_are_logged_alone(tmp_path):
    now, fetched = [0], []

    class Watched:
        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            fetched.append(now[0])
            return np.asarray(self.value)

    with Run(experiment(steps=7, log=Log(3)), tmp_path, print) as running:
        step = running.step

        def watched(state, batch):
            now[0] += 1
            state, metrics = step(state, batch)
            return state, jax.tree.map(Watched, metrics)

        running.step = watched
        running.train()
    assert set(fetched) == {3, 6, 7}


def test_the_last_step_is_evaluated_and_saved_whatever_the_intervals(tmp_path):
    state, scores, records = run(tmp_path, steps=5, checkpoint=Checkpoint(every=100, best="near"), log=Log(100))
    assert int(state.step) == 5 and len(records) == points((10**6,), 19)["mask"].sum()
    assert bits.steps(tmp_path) == [5]
    assert bits.saved(tmp_path, 5)["metrics"] == {"near": pytest.approx(scores["near"])}
    assert rows(tmp_path, "test")[5]["near"] == pytest.approx(scores["near"])
    assert list(rows(tmp_path, "train")) == [5]


def test_what_was_trained_is_saved_where_its_evaluation_fails(tmp_path):
    with Run(experiment(steps=3), tmp_path, [].append) as running:
        running.evaluate = lambda variables: (_ for _ in ()).throw(ValueError("no such split"))
        with pytest.raises(ValueError, match="no such split"):
            running.train()
    assert bits.steps(tmp_path) == [3] and not rows(tmp_path, "test")
    run(tmp_path, steps=3)  # evaluates what is there


def test_a_complete_run_is_not_trained_further_and_tells_its_scores_again(tmp_path):
    feed = Points()
    _, scores, _ = run(tmp_path, data=feed)
    before = bits.saved(tmp_path, 6), bits.metrics(tmp_path)
    asked = len(feed.asked)
    state, again, _ = run(tmp_path, data=feed)
    assert int(state.step) == 6 and again == scores
    assert feed.asked[asked:] == []
    bits.assert_same(bits.saved(tmp_path, 6), before[0])
    assert bits.metrics(tmp_path) == before[1]


def test_batches_are_asked_for_by_number_from_the_saved_position_on(tmp_path):
    run(tmp_path, steps=3)
    feed = Points()
    run(tmp_path, data=feed, steps=6)
    assert feed.asked == [3, 4, 5]


@pytest.mark.parametrize("partition", [Mesh(axes={"data": 1}), Pmap(1)], ids=["mesh", "pmap"])
def test_a_run_in_two_parts_ends_in_the_bits_of_one_in_one_part(tmp_path, partition):
    task = Toy(noise=0.1)
    run(tmp_path / "whole", task=task, partition=partition, log=Log(1), steps=6)
    for steps in (2, 3, 6):
        run(tmp_path / "parts", task=task, partition=partition, log=Log(1), steps=steps)
    whole, parts = (bits.saved(tmp_path / name, 6) for name in ("whole", "parts"))
    bits.assert_same(parts, whole)
    assert whole["progress"]["position"] == 6
    assert rows(tmp_path / "parts", "train") == rows(tmp_path / "whole", "train")


def test_a_single_bad_step_is_skipped_counted_and_the_run_ends_as_usual(tmp_path):
    state, scores, _ = run(tmp_path, data=Points(bad=(2,)), log=Log(1), guard=Guard(2))
    assert np.isfinite(scores["near"])
    assert [row["skipped_steps"] for row in rows(tmp_path, "train").values()] == [0, 0, 1, 1, 1, 1]
    assert rows(tmp_path, "train")[3]["loss"] is None
    assert bits.saved(tmp_path, 6)["progress"]["skipped"] == 1
    assert bits.saved(tmp_path, 6)["progress"]["streak"] == 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(state.params)))


@pytest.mark.parametrize("every", [1, 4])
def test_bad_steps_in_a_row_stop_the_run_with_what_to_do_and_keep_its_checkpoints(tmp_path, every):
    said = "3 steps in a row had a loss or gradients that are not finite.*lower the learning rate"
    bad = Points(bad=(1, 3, 4, 5))
    with pytest.raises(Diverged, match=said):
        run(tmp_path, data=bad, steps=40, log=Log(every), guard=Guard(3), checkpoint=Checkpoint(every=1, keep=9))
    steps = bits.steps(tmp_path)
    assert steps[-1] == (5 if every == 1 else 7) and max(bad.asked) < 10
    assert all(np.isfinite(value).all() for name, value in bits.saved(tmp_path, steps[-1]).items() if "params" in name)


def test_a_run_without_one_good_step_is_no_success_however_short_it_is(tmp_path):
    with pytest.raises(Diverged, match="6 steps in a row had a loss or gradients that are not finite"):
        run(tmp_path / "none", data=Points(bad=range(9)), steps=6)
    state, _, _ = run(tmp_path / "one", data=Points(bad=(0, 1, 3, 4, 5)), steps=6)
    assert int(state.step) == 6


@pytest.mark.filterwarnings("ignore:overflow encountered in reduce")  # of the mean of norms for the log
def test_a_run_whose_predictions_are_no_numbers_is_no_success_nor_when_it_is_asked_again(tmp_path):
    wild = optimizer(schedule=Constant(1e38), average=None)
    for _ in range(2):
        with pytest.raises(
            Diverged, match="predictions are no finite numbers: the run has diverged; lower the learning"
        ):
            run(tmp_path, task=Toy(hidden=None), optim=wild)
    assert bits.steps(tmp_path)[-1] == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_saves_the_state_and_the_same_run_goes_on_to_the_same_end(tmp_path, number):
    run(tmp_path / "whole", log=Log(1), steps=6)

    @dataclasses.dataclass(frozen=True)
    class Terminated(Points):
        at: int = 0

        def train(self, *args):
            for batch in super().train(*args):
                if self.asked[-1] == self.at:
                    os.kill(os.getpid(), number)
                yield batch

    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(Stopped, match="stopped at step 4 of 6, saved; the same command goes on from there"):
        run(tmp_path / "parts", data=Terminated(at=3), log=Log(1), steps=6)
    assert bits.steps(tmp_path / "parts") == [4]
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before
    said = []
    run(tmp_path / "parts", said, log=Log(1), steps=6)
    assert said == ["goes on from step 4 of 6"]
    bits.assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_second_ctrl_c_does_not_wait_for_the_step(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Interrupted(Points):
        def train(self, *args):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            yield from super().train(*args)

    before = signal.getsignal(signal.SIGINT)  # a shell's background jobs have none
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, data=Interrupted(), steps=6)
    assert signal.getsignal(signal.SIGINT) is before


def test_sigterm_while_the_run_starts_is_heard(tmp_path):
    asked = []

    @dataclasses.dataclass(frozen=True)
    class Terminated(Points):
        def blank(self):
            asked.append(True)
            if len(asked) == 2:  # the state is made; at first only its shapes were asked for
                os.kill(os.getpid(), signal.SIGTERM)
            return super().blank()

    with pytest.raises(Stopped, match="stopped at step 1 of 6"):
        run(tmp_path, data=Terminated())
    assert len(asked) >= 2


def test_a_batch_that_microbatches_or_devices_cannot_share_is_refused_before_anything_is_read(tmp_path):
    feed = Points(batch=8)
    with pytest.raises(ValueError, match=r"data\.batch is 8, which 3 microbatches cannot share evenly"):
        run(tmp_path, data=feed, microbatches=3)
    with pytest.raises(ValueError, match=r"partition\.axes are \{'data': 3\}, which 1 devices cannot form"):
        run(tmp_path, data=feed, partition=Mesh(axes={"data": 3}))
    assert feed.asked == []


def test_microbatches_reach_the_step(tmp_path):
    whole, _, _ = run(tmp_path / "whole", optim=optimizer(schedule=Constant(0.05)))
    parts, _, _ = run(tmp_path / "parts", optim=optimizer(schedule=Constant(0.05)), microbatches=4)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-6), parts.params, jax.device_get(whole.params)
    )
