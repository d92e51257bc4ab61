"""What does the work of ``classify``: this process, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sightglass.errors import InputError, unknown_name

if TYPE_CHECKING:
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.prediction import Row
    from sightglass.reports.work import Work
    from sightglass.scale.settings import ClassifierSettings

ENGINES = ("local", "ray")


class Engine(Protocol):
    """Classifies one list of sources.

    Attributes:
        classifier: The one on this machine.
    """

    classifier: ZeroShotClassifier

    def stream(self, sources: Sequence[str]) -> Iterator[Row]:
        """One row per source, in order."""

    def record(self, *, command: Sequence[str] = ()) -> dict[str, Any]:
        """What run.json says."""

    def thumbnail(self, sha256: str) -> bytes | None:
        """JPEG bytes of a picture that was classified, for the report."""

    def finish(self) -> None:
        """All results are in place."""


class LocalEngine:
    """This process alone."""

    def __init__(self, settings: ClassifierSettings, work: Work) -> None:
        self.classifier = settings.classifier()
        self.thumbnail = self.classifier.thumbnail
        self._work = work

    def stream(self, sources: Sequence[str]) -> Iterator[Row]:
        """One row per source, in order."""
        self.classifier.calibrate(sources, self._work)
        for prediction in self.classifier.stream(sources, self._work):
            yield prediction.as_row()

    def record(self, *, command: Sequence[str] = ()) -> dict[str, Any]:
        """What run.json says."""
        return self.classifier.run_record(self._work, command=command)

    def finish(self) -> None:
        """Nothing is left to do."""


def engine_of(
    name: str,
    settings: ClassifierSettings,
    *,
    address: str | None,
    workers: int | None,
    shard_size: int | None,
    out: Path,
    work: Work,
) -> Engine:
    """The engine that was asked for, before anything is read.

    Raises:
        UnknownNameError: If there is no such engine.
        InputError: If it has no use for an option that was given.
        MissingExtraError: If its packages are not installed.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    if name == "local":
        options = {"--address": address, "--workers": workers, "--shard-size": shard_size}
        given = [option for option, value in options.items() if value is not None]
        if given:
            raise InputError(
                f"{given[0]}: needs --engine ray, got --engine local. Add the one or leave out the "
                f"other."
            )
        return LocalEngine(settings, work)
    from sightglass.scale.ray_run import RayRun
    from sightglass.scale.shards import SHARD_SIZE

    return RayRun(
        settings,
        address=address,
        workers=workers,
        shard_size=SHARD_SIZE if shard_size is None else shard_size,
        out=out,
        work=work,
    )
