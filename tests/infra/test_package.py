"""The zip that FunctionGraph runs: what is in it, that it is the same each time, and that it works by itself."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import stdnum
import yaml
from PIL import ImageFont

from infra.errors import PackageError
from infra.package import archive, build, bytecode, fresh, licenses, wheels
from legible.documents.pages import fallback_font
from localcloud.cloud import LocalCloud
from tests.support import clouds, tools
from tests.support.places import DOCUMENTS
from tests.support.rig import PASSPORT, TEXT, picture

HANDLERS = sorted(file.stem for file in (build.ROOT / "functions").glob("*.py"))
#: Runs an instance as the runtime does, with nothing but the zip to import from.
CHILD = build.ROOT / "shared" / "localcloud" / "functiongraph" / "child.py"

ANSWERS = {"passport": PASSPORT, "general-text": TEXT}


def python(version):
    found = bytecode.interpreter(version)
    return found or pytest.skip(tools.missing(f"python{version}, on the PATH or pyenv's,"))


# --- what is made


@pytest.fixture(scope="module", params=build.RUNTIMES)
def made(request, tmp_path_factory):
    """The package of a runtime; built once, into a folder of its own."""
    return request.param.removeprefix("Python"), build.build(
        request.param, target=tmp_path_factory.mktemp(request.param)
    )


@pytest.mark.slow
def test_it_stays_below_its_bounds_and_holds_nothing_but_what_a_function_needs(made):
    version, built = made
    assert built.zipped == built.zip.stat().st_size <= build.ZIP_BYTES
    assert built.unzipped <= build.UNZIPPED_BYTES
    names = zipfile.ZipFile(built.zip).namelist()
    assert {f"{handler}.py" for handler in HANDLERS} <= set(names)
    assert {"legible.toml", "LICENSE", "legible/operations/passport.toml", "legible/record.schema.json"} <= set(names)
    parts = [Path(name).parts for name in names]
    assert not {"tests", "localcloud", "legible_cli", "SelfTest", "bin", "pymongo", "boto3"} & {
        part for some in parts for part in some
    }
    tag = f"cpython-{version.replace('.', '')}"
    assert {Path(name).suffixes[0] for name in names if name.endswith(".pyc")} <= {f".{tag}"}
    assert all(tag in name or ".abi3." in name for name in names if name.endswith(".so") and "cpython" in name)
    assert not [name for name in names if name.endswith("~") or name.startswith("/") or ".." in name]


@pytest.mark.slow
def test_each_library_keeps_its_license(made):
    names = zipfile.ZipFile(made[1].zip).namelist()
    lone = {name.split("/")[0] for name in names if ".dist-info/" in name}
    with_metadata = {name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA")}
    assert lone == with_metadata
    assert "python_stdnum-2.2.dist-info/licenses/COPYING" in names
    assert not [name for name in names if name.endswith(("/RECORD", "/INSTALLER", "/direct_url.json"))]
    listed = zipfile.ZipFile(made[1].zip).read("THIRD_PARTY.txt").decode()
    assert len(re.findall(r"^\S+ \S+: ", listed, re.MULTILINE)) == len(lone)
    assert "certifi" in listed and "MPL-2.0" in listed and "LGPL" in listed and "unknown" not in listed


@pytest.mark.slow
def test_bytecode_is_used_as_it_is_for_every_module(made):
    version, built = made
    python(version)
    with zipfile.ZipFile(built.zip) as packed:
        names = set(packed.namelist())
        for name in sorted(names):
            if name.endswith(".py"):
                file = Path(name)
                compiled = str(file.parent / "__pycache__" / f"{file.stem}.cpython-{version.replace('.', '')}.pyc")
                assert compiled in names
                # PEP 552: bit 0 says that the source is named by hash, bit 1 that it is to be compared.
                assert packed.read(compiled)[4:8] == b"\1\0\0\0", compiled


@pytest.mark.slow
def test_two_builds_are_the_same_bytes(made, tmp_path):
    version, built = made
    again = build.build(f"Python{version}", target=tmp_path / "elsewhere")
    assert again.zip.read_bytes() == built.zip.read_bytes()
    assert again.bill.read_bytes() == built.bill.read_bytes()


@pytest.mark.slow
def test_its_bill_names_what_is_in_it_and_the_zip_itself(made):
    built = made[1]
    bill = json.loads(built.bill.read_text("utf-8"))
    listed = zipfile.ZipFile(built.zip).read("THIRD_PARTY.txt").decode()
    named = set(re.findall(r"^(\S+) \S+: ", listed, re.MULTILINE))
    assert {one["name"] for one in bill["components"]} == {*named, "fallback fonts"}
    assert bill["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(built.zip.read_bytes()).hexdigest()
    parts = {part["name"] for one in bill["components"] for part in one.get("components", ())}
    assert "pdfium" in parts and any(name.startswith("pillow.libs/libtiff") for name in parts)


@pytest.mark.slow
def test_groups_add_what_they_name_and_work(tmp_path, cloud):
    """Given the photo of an iPhone, and a document that is to be searched."""
    built = build.build("Python3.12", build.GROUPS, target=tmp_path)
    folder = built.folder
    (folder / "legible.toml").write_text('[operations.general-text]\noutputs = ["pdf"]\n')
    running = Runtime(python("3.12"), folder, "on_upload.handler", clouds.facts(cloud))
    try:
        for key, name in (("passport/photo.heic", "odd/photo.heic"), ("general-text/a.pdf", "real/text-layer.pdf")):
            clouds.upload(cloud, key, (DOCUMENTS / name).read_bytes())
            said = running.say({"event": clouds.event(key), "facts": clouds.facts(cloud)})
            assert json.loads(said["result"])["documents"][0]["status"] == "done", said
    finally:
        running.close()
    assert clouds.result(cloud, "general-text/a.pdf", "record.pdf").startswith(b"%PDF")


# --- that it works


@pytest.fixture
def cloud():
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: ANSWERS[slug]) as running:
        yield running


class Runtime:
    """An interpreter of the runtime's version, without its site-packages, that was given an unpacked zip."""

    def __init__(self, python, folder, handler, facts):
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [python, "-I", "-S", "-B", str(CHILD), str(writing)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[writing], start_new_session=True, cwd=folder,
        )  # fmt: skip
        os.close(writing)
        self.answers = os.fdopen(reading, encoding="utf-8")
        self.started = self.say({"code": [str(folder)], "handler": handler, "initializer": "", "facts": facts})

    def say(self, command):
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.answers.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stderr.close()
        self.answers.close()


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory):
    """An empty folder with nothing but the zip's content."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(made[1].zip) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture
def start(made, unpacked, cloud):
    """Return what starts a handler from the zip alone."""
    running = []

    def begin(handler):
        running.append(Runtime(python(made[0]), unpacked, handler, clouds.facts(cloud)))
        return running[-1]

    yield begin
    for one in running:
        one.close()


@pytest.mark.slow
@pytest.mark.parametrize("handler", HANDLERS)
def test_every_handler_loads_from_the_zip_alone(start, handler):
    assert start(f"{handler}.handler").started["result"] == "null"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["real/text-layer.pdf", "real/three-pages.tif", "real/tiled-cmyk-jpeg.tif", "avif", "webp", "png"]
)
def test_an_upload_runs_through_it(start, cloud, name):
    """Given documents that need the libraries inside the zip: PDFium, and Pillow with its codecs."""
    path = DOCUMENTS / name
    body = path.read_bytes() if path.is_file() else picture(200, 120, name.upper())
    key = f"passport/{Path(name).name}"
    clouds.upload(cloud, key, body)
    said = start("on_upload.handler").say({"event": clouds.event(key), "facts": clouds.facts(cloud)})
    assert json.loads(said["result"])["documents"][0]["status"] == "done", said
    assert clouds.result(cloud, key, "record.xlsx").startswith(b"PK")


# --- the parts


def test_an_archive_is_the_same_whenever_its_files_were_written(tmp_path):
    for number, name in enumerate(("one", "two")):
        for file in ("b/z.txt", "b/a.txt", "a.txt") if number else ("a.txt", "b/a.txt", "b/z.txt"):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file)
            path.chmod(0o600 if number else 0o755)
            os.utime(path, (number * 10**8 + 10**9,) * 2)
        archive.write(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["a.txt", "b/a.txt", "b/z.txt"]


def test_what_ships_is_listed_with_its_license_wherever_that_is_said(tmp_path):
    said = {
        "a": "License-Expression: MIT",
        "b": "License: Apache-2.0\n        in many lines",
        "c": "License-File: LICENSE\nClassifier: License :: OSI Approved :: BSD License",
        "d": "Summary: License: none, in the text below.",
    }
    for name, line in said.items():
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "METADATA").write_text(
            f"Name: {name}\nVersion: 1\n{line}\n\nLicense: GPL\n"
        )
    (tmp_path / "a-1.dist-info" / "LICENSE").write_text("")
    lines = licenses.listed(tmp_path).splitlines()[-4:]
    assert lines == ["a 1: MIT (a-1.dist-info)", "b 1: Apache-2.0", "c 1: BSD License", "d 1: unknown"]
    (tmp_path / "legible" / "documents" / "pages" / "fonts").mkdir(parents=True)
    assert "Noto Sans CJK" in licenses.listed(tmp_path).splitlines()[-1]


def test_the_fonts_lie_beside_their_license_and_name_nobody_but_themselves():
    """Given the OFL: its text goes with the fonts, and altered ones have another name."""
    assert "SIL OPEN FONT LICENSE" in (fallback_font.FONTS.parent / "OFL.txt").read_text("utf-8")
    for place, style in enumerate(("Regular", "Bold")):
        assert ImageFont.truetype(str(fallback_font.FONTS), 20, place).getname() == ("Legible Fallback", style)


@pytest.mark.slow
def test_the_committed_fonts_are_what_their_sources_give(tmp_path):
    """Given the locked sources: `make fonts` writes the same bytes again, in some minutes."""
    lock, sources, made = build.ROOT / "requirements" / "fonts.txt", tmp_path / "sources", tmp_path / "made"
    options = ["--quiet", "--no-deps", "--require-hashes", "--python", sys.executable, "--target", str(sources)]
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "pip", "install", *options, "-r", str(lock)], check=True)
    script = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:2]\n"
        "from infra.package import fallback_font; fallback_font.main(*map(Path, sys.argv[1:]))"
    )
    subprocess.run([sys.executable, "-c", script, str(sources), str(made)], cwd=build.ROOT, check=True)
    for file in ("fallback.ttc", "OFL.txt"):
        assert (made / file).read_bytes() == (fallback_font.FONTS.parent / file).read_bytes(), file


def test_what_is_left_of_a_library_still_does_all_that_is_asked_of_it(tmp_path):
    """Given python-stdnum as it ships, and the checks of everything that it is asked for."""
    whole = Path(stdnum.__file__).parent
    shutil.copytree(whole, tmp_path / "stdnum", ignore=shutil.ignore_patterns("__pycache__"))
    wheels.keep(tmp_path / "stdnum", wheels.ONLY["stdnum"])
    left = sorted(file.relative_to(tmp_path / "stdnum").as_posix() for file in (tmp_path / "stdnum").rglob("*.*"))
    assert left == sorted(wheels.ONLY["stdnum"])
    assert not [folder for folder in tmp_path.rglob("*") if folder.is_dir() and not any(folder.iterdir())]
    script = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
from legible.extraction import checks
for module in pkgutil.iter_modules(checks.__path__, "legible.extraction.checks."):
    importlib.import_module(module.name)
from stdnum import luhn
from stdnum.cl import rut
from stdnum.cn import ric, uscc
from stdnum.pe import cui
from stdnum.th import pin
assert luhn.checksum("4111111111111111") == 0
assert rut.is_valid("12531909-2") and ric.is_valid("360426199101010071") and uscc.is_valid("91110000600037341L")
assert cui.is_valid("10117410-2") and pin.is_valid("3100600445635")
strange = [name for name, one in sys.modules.items() if "stdnum" in name and sys.argv[1] not in str(one)]
assert not strange, strange
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=build.ROOT / "shared", capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def executable(path, said):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{said}\n")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_on_the_path_that_does_not_run_is_passed_over(tmp_path):
    """Given pyenv: its shim is on the PATH, and refuses; the version itself is where PYENV_ROOT says."""
    executable(tmp_path / "shims" / "python3.12", "exit 127")
    executable(tmp_path / "versions" / "3.12.0" / "bin" / "python3.12", "echo 3.11")
    right = executable(tmp_path / "versions" / "3.12.1" / "bin" / "python3.12", "echo 3.12")
    where = {"PATH": str(tmp_path / "shims"), "PYENV_ROOT": str(tmp_path)}
    assert bytecode.interpreter("3.12", where) == right
    assert bytecode.interpreter("3.12", {"PATH": str(tmp_path / "shims")}) is None
    assert bytecode.interpreter("3.10", where) is None


def test_a_module_that_does_not_compile_is_named(tmp_path):
    (tmp_path / "broken.py").write_text("def (")
    with pytest.raises(PackageError, match=r"broken\.py"):
        bytecode.compile_all(python("3.12"), tmp_path)


def test_without_an_interpreter_it_says_what_that_costs(tmp_path):
    made = build.Package(tmp_path / "a.zip", tmp_path / "a.cdx.json", tmp_path, 24_000_000, 70_000_000, None)
    said = build.told(made, "3.12")
    assert "24.0 MB, 70.0 MB unzipped" in said
    assert "No Python 3.12 was found" in said and "PYENV_ROOT" in said


@pytest.mark.parametrize("runtime", ["Python3.11", "Node.js14.18", None])
def test_a_runtime_that_legible_does_not_run_on_is_refused(tmp_path, runtime):
    file = tmp_path / "serverless.yml"
    file.write_text(json.dumps({"provider": {"runtime": runtime}}))
    with pytest.raises(PackageError, match="provider.runtime is .* Allowed are: Python3.10, Python3.12"):
        build.runtime_of(file)


def test_serverless_yml_names_the_folder_that_is_made():
    listed = yaml.safe_load((build.ROOT / "serverless.yml").read_text("utf-8"))
    assert build.runtime_of(build.ROOT / "serverless.yml") == listed["provider"]["runtime"]
    assert {one["code"]["codeUri"] for one in listed["functions"].values()} == {"./build/legible"}


FORM = '[[column]]\nlabel = "A"\nfrom = "passport_number"\n'
ROUTE = '[[routes]]\nmatch = "a"\noperation = "passport"\n'


@pytest.fixture
def house(tmp_path):
    """A repository without dependencies."""
    for name in ("functions", "shared/legible", "requirements"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "functions" / "on_upload.py").write_text("handler = print\n")
    (tmp_path / "shared" / "legible" / "__init__.py").write_text("")
    (tmp_path / "requirements" / "ship.txt").write_text("")
    (tmp_path / "LICENSE").write_text("yours")
    (tmp_path / "legible.toml").write_text("")
    return tmp_path


def test_forms_that_the_settings_name_are_in_it(house):
    (house / "forms").mkdir()
    for name in ("a.toml", "b.toml", "c.toml"):
        (house / "forms" / name).write_text(FORM)
    (house / "legible.toml").write_text(f'{ROUTE}form = "forms/a.toml"\n[operations.passport]\nform = "forms/b.toml"\n')
    names = zipfile.ZipFile(build.build("Python3.12", root=house).zip).namelist()
    assert [name for name in names if name.startswith("forms/")] == ["forms/a.toml", "forms/b.toml"]


def test_traces_are_set_up_only_where_the_package_can_make_them(house, tmp_path):
    """No function would start: so nothing is made."""
    (house / "legible.toml").write_text('[telemetry]\nendpoint = "https://collector.example.com/v1/traces"\n')
    (house / "requirements" / "telemetry.txt").write_text("")
    with pytest.raises(PackageError, match="telemetry.endpoint") as refused:
        build.build("Python3.12", root=house)
    assert "--telemetry" in refused.value.advice
    assert build.build("Python3.12", ["telemetry"], root=house).zip.is_file()


@pytest.mark.parametrize("form", ["forms/gone.toml", "../outside.toml"])
def test_a_form_that_is_not_there_or_not_below_is_refused(house, form):
    (house.parent / "outside.toml").write_text("")
    (house / "legible.toml").write_text(f'[[routes]]\nform = "{form}"\n')
    with pytest.raises(PackageError, match="names the form"):
        build.build("Python3.12", root=house)


def test_a_package_beyond_its_bound_is_refused_with_its_size(house):
    (house / "shared" / "legible" / "noise.bin").write_bytes(os.urandom(build.ZIP_BYTES + 1))
    with pytest.raises(PackageError, match=r"has 25\.0 MB \(zip\); 25\.0 MB is the bound"):
        build.build("Python3.12", root=house)


def test_what_is_not_whole_or_refused_never_takes_the_place_of_what_is_deployed(house):
    """Given a build before: Terraform deploys whatever zip it finds there."""
    built = build.build("Python3.12", root=house)
    before, whole, bill = built.zip, built.zip.read_bytes(), built.bill.read_bytes()
    (house / "shared" / "legible" / "noise.bin").write_bytes(os.urandom(build.ZIP_BYTES + 1))
    with pytest.raises(PackageError):
        build.build("Python3.12", root=house)
    assert (before.read_bytes(), built.bill.read_bytes()) == (whole, bill)
    assert {file.name for file in before.parent.iterdir()} == {before.name, built.bill.name}


def test_a_handler_with_a_dependencys_name_is_refused(house):
    lock = (build.ROOT / "requirements" / "ship.txt").read_text("utf-8")
    (house / "requirements" / "ship.txt").write_text(lock[lock.index("six==") : lock.index("tenacity==")])
    (house / "functions" / "six.py").write_text("")
    with pytest.raises(PackageError, match=r"functions/six\.py has the name of a dependency"):
        build.build("Python3.12", root=house)


def test_what_has_no_hash_is_not_installed(house):
    (house / "requirements" / "ship.txt").write_text("six==1.17.0\n")
    with pytest.raises(PackageError, match="uv could not install"):
        build.build("Python3.12", root=house)


# --- that it is the one of these sources


def test_a_zip_of_these_sources_is_fresh(house, capsys):
    (house / "forms").mkdir()
    (house / "forms" / "a.toml").write_text(FORM)
    (house / "legible.toml").write_text(f'{ROUTE}form = "forms/a.toml"\n')
    assert fresh.main(house) == 0, "nothing was packaged: Terraform says so itself"
    build.build("Python3.12", root=house)
    assert fresh.main(house) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda house: (house / "legible.toml").write_text("[log]\n"), "legible.toml"),
        (lambda house: (house / "functions" / "on_upload.py").write_text(""), "on_upload.py"),
        (lambda house: (house / "functions" / "another.py").write_text(""), "another.py"),
        (lambda house: (house / "shared" / "legible" / "__init__.py").unlink(), "legible/__init__.py"),
        (lambda house: (house / "shared" / "legible" / "new.toml").write_text(""), "legible/new.toml"),
    ],
    ids=["settings", "a handler", "a new handler", "a module that is gone", "a new file"],
)
def test_a_zip_of_other_sources_is_not_deployed(house, capsys, change, named):
    """Given settings that were changed after `make package`: they ship in the zip, and nothing else would tell."""
    build.build("Python3.12", root=house)
    change(house)
    assert fresh.main(house) == 1
    said = capsys.readouterr().err
    assert named in said and "make package" in said and "legible-python3.12.zip" in said


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ("requirements/ship.txt", True),
        ("requirements/build.txt", True),
        ("requirements/heif.txt", False),
        ("requirements/dev.txt", False),
        ("infra/package/wheels.py", True),
        ("infra/package/new.py", True),
        ("infra/package/fresh.py", False),
        ("LICENSE", True),
    ],
)
def test_a_zip_of_older_dependencies_or_of_another_packager_is_not_deployed(house, capsys, changed, refused):
    """Given a security update of a lock after `make package`: nothing else of the repository changed."""
    (house / "infra" / "package").mkdir(parents=True)
    (house / "infra" / "package" / "wheels.py").write_text("")
    build.build("Python3.10", root=house)
    assert fresh.main(house) == 0
    (house / changed).write_text("# another line\n")
    assert fresh.main(house) == int(refused)
    said = capsys.readouterr().err
    assert (changed in said and 'make package OPTIONS="--runtime Python3.10"' in said) == refused


def test_a_group_that_was_chosen_is_compared_and_named(house, capsys):
    (house / "requirements" / "heif.txt").write_text("")
    build.build("Python3.12", ["heif"], root=house)
    assert fresh.main(house) == 0
    (house / "requirements" / "heif.txt").write_text("# another line\n")
    assert fresh.main(house) == 1
    assert '--runtime Python3.12 --heif"' in capsys.readouterr().err


@pytest.mark.parametrize("said", [None, "{", "[]", '{"sources": 3}'])
def test_a_zip_that_does_not_say_what_it_was_made_of_is_not_deployed(house, capsys, said):
    made = build.build("Python3.12", root=house).zip
    folder = house / "build" / "legible"
    (folder / "PACKAGE.json").unlink()
    if said is not None:
        (folder / "PACKAGE.json").write_text(said)
    archive.write(folder, made)
    assert fresh.main(house) == 1
    assert "make package" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ocrr]\na = 1\n", r"legible.toml: the file has no setting 'ocrr'. It has: cloud, buckets"),
        ('[ocr]\nsource = "urll"\n', "ocr.source is 'urll'. Allowed is: inline, public-url, signed-url, url."),
        ("x = [", "legible.toml is not TOML"),
        ('default = "nope"', "there is no operation 'nope'"),
        ('default = "invoice-verification"', "default: invoice-verification reads no document"),
        (ROUTE.replace('"a"', '"[b-a]"'), "which no key matches"),
        ('[operations.passport]\nregion = "here"\n', "operations.passport.region is 'here'"),
        ('[operations.passport]\nform = "a.toml"\n', "a.toml"),
        ('[cloud]\nregion = "ap-southeast-1"\n[notify.ops]\nkind = "smn"\ntopic_urn = "urn:smn:cn-north-4:0f4c:x"\n',
         "notify.ops.topic_urn is of cn-north-4, and the functions are in ap-southeast-1"),
        ("routes = 3\noperations = 4\n", "routes is 3. Allowed is: a list."),
        (f'{ROUTE}form = "a\\u0000b.toml"\n', "the form a\0b.toml, which is no file"),
        ("x = " + "[" * 2000, "legible.toml has lists or tables too deep inside each other"),
        ('[buckets]\ninput = "one"\noutput = "one"\n', "buckets.input and buckets.output are one, one"),
    ],
)  # fmt: skip
def test_wrong_settings_are_not_packaged_and_the_earlier_zip_stays(house, text, said):
    """Given a build before: what a function would refuse to start with is refused here."""
    before = build.build("Python3.12", root=house)
    whole = before.zip.read_bytes()
    (house / "a.toml").write_text("")
    (house / "legible.toml").write_text(text)
    with pytest.raises(PackageError) as caught:
        build.build("Python3.12", root=house)
    assert said in str(caught.value)
    assert before.zip.read_bytes() == whole and before.folder.is_dir()


def test_a_zip_that_is_none_is_not_deployed(house, capsys):
    (house / "dist").mkdir()
    (house / "dist" / "legible-python3.12.zip").write_bytes(b"PK, and then the disk was full")
    assert fresh.main(house) == 1
    assert "is no zip" in capsys.readouterr().err


def test_plan_and_deploy_look_whether_the_zip_is_fresh():
    for target in ("plan", "deploy"):
        steps = ["make", "--no-print-directory", "-n", target, "SETTINGS=Makefile", "PYTHON=py"]
        done = subprocess.run(steps, cwd=build.ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.startswith('"py" -m infra.package.fresh\n'), target
