"""Sensor series: BasicMotions and smartwatch (accelerometer and gyroscope), and JapaneseVowels (unequal lengths).

`base` is BasicMotions with an attention that chooses a sensor at each time step; `accelerometer` and `gyroscope` take
one sensor alone, `vowels` is JapaneseVowels. `smartwatch`, `smartwatch_accelerometer` and `smartwatch_gyroscope` tell
shoulder exercises of people who are not in training: those of the first of five folds. For another one:
--config.data.test=fold_2 --config.data.train=fold_0+fold_1+fold_3+fold_4. There the sensors are fused step by step
before a transformer, and in training the watch sits a little otherwise and moves at another pace.
`mmjax data build basic_motions`, `japanese_vowels` and `smartwatch` prepare the data.
"""

from mmjax.core.build import choose, experiment, use

# A data set: its classes, and of each sensor its channels and most steps.
MOTIONS = dict(name="basic_motions", classes=4, sensors={"accelerometer": (3, 100), "gyroscope": (3, 100)})
VOWELS = dict(name="japanese_vowels", classes=9, sensors={"voice": (12, 29)}, strides=(1, 1), steps=600)
WATCH = dict(
    name="smartwatch",
    classes=7,
    sensors={"accelerometer": (3, 200), "gyroscope": (3, 200)},
    train="fold_1+fold_2+fold_3+fold_4",
    test="fold_0",
    batch=64,
    steps=400,
    augment=use("data.series_augment", turn=0.2, gain=0.1, pace=0.2),
    fusion="fusion.concat_features",
    trunk=use("nn.transformer", layers=1, heads=4, dropout=0.1),
)


def get_config(variant="base"):
    size = choose(
        variant,
        base=MOTIONS,
        accelerometer=dict(MOTIONS, only="accelerometer"),
        gyroscope=dict(MOTIONS, only="gyroscope"),
        vowels=VOWELS,
        smartwatch=WATCH,
        smartwatch_accelerometer=dict(WATCH, only="accelerometer"),
        smartwatch_gyroscope=dict(WATCH, only="gyroscope"),
        smoke=dict(MOTIONS, dim=16, batch=4, steps=8, warmup=2, smoothing=0.0),
    )
    dim = size.get("dim", 64)
    sensors = {name: shape for name, shape in size["sensors"].items() if size.get("only", name) == name}
    encoder = use("encoders.sensor", dim=dim, layers=1, heads=4, strides=size.get("strides", (2, 2)), dropout=0.1)
    return experiment(
        task=use(
            "tasks.classify",
            model=use(
                "models.compose",
                encoders={name: encoder for name in sensors},
                fusion=use(size.get("fusion", "fusion.modality_attention"), order=tuple(sensors)),
                trunk=size.get("trunk"),
                head=use("heads.classify", classes=size["classes"]),
            ),
            smoothing=size.get("smoothing", 0.1),
        ),
        data=use(
            "data.rows",
            name=size["name"],
            modalities={
                name: use(
                    "data.modality.series",
                    feature=name,
                    length=length,
                    channels=channels,
                    augment=size.get("augment"),
                )
                for name, (channels, length) in sensors.items()
            },
            label=use("data.label", feature="label"),
            train=size.get("train", "train"),
            test=size.get("test", "test"),
            batch=size.get("batch", 20),
        ),
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", decay=0.05),
            schedule=use("optim.warmup_cosine", peak=1e-3, warmup=size.get("warmup", 30)),
            clip=1.0,
            average=use("optim.average", decay=0.99),
        ),
        steps=size.get("steps", 300),
        log=dict(every=50),
        checkpoint=dict(every=300, keep=1),
    )
