"""BEiT-3 as two towers of one transformer: pictures and captions find each other (arXiv 2208.10442).

`base` has CLIP's loss and `siglip` SigLIP's; both start from configs/beit3_pretrain.py, whose run lies under
`runs/beit3_pretrain`, and are themselves an intermediate tuning from which other finetunings may start: the layers have
the same names in all. `scratch` starts from nothing. `mmjax data build easyvqa_captions` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
VOCAB, LENGTH, SIDE, PATCH, HEAD = 64, 12, 48, 8, 16
PRETRAINED = "runs/beit3_pretrain"
START = dict(workdir=PRETRAINED, rules=(("^(heads_|log_scale|logit_bias)", None),))
CLIP = dict(loss="losses.clip", learned=dict(scale=1 / 0.07))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(CLIP, start=START),
        siglip=dict(loss="losses.siglip", learned=dict(scale=10.0, bias=-10.0), start=START),
        scratch=CLIP,
        smoke=dict(CLIP, dim=16, layers=1, batch=8, steps=8, warmup=2, test="test[:5%]"),
    )
    dim = size.get("dim", 96)
    words = use("data.words", size=VOCAB, sentinels=1)
    if "start" in size:
        words = use("data.tokenizer_file", path=f"{PRETRAINED}/tokenizer.json", size=VOCAB, sentinels=1)
    return experiment(
        task=use(
            "tasks.contrast",
            model=towers(dim, size.get("layers", 4), size["learned"]),
            loss_of=use(size["loss"]),
            together="label",
        ),
        data=use(
            "data.rows",
            name="easyvqa_captions",
            modalities={
                "image": use("data.modality.picture", feature="image", size=SIDE, augment=use("data.augment")),
                "text": use("data.modality.text", feature="caption", length=LENGTH, ends=True),
            },
            label=use("data.label", feature="caption"),
            tokenizer=words,
            test=size.get("test", "test"),
            batch=size.get("batch", 128),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=5e-4, warmup=size.get("warmup", 50)),
            clip=1.0,
        ),
        steps=size.get("steps", 400),
        log=dict(every=20),
        checkpoint=dict(every=400, keep=1),
        init_from=size.get("start"),
    )


def towers(dim, layers, learned):
    encoders = {
        "image": use("encoders.patches", dim=dim, stem=use("nn.patch_embedding", size=PATCH, dim=dim)),
        "text": use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH)),
    }
    return use(
        "models.two_towers",
        order=ORDER,
        encoders=encoders,
        interactions=(use("interaction.multiway", order=ORDER, layers=layers, heads=dim // HEAD),),
        heads={name: use("heads.embed", features=dim, pool=use("nn.first_token")) for name in ORDER},
        **learned,
    )
