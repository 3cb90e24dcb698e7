"""The build hook: the phone app is built where Node.js is there, and goes into the wheel and the sdist.

FASTPORTRAIT_BUILD_APP=1 makes a wheel without the app an error, =0 leaves the app out. An editable install
never builds it: `fastportrait app` does in a checkout, when first used. An sdist carries the built app, so a
wheel made of it needs no Node.js.
"""

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE = "FASTPORTRAIT_BUILD_APP"


class AppHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        wish = os.environ.get(VARIABLE, "")
        if wish not in ("", "0", "1"):
            raise ValueError(f"{VARIABLE} is {wish!r}; it must be 0, 1 or absent")
        if version == "editable" or wish == "0":
            return
        package = Path(self.root) / "src" / "fastportrait"
        frontend = load(package / "serve" / "frontend.py")
        app = frontend.sources(package)
        if app and frontend.is_stale(app):
            if frontend.npm() or wish == "1":
                frontend.build(app, self.app.display_info)
            elif frontend.is_built():
                self.app.display_warning(
                    "The phone app's sources are newer than its build; npm is not there."
                )
        if frontend.is_built():
            build_data["artifacts"].append("/src/fastportrait/serve/static/**")
        elif wish == "1":
            raise ValueError(f"{VARIABLE}=1, but there is no app to build in this folder")
        else:
            self.app.display_warning(f"This package will lack the phone app: {frontend.NODE}.")


def load(path: Path) -> ModuleType:
    """A module by its file: the package itself is not installed where it is being built."""
    spec = importlib.util.spec_from_file_location("frontend", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
