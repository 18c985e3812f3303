"""Captions by BEiT-3: hidden words are told from the picture and the words before them, and one more is always hidden.

`base` starts from configs/beit3_pretrain.py, whose run lies under `runs/beit3_pretrain`, and `scratch` from nothing;
both write what easy-VQA's pictures show, `mmjax data build easyvqa_captions` prepares them. `emoji` names emoji of
concepts never seen, from scratch, as configs/emoji.py does by PaLI; `mmjax data build emoji` says how the data is
prepared.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
PRETRAINED = "runs/beit3_pretrain"
SHAPES = dict(name="easyvqa_captions", vocab=64, places=12, length=6, side=48, patch=8, head=16, test="test")
START = dict(start=dict(workdir=PRETRAINED))
# Arrows, hands and flags of other sides are other emoji.
EMOJI = dict(name="emoji", vocab=768, places=32, length=28, side=64, train="google_train+twitter_train")
EMOJI |= dict(test="google_test+twitter_test", dim=128, peak=5e-4, warmup=100, steps=2000, flip=0.0)


def get_config(variant="base"):
    size = SHAPES | choose(
        variant,
        base=START,
        scratch=dict(steps=1500),
        emoji=EMOJI,
        smoke=dict(dim=32, layers=1, batch=4, steps=8, warmup=2, test="test[:2%]"),
    )
    return experiment(
        task=use(
            "tasks.generate",
            model=beit3(size.get("dim", 96), size.get("layers", 4), size),
            length=size["length"],
            search=use("decode.beam", width=3, penalty=0.6),
            once=True,
            smoothing=0.1,
            corpus={"": (use("metrics.cider"), use("metrics.bleu"), use("metrics.rouge_l"))},
        ),
        data=use(
            "data.pictures",
            name=size["name"],
            fields={"image": "image", "caption": "caption"},
            prompt=use("data.prompts.caption", prompt=""),
            tokenizer=words(size),
            hide=use("data.hide_words", share=0.7, masked=1.0, other=0.0),
            train=size.get("train", "train"),
            test=size["test"],
            augment=use("data.augment", flip=size.get("flip", 0.5)),
            size=size["side"],
            batch=size.get("batch", 64),
            questions=1,
            text_length=1,
            target_length=size["length"],
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=size.get("peak", 1e-3), warmup=size.get("warmup", 50)),
            clip=1.0,
        ),
        steps=size.get("steps", 600),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
        init_from=size.get("start"),
    )


def words(size):
    """Those of the pretraining run, of which one stands for a hidden word; or those of the captions."""
    if "start" in size:
        return use("data.tokenizer_file", path=f"{PRETRAINED}/tokenizer.json", size=size["vocab"], sentinels=1)
    return use("data.words" if size["name"] != "emoji" else "data.byte_pair", size=size["vocab"], sentinels=1)


def beit3(dim, layers, size):
    """As configs/beit3_pretrain.py has it, without what tells codes of patches."""
    stem = use("nn.patch_embedding", size=size["patch"], dim=dim)
    position = use("nn.table_position", length=size["places"])
    return use(
        "models.beit3_writer",
        encoders={
            "image": use("encoders.patches", dim=dim, stem=stem),
            "text": use("encoders.embedding", dim=dim, vocab=size["vocab"], position=position),
        },
        interactions=(
            use("interaction.multiway", order=ORDER, layers=layers, heads=dim // size["head"], drop_path=0.1),
        ),
        vocab=size["vocab"],
    )
