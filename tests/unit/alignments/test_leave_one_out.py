from __future__ import annotations

import numpy as np

from sightglass.alignments import leave_one_out


def by_loops(rows: list[list[float]], labels: list[int], n_classes: int) -> list[list[float]]:
    table = []
    for place, row in enumerate(rows):
        line = []
        for index in range(n_classes):
            cosines = [
                sum(a * b for a, b in zip(row, other, strict=True))
                for there, other in enumerate(rows)
                if labels[there] == index and there != place
            ]
            line.append(sum(cosines) / len(cosines) if cosines else -np.inf)
        table.append(line)
    return table


def unit_rows(seed: int, n: int, dim: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_it_agrees_with_plain_loops_over_unequal_classes() -> None:
    labels = [0, 3, 3, 0, 1, 3, 0, 0, 1, 4]
    rows = unit_rows(3, len(labels), 7)
    found = leave_one_out(rows, np.array(labels), n_classes=6)
    np.testing.assert_allclose(found, by_loops(rows.tolist(), labels, 6), rtol=0, atol=1e-12)


def test_a_reference_says_nothing_of_itself() -> None:
    # (1, 0) has the sister (0, 1), with the cosine 0; with itself in the mean it would be one half.
    found = leave_one_out(np.eye(2), np.array([0, 0]), n_classes=1)
    assert found.tolist() == [[0.0], [0.0]]


def test_classes_without_another_reference_are_impossible_and_only_for_that_reference() -> None:
    found = leave_one_out(np.eye(2), np.array([0, 1]), n_classes=3)
    assert found.tolist() == [[-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]]


def test_a_single_reference_has_nothing_to_be_compared_with() -> None:
    assert leave_one_out(np.eye(1), np.array([1]), n_classes=2).tolist() == [[-np.inf, -np.inf]]


def test_without_references_there_are_no_rows() -> None:
    found = leave_one_out(np.zeros((0, 5), np.float32), np.zeros(0, np.int64), n_classes=3)
    assert found.shape == (0, 3)


def test_float32_rows_are_summed_in_float64() -> None:
    rows = unit_rows(4, 400, 64).astype(np.float32)
    labels = np.arange(400) % 2
    expected = by_loops(rows.tolist(), labels.tolist(), 2)
    np.testing.assert_allclose(
        leave_one_out(rows, labels, n_classes=2), expected, rtol=0, atol=1e-12
    )
