"""Emoji named in words, as Google and as Twitter draw them: PaLI from scratch writes captions.

`base` asks what is understood of concepts never seen: it learns four of five concepts in both styles, and is tested on
the others in both; variants of one drawing that differ by gender or hour count as concepts. `across` asks what is
understood in another hand: it learns every concept as Google draws it, and is tested on the same concepts as Twitter
does. `both` is tested on concepts never seen in a hand never seen. `mmjax data build emoji` says how the data is
prepared.
"""

from mmjax.core.build import choose, experiment, use

HEAD, LENGTH = 16, 28


def get_config(variant="base"):
    unseen = dict(train="google_train+twitter_train", test="google_test+twitter_test")
    size = choose(
        variant,
        base=dict(unseen),
        across=dict(train="google_train+google_test", test="twitter_train+twitter_test"),
        both=dict(train="google_train", test="twitter_test"),
        smoke=dict(unseen, test="google_test[:5%]", dim=32, layers=1, stem=(8, 16, 16), batch=4, steps=8, warmup=2),
    )
    dim = size.get("dim", 128)
    trunk = dict(layers=size.get("layers", 2), heads=dim // HEAD, head_dim=HEAD, hidden=2 * dim, dropout=0.1)
    model = use(
        "models.pali",
        vocab=768,
        dim=dim,
        image=use(
            "encoders.vit",
            dim=dim,
            layers=1,
            heads=dim // HEAD,
            hidden=4 * dim,
            stem=use("nn.conv_stem", widths=size.get("stem", (16, 32, 64, 96)), dim=dim),
            position=use("nn.learned_position"),
        ),
        encoder=use("nn.t5_encoder", **trunk),
        decoder=use("decode.t5_decoder", **trunk),
    )
    return experiment(
        task=use(
            "tasks.generate",
            model=model,
            length=LENGTH,
            corpus={"": (use("metrics.cider"), use("metrics.bleu"), use("metrics.rouge_l"))},
        ),
        data=use(
            "data.pictures",
            name="emoji",
            fields={"image": "image", "caption": "caption"},
            prompt=use("data.prompts.caption", prompt="describe the picture"),
            tokenizer=use("data.byte_pair", size=768),
            train=size["train"],
            test=size["test"],
            # Arrows, hands and flags of other sides are other emoji.
            augment=use("data.augment", flip=0.0),
            size=64,
            batch=size.get("batch", 64),
            questions=1,
            text_length=8,
            target_length=LENGTH,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=5e-4, warmup=size.get("warmup", 100)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 2000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
    )
