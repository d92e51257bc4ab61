"""What every image generator can do, whatever runs it."""

from __future__ import annotations

from typing import Protocol

from sightglass.errors import GenerationError


class PromptRefusedError(GenerationError):
    """The generator will not make this picture, however often it is asked."""


class ImageSource(Protocol):
    """Makes one picture per call."""

    @property
    def name(self) -> str:
        """The model, as provenance names it."""

    @property
    def licence(self) -> str | None:
        """Of the pictures; None where nobody said."""

    @property
    def uses_seed(self) -> bool:
        """Whether the same prompt and seed give the same picture again."""

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels that every picture must have; None: the generator's own."""

    def generate(self, prompt: str, seed: int) -> bytes:
        """One picture as a PNG file; whatever arrived, if that is no picture.

        Args:
            prompt: What it shall show.
            seed: From 0 to 2**31 - 1.

        Raises:
            PromptRefusedError: If this prompt is against the generator's rules.
            GenerationError: If there is no answer, and asking for another picture is no use either.
        """
