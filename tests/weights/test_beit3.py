"""BEiT-3 with torchscale's weights makes of pictures, of texts and of both what torchscale makes, in loop and scan."""

import jax
import numpy as np
import pytest

from mmjax.encoders.embedding import Embedding
from mmjax.encoders.patches import Patches
from mmjax.interaction.multiway import Multiway
from mmjax.models.beit3 import Beit3
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.table_position import TablePosition
from mmjax.weights import beit3
from tests.weights.test_parity import golden, imported

GIVEN, WEIGHTS = golden("beit3")
IMAGE = {"image": GIVEN["image"], "image_mask": np.ones(2, bool)}
HIDDEN = {"image_hidden": GIVEN["image_hidden"].reshape(2, 4, 4)}
TEXT = {"text": GIVEN["text"], "text_mask": GIVEN["text_mask"]}


def small(scan=False):
    encoders = {
        "image": Patches(dim=12, stem=PatchEmbedding(2, 12), position=LearnedPosition()),
        "text": Embedding(dim=12, vocab=40, position=TablePosition(8)),
    }
    return Beit3(encoders, (Multiway(("image", "text"), layers=2, heads=3, hidden=20, scan=scan),), codes=5, vocab=40)


@pytest.fixture(scope="module", params=[False, True], ids=["loop", "scan"])
def model(request):
    model = small(request.param)
    params = imported(lambda key: model.init(key, IMAGE | TEXT | HIDDEN, train=False)["params"], WEIGHTS, beit3)
    run = jax.jit(
        lambda batch, mask=None: model.apply({"params": params}, batch, train=False, mask=mask, method="encode")
    )
    return lambda *given: jax.device_get(run(*given))


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


def test_pictures_alone_with_patches_to_fill_in(model):
    near(model(IMAGE | HIDDEN)["image"].x, GIVEN["image_out"])


def test_texts_alone_padded(model):
    real = GIVEN["text_mask"]
    near(model(TEXT)["text"].x[real], GIVEN["text_out"][real])


@pytest.mark.parametrize("name", ["pair", "written"])
def test_both_together_and_a_text_that_is_written_word_by_word(model, name):
    found = model(IMAGE | TEXT, *([GIVEN["seen"][None]] if name == "written" else []))
    real = GIVEN["text_mask"]
    near(found["image"].x, GIVEN[f"{name}_out"][:, :17])
    near(found["text"].x[real], GIVEN[f"{name}_out"][:, 17:][real])
