"""CMU-MOSI and CMU-MOSEI: how positive a spoken opinion is, from -3 to 3, by its words, its sound and the face.

`base` is after MulT (Tsai et al. 2019, arXiv 1906.00295) with its sizes for MOSI on aligned words: every modality reads
the others, then what it found; the head reads their mean over time, where MulT takes the last step. `text` is the words
alone, `mosei` the larger set, `ordinal` takes the seven ratings as classes in order, and `emotions` asks MOSEI which of
six emotions are seen. `mmjax data build mosi --source=FOLDER` prepares the data; where its features have other widths,
--config.data.modalities.audio.channels=74 says so.
"""

from mmjax.core.build import choose, experiment, use

ORDER = ("text", "audio", "vision")
EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")
# A data set, and how many numbers a step of each modality has.
MOSI = dict(name="mosi", widths=dict(text=300, audio=5, vision=20))
MOSEI = dict(name="mosei", widths=dict(text=300, audio=74, vision=35), steps=2500)


def get_config(variant="base"):
    smoke = dict(dim=16, layers=1, heads=2, length=8, dropout=0.0, batch=4, steps=8, warmup=2)
    size = choose(
        variant,
        base=dict(MOSI),
        text=dict(MOSI, order=("text",)),
        mosei=dict(MOSEI),
        ordinal=dict(MOSI, asked=rating),
        emotions=dict(MOSEI, asked=emotions),
        smoke=dict(MOSI, order=("text", "audio")) | smoke,
        smoke_ordinal=dict(MOSI, asked=rating, order=("text",)) | smoke,
        smoke_emotions=dict(MOSEI, asked=emotions, order=("audio",)) | smoke,
    )
    dim, layers, heads = size.get("dim", 40), size.get("layers", 4), size.get("heads", 8)
    dropout, asked, order = size.get("dropout", 0.1), size.get("asked", number), size.get("order", ORDER)
    # A map to the width and one block, in place of MulT's convolution alone.
    encoder = use("encoders.sensor", dim=dim, kernel=1, strides=(1,), layers=1, heads=heads, dropout=dropout)
    widths, blocks = size["widths"], dict(layers=layers, heads=heads, dropout=dropout)

    def model(head, **fields):
        return use(
            "models.compose",
            encoders={name: encoder for name in order},
            interactions=(use("interaction.cross_attention", order=order, self_layers=layers, **blocks),),
            fusion=use("fusion.concat_features", order=order),
            head=use(head, hidden=2 * dim, dropout=dropout, **fields),
        )

    task, truth = asked(model)
    # Thresholds between classes start close to each other and have far to go.
    thresholds = (("head/(first|falls)_bias$", use("optim.group", rate=20.0)),) if asked is rating else ()
    return experiment(
        task=task,
        data=use(
            "data.rows",
            name=size["name"],
            modalities={
                name: use("data.modality.series", feature=name, length=size.get("length", 50), channels=widths[name])
                for name in order
            },
            batch=size.get("batch", 128),
            **truth,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.01),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            groups=(*thresholds, (".*", use("optim.group"))),
            clip=0.8,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 1000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
    )


def number(model):
    """The task over a model, and what the data holds for it."""
    loss, measure = use("losses.absolute_error"), use("metrics.sentiment")
    task = use("tasks.regress", model=model("heads.regress"), loss_of=loss, measure=measure)
    return task, dict(target=use("data.target", feature="label"))


def rating(model):
    task = use("tasks.ordinal", model=model("heads.ordinal", classes=7), loss_of=use("losses.cumulative_link"))
    return task, dict(label=use("data.label", feature="rating"))


def emotions(model):
    task = use("tasks.multi_label", model=model("heads.multi_label", labels=len(EMOTIONS)))
    return task, dict(labels=use("data.labels", feature="emotions", size=len(EMOTIONS), names=EMOTIONS))
