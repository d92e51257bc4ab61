from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from picture_files import encode, encoded_pictures, photo, png_chunk, with_jpeg_segment
from sightglass.inputs.images import open_picture
from sightglass.inputs.quiet import quiet_decoding

WHOLE = encoded_pictures()


def remarkable_files() -> dict[str, bytes]:
    """Files that open, and about which Pillow warns."""
    jpeg, png = WHOLE["jpg"], WHOLE["png"]
    tiff = bytearray(encode(photo(), "TIFF", software="x" * 50))
    at = tiff.index(struct.pack("<HH", 305, 2))
    tiff[at + 4 : at + 8] = struct.pack("<I", 10_000_000)
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(png), 22) + png
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01\0"
    return {
        "a tag longer than the file": bytes(tiff),
        "a cut EXIF block": with_jpeg_segment(jpeg, 0xE1, exif),
        "an icon of another size": icon,
        "a malformed MPO": with_jpeg_segment(jpeg, 0xE2, b"MPF\0garbage"),
        "an impossible animation": png[:33] + png_chunk(b"acTL", bytes(8)) + png[33:],
        "a palette with alphas": encode(
            photo().quantize(8), "PNG", transparency=bytes(range(0, 256, 32))
        ),
    }


@pytest.mark.parametrize("remark", sorted(remarkable_files()))
def test_what_pillow_warns_about_is_opened_in_silence(remark: str) -> None:
    data = remarkable_files()[remark]
    with warnings.catch_warnings(record=True) as loud:
        warnings.simplefilter("always")
        image = Image.open(io.BytesIO(data))
        image.getexif()
        image.convert("RGB")
    assert loud
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(action)
            assert open_picture(data).image.size == (64, 48)
        assert not caught


def test_a_large_picture_below_the_limit_is_opened_without_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(WHOLE["png"]))
    assert open_picture(WHOLE["png"]).width == 64


@pytest.mark.parametrize("flag", ["default", "error"])
def test_nothing_is_printed_whatever_the_interpreter_does_with_warnings(
    flag: str, tmp_path: Path
) -> None:
    refused_tiff = bytearray(WHOLE["tiff"])
    at = refused_tiff.index(struct.pack("<HHI", 277, 3, 1))
    refused_tiff[at + 8 : at + 10] = struct.pack("<H", 9000)  # Pillow logs this as an error
    files = {**remarkable_files(), "too many samples": bytes(refused_tiff)}
    for number, data in enumerate(files.values()):
        (tmp_path / f"{number}").write_bytes(data)
    script = (
        "import pathlib, sys\n"
        "from sightglass.errors import PictureError\n"
        "from sightglass.inputs.images import open_picture\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try:\n"
        "        open_picture(path.read_bytes())\n"
        "    except PictureError as error:\n"
        "        print(error.status)\n"
    )
    command = [sys.executable, "-W", flag, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unsupported\n", "")


def test_only_the_thread_that_decodes_is_quiet() -> None:
    inside, done = threading.Event(), threading.Event()

    def decode() -> None:
        with quiet_decoding():
            warnings.warn("hidden", UserWarning, stacklevel=1)
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=decode)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(UserWarning, match="seen"):
        warnings.warn("seen", UserWarning, stacklevel=1)
    done.set()
    thread.join()
    with quiet_decoding():
        warnings.warn("hidden", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning, match="seen again"):
        warnings.warn("seen again", UserWarning, stacklevel=1)


def test_threads_are_quiet_side_by_side() -> None:
    files = [*remarkable_files().values()] * 30
    with ThreadPoolExecutor(8) as pool, warnings.catch_warnings():
        warnings.simplefilter("error")
        sizes = list(pool.map(lambda data: open_picture(data).image.size, files))
    assert sizes == [(64, 48)] * len(files)
