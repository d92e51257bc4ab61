"""Silence for the model libraries: a person gets our one sentence, not their chatter."""

from __future__ import annotations

import logging as standard_logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def quiet_hub() -> Iterator[None]:
    """No log lines and no progress bars of the hub client inside; as before afterwards."""
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    bars_are_off = are_progress_bars_disabled()
    with _muted(logging, None if bars_are_off else (disable_progress_bars, enable_progress_bars)):
        yield


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No log lines, warnings and progress bars of transformers inside; as before afterwards."""
    from transformers.utils import logging

    bars = (logging.disable_progress_bar, logging.enable_progress_bar)
    with _muted(logging, bars if logging.is_progress_bar_enabled() else None):
        yield


@contextmanager
def _muted(
    logging: ModuleType, bars: tuple[Callable[..., object], Callable[..., object]] | None
) -> Iterator[None]:
    """No log lines, warnings or bars; ``bars`` puts them off and on again, None: they are off."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(standard_logging.CRITICAL)
    if bars is not None:
        bars[0]()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars is not None:
            bars[1]()
