"""A large JPEG is decoded at reduced scale; the embedding must hardly notice."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from skimage import data

from sightglass.encoders.registry import load_dual_encoder
from sightglass.inputs.images import open_picture

# Seen: 0.9995 to 0.99999 on these photographs; the larger the picture the nearer.
LEAST_COSINE = 0.999


@pytest.mark.parametrize("photograph", ["chelsea", "coffee", "astronaut", "rocket"])
@pytest.mark.parametrize("scale", [2.6, 5.0, 9.5])
def test_reduced_decoding_hardly_moves_the_embedding(photograph: str, scale: float) -> None:
    whole = Image.fromarray(getattr(data, photograph)())
    size = (round(whole.width * scale), round(whole.height * scale))
    buffer = io.BytesIO()
    whole.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
    encoder = load_dual_encoder("mini")
    reduced = open_picture(buffer.getvalue(), short_side=128)
    full = open_picture(buffer.getvalue())
    assert reduced.image.width < full.image.width == size[0]
    assert (reduced.width, reduced.height) == size
    rows = encoder.encode_images([encoder.prepare(reduced.image), encoder.prepare(full.image)]).rows
    assert float(rows[0] @ rows[1]) > LEAST_COSINE
