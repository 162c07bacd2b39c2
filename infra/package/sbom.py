"""What a zip is made of, as CycloneDX 1.6 (ECMA-424): who looks for a weak library need not open the zip.

It tells what is really in the folder, not what the lock asked for: some of that is left out (``wheels``).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import legible
from infra.package import licenses

#: What the names of bills end with; the beginning is that of their zip.
SUFFIX = ".cdx.json"
#: Where PDFium says its version, and where libraries lie that a wheel brought along: below the zip's top.
_PDFIUM, _BROUGHT = "pypdfium2_raw/version.json", "{}.libs/*"
#: A bill's number is made of its zip's digest, so that equal zips have equal bills.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/legible")


def written(folder: Path, package: Path, name: str) -> str:
    """Return the bill of materials of a zip, as JSON: the same for the same bytes.

    Args:
        folder: What the zip was made of.
        package: The zip.
        name: What the zip is called once it is whole.
    """
    digest = _sha256(package)
    ships = Component(
        name="legible",
        version=legible.VERSION,
        type=ComponentType.APPLICATION,
        bom_ref=name,
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
    bill = Bom(serial_number=uuid.uuid5(_NAMESPACE, digest), components=_components(folder))
    bill.metadata.component = ships
    bill.metadata.timestamp = None  # type: ignore[assignment]  # it is optional in the format, and no two would be equal
    bill.register_dependency(ships, bill.components)
    for component in bill.components:
        bill.register_dependency(component)
    return str(JsonV1Dot6(bill).output_as_string(indent=1)) + "\n"


def _components(folder: Path) -> Iterator[Component]:
    for metadata in sorted(folder.glob("*.dist-info")):
        found = licenses.read(metadata)
        yield Component(
            name=found.name,
            version=found.version,
            bom_ref=f"{found.name}=={found.version}",
            purl=PackageURL("pypi", name=found.name.lower().replace("_", "-"), version=found.version),
            licenses=[LicenseFactory().make_from_string(found.license)],
            components=_brought(folder, found.name),
        )
    if (folder / licenses.FONTS).is_dir():
        yield Component(
            name="fallback fonts",
            type=ComponentType.DATA,
            bom_ref="fonts",
            licenses=[LicenseFactory().make_from_string("OFL-1.1")],
            components=_files(folder, (folder / licenses.FONTS).iterdir()),
        )


def _brought(folder: Path, name: str) -> Iterable[Component]:
    """Return what a wheel brought along: libraries that no metadata names, each with its file's digest."""
    if name == "pypdfium2":
        told = json.loads((folder / _PDFIUM).read_text("utf-8"))
        version = ".".join(str(told[part]) for part in ("major", "minor", "build", "patch"))
        return [Component(name="pdfium", version=version, bom_ref=f"pdfium=={version}")]
    return _files(folder, folder.glob(_BROUGHT.format(name)))


def _files(folder: Path, files: Iterable[Path]) -> list[Component]:
    return [
        Component(
            name=name,
            type=ComponentType.FILE,
            bom_ref=name,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=_sha256(folder / name))],
        )
        for name in sorted(file.relative_to(folder).as_posix() for file in files if file.is_file())
    ]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
