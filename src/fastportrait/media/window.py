"""A window for live pictures, with what Python itself brings: tkinter. Our OpenCV has no windows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .camera import CameraError


class Window:
    """`show` pictures until `open` is False; `keys` has what was pressed since it was last read."""

    def __init__(self, title: str) -> None:
        """Raises CameraError where there is no screen."""
        try:
            import tkinter
        except ImportError:
            raise CameraError(
                "this Python has no tkinter, so no window; use --headless OUT or --virtual"
            ) from None
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError:
            raise CameraError(
                "there is no screen to show a window on; use --headless OUT or --virtual"
            ) from None
        self.open, self.keys = True, list[str]()
        self._title = title
        self._picture: Any = None
        self._label: Any = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._root.title(title)
        self._root.bind("<Key>", lambda event: self.keys.append(event.char or event.keysym))
        self._root.protocol("WM_DELETE_WINDOW", self.close)

    def show(self, pixels: NDArray[np.uint8], words: str) -> None:
        """(H, W, 3), with `words` in the title."""
        from PIL import Image, ImageTk

        image = Image.fromarray(pixels)
        if self._picture is None or (self._picture.width(), self._picture.height()) != image.size:
            self._picture = ImageTk.PhotoImage(image)
            self._label.configure(image=self._picture)
        else:
            self._picture.paste(image)
        self._root.title(f"{self._title}   {words}")
        self.wait()

    def wait(self) -> None:
        """Let the window answer keys and mouse."""
        if self.open:
            self._root.update()

    def close(self) -> None:
        if self.open:
            self.open = False
            self._root.destroy()
