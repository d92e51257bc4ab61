from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from sightglass.fusion.chance import better_than_chance, binomial_tail


@pytest.mark.parametrize("n", [1, 7, 40, 3000])
@pytest.mark.parametrize("chance", [0.003, 0.1, 0.5, 0.97])
def test_the_tail_is_that_of_scipy(n: int, chance: float) -> None:
    for hits in {0, 1, n // 3, round(n * chance), n}:
        expected = binom.sf(hits - 1, n, chance)
        np.testing.assert_allclose(binomial_tail(hits, n, chance), expected, rtol=1e-8, atol=1e-300)


def test_three_heads_of_three_have_a_probability_of_one_in_eight() -> None:
    np.testing.assert_allclose(binomial_tail(3, 3, 0.5), 0.125, rtol=1e-12)


def test_no_hit_or_more_is_certain_and_more_hits_than_trials_impossible() -> None:
    for chance in (0.0, 0.5, 1.0):
        assert binomial_tail(0, 5, chance) == 1.0
        assert binomial_tail(6, 5, chance) == 0.0


def test_what_never_happens_by_chance_needs_one_hit_and_what_always_does_proves_nothing() -> None:
    assert better_than_chance(1, 100, 0.0)
    assert not better_than_chance(100, 100, 1.0)


def test_without_trials_nothing_is_better_than_chance() -> None:
    assert not better_than_chance(0, 0, 0.1)


@pytest.mark.parametrize(("n", "chance"), [(30, 0.5), (100, 0.1), (500, 0.005)])
def test_the_line_is_where_the_binomial_test_falls_below_one_in_a_hundred(
    n: int, chance: float
) -> None:
    for hits in range(min(n, 80) + 1):
        expected = binomtest(hits, n, chance, alternative="greater").pvalue < 0.01
        assert better_than_chance(hits, n, chance) == expected
