"""BEiT-3 base and large (Wang et al. 2022, arXiv 2208.10442) as released and as torchscale calls their parameters.

Both towers have maps and norms of their own, image "A" and text "B". Tables of positions have two rows before
the first. Beside the towers stand heads: those of pretraining, of which the one for patches tells the codes of the
tokenizer that it was trained with, or those for questions (VQA), for two pictures and a statement (NLVR2), for classes
of pictures (ImageNet), or for pictures and texts that find each other (retrieval).
"""

from dataclasses import replace

import numpy as np

from mmjax.weights.mapping import Layout, Rule, Shape, as_is, patches, turned

PARTS = ("encoders_image", "encoders_text", "interactions_0")
HEADS = ("heads_image", "heads_text", "trunk", "head", "log_scale")  # a model and a checkpoint may have others of them
# What layers hold for a modality, which a model that has no encoder of it leaves there.
OWN = {"encoders_image": "^interactions_0/.*image_", "encoders_text": "^interactions_0/.*text_"}
SKIPPED = 2  # rows of a table that no token has
MAPS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out"}


def _vector(array: np.ndarray, shape: Shape) -> np.ndarray:
    return array.reshape(-1)


def _class_position(array: np.ndarray, shape: Shape) -> np.ndarray:
    return array[SKIPPED]


def _grid(array: np.ndarray, shape: Shape) -> np.ndarray:
    """The rows [h w, D] after the class token's as [h, w, D], a square where it is another grid than here."""
    rows = array[SKIPPED + 1 :]
    side = round(len(rows) ** 0.5)
    grid = shape[:-1] if len(rows) == np.prod(shape[:-1]) else (side, side)
    return rows.reshape(*grid, -1) if len(rows) == np.prod(grid) else rows


def _line(array: np.ndarray, shape: Shape) -> np.ndarray:
    """The rows [L, D] of texts; a shorter table here takes the first ones."""
    return array[SKIPPED:][: shape[0]]


def _map(old: str, new: str) -> list[Rule]:
    return [Rule(f"{old}.weight", f"{new}/kernel", turned), Rule(f"{old}.bias", f"{new}/bias", as_is)]


def _norm(old: str, new: str) -> list[Rule]:
    return [Rule(f"{old}.weight", f"{new}/scale", as_is), Rule(f"{old}.bias", f"{new}/bias", as_is)]


def _tower(old: str, new: str) -> list[Rule]:
    layer, here = "encoder.layers.#", f"interactions_0/stack/layers_#/{new}"
    rules = [
        *_norm(f"{layer}.self_attn_layer_norm.{old}", f"{here}_attention_norm"),
        *_norm(f"{layer}.self_attn.inner_attn_ln.{old}", f"{here}_attention/out_norm"),
        *_norm(f"{layer}.final_layer_norm.{old}", f"{here}_mlp_norm"),
        *_norm(f"{layer}.ffn.{old}.ffn_layernorm", f"{here}_mlp/down_norm"),
        *_map(f"{layer}.ffn.{old}.fc1", f"{here}_mlp/up"),
        *_map(f"{layer}.ffn.{old}.fc2", f"{here}_mlp/down"),
        *_norm(f"encoder.layer_norm.{old}", f"interactions_0/{new}_norm"),
    ]
    for there, name in MAPS.items():
        rules += _map(f"{layer}.self_attn.{there}.{old}", f"{here}_attention/{name}")
    return rules


TORCHSCALE = Layout(
    "torchscale's BEiT-3",
    (
        Rule("vision_embed.proj.weight", "encoders_image/stem/patch/kernel", patches),
        Rule("vision_embed.proj.bias", "encoders_image/stem/patch/bias", as_is),
        Rule("vision_embed.cls_token", "encoders_image/class_token", _vector),
        Rule("vision_embed.mask_token", "encoders_image/mask_token", _vector),
        Rule("encoder.embed_positions.A.weight", "encoders_image/class_position", _class_position),
        Rule("encoder.embed_positions.A.weight", "encoders_image/position/table", _grid),
        Rule("text_embed.weight", "encoders_text/embed/embedding", as_is),
        Rule("encoder.embed_positions.B.weight", "encoders_text/position/table", _line),
        *_tower("A", "image"),
        *_tower("B", "text"),
    ),
    head_dim=64,
)
RELEASED = replace(
    TORCHSCALE,
    name="the released BEiT-3",
    rules=(
        *TORCHSCALE.inside("beit3.", ""),
        *_map("mim_head", "heads_image"),
        *_map("mlm_head", "heads_text"),
        # Of questions: the class token is pooled.
        *_norm("pooler.norm", "trunk/parts_0/norm"),
        *_map("pooler.dense", "trunk/parts_0/map"),
        *_map("head.0", "trunk/parts_1/hidden"),
        *_norm("head.1", "trunk/parts_1/hidden_norm"),
        *_map("head.3", "head/logits"),
        # Of two pictures and a statement: the first tokens of both passes stand side by side.
        *_norm("head.norm1", "trunk/in_norm"),
        *_map("head.dense1", "trunk/hidden"),
        *_norm("head.norm2", "trunk/hidden_norm"),
        *_map("head.dense2", "head/logits"),
        # Of one picture: the patches are pooled.
        *_norm("fc_norm", "trunk/norm"),
        *_map("head", "head/logits"),
        # Of a picture and a text, each by itself: their first tokens.
        Rule("vision_head.weight", "heads_image/projection/kernel", turned),
        Rule("language_head.weight", "heads_text/projection/kernel", turned),
        Rule("logit_scale", "log_scale", as_is),
    ),
    roots=("", "module.", "model."),
)
LAYOUTS = (RELEASED, TORCHSCALE)
