"""This computer in its local network: its address, its name, and a port to listen at."""

import errno
import re
import socket
import sys
from ipaddress import ip_address

from .certificates import DOMAIN, Address


def lan_address() -> Address:
    """The address under which the local network knows this computer; ValueError where it has none.

    It is that of the way out: connecting a datagram socket sends nothing, but chooses the sender's address.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        try:
            out.connect(("192.0.2.1", 9))  # an address for documentation: nobody is there
            found = ip_address(out.getsockname()[0])
        except OSError:
            found = ip_address("127.0.0.1")
    if found.is_loopback:
        raise ValueError("this computer is in no network; connect it, or name its address with --address")
    return found


def host_name() -> str:
    return socket.gethostname().split(".")[0] or "this computer"


def local_names() -> list[str]:
    """The name under which many networks find this computer (multicast DNS), if it can be one."""
    name = host_name().lower()
    return [f"{name}.{DOMAIN}"] if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) else []


def listen(address: str, port: int) -> socket.socket:
    """A socket that listens there, at a free port for 0; ValueError with the cure where it cannot."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs have the same port
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((address, port))
        door.listen(128)
    except OSError as error:
        door.close()
        reasons = {
            errno.EADDRINUSE: f"port {port} is in use, perhaps by this program in another window; stop that, "
            f"or take another: --port {port + 1}",
            errno.EACCES: f"port {port} is not open to you; take one above 1023, as --port 8765",
            errno.EADDRNOTAVAIL: f"{address} is no address of this computer",
        }
        raise ValueError(
            reasons.get(error.errno or 0, f"cannot listen at {address}: {error.strerror}")
        ) from None
    return door


def url(scheme: str, address: str, port: int) -> str:
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{port}/"
