"""`fastportrait camera`: live, in a window, a file or a virtual camera."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..media.live import Newest, Stage

KEYS = "b background  m mirror  r record  q quit"


@click.command()
@click.option(
    "--device", default="0", show_default=True, metavar="N|FILE|URL",
    help="A camera's number, a video file played at its own rate, or a stream in the local network.",
)  # fmt: skip
@click.option(
    "--background", default="blur", show_default=True, metavar="blur|#RRGGBB|PICTURE|VIDEO",
    help="What to put behind the person.",
)  # fmt: skip
@click.option("--mirror/--no-mirror", default=False, help="Left and right exchanged, as in a mirror.")
@click.option("--steady/--no-steady", default=True, help="Masks that hold still. [--steady]")
@click.option("--virtual", is_flag=True, help="Also be a camera that meetings can choose.")
@click.option("--headless", metavar="OUT", help="No window; into a video file.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after so long. [never]")
@click.option("--model", metavar="NAME|FILE", help="A shipped model or a model file. [small]")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the network.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers at the end as JSON.")
def command(
    device: str,
    background: str,
    mirror: bool,
    steady: bool,
    virtual: bool,
    headless: str | None,
    seconds: float | None,
    model: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Live from a camera: in a window, into a file, or as a virtual camera for meetings.

    \b
    fastportrait camera                                  the first camera, blurred background, in a window
    fastportrait camera --background beach.jpg --mirror  on a picture, mirrored
    fastportrait camera --device clip.mp4                a file in the camera's place
    fastportrait camera --headless out.mp4 --seconds 10  ten seconds into a file, without a screen
    fastportrait camera --virtual                        for meetings; needs pyvirtualcam

    In the window: b the next background, m mirror, r record and stop, q or Escape quit. The title shows
    frames a second and how late pictures are: half of them by the first number at most, all but one in
    twenty by the second.
    """
    import cv2

    from ..media import camera, live
    from ..segmenter import Segmenter
    from .cut_plan import background as behind_of
    from .cut_video import threads as half_of_them

    behind, _ = behind_of(background, 120_000_000)
    if behind is None:
        raise click.UsageError(
            "--background transparent cannot be shown; choose a colour, as for a chroma key"
        )
    cv2.setNumThreads(1)
    newest: Newest | None = None
    try:
        segmenter = Segmenter(model, threads=threads or half_of_them())
        outputs = _Outputs(headless, virtual)
        newest = live.Newest(camera.open_source(device, lambda words: click.echo(words, err=True)))
        stage = live.Stage(segmenter, behind, mirror=mirror, steady=steady)
        _run(newest, stage, outputs, seconds)
    except (OSError, ValueError) as error:
        raise click.ClickException(
            f"{device}: {error}" if isinstance(error, OSError) else str(error)
        ) from None
    finally:
        if newest is not None:
            newest.close()
    numbers = stage.numbers()
    result = {**asdict(numbers), "dropped": newest.dropped, "recorded": outputs.recorded}
    if as_json:
        click.echo(json.dumps(result, indent=2))
    for path in outputs.recorded:
        click.echo(f"{path} is written.", err=True)
    click.echo(f"{numbers.frames} frames, {_words(numbers)}, {newest.dropped} dropped to keep up.", err=True)


def _words(numbers: Any) -> str:
    late = f"{numbers.latency_ms_p50:.0f} ms late, 1 in 20 more than {numbers.latency_ms_p95:.0f}"
    return f"{numbers.frames_per_second:.1f} frames/s, {late}"


def _run(newest: "Newest", stage: "Stage", outputs: "_Outputs", seconds: float | None) -> None:
    """Until the end of the file, of the time, of the window, or Ctrl-C."""
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while outputs.open and (end is None or time.monotonic() < end):
            try:
                found = newest.read(timeout=0.1)
            except StopIteration:
                break
            if found is None:
                outputs.wait()
                continue
            outputs.show(found, stage(found), stage)
    except KeyboardInterrupt:
        pass
    finally:
        outputs.close()


class _Outputs:
    """Where pictures go: the window with its keys, or a file; a recording; a virtual camera."""

    def __init__(self, headless: str | None, virtual: bool) -> None:
        from ..media.camera import CameraError
        from ..media.window import Window

        if headless:
            from ..media import encoders

            encoders.check(Path(headless).suffix.lower(), transparent=False, codec=None)
        self.recorded: list[str] = []
        self._headless = headless
        self._pyvirtualcam: Any = _pyvirtualcam() if virtual else None
        self._window = None
        if not headless:
            try:
                self._window = Window("fastportrait")
            except CameraError:
                if not virtual:
                    raise
        self._camera: Any = None
        self._recorder: Any = None

    @property
    def open(self) -> bool:
        return self._window is None or self._window.open

    def wait(self) -> None:
        if self._window is not None:
            self._window.wait()

    def show(self, found: Any, pixels: Any, stage: "Stage") -> None:
        from ..media.live import Recorder

        if self._headless and self._recorder is None:
            self._recorder = Recorder(Path(self._headless), found, pixels.shape[:2])
            self.recorded.append(self._headless)
        if self._recorder is not None:
            self._recorder.write(found, pixels)
        if self._pyvirtualcam is not None:
            self._send(pixels)
        if self._window is not None:
            recording = "  recording" if self._recorder is not None else ""
            self._window.show(pixels, f"{_words(stage.numbers())}{recording}   {KEYS}")
            for key in self._window.keys:
                self._press(key, found, pixels, stage)
            self._window.keys.clear()

    def _press(self, key: str, found: Any, pixels: Any, stage: "Stage") -> None:
        from ..media.live import Recorder

        if key == "b":
            stage.next_background()
        elif key == "m":
            stage.mirror = not stage.mirror
        elif key in ("q", "\x1b", "Escape") and self._window is not None:
            self._window.close()
        elif key == "r" and self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        elif key == "r":
            path = Path(time.strftime("camera-%Y%m%d-%H%M%S.mp4"))
            self._recorder = Recorder(path, found, pixels.shape[:2])
            self.recorded.append(str(path))

    def _send(self, pixels: Any) -> None:
        height, width = pixels.shape[:2]
        if self._camera is None or (self._camera.height, self._camera.width) != (height, width):
            if self._camera is not None:
                self._camera.close()
            try:
                self._camera = self._pyvirtualcam.Camera(width=width, height=height, fps=30)
            except RuntimeError as error:
                raise click.ClickException(f"no virtual camera: {error}") from None
            click.echo(f"In the meeting choose the camera {self._camera.device!r}.", err=True)
        self._camera.send(pixels)

    def close(self) -> None:
        for output in (self._recorder, self._camera, self._window):
            if output is not None:
                output.close()
        self._recorder = self._camera = None


def _pyvirtualcam() -> Any:
    """The package, where the user has installed it: it is under the GPL, so it is never installed with us."""
    from importlib import import_module

    try:
        return import_module("pyvirtualcam")
    except ImportError:
        raise click.ClickException(
            "--virtual needs pyvirtualcam, which is under the GPL and so does not come with fastportrait; "
            "run: pip install pyvirtualcam (on Linux also v4l2loopback, on macOS and Windows OBS)"
        ) from None
