"""Vision transformers (Dosovitskiy et al. 2021, arXiv 2010.11929) of timm, Hugging Face's SigLIP and big_vision.

What only pools tokens (class tokens, attention heads over them) or classifies is left out: every patch is a token here.
"""

from dataclasses import replace

from mmjax.weights.mapping import Layout, Rule, as_is, flat, part, patches, positions, turned

PARTS = ("image",)
TOWERS = ("vision_model.", "vision_tower.", "vision_tower.vision_model.")
ROOTS = ("", "module.", "model.", *TOWERS, *(f"model.{tower}" for tower in TOWERS))


def _both(old: str, new: str) -> list[Rule]:
    """A linear layer of PyTorch's."""
    return [Rule(f"{old}.weight", f"{new}/kernel", turned), Rule(f"{old}.bias", f"{new}/bias", as_is)]


def _norm(old: str, new: str, scale: str = "weight", dot: str = ".") -> list[Rule]:
    return [Rule(f"{old}{dot}{scale}", f"{new}/scale", as_is), Rule(f"{old}{dot}bias", f"{new}/bias", as_is)]


LAYER = "stack/layers_#"

TIMM = Layout(
    "timm's vision transformer",
    (
        Rule("patch_embed.proj.weight", "stem/patch/kernel", patches),
        Rule("patch_embed.proj.bias", "stem/patch/bias", as_is),
        Rule("pos_embed", "position/table", positions),
        *_norm("norm", "norm"),
        *_norm("blocks.#.norm1", f"{LAYER}/attention_norm"),
        *_norm("blocks.#.norm2", f"{LAYER}/mlp_norm"),
        *(
            Rule(f"blocks.#.attn.qkv.{kind}", f"{LAYER}/attention/{name}/{leaf}", part(i, 3))
            for i, name in enumerate(("query", "key", "value"))
            for kind, leaf in (("weight", "kernel"), ("bias", "bias"))
        ),
        *_both("blocks.#.attn.proj", f"{LAYER}/attention/out"),
        *_both("blocks.#.mlp.fc1", f"{LAYER}/mlp/up"),
        *_both("blocks.#.mlp.fc2", f"{LAYER}/mlp/down"),
    ),
    other=(r"norm_pre\.", r"patch_embed\.norm\."),
    approximate=False,
)

SIGLIP = Layout(
    "Hugging Face's SigLIP",
    (
        Rule("embeddings.patch_embedding.weight", "stem/patch/kernel", patches),
        Rule("embeddings.patch_embedding.bias", "stem/patch/bias", as_is),
        Rule("embeddings.position_embedding.weight", "position/table", positions),
        *_norm("post_layernorm", "norm"),
        *_norm("encoder.layers.#.layer_norm1", f"{LAYER}/attention_norm"),
        *_norm("encoder.layers.#.layer_norm2", f"{LAYER}/mlp_norm"),
        *_both("encoder.layers.#.self_attn.q_proj", f"{LAYER}/attention/query"),
        *_both("encoder.layers.#.self_attn.k_proj", f"{LAYER}/attention/key"),
        *_both("encoder.layers.#.self_attn.v_proj", f"{LAYER}/attention/value"),
        *_both("encoder.layers.#.self_attn.out_proj", f"{LAYER}/attention/out"),
        *_both("encoder.layers.#.mlp.fc1", f"{LAYER}/mlp/up"),
        *_both("encoder.layers.#.mlp.fc2", f"{LAYER}/mlp/down"),
    ),
    other=(r"pre_layrnorm\.",),  # CLIP's, in its publisher's spelling
    approximate=True,
)


def _big_vision(block: str, layer: str) -> tuple[Rule, ...]:
    """Of big_vision; `block` is how a layer begins there, `layer` here."""
    rules = [
        Rule("embedding/kernel", "stem/patch/kernel", flat),
        Rule("embedding/bias", "stem/patch/bias", as_is),
        Rule("pos_embedding", "position/table", positions),
        *_norm("Transformer/encoder_norm", "norm", "scale", "/"),
        *_norm(f"{block}/LayerNorm_0", f"{layer}/attention_norm", "scale", "/"),
        *_norm(f"{block}/LayerNorm_1", f"{layer}/mlp_norm", "scale", "/"),
    ]
    for name in ("query", "key", "value", "out"):
        for leaf in ("kernel", "bias"):
            old = f"{block}/MultiHeadDotProductAttention_0/{name}/{leaf}"
            heads = 1 if (name, leaf) == ("query", "kernel") else None  # [D, H, K]
            rules.append(Rule(old, f"{layer}/attention/{name}/{leaf}", flat, heads))
    for old, new in (("Dense_0", "up"), ("Dense_1", "down")):
        rules += [
            Rule(f"{block}/MlpBlock_0/{old}/{leaf}", f"{layer}/mlp/{new}/{leaf}", as_is) for leaf in ("kernel", "bias")
        ]
    return tuple(rules)


BIG_VISION = Layout(
    "big_vision's vision transformer", _big_vision("Transformer/encoderblock_#", LAYER), approximate=True
)
BIG_VISION_SCANNED = Layout(
    "big_vision's vision transformer, scanned",
    _big_vision("Transformer/encoderblock", "stack/layers_*"),
    approximate=True,
)


def _alone(layout: Layout, roots: tuple[str, ...]) -> Layout:
    """For a file that holds nothing else, or of which the rest is left out."""
    return replace(layout, rules=layout.inside("", "image/"), roots=roots)


LAYOUTS = (
    *(_alone(layout, ROOTS) for layout in (TIMM, SIGLIP)),
    *(_alone(layout, ("", "params/", "img/", "params/img/")) for layout in (BIG_VISION, BIG_VISION_SCANNED)),
)
