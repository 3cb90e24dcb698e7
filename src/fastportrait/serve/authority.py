"""HTTPS in a local network: an authority kept since it was made once, and a certificate for today's address.

A phone's browser gives the camera to encrypted pages only, and no public authority vouches for 192.168.1.20.
"""

import hashlib
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .certificates import DOMAIN, NETWORKS, Address, new_authority, new_certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

RENEW_DAYS = 30
"""A certificate with fewer left is made anew."""


@dataclass(frozen=True)
class Authority:
    key: "EllipticCurvePrivateKey"
    certificate: "x509.Certificate"

    @cached_property
    def der(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        return self.certificate.public_bytes(Encoding.DER)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 in hex with colons, as phones show it."""
        return ":".join(f"{byte:02X}" for byte in hashlib.sha256(self.der).digest())

    @property
    def until(self) -> datetime:
        return self.certificate.not_valid_after_utc


def check(address: Address, names: list[str]) -> None:
    """ValueError for an address or a name that an authority of ours may not vouch for."""
    if not any(address in network for network in NETWORKS):
        raise ValueError(
            f"{address} is no address of a private network, and the app is served to no other; for the "
            "internet, put what --export writes on a static host"
        )
    strangers = [name for name in names if not name.endswith(f".{DOMAIN}")]
    if strangers:
        raise ValueError(f"{strangers[0]} is not a name under .{DOMAIN}")


def authority(folder: Path, now: datetime, host: str) -> Authority:
    """The one in `folder`, made there the first time, in one file that is never written over.

    `host` names the computer in the phone's settings. Raises ValueError where it cannot be used or made.
    """
    path = folder / "authority.pem"
    if not path.exists():
        try:
            _write(path, _pem(*new_authority(now, host)), over=False)
        except FileExistsError:
            pass  # another process was faster: theirs is the one
        except OSError as error:
            raise ValueError(f"cannot keep a certificate authority in {folder}: {error.strerror}") from None
    try:
        key, certificate = _load(path)
    except OSError as error:
        raise ValueError(f"cannot read the certificate authority in {path}: {error.strerror}") from None
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise ValueError(
            f"the certificate authority in {path} holds from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}, and today is {now:%Y-%m-%d}. If that is right, "
            "move the file away and run again: a new one is made, which phones have to be told of again"
        )
    return Authority(key, certificate)


def certificate(folder: Path, issuer: Authority, now: datetime, address: Address, names: list[str]) -> Path:
    """A PEM file with key and certificate for `address` and `names`: the one in `folder`, or a new one.

    It is made anew where it is for another address, of another authority, nearly at its end, or unreadable.
    Raises ValueError as `check` does, and where it cannot be kept.
    """
    check(address, names)
    path = folder / "server.pem"
    if not _still_good(path, issuer, now, address, names):
        try:
            _write(
                path, _pem(*new_certificate(issuer.key, issuer.certificate, now, address, names)), over=True
            )
        except OSError as error:
            raise ValueError(f"cannot keep a certificate in {folder}: {error.strerror}") from None
    return path


def _still_good(path: Path, issuer: Authority, now: datetime, address: Address, names: list[str]) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        _, found = _load(path)
        found.verify_directly_issued_by(issuer.certificate)
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    same = alternatives.get_values_for_type(x509.IPAddress) == [address]
    same = same and alternatives.get_values_for_type(x509.DNSName) == names
    enough = now + timedelta(days=RENEW_DAYS) < found.not_valid_after_utc
    return same and enough and found.not_valid_before_utc <= now


# --- files


def _pem(key: Any, certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return bytes(private + certificate.public_bytes(Encoding.PEM))


def _load(path: Path) -> tuple[Any, Any]:
    """Key and certificate of a file of ours; ValueError where others may read it or it is something else."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = path.read_bytes()
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise ValueError(f"other users may read the key in {path}; run: chmod 600 {path}")
    try:
        key, found = load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    except (ValueError, TypeError):
        raise ValueError(f"{path} is damaged; move it away and run again: it is made anew") from None
    if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != found.public_key():
        raise ValueError(f"key and certificate in {path} do not belong together; move it away and run again")
    return key, found


def _write(path: Path, data: bytes, *, over: bool) -> None:
    """A whole file that only its owner may read; FileExistsError where there is one, unless `over`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.parent / f".{secrets.token_hex(6)}.part"
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        if over:
            os.replace(part, path)
        else:
            os.link(part, path)  # unlike a rename this refuses where the name is taken
    finally:
        part.unlink(missing_ok=True)


def today() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
