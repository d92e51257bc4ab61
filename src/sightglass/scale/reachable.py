"""Whether a Ray cluster answers at an address: Ray itself tries for minutes before it says no."""

from __future__ import annotations

import os
import socket

from sightglass.errors import InputError, reason

# To connect, for each address that the name stands for; and as many to answer.
_SECONDS = 5.0
# How a client of gRPC, which Ray speaks, begins: the preface of HTTP/2 and an empty frame of
# settings, whose type is the fourth of its nine bytes. The server's first frame is of that type.
_HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_TYPE = 3


def check_reachable(address: str) -> None:
    """Say within seconds that nobody is there.

    Args:
        address: ``HOST:PORT``, or ``auto``, which Ray looks up on this machine.

    Raises:
        InputError: If it is no address, or nothing there speaks as Ray does.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise InputError(
            f"--address must be HOST:PORT of a Ray cluster's head, or auto, got '{address}'. Run "
            f"this on a machine of the cluster; `ray status` there says the address."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _SECONDS) as one:
            if os.environ.get("RAY_USE_TLS", "0") == "0":
                one.sendall(_HTTP_2)
                with one.makefile("rb") as stream:
                    reply = stream.read(_TYPE + 1)
                if reply[_TYPE:] != _HTTP_2[-6:-5]:
                    raise ConnectionError("what answers there is no Ray")
    except (OSError, OverflowError) as error:
        raise InputError(
            f"--address {address}: a Ray cluster is needed, none answers there ({reason(error)}). "
            f"Start it with `ray start --head`, or leave --address out to use this machine alone."
        ) from error
