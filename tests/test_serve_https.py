"""HTTPS in a local network: an authority made once that can vouch for little, and what it vouches for."""

import os
import re
import socket
import ssl
import stat
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from ipaddress import ip_address

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from cryptography import x509

from fastportrait.serve import authority, certificates, running
from fastportrait.serve.assets import Asset
from fastportrait.serve.site import site
from served import ask, served

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOPBACK, HOME = ip_address("127.0.0.1"), ip_address("192.168.1.20")
NAMES = ["desk.local"]
APP = {"index.html": Asset("index.html", b"<!doctype html>the app")}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "config" / "fastportrait"


def leaf(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_keys_are_their_owners_alone(folder):
    own = authority.authority(folder, NOW, "desk")
    path = authority.certificate(folder, own, NOW, HOME, NAMES)
    assert sorted(p.name for p in folder.iterdir()) == ["authority.pem", "server.pem"]
    if sys.platform != "win32":
        assert [stat.S_IMODE(p.stat().st_mode) for p in (folder / "authority.pem", path)] == [0o600, 0o600]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_authority_is_made_once_and_never_written_over(folder):
    own = authority.authority(folder, NOW, "desk")
    data = (folder / "authority.pem").read_bytes()
    later = authority.authority(folder, NOW + timedelta(days=900), "another name")
    assert later.fingerprint == own.fingerprint
    assert (folder / "authority.pem").read_bytes() == data


def test_of_two_that_make_it_at_once_both_have_the_same(folder, monkeypatch):
    first = authority.authority(folder, NOW, "desk")
    exists = type(folder).exists
    monkeypatch.setattr(  # the other process came after this one had looked
        type(folder), "exists", lambda self: self.name != "authority.pem" and exists(self)
    )
    second = authority.authority(folder, NOW, "desk")
    assert second.fingerprint == first.fingerprint
    assert [p.name for p in folder.iterdir()] == ["authority.pem"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_key_that_others_may_read_is_refused_with_the_cure(folder):
    authority.authority(folder, NOW, "desk")
    (folder / "authority.pem").chmod(0o644)
    with pytest.raises(ValueError, match=r"other users may read.*chmod 600"):
        authority.authority(folder, NOW, "desk")


@pytest.mark.parametrize("damage", [b"", b"not a certificate"])
def test_a_damaged_authority_is_an_error_not_a_new_one(folder, damage):
    authority.authority(folder, NOW, "desk")
    (folder / "authority.pem").write_bytes(damage)
    with pytest.raises(ValueError, match="damaged; move it away"):
        authority.authority(folder, NOW, "desk")
    assert (folder / "authority.pem").read_bytes() == damage


def test_an_authority_past_its_end_is_an_error_with_the_cure(folder):
    authority.authority(folder, NOW, "desk")
    with pytest.raises(ValueError, match="move the file away"):
        authority.authority(folder, NOW + timedelta(days=365 * 11), "desk")


def test_the_authority_can_only_vouch_for_private_networks(folder):
    found = authority.authority(folder, NOW, "desk").certificate.extensions
    constraints = found.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.excluded_subtrees is None
    permitted = constraints.value.permitted_subtrees
    assert [name.value for name in permitted if isinstance(name, x509.DNSName)] == ["local"]
    networks = [name.value for name in permitted if isinstance(name, x509.IPAddress)]
    assert len(networks) == len(permitted) - 1
    assert not any(network.is_global for network in networks)
    basic = found.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)


def test_a_certificate_is_for_the_address_and_holds_no_longer_than_browsers_take(folder):
    own = authority.authority(folder, NOW, "desk")
    found = leaf(authority.certificate(folder, own, NOW, HOME, NAMES))
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [HOME]
    assert names.get_values_for_type(x509.DNSName) == NAMES
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert found.not_valid_before_utc < NOW < found.not_valid_after_utc
    assert found.not_valid_after_utc - found.not_valid_before_utc <= timedelta(days=397)
    found.verify_directly_issued_by(own.certificate)


def test_a_certificate_does_not_outlive_its_authority(folder):
    own = authority.authority(folder, NOW, "desk")
    late = own.until - timedelta(days=60)
    assert leaf(authority.certificate(folder, own, late, HOME, NAMES)).not_valid_after_utc == own.until


def test_a_certificate_is_kept_while_it_fits_and_made_anew_when_not(folder, tmp_path):
    own = authority.authority(folder, NOW, "desk")

    def serial(now, address, names, issuer=own):
        return leaf(authority.certificate(folder, issuer, now, address, names)).serial_number

    first = serial(NOW, HOME, NAMES)
    assert serial(NOW + timedelta(days=300), HOME, NAMES) == first
    moved = serial(NOW, ip_address("192.168.1.21"), NAMES)
    renamed = serial(NOW, ip_address("192.168.1.21"), ["other.local"])
    renewed = serial(NOW + timedelta(days=380), ip_address("192.168.1.21"), ["other.local"])
    other = authority.authority(tmp_path / "other", NOW, "desk")
    of_another = serial(NOW + timedelta(days=380), ip_address("192.168.1.21"), ["other.local"], other)
    (folder / "server.pem").write_bytes(b"damaged")
    mended = serial(NOW, HOME, NAMES)
    assert len({first, moved, renamed, renewed, of_another, mended}) == 6


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "172.32.0.1"])
def test_an_address_of_the_internet_is_refused(folder, address):
    own = authority.authority(folder, NOW, "desk")
    with pytest.raises(ValueError, match="no address of a private network"):
        authority.certificate(folder, own, NOW, ip_address(address), NAMES)
    with pytest.raises(ValueError, match=r"not a name under \.local"):
        authority.certificate(folder, own, NOW, HOME, ["example.com"])
    assert not (folder / "server.pem").exists()


