"""Two views through one multiway transformer, each by itself, as in BEiT-3's dual encoder."""

import jax
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.encoders.embedding import Embedding
from mmjax.encoders.patches import Patches
from mmjax.fusion.first_tokens import FirstTokens
from mmjax.heads.classify import Classify
from mmjax.heads.embed import Embed
from mmjax.interaction.multiway import Multiway
from mmjax.models.compose import Compose
from mmjax.models.two_towers import TwoTowers
from mmjax.nn.first_token import FirstToken
from mmjax.nn.patch_embedding import PatchEmbedding
from tests import reference

ORDER = ("image", "text")
ENCODERS = {"image": Patches(dim=8, stem=PatchEmbedding(4, 8)), "text": Embedding(dim=8, vocab=7)}
RNG = np.random.default_rng(0)
BATCH = {
    "image": RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8),
    "image_mask": np.array([True, True, False]),
    "text": RNG.integers(0, 7, (3, 5)),
    "text_mask": np.arange(5) < np.array([[5], [2], [3]]),
}


@pytest.mark.parametrize("scan", [False, True])
def test_each_view_goes_through_the_layers_as_if_the_other_were_missing(scan):
    heads = {name: Embed(features=4, pool=FirstToken()) for name in ORDER}
    multiway = Multiway(ORDER, layers=2, heads=2, scan=scan)
    model = TwoTowers(ORDER, ENCODERS, heads, interactions=(multiway,))
    params = reference.parameters(model, BATCH, train=False)
    found = reference.compiled(lambda params: model.apply({"params": params}, BATCH, train=False))(params)
    for name in ORDER:
        tokens = ENCODERS[name].apply(
            {"params": params[f"encoders_{name}"]}, BATCH[name], BATCH[f"{name}_mask"], train=False
        )
        alone = multiway.apply({"params": params["interactions_0"]}, {name: tokens}, train=False)[name]
        z = alone.x[:, 0] @ params[f"heads_{name}"]["projection"]["kernel"]
        real = BATCH[f"{name}_mask"].reshape(3, -1).any(-1)
        wanted = z / np.linalg.norm(z, axis=-1, keepdims=True)
        np.testing.assert_allclose(found[name][real], wanted[real], atol=1e-5)
        assert not found[name][~real].any()


def test_the_layers_are_called_as_in_a_composed_model_so_that_one_starts_from_the_other():
    multiway = Multiway(ORDER, layers=1, heads=2)
    towers = TwoTowers(ORDER, ENCODERS, {name: Embed(features=4) for name in ORDER}, interactions=(multiway,))
    composed = Compose(ENCODERS, FirstTokens(ORDER), Classify(classes=2), interactions=(multiway,))
    shapes = [
        {path: leaf.shape for path, leaf in paths.flatten(made["params"]).items() if "head" not in path}
        for made in (
            jax.eval_shape(lambda model=model: model.init(jax.random.key(0), BATCH, train=False))
            for model in (towers, composed)
        )
    ]
    assert shapes[0] == shapes[1]
