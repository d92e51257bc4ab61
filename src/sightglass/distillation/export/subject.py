"""What is exported: two towers, and what a card says of them beside their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.checks import require_extra
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from sightglass.encoders.towers.contract import ImageTower, TextTower

_HUB = "hf:"
UNSTATED = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is exported.

    Attributes:
        given: As the person gave it.
        source: Where the weights come from, for a person.
        licence: Of the weights.
        image: The image tower, in evaluation mode.
        text: The text tower; None for a model that knows pictures only.
        logit_scale: Multiplies cosine similarity; None without a text tower.
        logit_bias: Added after the scale, for models that have one.
    """

    given: str
    source: str
    licence: str
    image: ImageTower
    text: TextTower | None
    logit_scale: float | None
    logit_bias: float | None = None


def read_subject(given: str) -> Subject:
    """The model that ``given`` names: a student's folder, ``hf:ORG/NAME`` or ``hf:FOLDER``.

    Raises:
        ModelError: If there is none, a file is damaged, or a weight is not a finite number.
        UnknownNameError: If a hub model is of a type that we cannot run.
        MissingExtraError: If a library is not installed.
    """
    for module in ("torch", "safetensors"):
        require_extra(module, extra="train", purpose="Exporting a model")
    subject = _hub_model(given) if given.startswith(_HUB) else _student(given)
    for tower in (subject.image, subject.text):
        for name, weight in [] if tower is None else tower.state_dict().items():
            if weight.is_floating_point() and not bool(weight.isfinite().all()):
                raise ModelError(
                    f"{given}: every weight must be a finite number, '{name}' has some that are "
                    f"not. Train the student again with a lower rate, or fetch it again."
                )
    return subject


def _student(given: str) -> Subject:
    from sightglass.encoders.towers.student_file import read_student

    folder = Path(given)
    student, about = read_student(folder)
    scale = None
    if student.text is not None:
        scale = about.logit_scale
        if scale is None:
            scale = float(student.contrastive_scale().detach())
    return Subject(
        given=given,
        source=f"{folder.resolve().name}, learned and exported by Sightglass",
        licence=UNSTATED,
        image=student.image.eval(),
        text=None if student.text is None else student.text.eval(),
        logit_scale=scale,
    )


def _hub_model(given: str) -> Subject:
    require_extra("transformers", extra="train", purpose="Exporting a hub model")
    from sightglass.distillation.export.hub_towers import HubImageTower, HubTextTower
    from sightglass.encoders.hub_card import read_card
    from sightglass.encoders.hub_checkpoint import read_checkpoint
    from sightglass.encoders.hub_folder import locate_model
    from sightglass.encoders.hub_network import load_model

    checkpoint = read_checkpoint(given, locate_model(given.removeprefix(_HUB)))
    card = read_card(checkpoint, precision="fp32")
    model = load_model(checkpoint)
    assert card.image is not None
    image = HubImageTower(checkpoint, model, dim=card.dim, image_input=card.image)
    text = None
    if card.text is not None:
        text = HubTextTower(checkpoint, model, dim=card.dim, text_input=card.text)
    rest = given.removeprefix(_HUB)
    # Where a folder lies is nobody else's business.
    named = f"{_HUB}{Path(rest).resolve().name}" if Path(rest).is_dir() else given
    return Subject(
        given=given,
        source=f"{named}, exported by Sightglass",
        licence=card.licence,
        image=image.eval(),
        text=None if text is None else text.eval(),
        logit_scale=card.logit_scale,
        logit_bias=card.logit_bias,
    )
