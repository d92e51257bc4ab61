"""The conversation with a language model, in words. Nothing is sent here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightglass.generation.answers import (
    DESCRIPTIONS,
    LOOK_ALIKES,
    PARTS,
    SHARED_FEATURES,
    Form,
)
from sightglass.generation.class_names import ClassNames

MOST_LOOK_ALIKES = 5
MOST_FEATURES = 6

_SYSTEM = (
    "You describe how things look in photographs, for a program that tells pictures apart. You "
    "answer with one JSON object and nothing else. Wherever you name a class, you copy its name "
    "from the list in the question, letter by letter; names that are not in the list do not exist."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    Attributes:
        about: What it is about, for messages: "what 3 classes look like (cat, dog, …)".
        given: What is told first: the list that it is about.
        asked: The question proper.
        answered: How to answer.
        form: Form of the answer.
        names: Names of classes that the answer may hold.
    """

    about: str
    given: str
    asked: str
    answered: str
    form: Form[Any]
    names: tuple[str, ...]

    @property
    def messages(self) -> list[dict[str, str]]:
        """What is sent."""
        whole = "\n\n".join((self.given, self.asked, self.answered))
        return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": whole}]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the answer."""
        return self.form.schema(self.names)

    def digest(self, model: str) -> str:
        """Hex sha256 of all that decides the answer: model, messages and schema."""
        whole = json.dumps([model, self.messages, self.schema])
        return hashlib.sha256(whole.encode()).hexdigest()


def appearance_question(names: ClassNames, classes: Sequence[int]) -> Question:
    """What each of ``classes`` looks like.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis; the wording is ours.
    """
    return Question(
        about=f"what {_some(names, classes)} look{'s' if len(classes) == 1 else ''} like",
        given=(
            f"Here are {len(classes)} classes of things that photographs show:\n"
            f"{_list(names.listed(index) for index in classes)}"
        ),
        asked=(
            "Describe what each one looks like: one sentence per class, about shape, colours, "
            "material, typical parts and surroundings, and only what can be seen. The other "
            "classes in the list tell which meaning of an ambiguous name is meant."
        ),
        answered=(
            f'Answer as {{"classes": [{{"name": …, "description": …}}, …]}} with exactly '
            f"{len(classes)} entries, one per class, in the order of the list."
        ),
        form=DESCRIPTIONS,
        names=tuple(names.said(index) for index in classes),
    )


def look_alikes_question(
    names: ClassNames,
    classes: Sequence[int],
    *,
    among: Sequence[int],
    descriptions: Mapping[int, str],
) -> Question:
    """Which of ``among`` each of ``classes`` is easily mistaken for.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis; the wording is ours.
    """
    lines = (f"{names.listed(index)}: {descriptions[index]}" for index in among)
    wanted = (
        "every class in the list"
        if len(classes) == len(among)
        else "these classes: " + "; ".join(names.said(index) for index in classes)
    )
    return Question(
        about=f"which classes look like {_some(names, classes)}",
        given=(
            f"Here are {len(among)} classes of things that photographs show, and what they look "
            f"like:\n{_list(lines)}"
        ),
        asked=(
            "Some of them look so much alike that a photograph of one may be taken for the other. "
            f"For {wanted}, name the classes of this list that it may be taken for, the most "
            f"similar first, at most {MOST_LOOK_ALIKES}. Go by what things look like. How their "
            "names are spelled does not matter: a sea horse does not look like a horse. A class "
            "that looks like none of the others gets an empty list, and most classes do."
        ),
        answered=(
            f'Answer as {{"classes": [{{"name": …, "looks_like": [name, …]}}, …]}} with exactly '
            f"{len(classes)} entries, one per class."
        ),
        form=LOOK_ALIKES,
        names=tuple(names.said(index) for index in among),
    )


def shared_features_question(names: ClassNames, pairs: Sequence[tuple[int, int]]) -> Question:
    """What each pair of classes has in common.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis ("both A and B have f1, f2, f3"); the
        wording is ours.
    """
    classes = list(dict.fromkeys(index for pair in pairs for index in pair))
    spoken = [f"{names.said(first)} and {names.said(second)}" for first, second in pairs]
    more = " …" if len(spoken) > 1 else ""
    lines = (
        f"{names.listed(first)} and {names.listed(second)}: both {names.said(first)} and "
        f"{names.said(second)} have …"
        for first, second in pairs
    )
    return Question(
        about=f"what {spoken[0]}{more} have in common",
        given=(
            f"Here are {len(pairs)} pairs of classes that look alike in photographs, each with "
            f"the beginning of a sentence:\n{_list(lines)}"
        ),
        asked=(
            "What do the two of each pair have in common to the eye? Complete the sentence of each "
            f"pair with up to {MOST_FEATURES} features that both have. A feature is a short phrase "
            'such as "a long curved neck", about what can be seen, and it names neither class.'
        ),
        answered=(
            'Answer as {"pairs": [{"first": …, "second": …, "shared_features": [phrase, …]}, …]} '
            f"with exactly {len(pairs)} entries, one per pair."
        ),
        form=SHARED_FEATURES,
        names=tuple(names.said(index) for index in classes),
    )


def parts_question(
    names: ClassNames, classes: Sequence[int], *, titles: Sequence[str], most: int, within: str = ""
) -> Question:
    """Which of ``classes`` are of one kind.

    Args:
        names: All classes.
        classes: Those to be placed.
        titles: Parts that exist already and may be used.
        most: How many classes a part should hold at most.
        within: Title of the part that they are, if it is being cut finer.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, whose remedy for long lists this is; the wording is
        ours.
    """
    finer = f" One part, {within}, would be too large: cut it finer." if within else ""
    existing = (
        f" These parts exist already; use them where they fit: {'; '.join(titles)}."
        if titles
        else ""
    )
    return Question(
        about=f"which of {_some(names, classes)} are of one kind",
        given=(
            f"Here are {len(classes)} classes of things that photographs show:\n"
            f"{_list(names.listed(index) for index in classes)}"
        ),
        asked=(
            "Cut this list into parts of things that are of one kind and may look alike, such as "
            f"birds, furniture, vehicles or food, with at most {most} classes in a part. Go by "
            "what things are and not by how their names are spelled. Every class belongs to "
            f"exactly one part.{finer}{existing}"
        ),
        answered=(
            'Answer as {"parts": [{"title": …, "classes": [name, …]}, …]}; all parts together '
            f"name each of the {len(classes)} classes once."
        ),
        form=PARTS,
        names=tuple(names.said(index) for index in classes),
    )


def _list(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _some(names: ClassNames, classes: Sequence[int]) -> str:
    """How many classes there are, and the first few."""
    first = ", ".join(names.said(index) for index in classes[:3])
    dots = ", …" if len(classes) > 3 else ""
    noun = "class" if len(classes) == 1 else "classes"
    return f"{len(classes)} {noun} ({first}{dots})"
