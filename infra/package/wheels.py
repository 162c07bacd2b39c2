"""The locked dependencies, as they are built for a runtime of FunctionGraph."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from infra.errors import PackageError

#: Dependencies are to be built on Huawei Cloud EulerOS 2.0 (functiongraph_02_0616), which keeps to openEuler 22.03 LTS
#: and its glibc 2.34: wheels for 2.28 and older run there.
PLATFORM = "x86_64-manylinux_2_28"
#: Published as sources only. They are built by this machine's Python, and nothing compiled is taken of them: crcmod
#: goes on with its own Python, esdk has nothing else.
_SOURCES = frozenset({"crcmod", "esdk-obs-python"})
#: Builds them, by exact versions: the metadata they write is part of the zip.
_BUILD = Path(__file__).resolve().parents[2] / "requirements" / "build.txt"
#: What the vendor's SDKs ask for and never import, and what no function needs. Paths below the zip's top.
_UNUSED = (
    # huaweicloudsdkcore asks for pymongo because of its bson; pymongo asks for dnspython.
    "pymongo",
    "gridfs",
    "dns",
    "dnspython-*.dist-info",
    # Operations are called by the signer of huaweicloudsdkcore: a cold instance starts in half the time without the
    # thousand classes of the OCR SDK. Tests hold each request against those classes.
    "huaweicloudsdkocr",
    "huaweicloudsdkocr-*.dist-info",
    # Commands, and tests of others.
    "bin",
    "pypdfium2_cli",
    # The SDK of OBS encrypts with AES and RSA, if asked to; nothing imports the curves and lattices.
    "Crypto/PublicKey/_ec_*",
    "Crypto/PublicKey/_curve25519.*",
    "Crypto/PublicKey/_curve448.*",
    "Crypto/PublicKey/_ed25519.*",
    "Crypto/PublicKey/_ed448.*",
    "Crypto/PublicKey/_mldsa*",
    "Crypto/PublicKey/_mlkem*",
    "Crypto/SelfTest",
    # The vendor's SDK reads its list of regions with it, if there is one; YAML goes on with its own Python.
    "yaml/_yaml.*",
    # Pillow draws no text here and shows no windows.
    "PIL/_imagingft.*",
    "PIL/_imagingtk.*",
    "pillow.libs/libbrotli*",
    "pillow.libs/libfreetype-*",
    "pillow.libs/libharfbuzz-*",
    "pillow.libs/libpng16-*",
    "simplejson/tests",
    "certifi/tests",
)
#: Of a library of which few modules are imported, all that stays; paths below its own folder. It is not altered
#: otherwise, and whoever gets the zip can put the whole library in its place.
ONLY = {
    # 1.6 MB of a zip for 30 kB: formats of numbers of a hundred countries, and lists of makers of network cards.
    "stdnum": (
        *("__init__.py", "exceptions.py", "luhn.py", "numdb.py", "util.py", "cl/__init__.py", "cl/rut.py"),
        *("cn/__init__.py", "cn/loc.dat", "cn/ric.py", "cn/uscc.py", "pe/__init__.py", "pe/cui.py", "pe/ruc.py"),
        *("th/__init__.py", "th/moa.py", "th/pin.py"),
    ),
}
#: Files that no running function reads: sources of what is compiled, types, build records.
_LEFT_OUT = ("*.pyi", "py.typed", "*.c", "*.h", "*.pyx", "*.pxd", "__pycache__", ".lock")
#: What stays of a distribution's metadata: who made it, and its license.
_METADATA = ("METADATA", "licenses", "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "AUTHORS*")


def install(locks: Iterable[Path], version: str, target: Path) -> None:
    """Install what the locks name into a folder, hashes checked, without what no function needs.

    Args:
        locks: Requirement files of uv: exact versions with hashes.
        version: The runtime's Python, ``3.12``.
        target: Made if it is not there.

    Raises:
        PackageError: uv could not install them.
    """
    for lock in locks:
        wheels, sources = _split(lock.read_text("utf-8"))
        _uv(wheels, target, "--python-platform", PLATFORM, "--python-version", version, "--only-binary", ":all:")
        if sources:
            with tempfile.TemporaryDirectory() as folder:
                _uv(sources, Path(folder), "--build-constraints", str(_BUILD))
                _only_python(Path(folder), target)
    _prune(target)


def _split(lock: str) -> tuple[str, str]:
    """Return the entries that have wheels, and those that have none."""
    parts: dict[bool, list[str]] = {False: [], True: []}
    source = False
    for line in lock.splitlines(keepends=True):
        if line[:1].isalnum():
            source = line.partition("==")[0].strip() in _SOURCES
        parts[source].append(line)
    return "".join(parts[False]), "".join(parts[True])


def _uv(requirements: str, target: Path, *options: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text(requirements, "utf-8")
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps"),
                *("--require-hashes", "--link-mode", "copy", "--python", sys.executable, "--target", str(target)),
                *(*options, "-r", str(file)),
            ],
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise PackageError(
            f"uv could not install the locked dependencies: {done.stderr.strip()}",
            advice="It needs a way to a registry; name a mirror in UV_DEFAULT_INDEX or uv.toml, not in pip.conf.",
        )


def _only_python(built: Path, target: Path) -> None:
    for file in sorted(built.rglob("*")):
        if file.is_file() and (file.suffix == ".py" or ".dist-info" in file.parts[len(built.parts)]):
            place = target / file.relative_to(built)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def _prune(target: Path) -> None:
    for pattern in _UNUSED:
        _remove(target.glob(pattern))
    for package, names in ONLY.items():
        keep(target / package, names)
    for pattern in _LEFT_OUT:
        _remove(list(target.rglob(pattern)))
    for metadata in target.glob("*.dist-info"):
        kept = {found for pattern in _METADATA for found in metadata.glob(pattern)}
        _remove(set(metadata.iterdir()) - kept)


def keep(folder: Path, names: Iterable[str]) -> None:
    """Remove all of a folder but the files of these names, which are paths below it."""
    kept = {folder / name for name in names}
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        if path.is_file() and path not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
