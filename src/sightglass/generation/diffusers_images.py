"""Pictures from a text-to-image pipeline on this machine, by the diffusers library."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sightglass.checks import require_extra
from sightglass.encoders.quiet import quiet_hub, quiet_transformers
from sightglass.errors import GenerationError, ModelError
from sightglass.generation.budget import Budget

_PURPOSE = "Making pictures on this machine"


class DiffusersImages:
    """Any text-to-image pipeline, from a folder or by its name on the model hub.

    Weights are loaded with the first picture, from safetensors only; no code that comes with a
    model is run. The same prompt and seed give the same picture: the noise is drawn on the CPU
    whatever device then works on it.

    Args:
        model: A folder that ``save_pretrained`` wrote, or ``ORG/NAME``.
        budget: Counts pictures.
        size: (width, height) in pixels; None leaves it to the pipeline.
        steps: Of the denoising; None leaves it to the pipeline.
        device: ``"cuda"``, ``"mps"``, ``"cpu"`` …; None takes the best that is there.
        licence: Of the pictures, if the person knows it.
    """

    uses_seed = True

    def __init__(
        self,
        *,
        model: str,
        budget: Budget,
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        device: str | None = None,
        licence: str | None = None,
    ) -> None:
        for module in ("torch", "diffusers"):
            require_extra(module, extra="diffusers", purpose=_PURPOSE)
        self.name = model
        self.size = size
        self.licence = licence
        self._budget = budget
        self._device = device
        self._asked: dict[str, Any] = {} if steps is None else {"num_inference_steps": steps}
        if size is not None:
            self._asked |= {"width": size[0], "height": size[1]}
        self._pipeline: Any = None

    def generate(self, prompt: str, seed: int) -> bytes:
        """One picture as a PNG file.

        Raises:
            BudgetReached: If the picture would be one too many.
            ModelError: If the pipeline cannot be loaded.
            GenerationError: If it makes no picture of a text.
        """
        torch = require_extra("torch", extra="diffusers", purpose=_PURPOSE)
        self._budget.spend()
        with _quiet():
            if self._pipeline is None:
                self._pipeline = self._loaded()
            noise = torch.Generator("cpu").manual_seed(seed)
            try:
                made = self._pipeline(prompt=prompt, generator=noise, **self._asked)
                image = made.images[0]
            except Exception as error:
                # Whatever a pipeline, its scheduler or a full device raise is about this model.
                reason = " ".join(str(error).split())[:300] or type(error).__name__
                raise GenerationError(
                    f"{self.name}: a pipeline that makes a picture of a text is needed, it failed "
                    f"({reason}). Choose another model, --size or --steps. No picture is lost."
                ) from error
        stream = io.BytesIO()
        image.convert("RGB").save(stream, "PNG")
        return stream.getvalue()

    def _loaded(self) -> Any:
        torch = require_extra("torch", extra="diffusers", purpose=_PURPOSE)
        diffusers = require_extra("diffusers", extra="diffusers", purpose=_PURPOSE)
        device = self._device or _best_device(torch)
        _refuse_code(self.name)
        try:
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                self.name, torch_dtype=_precision(torch, device), use_safetensors=True
            ).to(device)
        except Exception as error:
            # A damaged folder makes the libraries below raise nearly anything.
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise ModelError(
                f"{self.name}: a text-to-image pipeline of diffusers with safetensors weights is "
                f"needed, it cannot be loaded ({reason}). Name a folder, or a model of the hub as "
                f"ORG/NAME."
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def _refuse_code(name: str) -> None:
    """Older releases of diffusers run what lies in a model's folder without being asked to."""
    code = next(Path(name).rglob("*.py"), None) if Path(name).is_dir() else None
    if code is not None:
        raise ModelError(
            f"{name}: a model of weights alone is needed, this one comes with code ({code.name}), "
            f"which is never run. Choose a model without, or take it away."
        )


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _precision(torch: Any, device: str) -> Any:
    """Half of the memory on CUDA. In float16 some decoders overflow: their pictures are black."""
    if not device.startswith("cuda"):
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


@contextmanager
def _quiet() -> Iterator[None]:
    """No log lines, warnings and progress bars of the libraries inside; as before afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging = require_extra("diffusers", extra="diffusers", purpose=_PURPOSE).utils.logging
        verbosity = logging.get_verbosity()
        logging.set_verbosity(logging.CRITICAL)
        bars_are_on = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            with quiet_hub(), quiet_transformers():
                yield
        finally:
            logging.set_verbosity(verbosity)
            if bars_are_on:
                logging.enable_progress_bar()
