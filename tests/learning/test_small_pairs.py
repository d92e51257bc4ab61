"""What the learning experiments are fed and how they are read; bench/ runs them."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_1samp

from fused_student import kept
from noisy_page import compared, draw, write_page
from pair_layouts import encoded, write_parquet
from small_pairs import (
    DIGITS,
    TEMPLATES,
    Labelled,
    digits,
    make_slice,
    pixels,
    read_parquet,
    read_unlabelled,
    wrong_labels,
)


@given(
    n=st.integers(0, 200), n_classes=st.integers(2, 9), share=st.floats(0, 1), seed=st.integers(0)
)
def test_exactly_the_stated_share_of_captions_is_wrong(
    n: int, n_classes: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    kept = labels.copy()
    said = wrong_labels(labels, n_classes, share=share, rng=rng)
    assert (labels == kept).all()
    assert (said != labels).sum() == round(share * n)
    assert ((said >= 0) & (said < n_classes)).all()


def test_a_wrong_caption_names_every_other_class_as_often() -> None:
    labels = np.full(30_000, 2)
    said = wrong_labels(labels, 4, share=1.0, rng=np.random.default_rng(0))
    counts = np.bincount(said, minlength=4)
    # Of 30,000 draws a third each: four standard errors are 327.
    assert counts[2] == 0
    assert (abs(counts[[0, 1, 3]] - 10_000) < 327).all()


@pytest.fixture(scope="module")
def all_digits() -> Labelled:
    return digits()


def test_nothing_that_is_asked_was_learned_from_and_no_caption_names_an_unseen_class(
    tmp_path: Path, all_digits: Labelled
) -> None:
    made = make_slice(
        all_digits, tmp_path, seed=3, wrong=0.25, per_class=20, held_out=10, n_unseen=2
    )
    table = pyarrow.parquet.read_table(made.pairs)
    learned = [row["bytes"] for row in table.column("image").to_pylist()]
    captions = table.column("caption").to_pylist()
    assert made.unseen is not None
    assert (len(learned), len(made.seen), len(made.unseen)) == (160, 80, 20)
    assert not set(learned) & {*made.seen.files, *made.unseen.files}
    assert sorted((*made.seen.names, *made.unseen.names)) == sorted(DIGITS)
    said = {template.format(name): name for template in TEMPLATES for name in DIGITS}
    assert {said[caption] for caption in captions} == set(made.seen.names)
    shown = {
        content: DIGITS[label]
        for content, label in zip(all_digits.files, all_digits.labels, strict=True)
    }
    assert (
        sum(shown[one] != said[text] for one, text in zip(learned, captions, strict=True))
        == made.wrong
        == 40
    )
    for part in (made.seen, made.unseen):
        for content, label in zip(part.files, part.labels, strict=True):
            assert part.names[label] == shown[content]


def test_a_slice_follows_from_its_seed(tmp_path: Path, all_digits: Labelled) -> None:
    def content(seed: int, name: str) -> bytes:
        made = make_slice(
            all_digits, tmp_path / name, seed=seed, wrong=0.4, per_class=5, held_out=5
        )
        return made.pairs.read_bytes()

    assert content(1, "a") == content(1, "b") != content(2, "c")


def test_a_digit_is_the_data_sets_own(all_digits: Labelled) -> None:
    from sklearn.datasets import load_digits

    large = pixels(all_digits.files[:20]).astype(np.float64)
    assert large.shape == (20, 32, 32, 3)
    # Means of 4 x 4 pixels undo the enlargement but for its smoothness.
    small = large[..., 0].reshape(20, 8, 4, 8, 4).mean((2, 4))
    true = load_digits().images[:20] * 255 / 16
    assert np.corrcoef(small.ravel(), true.ravel())[0, 1] > 0.98


def test_a_part_of_a_file_sorted_by_class_shows_every_class(tmp_path: Path) -> None:
    labels = [number // 10 for number in range(40)]
    content = {
        "image": encoded([bytes([number]) for number in range(40)]),
        "fine_label": pyarrow.array(labels),
    }
    names = ("cat", "dog", "red_train", "ship")
    path = write_parquet(tmp_path / "sorted.parquet", content, names={"fine_label": names})
    whole, part = read_parquet(path), read_parquet(path, rows=8)
    assert whole.names == part.names == ("cat", "dog", "red train", "ship")
    assert whole.labels.tolist() == labels
    assert part.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert list(part.files) == [bytes([number]) for number in range(0, 40, 5)]
    assert read_unlabelled(path) == list(whole.files)


def rows(**accuracies: list[float]) -> list[dict[str, object]]:
    return [
        {
            **{"data": "digits", "wrong": 0.4, "loss": loss, "seed": seed, "seen": value},
            **{"unseen": None, "seconds": 1.0},
        }
        for loss, values in accuracies.items()
        for seed, value in enumerate(values)
    ]


HARD, SOFT = [0.5, 0.6, 0.7, 0.6, 0.5], [0.55, 0.64, 0.76, 0.68, 0.52]


def test_losses_are_compared_seed_by_seed() -> None:
    found = {one.loss: one for one in compared(rows(infonce=HARD, kd=HARD, otter=SOFT))}
    assert found["otter"].differences == pytest.approx([5, 4, 6, 8, 2])
    mean, error = 5.0, math.sqrt(5) / math.sqrt(5)  # 0, 1, 1, 9, 9 sum to 20, over 4 is 5
    interval = t.interval(0.95, 4, loc=mean, scale=error)
    assert mean + found["otter"].half_width == pytest.approx(interval[1], abs=1e-3)
    assert found["otter"].verdict == "better"
    assert ttest_1samp(found["otter"].differences, 0).pvalue < 0.05
    assert found["kd"].verdict == "not told apart"
    assert found["infonce"].differences == ()


def test_a_loss_that_is_worse_and_one_that_only_seems_so() -> None:
    lower = [value - shift for value, shift in zip(HARD, (0.1, 0.09, 0.11, 0.1, 0.1), strict=True)]
    unsure = [value + shift for value, shift in zip(HARD, (-0.2, 0.1, 0.0, 0.1, -0.1), strict=True)]
    found = {one.loss: one for one in compared(rows(infonce=HARD, kd=lower, otter=unsure))}
    assert found["kd"].verdict == "worse"
    assert found["otter"].verdict == "not told apart"
    assert ttest_1samp(found["otter"].differences, 0).pvalue > 0.05


def test_the_page_holds_every_mean_and_the_figure_is_a_picture(tmp_path: Path) -> None:
    from noisy_captions import CIFAR_PAIRS, DIGIT_PAIRS, LONGER

    content = rows(infonce=HARD, smoothing=HARD, kd=HARD, otter=SOFT)
    kinds = {"digits": DIGIT_PAIRS, "longer": LONGER, "cifar": CIFAR_PAIRS}
    write_page(content, tmp_path / "page.md", **kinds)
    draw(content, tmp_path / "page.png")
    page = (tmp_path / "page.md").read_text()
    assert f"| OTTER | {100 * statistics.mean(SOFT):.1f} |" in page
    assert "+5.0 | +2.2 to +7.8 | 5 of 5 | better" in page
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_the_share_of_a_gain_that_is_kept() -> None:
    # 68 % by names, 76 % fused: 75.2 % is 7.2 of 8 points.
    assert kept(0.68, 0.76, 0.752) == pytest.approx(0.9)
    assert kept(0.68, 0.76, 0.68) == 0
    assert kept(0.68, 0.76, 0.76) == 1
