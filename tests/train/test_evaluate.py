"""A whole split is scored once, every entry of it, by one compiled step."""

import jax
import numpy as np
import pytest

from mmjax.train.evaluate import evaluate, finite
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.step import predict_step
from tests.train.toy import Points, Toy, points

PARTITIONS = {"mesh": Mesh(axes={"data": 1}), "pmap": Pmap(1)}


def score(partition, feed, task=None):
    task = task or Toy()
    params, extra = task.init(jax.random.key(1), next(feed.split()))
    predict = partition.compile(predict_step(task, partition.axis), donate=False)
    variables = partition.put_state({"params": params, "extra": extra})
    return evaluate(task, predict, partition, variables, feed.split()), jax.device_get(params)


@pytest.mark.parametrize("name", PARTITIONS)
@pytest.mark.parametrize("examples", [8, 19, 3])
def test_scores_are_those_of_every_entry_and_none_of_the_padding(name, examples):
    (scores, records), params = score(PARTITIONS[name], Points(batch=8, test=examples))
    whole, near, first = points((10**6,), examples), [], []
    for b in range(examples):
        for t in np.flatnonzero(whole["mask"][b]):
            x = np.tanh(whole["x"][b, t] @ params["dense_0"]["kernel"] + params["dense_0"]["bias"])
            value = x @ params["dense_1"]["kernel"] + params["dense_1"]["bias"]
            near.append(bool(abs(value[0] - whole["y"][b, t]) < 0.5))
            first += near[-1:] if t == 0 else []
    assert scores["near"] == pytest.approx(np.mean(near)) and 0 < np.mean(near) < 1
    assert scores["near/place/first"] == pytest.approx(np.mean(first))
    assert [record["right"] for record in records] == near
    asked = [(record["index"], record["place"]) for record in records]
    assert asked == [(b, t) for b in range(examples) for t in np.flatnonzero(whole["mask"][b])]


@pytest.mark.parametrize("name", PARTITIONS)
def test_a_ragged_last_batch_is_not_traced_anew(name):
    task = Toy()
    score(PARTITIONS[name], Points(batch=8, test=19), task)
    assert task.traced["predict"] == 1


def test_a_split_without_examples_is_an_error():
    with pytest.raises(ValueError, match="the split that is to be evaluated holds no examples"):
        evaluate(Toy(), None, PARTITIONS["mesh"], {}, [])


@pytest.mark.parametrize(
    "record, good",
    [
        ({"index": 3, "prediction": 0.5, "truth": float("nan")}, True),
        ({"prediction": "inf", "confidence": 0.3}, True),
        ({"prediction": ["a"], "probability": [0.1, 0.2]}, True),
        ({"prediction": float("nan")}, False),
        ({"prediction": [1.0, float("inf")]}, False),
        ({"prediction": "yes", "confidence": float("nan")}, False),
    ],
)
def test_a_record_is_finite_where_all_that_it_says_is(record, good):
    assert finite(record) == good
