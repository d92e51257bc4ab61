from __future__ import annotations

import math

import numpy as np
import pytest

from sightglass.evaluation.yin_jiang.embedded import Embedded
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.evaluation.yin_jiang.released_code import released_code_rows

N, C, D, V = 30, 4, 6, 8


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def planted() -> tuple[Embedded, np.ndarray, ReferenceRows]:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, C, N)
    middle, beside = rng.standard_normal((C, D)), rng.standard_normal((C, V))
    pictures = Embedded(
        image=unit(middle[labels] + 1.2 * rng.standard_normal((N, D))),
        vision=unit(beside[labels] + 1.2 * rng.standard_normal((N, V))),
        labels=labels,
        content=tuple(bytes([n]) for n in range(N)),
        image_norms=rng.uniform(1, 2, N).astype(np.float32),
        vision_norms=rng.uniform(3, 9, N).astype(np.float32),
    )
    of_references = np.array([0, 0, 0, 1, 2, 2])  # unequal, and none of the last class
    references = ReferenceRows(
        image=unit(middle[of_references] + 0.5 * rng.standard_normal((6, D))),
        vision=unit(beside[of_references] + 0.5 * rng.standard_normal((6, V))),
        labels=of_references,
        own=np.array([-1, 7, -1, -1, -1, -1]),
        by_construction=np.ones(6, bool),
    )
    return pictures, middle * rng.uniform(0.5, 2, (C, 1)), references


def answers(dataset: str, weighting: str) -> list[int]:
    """The released scripts in plain loops, from METHODS A.6, A.7, A.13 and A.14."""
    pictures, classes, references = planted()
    assert pictures.image_norms is not None
    assert pictures.vision_norms is not None
    assert pictures.vision is not None
    assert references.vision is not None
    tiny = dataset == "tinyimagenet"
    constants = {"max": (), "inverse_entropy": (), "exp_neg_entropy": (), "fixed": (1, 1, 1)}
    fixed = (0.3, 0.3, 0.4) if tiny else constants["fixed"]
    best = []
    for n in range(N):
        raw = [float(x) * float(pictures.image_norms[n]) for x in pictures.image[n]]
        longer = float(pictures.vision_norms[n]) if tiny else 1.0
        seen = [float(x) * longer for x in pictures.vision[n]]
        logits = [[sum(a * b for a, b in zip(raw, text, strict=True)) for text in classes]]
        for row, of_references, tau in (
            (raw, references.image, 3.0),
            (seen, references.vision, 1.0 if tiny else 50.0),
        ):
            sums = [0.0] * C
            for place, label in enumerate(references.labels):
                if references.own[place] != n:
                    dot = sum(a * float(b) for a, b in zip(row, of_references[place], strict=True))
                    sums[label] += 0.5 * dot
            logits.append([tau * one for one in sums])
        scores = [0.0] * C
        for head, z in enumerate(logits):
            powers = [math.exp(one - max(z)) for one in z]
            p = [one / sum(powers) for one in powers]
            entropy = -sum(one * math.log(one + 1e-6) for one in p)
            weight = {
                "max": max(p),
                "inverse_entropy": 1 / (entropy + 1e-6),
                "exp_neg_entropy": math.exp(-entropy),
                "fixed": fixed[head],
            }[weighting]
            scores = [s + weight * one for s, one in zip(scores, p, strict=True)]
        best.append(max(range(C), key=lambda c: scores[c]))
    return best


@pytest.mark.parametrize("dataset", ["cifar10", "tinyimagenet"])
def test_top1_is_that_of_the_scripts_written_out_in_loops(dataset: str) -> None:
    pictures, classes, references = planted()
    rows = released_code_rows(
        pictures, classes, references, About(dataset=dataset, encoders="planted")
    )
    assert {row.mode for row in rows} == {"released_code"}
    found = {row.weighting: row.value for row in rows if row.metric == "top1"}
    assert set(found) == {"max", "inverse_entropy", "exp_neg_entropy", "fixed"}
    shares = set()
    for weighting, value in found.items():
        right = np.mean(np.array(answers(dataset, weighting)) == pictures.labels)
        assert value == pytest.approx(right)
        shares.add(value)
    assert len(shares) > 1  # the weightings differ on these pictures


def test_without_all_three_alignments_there_is_nothing_to_compare() -> None:
    pictures, classes, _ = planted()
    about = About(dataset="cifar10", encoders="planted")
    assert released_code_rows(pictures, classes, None, about) == []
