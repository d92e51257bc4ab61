from __future__ import annotations

import inspect
import json
import subprocess
import sys
from typing import Any

import pytest

from sightglass import distillation

# A fresh interpreter in which torch cannot be imported.
WITHOUT_TORCH = "import json, sys\nsys.modules['torch'] = None\n"


def after(code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_public_names_are_functions() -> None:
    assert distillation.__all__ == [
        "ema_decay",
        "gaussian_epoch_weights",
        "info_nce_loss",
        "kdpl_loss",
        "select_classes",
        "sinkhorn_targets",
        "soft_target_loss",
        "warmup_cosine_lr",
    ]
    for name in distillation.__all__:
        assert inspect.isfunction(getattr(distillation, name))
        assert getattr(distillation, name).__name__ == name


def test_importing_the_package_loads_no_network_library() -> None:
    loaded = after(
        "import json, sys\nimport sightglass.distillation\nprint(json.dumps(sorted(sys.modules)))"
    )
    assert {"torch", "transformers", "tokenizers", "onnxruntime"}.isdisjoint(loaded)


def test_without_torch_the_functions_of_numbers_still_work() -> None:
    rate, decay, weights, logits = after(
        WITHOUT_TORCH
        + "import numpy as np\n"
        + "from sightglass.distillation import (\n"
        + "    ema_decay, gaussian_epoch_weights, warmup_cosine_lr)\n"
        + "from sightglass.distillation.losses.kdpl_loss import floored_logits\n"
        + "print(json.dumps([warmup_cosine_lr(1, lr=0.5, epochs=3), ema_decay(2), \n"
        + "    gaussian_epoch_weights(1, mean=1, std=1).tolist(), \n"
        + "    floored_logits(np.full((1, 2), 0.5)).tolist()]))"
    )
    assert (rate, decay, weights) == (0.5, 0.25, [1.0])
    assert logits[0] == pytest.approx([-0.693147, -0.693147], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("kdpl_loss", "kdpl_loss([[0.0]], [[0.0]])"),
        ("select_classes", "select_classes([[0.0]], 1)"),
        ("info_nce_loss", "info_nce_loss([[0.0]], logit_scale=1.0)"),
        ("soft_target_loss", "soft_target_loss([[1.0]], [[0.0]])"),
        ("sinkhorn_targets", "sinkhorn_targets([[0.0]])"),
    ],
)
def test_without_torch_the_sentence_says_what_to_install(name: str, call: str) -> None:
    message = after(
        WITHOUT_TORCH
        + "from sightglass.errors import MissingExtraError\n"
        + f"from sightglass.distillation import {name}\n"
        + f"try:\n    {call}\nexcept MissingExtraError as error:\n"
        + "    print(json.dumps(str(error)))"
    )
    assert message == (
        f"{name} needs the package 'torch', which is not installed. "
        "Install it with: pip install 'sightglass[train]'"
    )
