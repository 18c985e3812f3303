"""Relations against a loop over pairs, with the first layer over what is laid side by side."""

import numpy as np
import pytest

from mmjax.fusion.relation import Relation
from tests.fusion.case import ORDER, D, apply, dense, modalities


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("order", [ORDER, ORDER[:1]], ids=len)
def test_it_is_the_mean_over_pairs_of_objects_of_what_is_said_of_them_and_the_question(order):
    given, layers = modalities(order, lengths={"image": 2}), 3
    params, found, _ = apply(Relation(order, layers=layers, hidden=6), given)
    g = params["g"]
    kernel = np.concatenate([g[name]["kernel"] for name in ("first", "second", *order[1:])])
    for b in range(3):
        asked = []
        for name in order[1:]:
            real = [x for x, there in zip(given[name].x[b], given[name].mask[b], strict=True) if there]
            asked.append(sum(real) / len(real) if real else np.zeros(D))
        objects = given[order[0]].x[b][given[order[0]].mask[b]]
        said = []
        for one in objects:
            for other in objects:
                x = relu(np.concatenate([one, other, *asked]).astype(np.float64) @ kernel + g["first"]["bias"])
                for i in range(1, layers):
                    x = relu(dense(x, g[f"dense_{i}"]))
                said.append(x)
        x = sum(said) / len(said) if said else np.zeros(6)
        for i in range(1, layers):
            x = relu(dense(x, params[f"f_{i}"]))
        np.testing.assert_allclose(found.x[b, 0], dense(x, params["out"]), atol=1e-4)


def test_objects_may_stand_in_any_order_but_which_one_is_asked_about_matters():
    given = modalities(ORDER[:2])
    _, found, _ = apply(Relation(ORDER[:2]), given)
    turned = {name: one.replace(x=one.x[:, ::-1], mask=one.mask[:, ::-1]) for name, one in given.items()}
    np.testing.assert_allclose(apply(Relation(ORDER[:2]), turned)[1].x, found.x, atol=1e-5)
    other = given | {"image": given["image"].replace(x=-given["image"].x)}
    assert np.abs(apply(Relation(ORDER[:2]), other)[1].x[:2] - found.x[:2]).max() > 0.01


def test_a_relation_without_layers_is_refused():
    with pytest.raises(ValueError, match="layers is 0; expected at least 1"):
        Relation(ORDER, layers=0)
