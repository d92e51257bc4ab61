"""The process that holds the model: ``python -m sightglass.scale.computing``, run by a worker.

A process of its own, so that a picture that kills the decoder, or hangs it, does so to this and not
to the worker, which sees it and can say which picture it was.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from PIL import Image

from sightglass.pipeline import ZeroShotClassifier
from sightglass.scale.answers import answer_of
from sightglass.scale.failures import Failure
from sightglass.scale.frames import BEAT, Ready, receive, send
from sightglass.scale.plan import Plan
from sightglass.store import open_store

_PACKAGE = Path(__file__).parents[1]


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until nobody sends any.

    The first value read is a plan, the reply to it ``Ready``; then come pairs of sources and the
    places of those whose thumbnails are wanted, the reply to which is an ``Answer``, with the
    warnings of ours since the last. Any reply may be a ``Failure`` instead. Before it comes a
    ``BEAT`` whenever the work has got on.
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
            ready = _try_it(classifier)
        except Exception as error:  # whatever it is, the person at the other end must see it
            send(replies, Failure.of(error))
            return
        send(replies, ready)
        while True:
            sources, shown = receive(requests)
            try:
                reply = answer_of(classifier, sources, shown, partial(send, replies, BEAT))
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


def _try_it(classifier: ZeroShotClassifier) -> Ready:
    """Load the network and answer two pictures: what dies here does not die of anybody's file."""
    store, classifier.store = classifier.store, open_store(None)
    try:
        for colour in ("gray", "white"):
            begun = time.monotonic()
            list(classifier.stream([("trial", Image.new("RGB", (64, 64), colour))]))
    finally:
        classifier.store.close()
        classifier.store = store
    return Ready(time.monotonic() - begun)


def main() -> int:
    """Serve on standard input and output; whatever else would print there goes to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, replies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
