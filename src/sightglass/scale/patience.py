"""How long a process may be silent before its worker takes it for one that hangs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.remote import is_url
from sightglass.scale.settings import ClassifierSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits in seconds. They are generous: what is slow must not be taken for what hangs.

    Attributes:
        start: Until the model is loaded: it may lie on a slow disk, or be fetched.
        near: For what a file is waited for. The largest that is read, 1 GiB, takes 215 s at 5 MB/s,
            and a file server that restarts is away for minutes.
        far: The same for a URL, whose readers give up by themselves: web servers are asked six
            times for at most 300 s each, s3fs within 3,000 s (four times two calls of 25 attempts
            with 15 s each).
        picture: For each picture between two signs of life, of the default limit of pixels: the
            slowest format, lossless JPEG 2000, took 61 s of one processor.
        passes: So many times what a picture took in the trial, for each of them: the processor may
            have other work by then, and near ties go through a second network.
    """

    start: float = 3600.0
    near: float = 300.0
    far: float = 3600.0
    picture: float = 60.0
    passes: float = 10.0

    def seconds(self, sources: Sequence[str], settings: ClassifierSettings, trial: float) -> float:
        """Of silence on the way to the answer to ``sources``.

        There is a sign of life for each picture as it is taken, and for each batch. Towards the
        end none are left to take: a whole batch is read and goes through the network in silence.

        Args:
            sources: Paths or URLs.
            settings: Size of a batch, and limit of pixels.
            trial: Seconds that one small picture took, the network being loaded.
        """
        at_once = min(len(sources), settings.batch_size)
        larger = max(1.0, settings.max_pixels / DEFAULT_MAX_PIXELS)
        waited = self.far if any(map(is_url, sources)) else self.near
        return waited + at_once * (larger * self.picture + self.passes * trial)
