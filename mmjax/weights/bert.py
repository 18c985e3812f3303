"""BERT (Devlin et al. 2019, arXiv 1810.04805) and encoders of its form, such as MiniLM, as Hugging Face publishes them.

What pools tokens (`pooler`) or predicts words (`cls`) is left out: every token is a token here.
"""

from mmjax.weights.mapping import Layout, Rule, as_is, turned

PARTS = ("text",)
LAYER, BLOCK = "encoder.layer.#", "stack/layers_#"


def _both(old: str, new: str) -> list[Rule]:
    return [Rule(f"{old}.weight", f"{new}/kernel", turned), Rule(f"{old}.bias", f"{new}/bias", as_is)]


def _norm(old: str, new: str) -> list[Rule]:
    # The first files call them as TensorFlow did.
    return [
        Rule(f"{old}.{there}", f"{new}/{here}", as_is)
        for there, here in (("weight", "scale"), ("bias", "bias"), ("gamma", "scale"), ("beta", "bias"))
    ]


BERT = Layout(
    "Hugging Face's BERT",
    (
        Rule("embeddings.word_embeddings.weight", "embed/embedding", as_is),
        Rule("embeddings.position_embeddings.weight", "position/table", as_is),
        Rule("embeddings.token_type_embeddings.weight", "type", as_is),
        *_norm("embeddings.LayerNorm", "norm"),
        *_both(f"{LAYER}.attention.self.query", f"{BLOCK}/attention/query"),
        *_both(f"{LAYER}.attention.self.key", f"{BLOCK}/attention/key"),
        *_both(f"{LAYER}.attention.self.value", f"{BLOCK}/attention/value"),
        *_both(f"{LAYER}.attention.output.dense", f"{BLOCK}/attention/out"),
        *_norm(f"{LAYER}.attention.output.LayerNorm", f"{BLOCK}/attention_norm"),
        *_both(f"{LAYER}.intermediate.dense", f"{BLOCK}/mlp/up"),
        *_both(f"{LAYER}.output.dense", f"{BLOCK}/mlp/down"),
        *_norm(f"{LAYER}.output.LayerNorm", f"{BLOCK}/mlp_norm"),
    ),
)
LAYOUTS = (Layout(BERT.name, BERT.inside("", "text/"), roots=("", "bert.", "model.", "module.", "0.auto_model.")),)
