"""`fastportrait cut`: files, folders or a pipe in, cut-outs out.

cut_plan.py says what becomes what, cut_photos.py and cut_video.py do it, cut_report.py tells of it.
"""

from pathlib import Path

import click

from . import cut_photos, cut_plan, cut_report, cut_video

CODECS = ("h264", "h265", "vp9", "prores")


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o", "--out", metavar="OUT", help="A folder; for one picture a file, or - for stdout. [cutouts/]"
)
@click.option(
    "--background",
    default="transparent",
    metavar="transparent|#RRGGBB|blur|PICTURE|VIDEO",
    help="What to put behind the person.",
)
@click.option("--mask", "as_mask", is_flag=True, help="Write the mask, 8 bits, white for the person.")
@click.option("--model", metavar="NAME|FILE", help="A shipped model or a model file. [small]")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads of each step; 1 also takes pictures one by one.",
)
@click.option(
    "--subject",
    type=click.Choice(["all", "main"]),
    default="all",
    show_default=True,
    help="Everyone, or of several people the main one.",
)
@click.option("--max-megapixels", type=click.FloatRange(min=0, min_open=True), default=120, show_default=True)
@click.option("--steady/--no-steady", default=True, help="Masks of a video that hold still. [--steady]")
@click.option("--codec", type=click.Choice(CODECS), help="Of a video. [by its ending]")
@click.option("--overwrite", is_flag=True, help="Do again what is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each picture as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    out: str | None,
    background: str,
    as_mask: bool,
    model: str | None,
    threads: int | None,
    subject: str,
    max_megapixels: float,
    steady: bool,
    codec: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Cut people out of photos and videos: files, folders with all that is in them, or - for a pipe.

    \b
    fastportrait cut me.jpg                          cutouts/me.png
    fastportrait cut me.jpg -o me.webp               the ending decides the format
    fastportrait cut photos/ -o cut/                 the folder's tree, mirrored
    fastportrait cut - < me.jpg > me.png             a pipe
    fastportrait cut me.jpg --background "#3b6ea5"   on a colour, a picture or a blur
    fastportrait cut clip.mp4                        cutouts/clip.webm, with its sound
    fastportrait cut clip.mp4 -o clip.mov            mp4 webm mov mkv gif webp, or clip-%06d.png

    PNG, WebP, TIFF, WebM, MOV and GIF hold transparency; what is transparent already stays so. Nothing is
    ever written over an input, and what is finished is skipped when run again.
    """
    if as_mask and background != "transparent":
        raise click.UsageError("--mask has no background; leave one of the two away.")
    max_pixels = round(max_megapixels * 1e6)
    behind, behind_file = cut_plan.background(background, max_pixels)
    piped = "-" in inputs or out == "-"
    from ..media.film import Wish

    wish = Wish(behind, as_mask, steady, codec)
    jobs = [] if piped else cut_plan.plan(inputs, out, wish)
    if piped and (len(inputs) > 1 or as_json):
        raise click.UsageError("a pipe takes one picture and gives one, without --json.")
    import cv2

    from ..media.batch import identities, is_video
    from ..segmenter import Segmenter

    if threads:
        cv2.setNumThreads(threads)
    films = [job for job in jobs if is_video(job.source)]
    photos = [job for job in jobs if not is_video(job.source)]
    try:
        segmenter = Segmenter(
            model,
            threads=threads or (cut_video.threads() if films and not photos else None),
            subject=subject,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    still = cut_plan.still(behind, max_pixels) if photos or piped else None
    work = cut_photos.Work(segmenter, still, as_mask, max_pixels)
    if piped:
        cut_photos.pipe(work, inputs[0], out, overwrite)
        return
    kept = [Path(name) for name in (behind_file, model) if name]
    known = identities([*(job.source for job in jobs), *kept])
    reports = cut_photos.batch(work, photos, known, overwrite, threads) if photos else []
    if films:
        if photos and not threads:
            segmenter = Segmenter(model, threads=cut_video.threads(), subject=subject)
        cv2.setNumThreads(threads or 1)
        reports += cut_video.batch(segmenter, films, wish, known, overwrite)
    if status := cut_report.close(reports, as_json):
        ctx.exit(status)
