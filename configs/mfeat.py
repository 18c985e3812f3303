"""UCI multiple features: six views of 2,000 handwritten digits, fused in three placements or by any op.

`base` fuses by attention over the views, `early` lays their tokens one after the other before a transformer, `hybrid`
lets the views see each other before they are fused, and `late` averages what a classifier says of each view.
The others are for views that are missing (experiments/missing): `zeros` puts features side by side, 0 where a view is
missing, `dropped` too, with views dropped in training; `nulls`, `reconstructed` and `centroids` then put something in
place of what is missing, and `masked` leaves it out of a mean.
--config.task.model.fusion.use=fusion.NAME takes another op; those of decisions take the place of that of `late`.
`mmjax data build mfeat` prepares the data.
"""

from mmjax.core.build import choose, experiment, use

# The six views and how many features each has.
VIEWS = {"fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6}
ORDER = tuple(VIEWS)


def get_config(variant="base"):
    size = choose(
        variant,
        base=dict(place=by_attention),
        early=dict(place=early),
        hybrid=dict(place=hybrid),
        late=dict(place=late),
        zeros=dict(place=side_by_side),
        dropped=dict(place=dropped),
        nulls=dict(place=nulls),
        reconstructed=dict(place=reconstructed, model_losses={"reconstruction": 1.0}),
        centroids=dict(place=centroids, model_losses={"reconstruction": 1.0}),
        masked=dict(place=masked),
        smoke=dict(place=by_attention, dim=16, batch=8, steps=8, warmup=2, smoothing=0.0),
    )
    dim, batch = size.get("dim", 64), size.get("batch", 64)
    encoders = {name: use("encoders.vector", dim=dim, hidden=2 * dim, dropout=0.1) for name in VIEWS}
    return experiment(
        task=use(
            "tasks.classify",
            model=use("models.compose", encoders=encoders, **size["place"]()),
            smoothing=size.get("smoothing", 0.1),
            model_losses=size.get("model_losses", {}),
        ),
        data=use(
            "data.rows",
            name="mfeat",
            modalities={name: use("data.modality.vector", feature=name, width=width) for name, width in VIEWS.items()},
            label=use("data.label", feature="label"),
            batch=batch,
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 50)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 1000),
        log=dict(every=50),
        checkpoint=dict(every=500, keep=1),
    )


def by_attention():
    return dict(fusion=use("fusion.modality_attention", order=ORDER), head=use("heads.classify", classes=10))


def early():
    return dict(
        fusion=use("fusion.concat", order=ORDER),
        trunk=use("nn.transformer", layers=1, heads=4),
        head=use("heads.classify", classes=10),
    )


def hybrid():
    interaction = use("interaction.cross_attention", order=ORDER, layers=1, heads=4)
    return dict(interactions=(interaction,)) | by_attention()


def late():
    heads = {name: use("heads.classify", classes=10) for name in VIEWS}
    return dict(heads=heads, fusion=use("fusion.decision_average", order=ORDER))


def side_by_side(*interactions):
    head = use("heads.classify", classes=10)
    return dict(interactions=interactions, fusion=use("fusion.concat_features", order=ORDER), head=head)


def dropped(*interactions):
    return side_by_side(dropout(), *interactions)


def nulls():
    return dropped(use("missing.null_tokens", order=ORDER))


def reconstructed():
    return dropped(use("missing.reconstruction", order=ORDER))


def centroids():
    return dropped(use("missing.centroids", order=ORDER))


def masked():
    return side_by_side(dropout()) | dict(fusion=use("fusion.weighted_sum", order=ORDER))


def dropout():
    """Up to half of the views go missing, and none at first."""
    return use("missing.modality_dropout", order=ORDER, rate=0.5, ramp=100)
