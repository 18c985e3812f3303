"""BEiT-3 as released but of a few thousand numbers, a config: to fill in, and its finetunings."""

from pathlib import Path

from mmjax.core.build import choose, experiment, use

CONFIG = Path(__file__)
ORDER = ("image", "text")
DIM, LAYERS, HEADS, PATCH, SIDE, VOCAB, CODES, LENGTH, CLASSES = 12, 2, 3, 2, 8, 40, 5, 8, 4


def get_config(variant="base"):
    head = use("heads.classify", classes=CLASSES)
    first = use("fusion.first_tokens", order=ORDER)
    asked = dict(
        fusion=use("fusion.first_tokens", order=ORDER, of=("image",)),
        trunk=use("nn.chain", parts=(use("nn.pooler"), use("nn.joined", norm=False))),
        head=head,
    )
    model = choose(
        variant,
        base=use("models.beit3", **parts(ORDER), codes=CODES, vocab=VOCAB, coder=coder()),
        vqa=use("models.compose", **parts(ORDER, end_norm=False), **asked),
        nlvr2=use(
            "models.compose", **parts(ORDER), fusion=first, trunk=use("nn.joined"), head=head, several=("image",)
        ),
        picture=use("models.compose", **parts(("image",)), fusion=use("fusion.concat", order=("image",)), head=head),
        imagenet=use(
            "models.compose",
            **parts(("image",), end_norm=False),
            fusion=use("fusion.concat", order=("image",)),
            trunk=use("nn.patch_pooler"),
            head=head,
        ),
        retrieval=use(
            "models.two_towers",
            order=ORDER,
            **parts(ORDER),
            heads={name: use("heads.embed", features=DIM, pool=use("nn.first_token")) for name in ORDER},
            scale=1 / 0.07,
        ),
    )
    tasks = dict(
        base=dict(use="tasks.masked", weights=dict(image=1.0, text=1.0)),
        retrieval=dict(use="tasks.contrast", loss_of=use("losses.clip")),
    )
    fields = dict(tasks.get(variant, dict(use="tasks.classify")))
    task = use(fields.pop("use"), model=model, **fields)
    return experiment(task=task, data=data(variant), optim=use("optim.optimizer", **OPTIM), steps=1)


OPTIM = dict(rule=use("optim.adamw"), schedule=use("optim.constant", peak=1e-3))


def parts(order, **changes):
    stem = use("nn.patch_embedding", size=PATCH, dim=DIM)
    encoders = {
        "image": use("encoders.patches", dim=DIM, stem=stem),
        "text": use("encoders.embedding", dim=DIM, vocab=VOCAB, position=use("nn.table_position", length=LENGTH)),
    }
    multiway = use("interaction.multiway", order=order, layers=LAYERS, heads=HEADS, **changes)
    return dict(encoders={name: encoders[name] for name in order}, interactions=(multiway,))


def coder():
    vit = use("encoders.vit", dim=4, layers=1, heads=1, hidden=8, position=use("nn.learned_position"))
    vit.stem = use("nn.patch_embedding", size=PATCH, dim=4)
    position = use("nn.table_position", length=(SIDE // PATCH) ** 2)
    model = use(
        "models.vqkd", encoder=vit, decoder=use("nn.transformer", layers=1, heads=1), position=position, patch=PATCH
    )
    return use("models.coder", model=model, codes=CODES)


def data(variant):
    picture = use("data.modality.picture", feature="image", size=SIDE)
    two = use("data.modality.video", feature="image", frames=2, size=SIDE)
    modalities = {"image": two if variant == "nlvr2" else picture}
    if variant not in ("picture", "imagenet"):
        modalities["text"] = use("data.modality.text", feature="text", length=6, ends=True)
    return use(
        "data.rows",
        name="nothing",
        modalities=modalities,
        hide=use("data.hide", grid=(SIDE // PATCH, SIDE // PATCH), least=2) if variant == "base" else None,
        label=None if variant in ("base", "retrieval") else use("data.label", feature="label"),
        tokenizer=use("data.tokenizer_file", path="tokenizer.json", size=VOCAB) if "text" in modalities else None,
        batch=2,
    )
