"""Reconstruction against loops, and whom its loss teaches."""

import jax
import numpy as np
import pytest

from mmjax.missing.reconstruction import Reconstruction
from tests import reference
from tests.fusion.case import ORDER, apply, modalities
from tests.missing import loops

GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def test_a_missing_modality_is_what_the_others_tell_and_the_loss_is_of_those_that_are_there():
    def told(params, name, h):
        return reference.dense(reference.gelu_tanh(h)[None], params[name])[0]

    loops.check(Reconstruction(ORDER, hidden=5), GIVEN, ORDER, told)


def test_the_truth_is_not_moved_towards_what_is_told_of_it():
    given = {name: GIVEN[name] for name in ORDER[:2]}
    module = Reconstruction(ORDER[:2])
    params = reference.parameters(module, given, train=False)

    def loss(x):
        told = given | {"text": given["text"].replace(x=x)}
        (mean,) = module.apply({"params": params}, told, train=False, mutable=["losses"])[1]["losses"]["reconstruction"]
        return mean.total

    moved = jax.grad(loss)(given["text"].x)
    params["image_from"] = jax.tree.map(np.zeros_like, params["image_from"])  # what the image is told from
    still = jax.grad(loss)(given["text"].x)
    assert np.abs(moved[0]).max() > 1e-4 and np.abs(still).max() == 0


def test_one_modality_stays_as_it_is_and_sizes_are_checked():
    _, found, _ = apply(Reconstruction(ORDER[:1]), {"text": GIVEN["text"]})
    np.testing.assert_array_equal(found["text"].x[0], GIVEN["text"].x[0])
    with pytest.raises(ValueError, match="hidden is 0; expected at least 1"):
        Reconstruction(ORDER, hidden=0)
