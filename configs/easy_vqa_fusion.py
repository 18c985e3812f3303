"""easy-VQA as classification: one of 13 answers from a picture and a question, by any op of fusion/.

A picture is encoded once for up to five questions about it. `base` pools a question to one token, which stands at each
of the picture's, so that every op fits: those that mix position by position, and those that take sequences. `tokens`
leaves the question as it is, for ops that take sequences of unequal lengths. Another op:
--config.task.model.fusion='{"use": "fusion.NAME", "order": ("image", "text")}'; those of decisions fuse `heads`, as in
configs/mfeat.py:late. In `knowledge` patches and question read sentences about the answers before they meet.
`mmjax data build easyvqa_pictures` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("image", "text")
VOCAB, LENGTH, QUESTIONS, ANSWERS = 64, 10, 5, 13
COLOURS = ("red", "green", "blue", "yellow", "teal", "brown", "gray", "black")
SHAPES = ("circle", "rectangle", "triangle")
KNOWN = (*(f"{name} is a color" for name in COLOURS), *(f"a {name} is a shape" for name in SHAPES))


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(fusion="fusion.film"),
        tokens=dict(fusion="fusion.learned_queries", trunks=None),
        knowledge=dict(fusion="fusion.film", reads=True),
        smoke=dict(fusion="fusion.film", dim=16, widths=(8, 16), batch=4, steps=8, warmup=2, test="test[:1%]"),
    )
    dim = size.get("dim", 96)
    encoders = {
        "image": use(
            "encoders.vit",
            dim=dim,
            layers=1,
            heads=dim // 16,
            hidden=2 * dim,
            stem=use("nn.conv_stem", widths=size.get("widths", (16, 32, 64, 96)), dim=dim),
            position=use("nn.learned_position"),
        ),
        "text": words(dim),
    }
    return experiment(
        task=use(
            "tasks.classify",
            model=use(
                "models.compose",
                encoders=encoders,
                asked=("text",),
                trunks=size.get("trunks", {"text": use("nn.pool")}),
                interactions=(memory(dim),) if size.get("reads") else (),
                fusion=use(size["fusion"], order=ORDER),
                head=use("heads.classify", classes=ANSWERS, hidden=2 * dim),
            ),
        ),
        data=use(
            "data.rows",
            name="easyvqa_pictures",
            modalities={
                "image": use("data.modality.picture", feature="image", size=48, augment=use("data.augment")),
                "text": use("data.modality.texts", feature="questions", length=LENGTH, many=QUESTIONS),
            },
            label=use("data.label", feature="answers", many=QUESTIONS),
            tokenizer=use("data.words", size=VOCAB),
            test=size.get("test", "test"),
            batch=size.get("batch", 64),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 800),
        log=dict(every=50),
        checkpoint=dict(every=400, keep=1),
    )


def words(dim):
    return use("encoders.text_transformer", dim=dim, vocab=VOCAB, layers=1, heads=dim // 16, hidden=2 * dim)


def memory(dim):
    return use("interaction.text_memory", order=ORDER, encoder=words(dim), texts=KNOWN, heads=dim // 16)
