from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters.checkpoints import pictures, write_clip, write_siglip2
from sightglass.distillation.export.export import export
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.registry import load_dual_encoder
from sightglass.errors import ModelError

TEXTS = ["a photo of a cat", "", "red train " * 30]


@pytest.mark.usefixtures("one_thread")
def test_an_exported_clip_gives_the_rows_of_the_hub_model(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip")
    (tmp_path / "clip" / "README.md").write_text("---\nlicense: mit\n---\n")
    made = export(f"hf:{tmp_path / 'clip'}", tmp_path / "out")
    ours = load_dual_encoder(f"onnx:{made.folder}")
    theirs = load_hub_encoder(str(tmp_path / "clip"), precision="fp32")
    assert isinstance(theirs, HubDualEncoder)
    prepared = [theirs.prepare(image) for image in pictures()]
    for image, one in zip(pictures(), prepared, strict=True):
        np.testing.assert_array_equal(ours.prepare(image), one)
    np.testing.assert_allclose(
        ours.encode_images(prepared).rows, theirs.encode_images(prepared).rows, atol=1e-5
    )
    np.testing.assert_allclose(
        ours.encode_texts(TEXTS).rows, theirs.encode_texts(TEXTS).rows, atol=1e-5
    )
    assert ours.card.logit_scale == theirs.card.logit_scale
    assert (ours.card.licence, ours.card.source) == ("mit", "hf:clip, exported by Sightglass")


def test_a_model_that_keeps_the_shape_of_pictures_is_refused(tmp_path: Path) -> None:
    write_siglip2(tmp_path / "siglip2")
    with pytest.raises(ModelError, match="a model that takes pictures of one size is needed"):
        export(f"hf:{tmp_path / 'siglip2'}", tmp_path / "out")
    assert not (tmp_path / "out").exists()
