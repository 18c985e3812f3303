"""BEiT-3 in its published sizes, to pretrain on data of one's own, and its finetunings (arXiv 2208.10442).

`base` and `large` are as released, with maps and norms of each modality's own; `giant` is the paper's, with attention
shared. How `base` and `large` were pretrained is not told: they have the giant's settings.

`nlvr2_*`, `vqa_*`, `imagenet_*`, `retrieval_*` and `caption_*` finetune base and large as released, from what `mmjax
import beit3` has put into `runs/beit3_base` or `runs/beit3_large` (for retrieval the weights after intermediate tuning,
in `runs/beit3_base_itc`), and the giant as the paper has it, from a run of `giant` under `runs/beit3_giant`; how long
it warms up is not told. `itc_*` is intermediate tuning by contrast, of the giant's settings. What is not as released:
crops are taken of pictures that have their size already; all captions of a picture belong to it in retrieval; in
captioning an example is a picture with one of its captions, and an epoch as many as there are, captions have room for
64 tokens in place of being cut at 32, and no loss is left out, as that of the worst tokens is later on.

Choices are made on splits for it (TESTS); `mmjax evaluate --split=test` measures captions and retrieval. `smoke` and
its like are the same with everything small, on easy-VQA.

Data is `mmjax data build`'s: `nlvr2`, `vqav2`, `imagenet` and `coco_karpathy` of the published files, and of rows such
as {"image": "a.png", "caption": "a cat"} by the name `pairs`, which serve as pictures too, and {"text": "any text",
"label": 0} by `texts`. The tokenizer's path is --config.data.tokenizer.path, in pretraining that of each of data.parts.
That of pictures is configs/beit3_tokenizer.py:published, whose run lies under `runs/beit3_tokenizer`. The giant's
patches are of 14 pixels and the tokenizer's of 16: to be as many, it sees pictures of 256 where the giant sees 224.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
BASE = dict(dim=768, layers=12, heads=12, hidden=3072)
LARGE = dict(dim=1024, layers=24, heads=16, hidden=4096)
GIANT = dict(dim=1408, layers=40, heads=16, hidden=6144, patch=14)
GIANT |= dict(form=dict(shared=True, sub_norm=False, joint=3, start=use("nn.depth_init")), coder_side=256)
SMALL = dict(dim=32, layers=2, heads=2, hidden=64, patch=16, side=64, words=64, length=12, test="test[:1%]")

# Each example is a picture, a text and a pair: 2,048 of each make the published batch of 6,144.
MODEL = dict(side=224, patch=16, words=64_010, codes=8192, length=64, vit=dict(dim=768, layers=12, heads=12))
PRETRAIN = MODEL | dict(batch=2048, steps=1_000_000, warmup=10_000, peak=1e-3, decay=0.05, drop_path=0.1)
PRETRAIN |= dict(make="pretrain", adam=dict(b2=0.98, eps=1e-6), clip=3.0)

# 20 epochs, five of them a warm-up, of 86,373 examples; 10 epochs, one a warm-up, of the 658,111 questions of VQAv2's
# train and val, of which the released code holds a thousand pictures' out; 50 epochs, five a warm-up, of ImageNet-1k.
NLVR2, VQA, IMAGENET = 86_373 // 256, 658_111 // 128, 1_281_167 // 1024
TWO = MODEL | dict(make="nlvr2", classes=2, batch=256, steps=20 * NLVR2, warmup=5 * NLVR2, decay=0.2)
TWO |= dict(drop_path=0.2, end=1e-6)
ASK = MODEL | dict(make="vqa", classes=3129, batch=128, steps=10 * VQA, warmup=VQA, decay=0.01, side=480)
ASK |= dict(adam=dict(b2=0.98), head=20.0, end=1e-6)
NAME = MODEL | dict(make="imagenet", classes=1000, batch=1024, steps=50 * IMAGENET, warmup=5 * IMAGENET, decay=0.05)
NAME |= dict(end=1e-6, channels=((0.485, 0.229), (0.456, 0.224), (0.406, 0.225)))

# The splits by which choices are made.
TESTS = dict(nlvr2="dev", vqa="held", imagenet="val", caption="val", retrieval="val", itc="test")

# Ten epochs, one a warm-up, of the 566,747 captions of the pictures for training.
COCO = 566_747 // 256
WRITE = MODEL | dict(make="caption", batch=256, steps=10 * COCO, warmup=COCO, decay=0.05, side=480, hide=0.7)
WRITE |= dict(drop_path=0.1, end=1e-6)
GIANT_TUNED, GIANT_FOUND = (dict(start=f"runs/beit3_giant{after}") for after in ("", "_itc"))
GIANT_WRITE = dict(side=392, steps=16_000, warmup=1_600, decay=0.01, drop_path=0.3, peak=8e-6, hide=0.6)

# How pictures vary: nothing that changes colours of those that questions are about, and of ImageNet's all that timm's
# rand-m9-mstd0.5-inc1 has.
CROP = use("data.random_resized_crop", area=(0.5, 1.0))
PLACES = ("identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate")
LIGHT = ("autocontrast", "equalize", "brightness", "sharpness")
CHANGES = tuple(name for name in (*PLACES, *LIGHT) if name != "identity")
CHANGES += ("invert", "posterize", "solarize", "solarize_add", "color", "contrast")

# 15 epochs, three of them a warm-up, of all captions; and five epochs of all pairs of pretraining, 21 million.
FIND = MODEL | dict(make="retrieval", batch=3072, decay=0.05, drop_path=0.2, end=1e-6, side=384)
FIND |= dict(steps=15 * (566_747 // 3072), warmup=3 * (566_747 // 3072))
PAIRS = 21_000_000 // 16_384
TUNE = FIND | dict(make="itc", batch=16_384, steps=5 * PAIRS, warmup=PAIRS, side=224, peak=3e-5, layer_decay=0.95)
TUNE |= dict(drop_path=0.3)

# What a run takes of the tokenizer's, and what of a pretrained one.
CODER = (("^coder/codes$", "extra/codebook/codes"), ("^coder/model/", ""), (".*", None))
# Retrieval goes on with the maps into the common space that intermediate tuning has learnt.
FRESH = (("^(head|heads_image|heads_text|trunk|log_scale)(/|$)", None),)


def get_config(variant="base"):
    small_vit = dict(dim=16, layers=1, heads=1)
    size = choose(
        variant,
        base=PRETRAIN | BASE,
        large=PRETRAIN | LARGE,
        giant=PRETRAIN | GIANT,
        nlvr2_base=TWO | BASE | dict(peak=7e-4, layer_decay=0.65, start="runs/beit3_base"),
        nlvr2_large=TWO | LARGE | dict(peak=3e-4, layer_decay=0.85, start="runs/beit3_large"),
        nlvr2_giant=TWO | GIANT | GIANT_TUNED | dict(peak=1e-3, layer_decay=0.8, decay=0.05, drop_path=0.4),
        vqa_base=ASK | BASE | dict(peak=3e-5, drop_path=0.1, start="runs/beit3_base"),
        vqa_large=ASK | LARGE | dict(peak=2e-5, drop_path=0.15, start="runs/beit3_large"),
        vqa_giant=ASK | GIANT | GIANT_TUNED | dict(peak=1e-5, side=756, drop_path=0.4),
        imagenet_base=NAME | BASE | dict(peak=7e-4, layer_decay=0.65, drop_path=0.15, start="runs/beit3_base"),
        imagenet_large=NAME | LARGE | dict(peak=2e-4, layer_decay=0.8, drop_path=0.25, start="runs/beit3_large"),
        retrieval_base=FIND | BASE | dict(peak=2e-4, layer_decay=0.65, start="runs/beit3_base_itc"),
        retrieval_large=FIND | LARGE | dict(peak=5e-5, layer_decay=0.85, start="runs/beit3_large_itc"),
        retrieval_giant=FIND | GIANT | GIANT_FOUND | dict(peak=1e-5, layer_decay=0.95, side=420, drop_path=0.3),
        itc_base=TUNE | BASE | dict(start="runs/beit3_base"),
        itc_large=TUNE | LARGE | dict(start="runs/beit3_large"),
        itc_giant=TUNE | GIANT | GIANT_TUNED,
        caption_base=WRITE | BASE | dict(peak=4e-5, start="runs/beit3_base"),
        caption_large=WRITE | LARGE | dict(peak=8e-6, start="runs/beit3_large"),
        caption_giant=WRITE | GIANT | GIANT_TUNED | GIANT_WRITE,
        smoke=PRETRAIN | SMALL | dict(codes=8, vit=small_vit, batch=4, steps=8, warmup=2),
        smoke_vqa=ASK | SMALL | dict(classes=13, batch=4, steps=8, warmup=2, peak=1e-3, drop_path=0.1),
        smoke_imagenet=NAME
        | SMALL
        | dict(classes=24, batch=4, steps=8, warmup=2, peak=1e-3, drop_path=0.1, layer_decay=1.0),
        smoke_retrieval=FIND | SMALL | dict(batch=8, steps=8, warmup=2, peak=1e-3, layer_decay=1.0),
        smoke_caption=WRITE | SMALL | dict(length=6, batch=4, steps=8, warmup=2, peak=1e-3),
    )
    size["small"] = variant.startswith("smoke")
    makes = {"pretrain": pretrain, "nlvr2": nlvr2, "vqa": vqa, "imagenet": imagenet, "caption": caption}
    makes |= {"retrieval": retrieval, "itc": retrieval}
    task, data = makes[size["make"]](size)
    return experiment(
        task=task,
        data=data,
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", **size.get("adam", {}), decay=size["decay"]),
            schedule=use("optim.warmup_cosine", peak=size["peak"], warmup=size["warmup"], end=size.get("end", 0.0)),
            groups=groups(size),
            clip=size.get("clip"),
        ),
        partition=use("train.mesh", axes=axes(size), rules=SPLIT),
        steps=size["steps"],
        init_from=start(size),
        frozen_fresh=size["small"],  # the tokenizer is a trained one: init_from takes it
        log=dict(every=4 if size["small"] else 100),
        checkpoint=dict(every=4 if size["small"] else 2_000, keep=2),
    )


def pretrain(size):
    """What is hidden of pictures, texts and pairs is filled in."""
    model = use(
        "models.beit3", **towers(size), codes=size["codes"], vocab=size["words"], coder=coder(size, size["vit"])
    )
    told = ("pairs_image", "pairs_text", "pictures_image", "texts_text")
    task = use("tasks.masked", model=model, weights=dict.fromkeys(told, 1.0), compute="bfloat16")
    grid = size["side"] // size["patch"]
    image = dict(image=picture(size, use("data.augment", flip=0.0, tint=0.4, ground=0)))
    captions, texts = ("easyvqa_captions", "easyvqa") if size["small"] else ("pairs", "texts")

    def parts(name, share, **modalities):
        hide = use("data.hide", grid=(grid, grid), least=min(16, grid), text=(0.15, share))
        return rows(size, name, modalities, hide=hide)

    words = text("question", size["length"]) if size["small"] else text("text", 512)
    streams = dict(
        pictures=parts(captions, 0.5, **image),
        texts=parts(texts, 0.15, text=words),  # no other share, or there would be places for as many logits
        pairs=parts(captions, 0.5, **image, text=text("caption", size["length"])),
    )
    return task, use("data.streams", parts=streams)


def nlvr2(size):
    """Each picture passes with the statement; the first tokens of both passes, of picture and text, decide."""
    model = use(
        "models.compose",
        **towers(size),
        fusion=use("fusion.first_tokens", order=ORDER),
        trunk=use("nn.joined", start=0.001),
        head=use("heads.classify", classes=size["classes"], start=0.001),
        several=("image",),
    )
    two = use("data.modality.pictures", feature="image", count=2, size=size["side"], augment=CROP)
    modalities = {"image": two, "text": text("sentence", size["length"])}
    aim = dict(label=use("data.label", feature="label"), group=use("data.group", feature="group"))
    data = rows(size, "nlvr2", modalities, **aim)
    return use("tasks.classify", model=model, compute="bfloat16"), data


def vqa(size):
    """The class token of the picture beside the question decides; there is no norm after the last layer."""
    model = use(
        "models.compose",
        **towers(size, end_norm=False),
        fusion=use("fusion.first_tokens", order=ORDER, of=("image",)),
        trunk=use("nn.chain", parts=(use("nn.pooler"), use("nn.joined", norm=False))),
        head=use("heads.multi_label", labels=size["classes"]),
    )
    small, name, question = size["small"], "vqav2", "questions"
    how = dict(feature="answers")
    if small:
        name, question, how = "easyvqa", "question", dict(feature="answer", least=1, scores=(0.0, 1.0))
    modalities = {"image": picture(size, varied(size)), "text": text(question, size["length"])}
    votes = use("data.votes", size=size["classes"], **how)
    data = rows(size, name, modalities, labels=votes, each=() if small else (question, "answers"))
    return use("tasks.vqa", model=model, compute="bfloat16"), data


def caption(size):
    """Hidden words of a caption are told of the picture and the words before them."""
    model = use("models.beit3_writer", **towers(size), vocab=size["words"])
    task = use(
        "tasks.generate",
        model=model,
        length=size["length"],
        search=use("decode.beam", width=3, penalty=0.6),
        once=True,
        smoothing=0.1,
        corpus={"": (use("metrics.cider"), use("metrics.bleu"), use("metrics.rouge_l"))},
        chunk=None if size["small"] else max(2048, size["dim"]),
        compute="bfloat16",
    )
    small = size["small"]
    data = use(
        "data.pictures",
        name="easyvqa_captions" if small else "coco_karpathy",
        fields={"image": "image", "caption": "caption" if small else "captions"},
        prompt=use("data.prompts.caption", prompt=""),
        tokenizer=words(size, sentinels=1),
        hide=use("data.hide_words", share=size["hide"]),
        augment=None if small else varied(size),
        test=size.get("test", TESTS["caption"]),
        size=size["side"],
        batch=size["batch"],
        questions=1 if small else 7,  # so many captions a picture has at most, and all are true
        drawn=1,
        text_length=1,
        target_length=size["length"],
    )
    return task, data


def retrieval(size):
    """The first token of a picture by itself, and that of a text, are near to each other where both belong together."""
    model = use(
        "models.two_towers",
        order=ORDER,
        **towers(size),
        heads={name: use("heads.embed", features=size["dim"], pool=use("nn.first_token")) for name in ORDER},
        scale=1 / 0.07,
    )
    task = dict(model=model, loss_of=use("losses.clip"), compute="bfloat16")
    image = picture(size, CROP)
    if size["small"] or size["make"] == "itc":  # a picture has one caption
        pairs = {"image": image, "text": text("caption", size["length"])}
        return use("tasks.contrast", **task), rows(size, "easyvqa_captions" if size["small"] else "pairs", pairs)
    data = rows(
        size,
        "coco_karpathy",
        {"image": image, "text": text("captions", size["length"])},
        each=("captions",),
        group=use("data.group", feature="image_id"),
    )
    return use("tasks.contrast", together="group", once=("image",), **task), data


def imagenet(size):
    """The mean of the patches decides; there is no norm after the last layer, and no text."""
    model = use(
        "models.compose",
        **towers(size, ("image",), end_norm=False),
        fusion=use("fusion.concat", order=("image",)),
        trunk=use("nn.patch_pooler"),
        head=use("heads.classify", classes=size["classes"], start=0.001),
    )
    task = use(
        "tasks.classify", model=model, smoothing=0.0 if size["small"] else 0.1, mix=use("tasks.mix"), compute="bfloat16"
    )
    parts = (
        use("data.random_resized_crop"),
        use("data.rand_augment", magnitude=0.9, deviation=0.05, changes=CHANGES),
        use("data.random_erasing", probability=0.25),
    )
    image = picture(size, use("data.chain", parts=parts), resize="crop")
    name, feature = ("easyvqa_captions", "caption") if size["small"] else ("imagenet", "label")
    return task, rows(size, name, dict(image=image), label=use("data.label", feature=feature))


def varied(size):
    """A part of a picture, and RandAugment in the form that was first published, with shifts of ten pixels at most."""
    changes = PLACES + LIGHT
    how = dict(magnitude=0.7, changes=changes, symmetric=False, shift=10 / size["side"], fill=(128, 128, 128))
    return use("data.chain", parts=(CROP, use("data.rand_augment", **how)))


def towers(size, order=ORDER, **changes):
    """The encoders, and the layers in which they meet. Positions of texts are as many as released."""
    dim, position = size["dim"], use("nn.table_position", length=1022)
    multiway = use(
        "interaction.multiway",
        order=order,
        **{name: size[name] for name in ("layers", "heads", "hidden", "drop_path")},
        **size.get("form", {}),
        **changes,
        scan=True,
    )
    stem = use("nn.patch_embedding", size=size["patch"], dim=dim)
    encoders = {
        "image": use("encoders.patches", dim=dim, stem=stem, channels=size.get("channels", ())),
        "text": use("encoders.embedding", dim=dim, vocab=size["words"], position=position),
    }
    return dict(encoders={name: encoders[name] for name in order}, interactions=(multiway,))


def coder(size, vit):
    """That of configs/beit3_tokenizer.py:published, of which the teacher is not wanted any more."""

    def tower():
        stem = use("nn.patch_embedding", size=16, dim=vit["dim"])
        return use("encoders.vit", **vit, hidden=4 * vit["dim"], stem=stem, position=use("nn.learned_position"))

    model = use(
        "models.vqkd",
        encoder=tower(),
        decoder=use("nn.transformer", layers=3, heads=vit["heads"]),
        position=use("nn.table_position", length=(size.get("coder_side", size["side"]) // 16) ** 2),
        teacher=tower(),
    )
    return use("models.coder", model=model, codes=size["codes"], size=size.get("coder_side"))


def rows(size, name, modalities, **aim):
    tokenizer = words(size, sentinels=1 if "hide" in aim else 0)
    return use(
        "data.rows",
        name=name,
        modalities=modalities,
        tokenizer=tokenizer if "text" in modalities else None,
        test=size.get("test", TESTS.get(size["make"], "test")),
        batch=size["batch"],
        **aim,
    )


def words(size, sentinels):
    """<mask> is a token of the tokenizer's where words are hidden."""
    if size["small"]:
        return use("data.words", size=size["words"], sentinels=sentinels)
    return use("data.fairseq_pieces", path="beit3.spm", size=size["words"], sentinels=sentinels)


