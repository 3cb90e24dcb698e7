"""What `cut` is asked for: what to put behind the person, and which file becomes which."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cut_report import reason

if TYPE_CHECKING:
    from ..media.batch import Job
    from ..media.film import Wish


def background(text: str, max_pixels: int) -> tuple[Any, str | None]:
    """The background for `compose`, and the file that it came from."""
    from PIL import ImageColor

    from ..media import images
    from ..media.batch import is_video

    if text == "transparent":
        return None, None
    if text == "blur":
        return "blur", None
    if text.startswith("#") or text.lower() in ImageColor.colormap:
        try:
            return ImageColor.getrgb(text)[:3], None
        except ValueError:
            raise click.UsageError(f"--background {text}: a colour is written #RRGGBB.") from None
    if is_video(Path(text)) and Path(text).is_file():
        return Path(text), text
    try:
        return images.read(text, max_pixels=max_pixels).frame, text
    except FileNotFoundError:
        known = "transparent, blur, #RRGGBB, the name of a colour, a picture or a video"
        raise click.UsageError(f"--background {text}: no such picture; it takes {known}.") from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--background {text}: {reason(error, text)}") from None


def still(behind: Any, max_pixels: int) -> Any:
    """What stands behind a photo: of a video its first frame."""
    if not isinstance(behind, Path):
        return behind
    from ..media.videos import Video

    try:
        with Video(behind, deep=False) as video:
            return next(iter(video)).frame
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--background {behind}: {reason(error, str(behind))}") from None


def plan(inputs: Iterable[str], out: str | None, wish: "Wish") -> list["Job"]:
    from ..media import batch, film, images, videos

    paths = [Path(name) for name in inputs]
    target = Path(out or "cutouts")
    one = len(paths) == 1 and not paths[0].is_dir()
    as_folder = out is None or out.endswith(("/", "\\")) or target.is_dir() or not target.suffix
    if one and not as_folder:
        try:
            if batch.is_video(paths[0]):
                film.check(str(out), wish)
            else:
                images.check_ending(target.suffix, transparent=wish.transparent)
        except ValueError as error:
            raise click.UsageError(f"{out} {error}") from None
        return [batch.Job(paths[0], target)]
    if target.is_file() or (not as_folder and target.suffix.lower() in (*batch.ENDINGS, *images.WRITES)):
        raise click.UsageError(f"{out} is a file; several inputs need a folder, as in -o {target.stem}/")
    if any(path.is_dir() and path.resolve() == target.resolve() for path in paths):
        raise click.UsageError(f"-o {out} is the folder that the pictures come from; choose another")
    jobs = batch.plan(paths, target, "-mask.png" if wish.as_mask else ".png", film.ending(wish))
    if not jobs:
        endings = f"pictures end with {' '.join(images.ENDINGS)}, videos with {' '.join(videos.ENDINGS)}"
        raise click.ClickException(f"no pictures or videos in {', '.join(inputs)}; {endings}")
    if any(batch.is_video(job.source) for job in jobs):
        try:
            film.check(f"x{film.ending(wish)}", wish)
        except ValueError as error:
            raise click.UsageError(f"--codec {wish.codec}: {film.ending(wish)} {error}") from None
    return jobs
