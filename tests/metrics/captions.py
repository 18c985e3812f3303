"""Captions for the tests of their metrics, with what public toolkits say of them.

`TOOLKIT` is of pycocoevalcap 1.2 with its own tokenizer (Stanford CoreNLP 3.4.1): the corpus, and each picture.
"""

TRUTHS = [
    ["A man can't ride the dogs' black-and-white bike.", "A man with a bicycle, near two dogs!", "The man's bike."],
    ["Two cats are sleeping on a red sofa.", "A pair of cats sleep on the couch", "Cats asleep on a red couch."],
    ["A plane is flying over the U.S. at 10:30 p.m.", "An airplane in the night sky", "A plane flies at night."],
    ["The small bird sits on a branch of the tree.", "A bird sitting on a tree branch.", "A bird in a tree"],
]
PREDICTIONS = [
    "A man is near the black-and-white bike.",
    "Two cats sleep on a red couch",
    "A plane flies in the night sky, and it can't land",
    "dog",
]
TOOLKIT = {
    "bleu_1": 0.6878540043143665,
    "bleu_2": 0.6008567055321196,
    "bleu_3": 0.4650479195528265,
    "bleu_4": 0.3237621366841711,
    "rouge_l": 0.47490173227956345,
    "cider": 1.5471149245254674,
}
EACH = {
    "rouge_l": [0.61122244, 0.78005115, 0.50833333, 0],
    "cider": [1.45469527, 3.50759019, 1.22617424, 0],
}
