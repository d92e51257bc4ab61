"""CandidateRows: a unit row for each candidate; equal names have equal rows, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_same_width
from sightglass.embedding import embed_texts
from sightglass.inputs.labels import clean_name
from sightglass.inputs.prompts import unit_means

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, Int

    from sightglass.encoders.contract import TextEncoder
    from sightglass.store import Store


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidateRows:
    """What pictures are compared with.

    Attributes:
        distinct: Unit rows of the different names.
        place: Of each candidate, the row of its name.
    """

    distinct: Float64[np.ndarray, "n_names dim"]
    place: Int[np.ndarray, " n_classes"]

    def cosines(
        self, images: Float[np.ndarray, "n_images dim"]
    ) -> Float[np.ndarray, "n_images n_classes"]:
        """Of every picture's unit row with every candidate; float32.

        Summed in float64 and once per name: a product of matrices may round equal columns in
        different places differently, and of equal candidates the first must come first.

        Raises:
            ShapeError: If the widths differ.
        """
        check_same_width(
            images, self.distinct, where="CandidateRows", names=("images", "candidates")
        )
        cosines = (images.astype(np.float64) @ self.distinct.T).astype(np.float32)
        chosen: Float[np.ndarray, "n_images n_classes"] = cosines[:, self.place]
        return chosen


def candidate_rows(
    names: Sequence[str], templates: Sequence[str], *, encoder: TextEncoder, store: Store
) -> CandidateRows:
    """The rows of ``names``, each the unit mean over the templates.

    Args:
        names: One per class; equal ones stay apart.
        templates: Sentences with one ``{}`` each.
        encoder: Of texts.
        store: Remembers rows.

    Raises:
        InputError: If the texts of a name cancel each other.
    """
    cleaned = [clean_name(name) for name in names]
    at = {name: place for place, name in enumerate(dict.fromkeys(cleaned))}
    texts = [template.replace("{}", name) for name in at for template in templates]
    rows = embed_texts(texts, encoder=encoder, store=store).rows
    n_each = len(templates)
    members = [range(first, first + n_each) for first in range(0, len(texts), n_each)]
    return CandidateRows(
        distinct=unit_means(rows, members, list(at)),
        place=np.array([at[name] for name in cleaned], dtype=np.int64),
    )
