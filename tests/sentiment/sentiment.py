"""Holds our VADER against Python's on the ground truth of the paper.

usage: sentiment.py SCORER SDIST
"""

import io
import json
import math
import subprocess
import sys
import tarfile

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

# Each set: its file, and the paper's correlation with the means of the raters (Hutto and Gilbert 2014, table 4).
SETS = [
    ("tweets", "tweets_GroundTruth.txt", 0.881),
    ("Amazon", "amazonReviewSnippets_GroundTruth.txt", 0.565),
    ("movies", "movieReviewSnippets_GroundTruth.txt", 0.451),
    ("NYT", "nytEditorialSnippets_GroundTruth.txt", 0.492),
]
SENTENCES_MIN = 20_000


def ground_truth(sdist):
    """The sentences of each set with the mean of what people said of them, -4 to 4."""
    with tarfile.open(sdist) as outer:
        inner = next(name for name in outer.getnames() if name.endswith("hutto_ICWSM_2014.tar.gz"))
        packed = outer.extractfile(inner).read()
    sets = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for name, file, _ in SETS:
            member = next(entry for entry in tar.getnames() if entry.endswith("/" + file))
            lines = tar.extractfile(member).read().decode("utf-8", "replace").splitlines()
            rows = [line.split("\t", 2) for line in lines]
            sets[name] = [(float(row[1]), row[2]) for row in rows if len(row) == 3]
    return sets


def ours(scorer, profile, texts):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([scorer, profile], input=lines, text=True, check=True, stdout=subprocess.PIPE)
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def pearson(one, other):
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    covariance = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other))
    spread = math.sqrt(sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other))
    return covariance / spread


def main(scorer, sdist):
    python = SentimentIntensityAnalyzer()
    sets = ground_truth(sdist)
    compared = differences = 0
    print(f"{'set':8} {'sentences':>9} {'differ':>7} {'r plain':>8} {'r call':>8} {'r paper':>8}")
    for name, _, paper in SETS:
        means = [mean for mean, _ in sets[name]]
        texts = [text for _, text in sets[name]]
        plain, call = ours(scorer, "plain", texts), ours(scorer, "call", texts)
        assert len(plain) == len(call) == len(texts), "a line for each sentence"
        differ = 0
        for text, scores in zip(texts, plain):
            theirs = python.polarity_scores(text)
            if scores != (theirs["neg"], theirs["neu"], theirs["pos"], theirs["compound"]):
                differ += 1
                print(f"differs: {text!r}: ours {scores}, Python's {theirs}", file=sys.stderr)
        compared += len(texts)
        differences += differ
        r_plain, r_call = (pearson(means, [scores[3] for scores in made]) for made in (plain, call))
        print(f"{name:8} {len(texts):9} {differ:7} {r_plain:8.3f} {r_call:8.3f} {paper:8.3f}")
    print(f"{compared} sentences, {differences} differ")
    return 0 if differences == 0 and compared >= SENTENCES_MIN else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
