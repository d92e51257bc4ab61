"""Networks in ONNX files, run by onnxruntime; one per file, whoever reads its outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from sightglass.checks import usable_processors
from sightglass.encoders.card import ImageInput
from sightglass.encoders.onnx_whole import check_whole
from sightglass.encoders.preprocess import normalise
from sightglass.encoders.silent_onnxruntime import load_onnxruntime
from sightglass.errors import ModelError, first_line

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

    Pixels = UInt8[np.ndarray, "height width 3"]


class OnnxGraph:
    """A network of one input.

    Args:
        path: The file; its hash was checked.

    Raises:
        ModelError: If it has weights elsewhere, or onnxruntime cannot load it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_whole(path)
        onnxruntime = load_onnxruntime()
        options = onnxruntime.SessionOptions()
        # One thread, since the parts of a batch run side by side: 1.08 times as fast, measured, as
        # all processors on one part, and no thread spins while others decode pictures.
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions have no common public root
            raise ModelError(
                f"{path}: onnxruntime cannot load this file ({first_line(error)}). Export it again."
            ) from error
        self._inputs = [tensor.name for tensor in self._session.get_inputs()]
        self._outputs = [tensor.name for tensor in self._session.get_outputs()]

    def output(self, name: str | None) -> str:
        """``name``, or the first output's where it is None.

        Raises:
            ModelError: If there is no such output, or not exactly one input.
        """
        wanted = self._outputs[0] if name is None else name
        if len(self._inputs) != 1 or wanted not in self._outputs:
            raise ModelError(
                f"{self.path}: one input and the output '{wanted}' are needed, the graph has "
                f"inputs {self._inputs} and outputs {self._outputs}. Correct the card or export "
                f"again."
            )
        return wanted

    def run(self, batch: np.ndarray, outputs: Sequence[str]) -> list[Float[np.ndarray, "n dim"]]:
        """The named outputs for one batch.

        Raises:
            ModelError: If the network fails on it.
        """
        try:
            found = self._session.run(list(outputs), {self._inputs[0]: batch})
        except Exception as error:  # as above
            raise ModelError(
                f"{self.path}: the network failed on {batch.shape} ({first_line(error)}). "
                f"Export it again."
            ) from error
        return [np.asarray(rows, dtype=np.float32) for rows in found]


class ImageGraph:
    """A network of pictures that several encoders may read, each another output of it.

    One pass gives all the outputs that somebody reads. What the others will ask for next, for
    these very pictures, is kept until then.

    Args:
        path: The file; its hash was checked.
        spec: How pictures become its input; the output named there is not looked at.
    """

    def __init__(self, path: Path, spec: ImageInput) -> None:
        self._graph = OnnxGraph(path)
        self._spec = spec
        self._lock = threading.Lock()
        self._outputs: list[str] = []
        self._row_by_row: dict[tuple[str, ...], bool] = {}
        self._kept: tuple[Sequence[Pixels], dict[str, np.ndarray]] = ((), {})

    def reader(self, output: str | None) -> Callable[[Sequence[Pixels]], np.ndarray]:
        """A function from pictures to raw rows of one output, ``(n, dim)``.

        Raises:
            ModelError: If the network has no such output.
        """
        wanted = self._graph.output(output)
        with self._lock:
            if wanted not in self._outputs:
                self._outputs.append(wanted)
        return lambda pictures: self._rows(pictures, wanted)

    def _rows(self, pictures: Sequence[Pixels], wanted: str) -> np.ndarray:
        with self._lock:
            seen, rows = self._kept
            same = len(seen) == len(pictures) and all(map(is_, seen, pictures))
            if same and wanted in rows:
                return rows.pop(wanted)
            outputs = tuple(self._outputs)
        if outputs not in self._row_by_row:
            self._row_by_row[outputs] = self._neighbours_change_rows(outputs)
        parts = side_by_side(lambda part: self._pass(part, outputs), pictures)
        found = {
            name: np.concatenate(rows)
            for name, rows in zip(outputs, zip(*parts, strict=True), strict=True)
        }
        own = found.pop(wanted)
        with self._lock:
            self._kept = (pictures, found) if found else ((), {})
        return own

    def _pass(self, pictures: Sequence[Pixels], outputs: tuple[str, ...]) -> list[np.ndarray]:
        batch = normalise(pictures, self._spec)
        if not self._row_by_row[outputs]:
            return self._graph.run(batch, outputs)
        alone = [self._graph.run(batch[i : i + 1], outputs) for i in range(len(batch))]
        return [np.concatenate(rows) for rows in zip(*alone, strict=True)]

    def _neighbours_change_rows(self, outputs: Sequence[str]) -> bool:
        """Whether a row depends, in any bit, on the other rows of its batch.

        In most graphs it does not. One that is quantised dynamically takes its scales from the
        whole batch.
        """
        rng = np.random.default_rng(0)
        height, width = self._spec.size
        spread = np.array([0.05, 1.0, 3.0, 0.5, 2.0]).reshape(-1, 1, 1, 1)
        probe = (spread * rng.standard_normal((5, 3, height, width))).astype(np.float32)
        alone = [self._graph.run(probe[i : i + 1], outputs) for i in range(len(probe))]
        whole, middle = self._graph.run(probe, outputs), self._graph.run(probe[1:4], outputs)
        return any(
            not (np.array_equal(rows, all_at_once) and np.array_equal(rows[1:4], some_at_once))
            for rows, all_at_once, some_at_once in zip(
                map(np.concatenate, zip(*alone, strict=True)), whole, middle, strict=True
            )
        )


_IMAGE_GRAPHS: WeakValueDictionary[tuple[str, str, str], ImageGraph] = WeakValueDictionary()
_opening = threading.Lock()


def image_graph(path: Path, sha256: str, spec: ImageInput) -> ImageGraph:
    """The graph in this file: opened, or the one that somebody in this process has open.

    Raises:
        ModelError: If onnxruntime cannot load it.
    """
    key = (str(path), sha256, spec.model_dump_json(exclude={"output"}))
    with _opening:
        graph = _IMAGE_GRAPHS.get(key)
        if graph is None:
            graph = _IMAGE_GRAPHS[key] = ImageGraph(path, spec)
        return graph


def side_by_side(run: Callable[[Sequence[Any]], Any], items: Sequence[Any]) -> list[Any]:
    """``run`` on a part of the items per processor, at once; results in the parts' order."""
    size = -(-len(items) // usable_processors())
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    with ThreadPoolExecutor(len(parts)) as pool:
        return list(pool.map(run, parts))
