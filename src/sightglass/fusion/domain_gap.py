"""References that recognise each other, but not the pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sightglass.alignments import TEXT_IMAGE
from sightglass.fusion.agreement import Hits

# One-sided level 0.01, as in ``chance``.
_DEVIATIONS = 2.326


def domain_gap(hits: Mapping[str, Hits], agreements: Mapping[str, Hits]) -> tuple[str, ...]:
    """A sentence where references resemble each other much more than the pictures do.

    If names and references were each right as often as on references, and erred independently,
    they would agree on at least the product of the two shares. Generated pictures in one style
    recognise each other by that style, and promise what they do not hold.

    Args:
        hits: Leave-one-out on references, by alignment; must hold ``text_image``.
        agreements: With the class names on unlabelled pictures, by alignment over references.

    Returns:
        At most one sentence.

    Source:
        Difference of a share from a product of two shares in standard errors, level 0.01; shares
        by Laplace's rule of succession, so that a set without a miss is not taken for certain.
    """
    names, names_variance = _share(hits[TEXT_IMAGE])
    for name, agreement in agreements.items():
        own, own_variance = _share(hits[name])
        found, variance = _share(agreement)
        variance += own * own * names_variance + names * names * own_variance
        if names * own - found > _DEVIATIONS * math.sqrt(variance):
            return (
                f"The references tell each other's class in {hits[name].share:.0%} of cases "
                f"({name}), but agree with the class names on only {agreement.share:.0%} of the "
                f"pictures where these are most sure: they look different from your pictures. "
                f"Leave-one-out is not trusted here.",
            )
    return ()


def _share(hits: Hits) -> tuple[float, float]:
    """Share of hits by the rule of succession, and its variance."""
    share = (hits.hits + 1) / (hits.n + 2)
    return share, share * (1 - share) / (hits.n + 3)
