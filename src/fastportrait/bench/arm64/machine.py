"""The emulated machine: QEMU, Debian's Python for ARM64 and the runtimes' wheels, unpacked into one folder.

Nothing is installed and no root is needed: `apt-get download` with a state of its own, `dpkg -x`, `pip
download`. Each step leaves its mark and is not done again; what was cut off goes on from the last mark.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..cache import cache_folder

Say = Callable[[str], None]
CPU = "cortex-a76"
PYTHON = "python3.11"
EMULATOR = ("qemu-user", "libcapstone4", "liburing2", "libnuma1")
"""Of this machine's own architecture: QEMU 7.2, whose plugins are what icount.c is written for."""
GUEST = (
    f"{PYTHON}-minimal", f"lib{PYTHON}-minimal", f"lib{PYTHON}-stdlib", "libc6", "libgcc-s1", "libstdc++6",
    "libgomp1", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5",
)  # fmt: skip
WHEELS = ("numpy==2.4.6", "onnxruntime==1.31.1", "ai-edge-litert==2.3.0", "ncnn==1.0.20261020")
PLATFORMS = (
    "manylinux_2_28_aarch64",
    "manylinux_2_27_aarch64",
    "manylinux_2_17_aarch64",
    "manylinux2014_aarch64",
)
FEATURES = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs"
)
CPUINFO = f"""processor\t: 0
BogoMIPS\t: 48.00
Features\t: {FEATURES}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1

"""
"""A Cortex-A76, as `-cpu` says: the runtimes choose their kernels by it, and crash where it is missing."""


