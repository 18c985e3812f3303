"""easy-VQA by BEiT-3: one of 13 answers from a picture and a question, from scratch or from pretraining.

`base` starts from configs/beit3_pretrain.py, whose run lies under `runs/beit3_pretrain`; `few` has 5 % of the training
rows, and `few_scratch` learns these without pretraining. The head is that of the published finetuning: a pooled first
token of the picture through two layers. `soft` has its loss too: each answer has a score, here 1 for what was answered.
`mmjax data build easyvqa` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
VOCAB, LENGTH, SIDE, PATCH, HEAD, ANSWERS = 64, 12, 48, 8, 16, 13
PRETRAINED = "runs/beit3_pretrain"
# The head is new, and no mask token is asked for; the tokenizer and what told codes and words stay behind.
START = dict(workdir=PRETRAINED, rules=(("^(trunk|head)/", None),))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(start=START),
        scratch=dict(),
        few=dict(start=START, train="train[:5%]", steps=600),
        few_scratch=dict(train="train[:5%]", steps=600),
        soft=dict(start=START, soft=True),
        smoke=SMALL,
        smoke_soft=SMALL | dict(soft=True),
    )
    dim = size.get("dim", 96)
    words = use("data.words", size=VOCAB, sentinels=1)
    if "start" in size:
        words = use("data.tokenizer_file", path=f"{PRETRAINED}/tokenizer.json", size=VOCAB, sentinels=1)
    make = soft if size.get("soft") else certain
    head, task, truth = make(dim)
    return experiment(
        task=use(task, model=beit3(dim, size.get("layers", 4), head)),
        data=use(
            "data.rows",
            name="easyvqa",
            modalities={
                "image": use("data.modality.picture", feature="image", size=SIDE, augment=use("data.augment")),
                "text": use("data.modality.text", feature="question", length=LENGTH, ends=True),
            },
            tokenizer=words,
            train=size.get("train", "train"),
            test=size.get("test", "test"),
            batch=size.get("batch", 64),
            **truth,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            clip=1.0,
        ),
        steps=size.get("steps", 1500),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
        init_from=size.get("start"),
    )


SMALL = dict(dim=32, layers=1, batch=4, steps=8, warmup=2, test="test[:1%]")


def certain(dim):
    """One answer is right."""
    head = use("heads.classify", classes=ANSWERS, hidden=2 * dim)
    return head, "tasks.classify", dict(label=use("data.label", feature="answer"))


def soft(dim):
    """Answers have scores, each for itself."""
    head = use("heads.multi_label", labels=ANSWERS, hidden=2 * dim)
    votes = use("data.votes", feature="answer", size=ANSWERS, least=1, scores=(0.0, 1.0))
    return head, "tasks.vqa", dict(labels=votes)


def beit3(dim, layers, head):
    encoders = {
        "image": use("encoders.patches", dim=dim, stem=use("nn.patch_embedding", size=PATCH, dim=dim)),
        "text": use("encoders.embedding", dim=dim, vocab=VOCAB, position=use("nn.table_position", length=LENGTH)),
    }
    return use(
        "models.compose",
        encoders=encoders,
        interactions=(use("interaction.multiway", order=ORDER, layers=layers, heads=dim // HEAD, drop_path=0.1),),
        fusion=use("fusion.first_tokens", order=ORDER, of=("image",)),
        trunk=use("nn.pooler"),
        head=head,
    )
