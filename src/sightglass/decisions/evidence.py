"""What a decision rests on: each alignment's own opinion, and the references most alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one alignment says of one picture.

    Attributes:
        alignment: Its name, as in ``"text_image"``.
        weight: Its share of the picture's total weight, in [0, 1]; a picture's shares sum to 1.
        top: The best classes by this alignment alone with their probabilities, best first; empty
            where it says nothing of the picture.
    """

    alignment: str
    weight: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestReference:
    """One reference picture that is much like the picture.

    Attributes:
        name: Its path, or the name that came with its bytes.
        label: Display name of the class that it shows.
        alignment: In whose space it is near.
        similarity: Cosine, in [-1, 1].
        sha256: Of its bytes, 64 hex digits.
    """

    name: str
    label: str
    alignment: str
    similarity: float
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one picture's decision rests on.

    Attributes:
        opinions: One per alignment that was used, in the order of the run's alignments.
        nearest: References of one alignment after another, the most similar first.
    """

    opinions: tuple[Opinion, ...]
    nearest: tuple[NearestReference, ...]
