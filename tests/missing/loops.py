"""What modalities that are there tell of another one, by loops over rows, modalities and tokens."""

import jax
import numpy as np

from mmjax.core.mean import Mean
from tests import reference


def mean(tokens, b):
    """The mean of a row's real tokens, None where it has none."""
    rows = [np.asarray(tokens.x[b, i], np.float64) for i in np.flatnonzero(tokens.mask[b])]
    return sum(rows) / len(rows) if rows else None


def evidence(given, others, b, params):
    """[features] of the mean of linear maps of those that are there, None where none is."""
    means = {name: mean(given[name], b) for name in others}
    said = [reference.dense(x[None], params[name])[0] for name, x in means.items() if x is not None]
    return sum(said) / len(said) + params["bias"] if said else None


def check(module, given, order, told):
    """Compares a module with `told(params, name, h)` for every row and modality, and the loss that it sows."""
    params = reference.parameters(module, given, train=False)
    run = jax.jit(lambda params, given: module.apply({"params": params}, given, train=False, mutable=["losses"]))
    found, state = jax.device_get(run(params, given))
    errors = []
    for b, name in ((b, name) for b in range(len(given[order[0]].x)) for name in order):
        h = evidence(given, [other for other in order if other != name], b, params[f"{name}_from"])
        own = given[name].x[b, given[name].mask[b]]
        if h is not None and not len(own):
            own = told(params, name, h)[None]
        elif h is not None:
            errors.append(np.mean((told(params, name, h) - mean(given[name], b)) ** 2))
        np.testing.assert_allclose(found[name].x[b, found[name].mask[b]], own, atol=1e-4)
    (sown,) = state["losses"]["reconstruction"]
    assert isinstance(sown, Mean) and sown.count == len(errors) > 0
    np.testing.assert_allclose(sown.total, sum(errors), rtol=1e-4)
    return params, found
