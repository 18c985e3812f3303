"""PaliGemma (Beyer et al. 2024, arXiv 2407.07726) as Hugging Face and big_vision publish it."""

import numpy as np

from mmjax.weights import vit
from mmjax.weights.mapping import Layout, Rule, Shape, Take, as_is, flat, turned

PARTS = ("embed", "image", "project", "decoder")


def _heads_first(array: np.ndarray, shape: Shape) -> np.ndarray:
    """A weight [H, D, K] to a kernel [D, (H K)]."""
    return array.transpose(1, 0, 2).reshape(array.shape[1], -1)


def _one(index: int, take: Take = as_is) -> Take:
    """One of the arrays that the leading axis tells apart."""
    return lambda array, shape: take(array[index], shape)


def _hugging_face(name: str, picture: str, project: str, words: str) -> Layout:
    """The same keys have stood under different names; `words` is the decoder."""
    old, new = f"{words}layers.#", "decoder/stack/layers_#"
    attention = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "o_proj": "out"}
    mlp = {"gate_proj": "gate", "up_proj": "up", "down_proj": "down"}
    return Layout(
        name,
        (
            Rule(f"{words}embed_tokens.weight", "embed/embedding", as_is),
            *vit.SIGLIP.inside(picture, "image/"),
            Rule(f"{project}linear.weight", "project/kernel", turned),
            Rule(f"{project}linear.bias", "project/bias", as_is),
            Rule(f"{old}.input_layernorm.weight", f"{new}/attention_norm/scale", as_is),
            Rule(f"{old}.post_attention_layernorm.weight", f"{new}/mlp_norm/scale", as_is),
            Rule(f"{words}norm.weight", "decoder/norm/scale", as_is),
            *(Rule(f"{old}.self_attn.{n}.weight", f"{new}/attention/{m}/kernel", turned) for n, m in attention.items()),
            *(Rule(f"{old}.mlp.{n}.weight", f"{new}/mlp/{m}/kernel", turned) for n, m in mlp.items()),
        ),
        idle=(r"rotary_emb\.inv_freq$",),
        approximate=True,
    )


OLDER = _hugging_face(
    "Hugging Face's PaliGemma", "vision_tower.vision_model.", "multi_modal_projector.", "language_model.model."
)
NEWER = _hugging_face(
    "Hugging Face's PaliGemma",
    "model.vision_tower.vision_model.",
    "model.multi_modal_projector.",
    "model.language_model.",
)
NEWEST = _hugging_face(
    "Hugging Face's PaliGemma", "model.vision_tower.", "model.multi_modal_projector.", "model.language_model."
)

_LAYER = "decoder/stack/layers_*"
BIG_VISION = Layout(
    "big_vision's PaliGemma",
    (
        Rule("llm/embedder/input_embedding", "embed/embedding", as_is),
        *vit.BIG_VISION_SCANNED.inside("img/", "image/"),
        Rule("img/head/kernel", "project/kernel", as_is),
        Rule("img/head/bias", "project/bias", as_is),
        Rule("llm/layers/pre_attention_norm/scale", f"{_LAYER}/attention_norm/scale", as_is),
        Rule("llm/layers/pre_ffw_norm/scale", f"{_LAYER}/mlp_norm/scale", as_is),
        Rule("llm/layers/attn/q_einsum/w", f"{_LAYER}/attention/query/kernel", _heads_first, heads=0),
        Rule("llm/layers/attn/kv_einsum/w", f"{_LAYER}/attention/key/kernel", _one(0, _heads_first)),
        Rule("llm/layers/attn/kv_einsum/w", f"{_LAYER}/attention/value/kernel", _one(1, _heads_first)),
        Rule("llm/layers/attn/attn_vec_einsum/w", f"{_LAYER}/attention/out/kernel", flat),
        Rule("llm/layers/mlp/gating_einsum", f"{_LAYER}/mlp/gate/kernel", _one(0)),
        Rule("llm/layers/mlp/gating_einsum", f"{_LAYER}/mlp/up/kernel", _one(1)),
        Rule("llm/layers/mlp/linear", f"{_LAYER}/mlp/down/kernel", as_is),
        Rule("llm/final_norm/scale", "decoder/norm/scale", as_is),
    ),
    roots=("", "params/"),
    approximate=True,
)
LAYOUTS = (OLDER, NEWER, NEWEST, BIG_VISION)
