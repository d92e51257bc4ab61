"""An image generator that draws colours: it reads the prompt and paints what is named in it."""

from __future__ import annotations

import base64
import io
import re
import time
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageColor

from generation_server import Received, Reply, as_json

IMAGES = "/v1/images/generations"
REFUSED = as_json(
    {
        "error": {
            "message": "Your request was rejected by our safety system.",
            "type": "image_generation_user_error",
            "code": "content_policy_violation",
        }
    },
    status=400,
)


def drawing(colour: str, number: int, *, side: int = 48) -> Image.Image:
    """A grainy picture of about that colour; of each number another one."""
    rng = np.random.default_rng(number)
    target = np.array(ImageColor.getrgb(colour), float)
    # Away from the corner of the colour cube, far enough that no two pictures are nearly the same.
    shift = rng.uniform(0, 90, 3) * np.where(target > 127, -1, 1)
    pixels = target + shift + rng.normal(0, 25, (side, side, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def subject(prompt: str) -> str:
    """What the picture shall show: the first word of it, a colour."""
    found = re.search(r"Subject: (\w+)", prompt)
    assert found is not None, prompt
    return found[1]


def picture_reply(data: bytes) -> Reply:
    """A picture as such servers send it."""
    return as_json({"created": 0, "data": [{"b64_json": base64.b64encode(data).decode()}]})


@dataclass
class DrawingModel:
    """Draws, one picture after the other.

    Attributes:
        black: Every picture whose number this divides is black; 0: none.
        refuses: Subjects that it does not draw.
        wrong: Subject -> the colour that it draws instead.
        seconds: It takes to draw one.
        drawn: The pictures' files, in order.
    """

    black: int = 0
    refuses: tuple[str, ...] = ()
    wrong: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    drawn: list[bytes] = field(default_factory=list)

    def __call__(self, request: Received) -> Reply:
        name = subject(request.body["prompt"])
        if name in self.refuses:
            return REFUSED
        time.sleep(self.seconds)
        self.drawn.append(self.draw(self.wrong.get(name, name), len(self.drawn) + 1))
        return picture_reply(self.drawn[-1])

    def draw(self, colour: str, number: int) -> bytes:
        if self.black and number % self.black == 0:
            # Not all the same file: each is rejected for being black.
            return png(Image.new("RGB", (48, 48), (number // 256, number // 16 % 16, number % 16)))
        return png(drawing(colour, number))
