"""BEiT-3 base and large (Wang et al. 2022, arXiv 2208.10442) as released and as torchscale calls their parameters.

Both towers have maps and norms of their own, image "A" and text "B". Tables of positions have two rows before
the first.
"""

import numpy as np

from mmjax.weights.mapping import Layout, Rule, Shape, as_is, patches, turned

PARTS = ("encoders_image", "encoders_text", "interactions_0")
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
    "BEiT-3 as torchscale has it",
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
    roots=("beit3.", "", "module.beit3.", "model.beit3."),
)
LAYOUTS = (TORCHSCALE,)
