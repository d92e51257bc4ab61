"""Where a prompt file's student lies, and whether it is the right one; read without torch."""

from __future__ import annotations

from pathlib import Path

from sightglass.encoders.card import EncoderCard
from sightglass.encoders.hub_card import hashed_card
from sightglass.encoders.hub_checkpoint import read_checkpoint
from sightglass.encoders.hub_folder import locate_model
from sightglass.errors import ModelError

STUDENT_SOURCE = "hf:"


def find_student(
    student: str, fingerprint: str, *, where: str, beside: Path | None
) -> tuple[str, EncoderCard]:
    """Name and card of the checkpoint that prompts were learned on.

    A folder that is not where it was is also looked for by the same path and by its last name, in
    the prompt file's folder and in the one around it: both are often copied together.

    Args:
        student: ``hf:FOLDER`` or ``hf:ORG/NAME``.
        fingerprint: The card's, in fp32.
        where: What an error begins with.
        beside: The prompt file; None to look nowhere else than where ``student`` says.

    Raises:
        ModelError: If it is not found, is damaged, or is another checkpoint.
    """
    named = student.removeprefix(STUDENT_SOURCE)
    folders = [Path(named)]
    if beside is not None:
        # A run's folder usually lies beside the student's: both were named from one place.
        for near in (beside.absolute().parent, beside.absolute().parent.parent):
            folders += [near / named, near / Path(named).name]
    present = dict.fromkeys(str(one) for one in folders if one.is_dir())
    advice = f"Name its folder: {where.rpartition('@hf:')[0] or where}@hf:FOLDER."
    failure: ModelError | None = None
    other = ""
    for candidate in present or {named: None}:
        try:
            name = f"{STUDENT_SOURCE}{candidate}"
            card = hashed_card(read_checkpoint(name, locate_model(candidate)))
        except ModelError as error:
            failure = failure or error
            continue
        if card.fingerprint == fingerprint:
            return name, card
        other = other or f"{name} has {card.fingerprint[:8]}"
    if not other:
        raise ModelError(
            f"{where}: the student that these prompts were learned on, {student}, is needed and "
            f"cannot be used ({failure}) {advice}"
        ) from failure
    raise ModelError(
        f"{where}: prompts fit the checkpoint that they were learned on alone, its fingerprint is "
        f"{fingerprint[:8]}, {other}: other weights, vocabulary or preprocessing. {advice}"
    )
