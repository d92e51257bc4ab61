"""The process that holds the model: ``python -m sightglass.scale.computing``, run by a worker.

A process of its own, so that a picture that kills the decoder kills this and not the worker, which
sees it and can say which picture it was.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from PIL import Image

from sightglass.pipeline import ZeroShotClassifier
from sightglass.scale.answers import answer_of
from sightglass.scale.failures import Failure
from sightglass.scale.frames import receive, send
from sightglass.scale.plan import Plan
from sightglass.store import open_store

READY = "ready"
_PACKAGE = Path(__file__).parents[1]


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until nobody sends any.

    The first value read is a plan, the reply to it ``READY``; then come pairs of sources and the
    places of those whose thumbnails are wanted, the reply to which is an ``Answer``, with the
    warnings of ours since the last. Any reply may be a ``Failure`` instead.
    """
    with warnings.catch_warnings():
        notes: list[str] = []
        warnings.simplefilter("always")
        warnings.showwarning = partial(_note, notes)
        _serve(requests, replies, notes)


def _note(notes: list[str], message: Warning | str, _: object, filename: str, *__: object) -> None:
    """Remember a warning of this package; those of others are about nothing a person can do."""
    if Path(filename).is_relative_to(_PACKAGE):
        notes.append(str(message))


def _serve(requests: IO[bytes], replies: IO[bytes], notes: list[str]) -> None:
    try:
        plan: Plan = receive(requests)
        try:
            classifier = plan.classifier()
            _try_it(classifier)
        except Exception as error:  # whatever it is, the person at the other end must see it
            send(replies, Failure.of(error))
            return
        send(replies, READY)
        while True:
            sources, shown = receive(requests)
            try:
                reply = answer_of(classifier, sources, shown)
            except Exception as error:  # as above
                send(replies, Failure.of(error))
            else:
                send(replies, replace(reply, notes=tuple(notes)))
                notes.clear()
            if plan.settings.store is None:
                # What one shard left does not help the next, and a worker may see millions.
                classifier.store.close()
                classifier.store = open_store(None)
    except (EOFError, BrokenPipeError):
        return  # the worker has gone: there is nobody to compute for


def _try_it(classifier: ZeroShotClassifier) -> None:
    """Load the network and answer one picture: what dies here does not die of anybody's file."""
    store, classifier.store = classifier.store, open_store(None)
    try:
        list(classifier.stream([("trial", Image.new("RGB", (64, 64), "gray"))]))
    finally:
        classifier.store.close()
        classifier.store = store


def main() -> int:
    """Serve on standard input and output; whatever else would print there goes to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, replies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
