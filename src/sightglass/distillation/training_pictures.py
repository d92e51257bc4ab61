"""Unlabelled pictures as the batches that a student and its teacher both see."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from sightglass.checks import usable_processors
from sightglass.distillation.crops import random_crop
from sightglass.distillation.picture_order import crop_rng, epoch_order
from sightglass.errors import InputError, PictureError
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.images import DEFAULT_MAX_PIXELS, open_picture
from sightglass.inputs.outcome import Outcome
from sightglass.read_ahead import ahead

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int64, UInt8

    from sightglass.encoders.card import ImageInput

# The narrowest part that a random crop takes, as a share of the short side: 8 % of the area at a
# shape of 3 : 4. A JPEG decoded no smaller than this leaves every crop its full sharpness.
_NARROWEST = math.sqrt(0.08 * 3 / 4)
_WINDOW = 64  # crops that wait for the network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureBatch:
    """The pictures of one step.

    Attributes:
        indices: Which of the run's pictures they are.
        crops: A random part of each, at the student's size.
    """

    indices: Int64[np.ndarray, " n"]
    crops: tuple[UInt8[np.ndarray, "height width 3"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPictures:
    """The files that can be used; what the others are is told beside it.

    Attributes:
        paths: A batch's indices point here.
        hashes: SHA-256 of each file's bytes.
        max_pixels: Larger pictures were left out.
    """

    paths: tuple[str, ...]
    hashes: tuple[bytes, ...]
    max_pixels: int = DEFAULT_MAX_PIXELS

    @property
    def digest(self) -> str:
        """Hex digest of all their bytes, in order: another picture is another run."""
        return hashlib.sha256(b"".join(self.hashes)).hexdigest()

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.paths)

    def steps(self, batch_size: int) -> int:
        """Steps in an epoch: a last batch that is not full is left out, if another is full."""
        return max(1, len(self) // batch_size)

    def batches(
        self, spec: ImageInput, *, batch_size: int, seed: int, epoch: int, first: int = 0
    ) -> Iterator[PictureBatch]:
        """An epoch's batches in their order, cropped in threads ahead of the reader.

        Args:
            spec: How the student wants pictures.
            batch_size: Pictures per step.
            seed: The run's.
            epoch: Counted from 0.
            first: The step to begin with, from 0: a resumed run goes on where it was.

        Raises:
            InputError: If a file has gone or changed since it was looked at.
        """
        order = epoch_order(len(self), seed=seed, epoch=epoch)
        last = self.steps(batch_size) * batch_size
        chosen = order[first * batch_size : last]

        def crop(index: int) -> UInt8[np.ndarray, "height width 3"]:
            rng = crop_rng(seed, epoch, index)
            image = self._open(index, spec)
            return random_crop(image, spec.size, rng, resample=spec.resample)

        crops = ahead(crop, chosen.tolist(), threads=usable_processors(), window=_WINDOW)
        try:
            for at in range(0, len(chosen), batch_size):
                indices = chosen[at : at + batch_size]
                yield PictureBatch(indices=indices, crops=tuple(next(crops) for _ in indices))
        finally:
            crops.close()

    def _open(self, index: int, spec: ImageInput) -> Image.Image:
        path = self.paths[index]
        side = math.ceil(max(spec.size) / _NARROWEST)
        try:
            data, _ = read_bytes(path)
            if hashlib.sha256(data).digest() != self.hashes[index]:
                raise InputError(
                    f"{path}: a run sees the same pictures from its first step to its last, this "
                    f"file has changed meanwhile. Put the old one back and run the same command "
                    f"to go on, or begin anew with another --out."
                )
            return open_picture(data, short_side=side, max_pixels=self.max_pixels).image
        except PictureError as error:
            raise InputError(
                f"{path}: this picture could be read when training began and cannot be now "
                f"({error.detail}). Put it back and run the same command to go on."
            ) from error


def usable_pictures(
    paths: Sequence[str], *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> tuple[TrainingPictures, list[Outcome]]:
    """The files that decode, each picture once, and an outcome for each of the rest.

    They are put in the order of their contents' hashes: what files and folders are called, which
    may be labels, decides nothing about a training.

    Args:
        paths: Files, as ``find_pictures`` gives them.
        max_pixels: Pictures of more are left out, whether or not they could be decoded smaller:
            how much smaller depends on the student.

    Raises:
        InputError: If none can be used.
    """
    left_out: list[Outcome] = []
    first_of: dict[bytes, str] = {}
    looks = ahead(
        lambda path: _look(path, max_pixels), paths, threads=usable_processors(), window=_WINDOW
    )
    for path, found in zip(paths, looks, strict=True):
        if isinstance(found, PictureError):
            left_out.append(Outcome(path=path, status=found.status, detail=found.detail))
        elif found in first_of:
            detail = f"the same picture as {first_of[found]}"
            left_out.append(Outcome(path=path, status="duplicate", detail=detail))
        else:
            first_of[found] = path
    if not first_of:
        example = f"; the first: {left_out[0].detail}" if left_out else ""
        raise InputError(
            f"Training pictures: at least one that can be decoded is needed, found none among "
            f"{len(paths):,} files{example}. Give a folder with pictures."
        )
    hashes = tuple(sorted(first_of))
    paths = tuple(first_of[one] for one in hashes)
    return TrainingPictures(paths=paths, hashes=hashes, max_pixels=max_pixels), left_out


def _look(path: str, max_pixels: int) -> bytes | PictureError:
    """The hash of the file's bytes, if they decode."""
    try:
        data, _ = read_bytes(path)
        opened = open_picture(data, short_side=1, max_pixels=max_pixels)
        if opened.width * opened.height > max_pixels:
            raise PictureError(
                "too_large",
                f"{opened.width} x {opened.height} pixels; the limit is {max_pixels:,}",
            )
    except PictureError as error:
        return error
    return hashlib.sha256(data).digest()