def picture(size, augment, **changes):
    """Small ones do not vary."""
    augment = None if size["small"] else augment
    return use("data.modality.picture", feature="image", size=size["side"], augment=augment, **changes)


def text(feature, length):
    return use("data.modality.text", feature=feature, length=length, ends=True)


def groups(size):
    """The tokenizer is not trained. The deeper a layer the slower it is finetuned; or a head is faster."""
    rest = (".*", use("optim.group"))
    if size["make"] == "pretrain":
        return (("^coder/", use("optim.group", frozen=True)), rest)
    if "head" in size:
        return (("^(trunk/parts_1|head)/", use("optim.group", rate=size["head"])), rest)
    if "layer_decay" not in size:
        return (rest,)
    decay, joint = size["layer_decay"], size.get("form", {}).get("joint", 0)
    layers = [("^interactions_0/stack/", use("optim.group", rate=decay ** (joint + 1), layer_decay=decay))]
    if joint:
        layers.append(("^interactions_0/joint_stack/", use("optim.group", rate=decay, layer_decay=decay)))
    return (("^encoders_", use("optim.group", rate=decay ** (size["layers"] + 1))), *layers, rest)


def start(size):
    if size["small"]:
        return None
    if size["make"] == "pretrain":
        return dict(workdir="runs/beit3_tokenizer", rules=CODER, same_words=False)
    return dict(workdir=size["start"], rules=() if size["make"] == "retrieval" else FRESH)


def axes(size):
    """Finetuning fits any number of devices, which share parameters and batch."""
    return {"data": -1, "fsdp": 16} if size["make"] == "pretrain" and not size["small"] else {"fsdp": -1}


# Matrices are split over both axes: those into heads and hidden units by their outputs, those back by their inputs.
# 64,010 words divide by no usual number of devices, so that their embeddings are split by the width.
SPLIT = (
    ("^interactions_0/.*(query|key|value|up)/kernel$", ("fsdp", "tensor")),
    ("^interactions_0/.*(out|down)/kernel$", ("tensor", "fsdp")),
    (".*", "fsdp"),
)
