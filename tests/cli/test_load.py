"""A run as an object: what is told of each row."""

from types import SimpleNamespace

import numpy as np

from mmjax.cli.load import Model


def test_a_task_that_is_not_sure_of_anything_tells_what_it_predicts_alone():
    model = object.__new__(Model)
    encoded = [{"index": np.arange(2)}], {2: "row 2: it is empty"}
    model.feed = SimpleNamespace(encode=lambda rows, root: encoded, packed=False)
    model.task = SimpleNamespace(
        read=lambda predictions, batch: [
            {"index": int(index), "place": 0, "prediction": float(number)}
            for index, number in zip(batch["index"], predictions, strict=True)
        ],
        model=None,
    )
    model._predict = lambda batch: [0.5, -2.0]
    assert model.predict([{}, {}, {}]) == [{"prediction": 0.5}, {"prediction": -2.0}, {"error": "it is empty"}]
