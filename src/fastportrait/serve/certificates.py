"""Two kinds of certificate: an authority for private networks alone, and a server's that it vouches for.

The authority may vouch for private addresses and names under .local only (name constraints, RFC 5280 section
4.2.1.10): should its key be stolen, nobody can pose with it as a site of the internet to the phones that
trust it.
"""

from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Address = IPv4Address | IPv6Address

NETWORKS = tuple(
    ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),  # private
        *("169.254.0.0/16", "fe80::/10"),  # of one link
        "100.64.0.0/10",  # shared: some providers' and meshed private networks
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),  # for documentation; some sandboxes use them
        *("127.0.0.0/8", "::1/128"),  # this computer
    )
)
"""What an authority may vouch for, with names under `DOMAIN`."""
DOMAIN = "local"

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
"""Browsers refuse a server's certificate that holds for more than 398."""


def new_authority(now: datetime, host: str) -> tuple["EllipticCurvePrivateKey", "x509.Certificate"]:
    """A key, and its own certificate as an authority, which says that it is of the computer `host`."""
    from cryptography import x509

    permitted: list[x509.GeneralName] = [x509.DNSName(DOMAIN), *map(x509.IPAddress, NETWORKS)]
    name = _name(f"fastportrait on {host}")
    key, builder = _start(name, name, now, now + timedelta(days=AUTHORITY_DAYS))
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return key, _sign(builder, key)


def new_certificate(
    authoritys_key: "EllipticCurvePrivateKey",
    authority: "x509.Certificate",
    now: datetime,
    address: Address,
    names: list[str],
) -> tuple["EllipticCurvePrivateKey", "x509.Certificate"]:
    """A key, and a certificate for a server at `address` and under `names`."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    alternatives: list[x509.GeneralName] = [x509.IPAddress(address), *map(x509.DNSName, names)]
    theirs = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    until = min(_behind(now) + timedelta(days=LEAF_DAYS), authority.not_valid_after_utc)
    key, builder = _start(_name("fastportrait app"), authority.subject, now, until)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(theirs), critical=False)
    )
    return key, _sign(builder, authoritys_key)


def _behind(now: datetime) -> datetime:
    """From when on a certificate holds: a phone's clock may be behind."""
    return now - timedelta(days=1)


def _start(
    subject: "x509.Name", issuer: "x509.Name", now: datetime, until: datetime
) -> tuple["EllipticCurvePrivateKey", "x509.CertificateBuilder"]:
    """A new key on P-256, which every phone knows, and its certificate begun."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_behind(now))
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder


def _sign(builder: "x509.CertificateBuilder", key: "EllipticCurvePrivateKey") -> "x509.Certificate":
    from cryptography.hazmat.primitives.hashes import SHA256

    return builder.sign(key, SHA256())


def _name(common: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _usage(*, signs_certificates: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
