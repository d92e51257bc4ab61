from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sightglass.errors import InputError
from sightglass.inputs.line_files import read_line_file


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"cat\ndog\n")  # 8 bytes
    assert read_line_file(path, where="Names", max_bytes=8) == ("cat", "dog")
    with pytest.raises(InputError, match=r"^Names: .* at most 7 bytes .*names\.txt' has more"):
        read_line_file(path, where="Names", max_bytes=7)


def test_a_device_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="at most 3,000,000 bytes") as caught:
        read_line_file(path, where="Names", max_bytes=3_000_000)
    assert "\n" not in str(caught.value)


def test_names_may_come_through_a_pipe_as_a_shell_makes_one() -> None:
    reading, writing = os.pipe()
    names = [f"class {number}" for number in range(20_000)]  # more than a pipe holds

    def write() -> None:
        with os.fdopen(writing, "w") as stream:
            stream.write("\n".join(names))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert read_line_file(Path(f"/dev/fd/{reading}"), where="Names") == tuple(names)
    finally:
        writer.join()
        os.close(reading)