# --- over a real connection


def trusting(own):
    return ssl.create_default_context(cadata=own.der)


def fetch(port, context, request, name="127.0.0.1"):
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    with plain, context.wrap_socket(plain, server_hostname=name) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    now = authority.today()
    return authority.authority(tmp_path_factory.mktemp("authority"), now, "desk")


@pytest.fixture(scope="module")
def secured(own, tmp_path_factory):
    """A port where the app is served with a certificate for 127.0.0.1 and desk.local."""
    pem = authority.certificate(tmp_path_factory.mktemp("leaf"), own, authority.today(), LOOPBACK, NAMES)
    with served(site(APP, own), running.tls(pem, "https://127.0.0.1:1234/")) as port:
        yield port


@pytest.mark.parametrize("name", ["127.0.0.1", "desk.local"])
def test_who_trusts_the_authority_gets_the_app_encrypted(secured, own, name):
    answer = fetch(secured, trusting(own), get("/"), name)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"the app")


def test_who_does_not_trust_it_is_warned(secured):
    with pytest.raises(ssl.SSLCertVerificationError):
        fetch(secured, ssl.create_default_context(), get("/"))


def test_the_certificate_is_not_for_another_name(secured, own):
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        fetch(secured, trusting(own), get("/"), "other.local")


def test_tls_older_than_1_2_is_refused(own, tmp_path):
    pem = authority.certificate(tmp_path, own, authority.today(), LOOPBACK, NAMES)
    assert running.tls(pem, "https://x/").minimum_version == ssl.TLSVersion.TLSv1_2


def test_plain_http_is_shown_the_way_to_https(secured):
    connection = HTTPConnection("127.0.0.1", secured, timeout=20)
    connection.request("GET", "/somewhere")
    answer = connection.getresponse()
    assert answer.status == 307
    assert answer.headers["Location"] == "https://127.0.0.1:1234/"
    assert answer.read() == b"This page is encrypted: open https://127.0.0.1:1234/\n"
    connection.close()


def test_a_stolen_key_cannot_pose_as_a_site_of_the_internet(own, tmp_path):
    key, forged = certificates.new_certificate(
        own.key, own.certificate, authority.today(), LOOPBACK, ["bank.example.com"]
    )
    pem = tmp_path / "forged.pem"
    authority._write(pem, authority._pem(key, forged), over=False)
    refused = pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation")
    with served(site(APP), running.tls(pem, "https://x/")) as port, refused:
        fetch(port, trusting(own), get("/"), "bank.example.com")


def test_the_page_offers_the_certificate_and_says_how_to_trust_it(secured, own):
    page = fetch(secured, trusting(own), get("/ca")).decode()
    for words in (
        "Certificate Trust Settings",
        "CA certificate",
        "offline",
        "fingerprint",
        f"{own.until:%Y}",
    ):
        assert words in page
    (link,) = set(re.findall(r'href="(/ca/[^"]+)"', page))
    head, _, body = fetch(secured, trusting(own), get(link)).partition(b"\r\n\r\n")
    assert b"content-type: application/x-x509-ca-cert" in head
    assert x509.load_der_x509_certificate(body) == own.certificate
    assert b"PRIVATE KEY" not in body


def test_without_lan_there_is_no_certificate_and_the_page_says_why():
    with served(site(APP)) as port:
        assert b"served to this computer only" in ask(port, get("/ca"))
        assert ask(port, get("/ca/fastportrait-authority.crt")).startswith(b"HTTP/1.1 404")


def test_nothing_of_the_keys_is_left_behind(folder):
    own = authority.authority(folder, NOW, "desk")
    authority.certificate(folder, own, NOW, HOME, NAMES)
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]
