"""`fastportrait serve`: masks and cut-outs over HTTP."""

import click

from .app import require

PORT = 8766


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any free one."
)
@click.option("--model", metavar="NAME|FILE", help="A shipped model or a model file. [small]")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the network.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Pictures at once.")
@click.option(
    "--queue", type=click.IntRange(min=0), default=8, show_default=True, help="Requests that may wait."
)
@click.option("--max-megabytes", type=click.FloatRange(min=0, min_open=True), default=32, show_default=True)
@click.option("--max-megapixels", type=click.FloatRange(min=0, min_open=True), default=25, show_default=True)
def command(
    host: str,
    port: int,
    model: str | None,
    threads: int | None,
    workers: int,
    queue: int,
    max_megabytes: float,
    max_megapixels: float,
) -> None:
    """Cut pictures out over HTTP, for programs on this computer.

    \b
    fastportrait serve
    curl --data-binary @me.jpg localhost:8766/cut -o me.png
    curl -F picture=@me.jpg "localhost:8766/cut?background=2a6f97" -o me.png
    curl --data-binary @me.jpg localhost:8766/mask -o mask.png

    With another --host anybody who reaches it may use it: put a server that asks for a password before it.
    Ctrl-C ends it.
    """
    try:
        require("starlette", "uvicorn")
        from ..segmenter import Segmenter
        from ..serve import api, local, running

        limits = api.Limits(
            bytes=round(max_megabytes * (1 << 20)),
            pixels=round(max_megapixels * 1e6),
            workers=workers,
            queue=queue,
        )
        segmenter = Segmenter(model, threads=threads)
        alone = f"[{host}]" in api.LOOPBACK or host in api.LOOPBACK
        app = api.api(segmenter, limits, api.LOOPBACK if alone else None)
        door = local.listen(host, port)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    where = local.url("http", host, door.getsockname()[1])
    click.echo(f"POST a picture to {where}cut or {where}mask (Ctrl-C ends it)")
    if not alone:
        click.echo("Anybody who reaches this address may use it: nothing asks for a password.", err=True)
    # beyond those that work or wait, a few that are told so
    running.run(app, door, at_once=workers + queue + 32)
