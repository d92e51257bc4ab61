"""Names × templates: the texts of each class, and the one row that stands for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError, ModelError, ShapeError
from sightglass.inputs.labels import LabelSet, clean_name
from sightglass.inputs.templates import check_templates

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

# float32 unit rows that cancel leave about 1e-8; no encoder gives a real class so short a mean.
_CANCELLED = 1e-6


def class_texts(
    labels: LabelSet, templates: Sequence[str], *, extra: Sequence[Sequence[str]] = ()
) -> list[list[str]]:
    """Per class, in the order of ``labels``: every name in every template, then ``extra``.

    Names are cleaned first (``clean_name``). A text that would come twice for a class, because a
    template or a name repeats, is listed once: saying something twice must not weigh double.

    Args:
        labels: The classes.
        templates: Sentences with one ``{}`` each.
        extra: Whole sentences about each class, as a class book holds them; none for any class
            by default. They are used as they are, outer space aside.

    Raises:
        InputError: If a template has not exactly one ``{}``, there are none, or a sentence is
            empty.
        ShapeError: If ``extra`` is given and has not one entry per class.
    """
    checked = check_templates(templates)
    return [
        list(
            dict.fromkeys(
                # Not str.format: a name may contain braces, and a template may too.
                [template.replace("{}", clean_name(name)) for name in names for template in checked]
                + sentences
            )
        )
        for names, sentences in zip(labels.synonyms, _sentences(labels, extra), strict=True)
    ]


def _sentences(labels: LabelSet, extra: Sequence[Sequence[str]]) -> list[list[str]]:
    """``extra`` without outer space, one entry per class."""
    if extra and len(extra) != len(labels.names):
        raise ShapeError(
            f"class_texts: extra needs one entry per class, got {len(extra)} for "
            f"{len(labels.names)} classes."
        )
    sentences = [[text.strip() for text in of_class] for of_class in extra]
    for name, of_class in zip(labels.names, sentences, strict=False):
        if "" in of_class:
            raise InputError(
                f"class_texts: every sentence about '{name}' needs words, got an empty one. "
                "Remove it or fill it in."
            )
    return sentences or [[] for _ in labels.names]


def class_embeddings(
    labels: LabelSet,
    templates: Sequence[str],
    encode: Callable[[Sequence[str]], Float[np.ndarray, "n_texts dim"]],
    *,
    extra: Sequence[Sequence[str]] = (),
) -> Float[np.ndarray, "n_classes dim"]:
    """One unit row per class, float32: the mean over its texts, scaled back to length 1.

    The order of templates, synonyms and classes changes no row: the texts reach ``encode`` sorted.
    The mean is taken in float64.

    Args:
        labels: The classes; rows come in their order.
        templates: Sentences with one ``{}`` each; a repeated one counts once.
        encode: Called once with all different texts; must return one unit-length row for each.
        extra: Whole sentences about each class that join its templates' texts, each with the
            weight of one of them; see ``class_texts``.

    Raises:
        InputError: If a template is none, or a class's texts cancel each other.
        ShapeError: If ``encode`` returns another number of rows than texts, or ``extra`` has not
            one entry per class.
        ModelError: If ``encode`` returns a number that is not finite.

    Source:
        Radford et al. 2021, arXiv:2103.00020, §3.1.4 (ensembling over the embedding space).
        Differs from the paper: synonyms are averaged along with the templates.
    """
    per_class = class_texts(labels, templates, extra=extra)
    texts = sorted({text for of_class in per_class for text in of_class})
    rows = np.asarray(encode(texts))
    if rows.ndim != 2 or len(rows) != len(texts):
        raise ShapeError(
            f"class_embeddings: encode must return one row per text, got shape {rows.shape} for "
            f"{len(texts)} texts."
        )
    if not np.isfinite(rows).all():
        bad = texts[int(np.argmin(np.isfinite(rows).all(axis=1)))]
        raise ModelError(
            f"class_embeddings: the encoder must give finite numbers, got others for '{bad}'. "
            "Its weights are damaged or its precision is too low."
        )
    position = {text: index for index, text in enumerate(texts)}
    members = [[position[text] for text in of_class] for of_class in per_class]
    return unit_means(rows, members, labels.names).astype(np.float32)


def unit_means(
    rows: Float[np.ndarray, "n_texts dim"],
    members: Sequence[Sequence[int]],
    names: Sequence[str],
) -> Float64[np.ndarray, "n_classes dim"]:
    """The mean of each class's rows, scaled back to length 1; in float64.

    Args:
        rows: Unit rows of texts.
        members: Which of them belong to each class; their order plays no part.
        names: How an error calls the classes.

    Raises:
        InputError: If a class's rows cancel each other.
    """
    means = np.stack(
        [rows[sorted(of_class)].mean(axis=0, dtype=np.float64) for of_class in members]
    )
    lengths = np.sqrt((means * means).sum(axis=1, keepdims=True))
    if (lengths <= _CANCELLED).any():
        name = names[int(np.argmin(lengths))]
        raise InputError(
            f"class_embeddings: the texts of '{name}' need a common direction, but their mean is "
            "zero. Use other names or templates for it."
        )
    unit: Float64[np.ndarray, "n_classes dim"] = means / lengths
    return unit
