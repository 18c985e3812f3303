"""T5 1.1 and mT5 (Raffel et al. 2020, 1910.10683; Xue et al. 2021, 2010.11934) as PaLI's encoder, decoder and words."""

from mmjax.weights.mapping import Layout, Rule, as_is, turned

PARTS = ("embed", "encoder", "decoder", "head")


def _attention(old: str, new: str) -> list[Rule]:
    names = {"q": "query", "k": "key", "v": "value", "o": "out"}
    return [Rule(f"{old}.{there}.weight", f"{new}/{here}/kernel", turned) for there, here in names.items()]


def _stack(name: str, attentions: dict[str, tuple[str, str]], mlp: int) -> list[Rule]:
    """The layers of the encoder or the decoder, whose feed-forward is the sub-layer number `mlp`."""
    old, new = f"{name}.block.#.layer", f"{name}/stack/layers_#"
    rules = [
        Rule(
            f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            f"{name}/position/table/embedding",
            as_is,
        ),
        Rule(f"{name}.final_layer_norm.weight", f"{name}/norm/scale", as_is),
        Rule(f"{old}.{mlp}.layer_norm.weight", f"{new}/mlp_norm/scale", as_is),
        Rule(f"{old}.{mlp}.DenseReluDense.wi_0.weight", f"{new}/mlp/gate/kernel", turned),
        Rule(f"{old}.{mlp}.DenseReluDense.wi_1.weight", f"{new}/mlp/up/kernel", turned),
        Rule(f"{old}.{mlp}.DenseReluDense.wo.weight", f"{new}/mlp/down/kernel", turned),
    ]
    for number, (there, here) in attentions.items():
        rules += _attention(f"{old}.{number}.{there}", f"{new}/{here}")
        rules.append(Rule(f"{old}.{number}.layer_norm.weight", f"{new}/{here}_norm/scale", as_is))
    return rules


HUGGING_FACE = Layout(
    "Hugging Face's T5 1.1 or mT5",
    (
        # One table by three names, of which files hold one, two or all.
        Rule("shared.weight", "embed/embedding", as_is),
        Rule("encoder.embed_tokens.weight", "embed/embedding", as_is),
        Rule("decoder.embed_tokens.weight", "embed/embedding", as_is),
        Rule("lm_head.weight", "head", turned),
        *_stack("encoder", {"0": ("SelfAttention", "attention")}, mlp=1),
        *_stack("decoder", {"0": ("SelfAttention", "attention"), "1": ("EncDecAttention", "cross")}, mlp=2),
    ),
    roots=("", "module."),
    idle=(r"EncDecAttention\.relative_attention_bias",),  # old files hold it; it was never used
)
LAYOUTS = (HUGGING_FACE,)
