"""Named sets of prompt templates: sentences with one ``{}`` where a class name goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightglass.errors import InputError, unknown_name
from sightglass.inputs.line_files import looks_like_a_file, read_line_file

_WHERE = "Templates"

_PHOTO = (
    "a photo of a {}",
    "a photo that shows a {}",
    "a snapshot of the {}",
    "a picture taken of a {}",
    "a close photo of a {}",
    "a {} photographed from far away",
    "a small photo of a {}",
    "a sharp photo of the {}",
    "a blurred photo of a {}",
    "a dark photo of the {}",
    "a bright photo of a {}",
    "a grainy, low resolution picture of a {}",
    "a black and white photo of a {}",
    "a photo with a {} in the middle",
    "a photo with part of a {} in it",
    "somebody's holiday photo of a {}",
)
_OBJECT = (
    "a photo of a {}",
    "a {} on a table",
    "a {} on a plain background",
    "a single {} seen from the front",
    "a {} seen from the side",
    "a {} seen from above",
    "a {} held in a hand",
    "a used {}",
    "a new {}",
    "a product picture of a {}",
    "several pieces of {} next to each other",
    "a {}, which is a thing people use",
)
_SCENE = (
    "a photo of a {}",
    "a view of the {}",
    "a wide view of a {}",
    "a place: {}",
    "inside or in front of a {}",
    "a {} in daylight",
    "a {} at night",
    "a {} without any people",
    "a {} with people in it",
    "a landscape or room that is a {}",
)
_TEXTURE = (
    "a photo of a {} surface",
    "a {} texture",
    "a {} pattern",
    "something {} seen very close",
    "material that looks {}",
    "a surface that is {} all over",
    "cloth, stone or skin with a {} look",
)
_ANIMAL = (
    "a photo of a {}",
    "a {}, an animal",
    "a {} in the wild",
    "a tame {}",
    "a young {}",
    "a grown {}",
    "the head of a {}",
    "a {} that is resting",
    "a {} that is moving",
    "a {} partly hidden by plants",
    "two or more of the animal called {}",
)
_PLANT = (
    "a photo of a {}",
    "a {}, a plant",
    "a {} in bloom",
    "the leaves of a {}",
    "a {} in a garden",
    "a {} growing wild",
    "a close view of a {}",
)
_FOOD = (
    "a photo of {}",
    "{}, something to eat or drink",
    "a plate of {}",
    "a bowl or glass with {}",
    "a helping of {} on a table",
    "freshly made {}",
    "home-made {}",
    "{} as a restaurant serves it",
    "a close view of {}",
)
_VEHICLE = (
    "a photo of a {}",
    "a {}, a vehicle",
    "a parked {}",
    "a {} under way",
    "the front of a {}",
    "the side of a {}",
    "a {} seen from behind",
    "an old {}",
    "a {} far away",
)
_CLOTHING = (
    "a photo of a {}",
    "a {}, something to wear",
    "a person who wears a {}",
    "a {} laid out flat",
    "a {} on a hanger",
    "a shop's picture of a {}",
)
_ACTION = (
    "a photo of a person who is busy with {}",
    "people doing this: {}",
    "somebody in the middle of {}",
    "a person seen during {}",
    "a scene of {}",
    "a still from a video about {}",
    "an example of the activity {}",
)
_DRAWING = (
    "a drawing of a {}",
    "a pencil sketch of a {}",
    "a line drawing of the {}",
    "a child's drawing of a {}",
    "a painting of a {}",
    "a {} in watercolour",
    "a cartoon of a {}",
    "an icon that stands for a {}",
    "a printed illustration of a {}",
)
_SCREEN = (
    "a screenshot of a {}",
    "a screen that shows a {}",
    "a {} in a window on a computer",
    "a {} on a phone's display",
    "a picture of a program: {}",
    "a web page with a {}",
)
_DOCUMENT = (
    "a scan of a {}",
    "a photo of a {} on paper",
    "a page of a {}",
    "a document: {}",
    "a printed {}",
    "a {} written by hand",
    "a photographed sheet, namely a {}",
)
_AERIAL = (
    "a {} seen from the air",
    "a satellite picture of a {}",
    "an aerial photo of the {}",
    "land used as {}, from above",
    "a map-like view of a {}",
    "a {} photographed by a drone",
)
_ENSEMBLE = (
    "a photo of a {}",
    "a photo of the {}",
    "a close photo of a {}",
    "a {} photographed from far away",
    "a sharp photo of the {}",
    "a blurred photo of a {}",
    "a dark photo of the {}",
    "a bright photo of a {}",
    "a grainy, low resolution picture of a {}",
    "a black and white photo of a {}",
    "a photo with part of a {} in it",
    "a {} on a plain background",
    "a {} seen from the side",
    "many of the kind called {}",
    "a drawing of a {}",
    "this is a {}",
)

TEMPLATE_SETS: dict[str, tuple[str, ...]] = {
    "single": ("a photo of a {}",),
    "ensemble": _ENSEMBLE,
    "photo": _PHOTO,
    "object": _OBJECT,
    "scene": _SCENE,
    "texture": _TEXTURE,
    "animal": _ANIMAL,
    "plant": _PLANT,
    "food": _FOOD,
    "vehicle": _VEHICLE,
    "clothing": _CLOTHING,
    "action": _ACTION,
    "drawing": _DRAWING,
    "screen": _SCREEN,
    "document": _DOCUMENT,
    "aerial": _AERIAL,
}


def template_set(name: str) -> tuple[str, ...]:
    """The templates that ``name`` stands for.

    Args:
        name: A key of ``TEMPLATE_SETS``; or the path of a text file with one template per line;
            or a template itself, known by its ``{}``.

    Raises:
        UnknownNameError: If there is no such set; says the closest known one.
        InputError: If the file cannot be read, or an entry is no template.
    """
    if "{}" in name:
        return check_templates((name,))
    if looks_like_a_file(name):
        return check_templates(read_line_file(Path(name), where=_WHERE))
    if name not in TEMPLATE_SETS:
        raise unknown_name("template set", name, TEMPLATE_SETS)
    return TEMPLATE_SETS[name]


def check_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """The same templates, repeats dropped.

    Raises:
        InputError: If there are none, or one has not exactly one ``{}``.
    """
    if isinstance(templates, str):
        raise InputError(
            f"{_WHERE}: a list of templates is needed, got the text {templates!r}. Put it into a "
            "list."
        )
    if not templates:
        raise InputError(f"{_WHERE}: at least one is needed, got none. Use 'a photo of a {{}}'.")
    for position, template in enumerate(templates, start=1):
        if template.count("{}") != 1:
            raise InputError(
                f"{_WHERE}: each needs exactly one {{}}, where the class name goes, got "
                f"'{template}' (template {position})."
            )
    return tuple(dict.fromkeys(templates))
