"""What is done about missing modalities: `(Modalities, *, train) -> Modalities` of the same shapes.

They stand among `interactions` of `models.compose`. Those of `interaction/` keep masks as they are: these take
modalities away, or put a token in place of one that is missing.
"""
