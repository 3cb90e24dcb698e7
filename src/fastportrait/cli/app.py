"""`fastportrait app`: the phone app, served to this computer or to phones in its network, or exported."""

import sys
from importlib.util import find_spec
from pathlib import Path

import click

PORT = 8765
NEEDS = ("starlette", "uvicorn")
NEEDS_LAN = ("cryptography", "qrcode")


@click.command()
@click.option("--lan", is_flag=True, help="Serve phones in the local network too, over HTTPS.")
@click.option("--address", metavar="IP", help="With --lan: this computer's address. [found by itself]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any free one."
)
@click.option(
    "--export",
    "out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the app for a static host into DIR, and serve nothing.",
)
def command(lan: bool, address: str | None, port: int, out: Path | None) -> None:
    """Serve the phone app: the camera cut out live, in the browser.

    \b
    fastportrait app                    on this computer, to no other
    fastportrait app --lan              to phones in the same network; scan the code that appears
    fastportrait app --export DIR       as files for any static host

    With --lan the app is encrypted, since browsers give the camera to encrypted pages only. The first time
    a phone warns; the page /ca says how to make it trust this computer. Ctrl-C ends it.
    """
    if address and not lan:
        raise click.UsageError("--address belongs to --lan.")
    if out and lan:
        raise click.UsageError("--export serves nothing; leave --lan away.")
    from ..serve import frontend

    try:
        if out:
            from ..serve.hosting import export

            names = export(frontend.ready(_say), out)
            click.echo(
                f"{out}: {len(names)} files, with their headers in _headers; docs/serving.md on hosts."
            )
            return
        require(*NEEDS, *(NEEDS_LAN if lan else ()))
        static = frontend.ready(_say)
        serve_lan(static, address, port) if lan else serve_here(static, port)
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def require(*packages: str) -> None:
    """ValueError with the line to type where one of the extra `app` is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ValueError(f"this needs {', '.join(missing)}; run: python -m pip install 'fastportrait[app]'")


def serve_here(static: Path, port: int) -> None:
    from ..serve import assets, local, running, site

    app = site.site(assets.read(static))
    door = local.listen("127.0.0.1", port)
    # "localhost", not 127.0.0.1: the name is what browsers treat as safe for cameras everywhere
    click.echo(f"The app is at {local.url('http', 'localhost', door.getsockname()[1])} (Ctrl-C ends it)")
    running.run(app, door)


def serve_lan(static: Path, address: str | None, port: int) -> None:
    from ipaddress import ip_address

    from ..serve import assets, authority, local, qr, running, site

    at = ip_address(address) if address else local.lan_address()
    names = local.local_names()
    authority.check(at, names)
    folder, now = Path(click.get_app_dir("fastportrait")), authority.today()
    own = authority.authority(folder, now, local.host_name())
    pem = authority.certificate(folder, own, now, at, names)
    app = site.site(assets.read(static), own)
    door = local.listen(str(at), port)
    port = door.getsockname()[1]
    url = local.url("https", str(at), port)
    if sys.stdout.isatty() and qr.can_show(sys.stdout.encoding):
        click.echo(f"\n{qr.qr(url)}\n")
    click.echo(f"The app is at {url} for phones in this network (Ctrl-C ends it)")
    for name in names:
        click.echo(f"  or, where the network knows names, {local.url('https', name, port)}")
    click.echo(
        "The phone warns the first time. Go on past the warning and the camera works; for offline use too,\n"
        f"open {url}ca on the phone. The certificate there has this SHA-256 fingerprint:\n  {own.fingerprint}"
    )
    running.run(app, door, context=running.tls(pem, url))


def _say(line: str) -> None:
    click.echo(line, err=True)