@dataclass(frozen=True)
class Machine:
    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def host(self) -> Path:
        return self.folder / "host"

    @property
    def plugin(self) -> Path:
        return self.folder / "libicount.so"

    def run(self, words: list[str], *, count: bool = False) -> subprocess.CompletedProcess[str]:
        """Python in the emulated machine, with `words` behind it."""
        libraries = [str(path.parent) for path in sorted(self.host.rglob("libcapstone.so.*"))][:1]
        plugin = ["-plugin", str(self.plugin)] if count else []
        variables = {
            "PYTHONHOME": "/usr",
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        given = [f"{name}={value}" for name, value in variables.items()]
        python = self.root / "usr" / "bin" / PYTHON
        return subprocess.run(
            [
                str(self.host / "usr" / "bin" / "qemu-aarch64"), "-cpu", CPU, *plugin, "-L", str(self.root),
                *(word for pair in given for word in ("-E", pair)), str(python), *words,
            ],
            env={"PATH": os.environ.get("PATH", ""), "LD_LIBRARY_PATH": os.pathsep.join(libraries)},
            capture_output=True,
            text=True,
        )  # fmt: skip


def folder(given: Path | None = None) -> Path:
    return given or cache_folder("arm64", "FASTPORTRAIT_ARM64")


def machine(inside: Path, say: Say = lambda line: None) -> Machine:
    """The machine in the folder `inside`, set up as far as it is not yet. Raises `ValueError`."""
    if not sys.platform.startswith("linux"):
        raise ValueError("the emulated machine is QEMU's user emulation, which runs on Linux alone")
    need("apt-get", "dpkg", "gcc")
    made = Machine(inside)
    inside.mkdir(parents=True, exist_ok=True)
    _step(inside / "host.done", " ".join(EMULATOR), lambda: _unpack(EMULATOR, None, made.host, say))
    _step(inside / "root.done", " ".join(GUEST), lambda: _unpack(GUEST, "arm64", made.root, say))
    _step(inside / "site.done", " ".join(WHEELS), lambda: _wheels(made.site, say))
    source = Path(__file__).with_name("icount.c")
    _step(inside / "plugin.done", source.read_text(), lambda: _compile(source, made.plugin, say))
    _pretend(made.root)
    checked = made.run(["-c", "import numpy; print(numpy.__version__)"], count=True)
    if checked.returncode or "icount" not in checked.stderr:
        raise ValueError(
            f"the emulated machine does not start ({last(checked.stderr)}); remove {inside}, run this again"
        )
    return made


def need(*programs: str) -> None:
    """Raises `ValueError` where a program is missing."""
    packages = {"gcc": "gcc libc6-dev", "apt-get": "", "dpkg": ""}
    for program in programs:
        if shutil.which(program) is None:
            cure = (
                f"run: apt-get install {packages[program]}"
                if packages[program]
                else "this set-up takes Debian's packages: run it on Debian 12, for instance in its container"
            )
            raise ValueError(f"--arm64 needs {program}; {cure}")


def last(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "without a word"


def _step(mark: Path, what: str, work: Callable[[], None]) -> None:
    """Does `work` unless `mark` says that just this was done; the mark is made last."""
    if mark.is_file() and mark.read_text(encoding="utf-8") == what:
        return
    mark.unlink(missing_ok=True)
    work()
    part = mark.with_suffix(".part")
    part.write_text(what, encoding="utf-8")
    os.replace(part, mark)


def _unpack(packages: tuple[str, ...], architecture: str | None, target: Path, say: Say) -> None:
    """Debian's `packages` into `target`; with an architecture of its own, lists and state of their own."""
    state = target.with_name(f"{target.name}.apt")
    debs = target.with_name(f"{target.name}.debs")
    for path in (state / "lists" / "partial", state / "cache" / "archives" / "partial", debs):
        path.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    wanted = architecture or _call(["dpkg", "--print-architecture"], target.parent).strip()
    options = [
        f"APT::Architecture={wanted}",
        f"APT::Architectures={wanted}",
        f"Dir::State={state}",
        f"Dir::State::lists={state / 'lists'}",
        f"Dir::State::status={state / 'status'}",
        f"Dir::Cache={state / 'cache'}",
        "APT::Sandbox::User=",
        "Acquire::Languages=none",
    ]
    apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
    say(f"reading Debian's lists of packages for {wanted}")
    _call([*apt, "update"], debs)
    absent = [name for name in packages if not list(debs.glob(f"{name}_*.deb"))]
    if absent:
        say(f"fetching {len(absent)} Debian packages for {wanted}")
        _call([*apt, "download", *absent], debs)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in packages:
        for deb in debs.glob(f"{name}_*.deb"):
            _call(["dpkg", "-x", str(deb), str(target)], debs)


def _wheels(target: Path, say: Say) -> None:
    wheels = target.with_name("wheels")
    wheels.mkdir(exist_ok=True)
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip += ["--only-binary=:all:", "--python-version", PYTHON.removeprefix("python"), *platforms]
    say(f"fetching wheels for ARM64: {', '.join(WHEELS)}")
    _call([*pip, "--dest", str(wheels), *WHEELS], wheels)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for wanted in WHEELS:
        name, _, version = wanted.partition("==")
        for wheel in wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(target)


def _compile(source: Path, plugin: Path, say: Say) -> None:
    say("compiling the plugin that counts")
    _call(["gcc", "-O2", "-Wall", "-fPIC", "-shared", "-fvisibility=hidden", "-o", str(plugin), str(source)],
          plugin.parent)  # fmt: skip


def _pretend(root: Path) -> None:
    """What a program reads about its processor, where QEMU would show it this machine's."""
    texts = {"proc/cpuinfo": CPUINFO}
    texts |= {f"sys/devices/system/cpu/{name}": "0\n" for name in ("possible", "present", "online")}
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def _call(words: list[str], where: Path) -> str:
    """Runs a program; raises `ValueError` with its last line where it fails."""
    done = subprocess.run(words, cwd=where, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    if done.returncode:
        short = " ".join(
            [words[0], *(word for word in words[1:] if not word.startswith(("-", "/", "APT", "Dir")))]
        )
        raise ValueError(
            f"{short[:120]}: {last(done.stderr or done.stdout)}; run this again to go on from there"
        )
    return done.stdout
