"""The bill of materials beside the zip: what is in it, by the names that scanners know, and nothing that is not."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra.package import sbom

HEAD = "Metadata-Version: 2.4\n"
VERSION = '{"major": 159, "minor": 0, "build": 8149, "patch": 2}'
#: Files of what is packaged, each with its text.
FILES = {
    "Some_Thing-1.2.dist-info/METADATA": HEAD + "Name: Some_Thing\nVersion: 1.2\nLicense-Expression: MIT\n",
    "pillow-13.0.dist-info/METADATA": HEAD + "Name: pillow\nVersion: 13.0\nLicense: their own\n",
    "pillow.libs/libtiff-20b7.so.6": "tiff",
    "pypdfium2-5.1.dist-info/METADATA": HEAD + "Name: pypdfium2\nVersion: 5.1\nLicense: BSD-3-Clause\n",
    "pypdfium2_raw/version.json": VERSION,
    "legible/documents/pages/fonts/fallback.ttc": "letters",
}


@pytest.fixture
def packed(tmp_path):
    """Return the folder of what is packaged, and the zip."""
    folder, package = tmp_path / "folder", tmp_path / "made.part"
    with zipfile.ZipFile(package, "w") as archive:
        for name, text in FILES.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
            archive.write(place, name)
    return folder, package


@pytest.fixture
def bill(packed):
    return json.loads(sbom.written(*packed, "legible.zip"))


def component(bill, name):
    (found,) = [one for one in bill["components"] if one["name"] == name]
    return found


def test_it_is_cyclonedx_as_its_schema_has_it(packed):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.written(*packed, "legible.zip")) is None


def test_it_names_the_zip_by_its_digest(packed, bill):
    told = bill["metadata"]["component"]
    assert told["name"] == "legible"
    assert told["bom-ref"] == "legible.zip"
    assert told["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(packed[1].read_bytes()).hexdigest()}]


def test_each_distribution_has_the_name_that_scanners_know_it_by(bill):
    assert component(bill, "Some_Thing")["purl"] == "pkg:pypi/some-thing@1.2"
    assert component(bill, "Some_Thing")["licenses"] == [{"license": {"id": "MIT"}}]
    assert component(bill, "pillow")["licenses"] == [{"license": {"name": "their own"}}]
    assert [one["name"] for one in bill["components"]] == ["fallback fonts", "Some_Thing", "pillow", "pypdfium2"]


def test_what_a_wheel_brought_along_is_told_too(bill):
    """A weakness of libtiff is one of the zip, though no metadata names it."""
    (library,) = component(bill, "pillow")["components"]
    assert library["name"] == "pillow.libs/libtiff-20b7.so.6"
    assert library["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"tiff").hexdigest()}]
    (drawn,) = component(bill, "pypdfium2")["components"]
    assert (drawn["name"], drawn["version"]) == ("pdfium", "159.0.8149.2")


def test_the_fonts_are_told_with_their_license(bill):
    fonts = component(bill, "fallback fonts")
    assert fonts["licenses"] == [{"license": {"id": "OFL-1.1"}}]
    assert [one["name"] for one in fonts["components"]] == ["legible/documents/pages/fonts/fallback.ttc"]


def test_equal_zips_have_equal_bills_and_others_have_others(packed, bill):
    assert json.loads(sbom.written(*packed, "legible.zip")) == bill
    packed[1].write_bytes(packed[1].read_bytes() + b"\0")
    assert json.loads(sbom.written(*packed, "legible.zip"))["serialNumber"] != bill["serialNumber"]
