"""From a tower's settings to the tower."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sightglass.errors import ModelError, unknown_name

if TYPE_CHECKING:
    from sightglass.encoders.towers.contract import ImageTower, TextTower

IMAGE_KINDS = ("convolutional", "transformers")
TEXT_KINDS = ("transformers", "word_table")


def build_image_tower(settings: Mapping[str, Any]) -> ImageTower:
    """An image tower with random weights, or those of the checkpoint that the settings name.

    Args:
        settings: ``kind``, and what that kind takes.

    Raises:
        UnknownNameError: If there is no such kind, or it has no such setting.
        ModelError: If the kind does not take these settings, or a checkpoint cannot be loaded.
    """
    kind, rest = _kind(settings, IMAGE_KINDS)
    try:
        if kind == "convolutional":
            from sightglass.encoders.towers.convolutional import ConvolutionalTower

            _check_names(kind, rest, ConvolutionalTower)
            return ConvolutionalTower(**rest)
        from sightglass.encoders.towers.pretrained_image import build_pretrained_image

        _check_names(kind, rest, build_pretrained_image)
        return build_pretrained_image(**rest)
    except TypeError as error:
        raise _not_taken(kind, error) from error


def build_text_tower(settings: Mapping[str, Any], vocabulary: bytes | None = None) -> TextTower:
    """A text tower with random weights, or those of the checkpoint that the settings name.

    Args:
        settings: ``kind``, and what that kind takes.
        vocabulary: Content of the tokeniser's file; None where a checkpoint brings it.

    Raises:
        UnknownNameError: If there is no such kind, or it has no such setting.
        ModelError: If the kind does not take these settings, or a checkpoint cannot be loaded.
    """
    kind, rest = _kind(settings, TEXT_KINDS)
    try:
        if kind == "word_table":
            from sightglass.encoders.towers.word_table import WordTable, build_word_table

            _check_names(kind, rest, WordTable)
            return build_word_table(vocabulary=vocabulary, **rest)
        from sightglass.encoders.towers.pretrained_text import build_pretrained_text

        _check_names(kind, rest, build_pretrained_text)
        return build_pretrained_text(vocabulary=vocabulary, **rest)
    except TypeError as error:
        raise _not_taken(kind, error) from error


def _kind(settings: Mapping[str, Any], known: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    rest = dict(settings)
    kind = str(rest.pop("kind", "none"))
    if kind not in known:
        raise unknown_name("tower", kind, known)
    return kind, rest


def _check_names(kind: str, settings: Mapping[str, Any], taken_by: Callable[..., object]) -> None:
    """Refuse a setting that the kind does not have; says the closest."""
    known = set(inspect.signature(taken_by).parameters) - {"vocabulary"}
    for name in settings:
        if name not in known:
            raise unknown_name(f"setting of a {kind} tower:", name, known)


def _not_taken(kind: str, error: TypeError) -> ModelError:
    return ModelError(f"Tower '{kind}': its settings do not fit it ({error}).")
