"""Running a network so that a row depends on its own input alone, bit for bit.

A matrix product may add up in another order when the batch has another size, when the row lies
elsewhere in it, or when another number of threads shares the work. Three measures keep a row the
same: every pass has one fixed size, every pass runs on one thread (passes run side by side
instead, which is as fast), and at the first pass of each shape one input is tried at every
position. Where the positions do not agree, that shape runs one input at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float32

# Arrays of one pass by name; the first axis counts inputs.
Inputs = dict[str, np.ndarray]
Shape = tuple[tuple[int, ...], ...]


class RowByRow:
    """Calls a network in passes of fixed size.

    Args:
        forward: From a pass's inputs to its rows ``(n, dim)``.
        size: Inputs per pass. Larger is faster, but one picture alone costs a whole pass.
        workers: Passes at the same time.
        start_worker: Called once in each worker's thread.
        finish: Called when all passes of a call are done, or one of them failed.
    """

    def __init__(
        self,
        forward: Callable[[Inputs], np.ndarray],
        *,
        size: int,
        workers: int,
        start_worker: Callable[[], None] = lambda: None,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._forward = forward
        self._size = size
        self._workers = workers
        self._start_worker = start_worker
        self._finish = finish
        self._agreed: dict[Shape, int] = {}

    def __call__(self, inputs: Sequence[Inputs]) -> list[Float32[np.ndarray, " dim"]]:
        """One row per input, in order. Inputs of one shape share passes."""
        by_shape: dict[Shape, list[int]] = {}
        for index, item in enumerate(inputs):
            by_shape.setdefault(tuple(array.shape for array in item.values()), []).append(index)
        rows: list[np.ndarray] = [np.empty(0, np.float32)] * len(inputs)
        try:
            with ThreadPoolExecutor(self._workers, initializer=self._start_worker) as pool:
                for shape, members in by_shape.items():
                    if shape not in self._agreed:
                        first = members.pop(0)
                        rows[first] = self._settle_size(pool, shape, inputs[first])
                    size = self._agreed[shape]
                    passes = [members[at : at + size] for at in range(0, len(members), size)]
                    full = [
                        _stacked([inputs[index] for index in part + part[-1:] * (size - len(part))])
                        for part in passes
                    ]
                    for part, result in zip(passes, pool.map(self._forward, full), strict=True):
                        for index, row in zip(part, result, strict=False):
                            rows[index] = row
        finally:
            self._finish()
        return rows

    def _settle_size(self, pool: ThreadPoolExecutor, shape: Shape, example: Inputs) -> np.ndarray:
        """Settle the fixed size of a pass for inputs of ``shape``; the row of ``example``."""
        tried = pool.submit(self._forward, _stacked([example] * self._size)).result()
        same = (tried == tried[:1]).all()
        self._agreed[shape] = self._size if same else 1
        if not same:
            tried = pool.submit(self._forward, _stacked([example])).result()
        row: np.ndarray = tried[0]
        return row


def _stacked(inputs: Sequence[Inputs]) -> Inputs:
    return {name: np.stack([item[name] for item in inputs]) for name in inputs[0]}
