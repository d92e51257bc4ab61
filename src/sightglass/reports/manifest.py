"""run.json: enough to run it again."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sightglass.inputs.outcome import STATUSES
from sightglass.reports.work import Work
from sightglass.whole_files import replacing

if TYPE_CHECKING:
    from sightglass.decisions import UnknownRule
    from sightglass.encoders.card import EncoderCard
    from sightglass.inputs.labels import LabelSet

# Its key in run.json. The report, which is made to be passed on, leaves it out.
WORKING_FOLDER = "working_folder"
_LIBRARIES = ("numpy", "pillow", "onnxruntime", "tokenizers", "torch", "transformers")


def run_record(
    *,
    labels: LabelSet,
    prompts: str,
    templates: Sequence[str],
    card: EncoderCard,
    fingerprint: str,
    rule: UnknownRule,
    work: Work,
    settings: Mapping[str, int],
    command: Sequence[str],
    extra_prompts: Sequence[Sequence[str]] = (),
    fusion: Mapping[str, Any] | None = None,
    vision_model: str | None = None,
) -> dict[str, Any]:
    """What run.json holds, the current folder among it: relative paths are relative to that.

    Args:
        labels: The classes with all their names.
        prompts: Name of the template set.
        templates: The templates themselves.
        card: The encoder's.
        fingerprint: The encoder's.
        rule: When a picture was called unknown.
        settings: Numbers that the caller chose.
        work: Outcomes, what had to be done, seconds per stage.
        command: The arguments of the command line; empty where Python called.
        extra_prompts: Per class, a class book's whole sentences.
        fusion: How the opinions were fused; None where there were no references.
        vision_model: Name of the encoder of the vision-only opinion.
    """
    return {
        "sightglass": version("sightglass"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        WORKING_FOLDER: _working_folder(),
        "classes": [
            {"name": name, "names": list(names)}
            for name, names in zip(labels.names, labels.synonyms, strict=True)
        ],
        "settings": dict(settings),
        "class_fingerprint": labels.fingerprint,
        "prompts": prompts,
        "templates": list(templates),
        "model": {**card.model_dump(mode="json"), "fingerprint": fingerprint},
        "extra_prompts": [list(sentences) for sentences in extra_prompts],
        "vision_model": vision_model,
        "fusion": fusion,
        "unknown": {
            "enabled": rule.enabled,
            "threshold": rule.threshold,
            "rule": "best class against everyday words",
            "meaning": rule.meaning,
        },
        "counts": {status: work.counts[status] for status in STATUSES},
        "labels": dict(work.labels.most_common()),
        "work": {
            "read": work.read,
            "decoded": work.encoded + work.decoded_again,
            "encoded": work.encoded,
            "near_ties": work.near_ties,
        },
        "timings": {stage: round(seconds, 4) for stage, seconds in work.seconds.items()},
        "platform": {
            "python": sys.version.split()[0],
            "system": platform.platform(),
            "machine": platform.machine(),
            "libraries": {name: version(name) for name in _LIBRARIES if _installed(name)},
        },
    }


def _working_folder() -> str | None:
    """None where it was removed while the run went on."""
    try:
        return os.getcwd()  # noqa: PTH109 - as text, for JSON
    except OSError:
        return None


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def write_run(path: Path, run: Mapping[str, Any]) -> None:
    """``dump_run`` into a file, which takes ``path``'s place only when it is complete."""
    with replacing(path) as stream:
        dump_run(run, stream)


def dump_run(run: Mapping[str, Any], out: TextIO) -> None:
    """Write ``run`` as indented JSON."""
    json.dump(run, out, indent=2)
    out.write("\n")
