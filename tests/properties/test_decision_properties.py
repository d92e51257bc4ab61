from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sightglass import ZeroShotClassifier
from sightglass.decisions import UnknownRule, background_scores, decide
from sightglass.fusion import softmax

logit = st.floats(-1e4, 1e4, width=32)


@st.composite
def logit_rows(draw: st.DrawFn) -> np.ndarray:
    shape = (draw(st.integers(1, 6)), draw(st.integers(2, 6)))
    return draw(hnp.arrays(np.float32, shape, elements=logit))


@st.composite
def decided(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Probabilities with many ties, scores on both sides of one half, names that fit."""
    few = st.sampled_from([0.0, 0.0, 1.0, 2.0])
    logits = draw(
        hnp.arrays(np.float32, (draw(st.integers(1, 6)), draw(st.integers(2, 5))), elements=few)
    )
    scores = draw(hnp.arrays(np.float32, len(logits), elements=st.sampled_from([0.1, 0.5, 0.9])))
    return softmax(logits), scores, [f"class {c}" for c in range(logits.shape[1])]


@given(logit_rows())
def test_probabilities_are_never_negative_and_sum_to_one(logits: np.ndarray) -> None:
    probabilities = softmax(logits)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1, dtype=np.float64), 1, atol=1e-6)


@given(logit_rows(), st.integers(-1000, 1000))
def test_a_constant_added_to_a_row_changes_no_probability(logits: np.ndarray, by: int) -> None:
    # In float64 the sum of a float32 of this size and a whole number loses less than 1e-12.
    moved = logits.astype(np.float64) + by
    np.testing.assert_allclose(softmax(moved), softmax(logits), rtol=1e-6, atol=1e-12)


@given(logit_rows(), st.randoms(use_true_random=False))
def test_another_order_of_classes_or_images_only_reorders(logits: np.ndarray, random: Any) -> None:
    columns, rows = list(range(logits.shape[1])), list(range(len(logits)))
    random.shuffle(columns)
    random.shuffle(rows)
    # The sum over classes may round differently in another order, by one part in 2^52.
    np.testing.assert_allclose(softmax(logits[:, columns]), softmax(logits)[:, columns], rtol=2e-7)
    assert np.array_equal(softmax(logits[rows]), softmax(logits)[rows])


@given(logit_rows(), st.data())
def test_the_unknown_score_has_its_range_and_ignores_the_order(
    logits: np.ndarray, data: st.DataObject
) -> None:
    background = data.draw(hnp.arrays(np.float32, len(logits), elements=logit))
    scores = background_scores(logits, background)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.array_equal(background_scores(logits[:, ::-1], background), scores)
    assert np.array_equal(background_scores(logits[::-1], background[::-1]), scores[::-1])


@given(logit_rows(), st.floats(0, 50), st.data())
def test_standing_out_more_never_raises_the_unknown_score(
    logits: np.ndarray, more: float, data: st.DataObject
) -> None:
    background = data.draw(hnp.arrays(np.float32, len(logits), elements=logit))
    wide = logits.astype(np.float64)
    assert (background_scores(wide + more, background) <= background_scores(wide, background)).all()


@given(decided(), st.integers(1, 7))
def test_a_decision_is_consistent_with_itself(case: Any, top_k: int) -> None:
    probabilities, scores, names = case
    for decision, row in zip(
        decide(probabilities, scores, names, rule=UnknownRule(), top_k=top_k),
        probabilities,
        strict=True,
    ):
        listed = [probability for _, probability in decision.top]
        assert listed == sorted(listed, reverse=True)
        assert len(set(decision.top)) == len(listed) == min(top_k, len(names))
        assert decision.confidence == listed[0] == row.max()
        assert 0 <= decision.margin <= decision.confidence
        assert (decision.label == "unknown") == (decision.unknown_score > 0.5)
        assert decision.label in ("unknown", decision.top[0][0])


@given(decided(), st.randoms(use_true_random=False))
def test_decisions_follow_their_pictures(case: Any, random: Any) -> None:
    probabilities, scores, names = case
    order = list(range(len(scores)))
    random.shuffle(order)
    whole = decide(probabilities, scores, names, rule=UnknownRule())
    shuffled = decide(probabilities[order], scores[order], names, rule=UnknownRule())
    assert [d.top for d in shuffled] == [whole[i].top for i in order]
    assert [d.label for d in shuffled] == [whole[i].label for i in order]


colours = st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=12)


@given(colours, st.integers(1, 14))
@settings(max_examples=15)
def test_the_batch_size_changes_no_byte_of_the_answer(
    pixels: list[tuple[int, int, int]], batch_size: int
) -> None:
    pictures = [Image.new("RGB", (9, 7), colour) for colour in pixels]
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        for size in (batch_size, len(pictures)):
            classifier = ZeroShotClassifier(
                ["red", "teal", "spoon"], model="synthetic:colours", store=None, batch_size=size
            )
            result = classifier.predict(pictures)
            classifier.store.close()
            result.to_csv(Path(folder) / "predictions.csv")
            answers.append(
                ((Path(folder) / "predictions.csv").read_bytes(), result.probabilities.tobytes())
            )
    assert answers[0] == answers[1]
