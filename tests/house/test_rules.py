"""The house rules that no linter holds."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
import yaml

from tests.support.places import ROOT

FUNCTIONS = sorted((ROOT / "functions").glob("*.py"))


@pytest.mark.parametrize("file", FUNCTIONS, ids=lambda file: file.stem)
def test_a_handler_has_no_logic(file):
    """Given a function: it makes the pipeline, reads the event, calls one method; nothing else."""
    tree = ast.parse(file.read_text("utf-8"))
    (handler,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    kinds = {type(node) for node in ast.walk(handler)}
    assert handler.name == "handler"
    assert len(file.read_text("utf-8").splitlines()) <= 20
    assert not kinds & {ast.If, ast.Try, ast.For, ast.While, ast.With, ast.Lambda}
    assert len(handler.body) == 2, "a docstring and one statement"


@pytest.mark.parametrize("file", FUNCTIONS, ids=lambda file: file.stem)
def test_a_handler_knows_legible_only(file):
    tree = ast.parse(file.read_text("utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert all(module == "typing" or module.split(".")[0] == "legible" for module in modules if module)


def test_each_function_has_its_line_in_serverless_yml_and_the_other_way_round():
    listed = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))["functions"]
    assert {entry["handler"] for entry in listed.values()} == {f"{file.stem}.handler" for file in FUNCTIONS}


def test_importing_a_module_reads_no_environment_opens_no_file_and_makes_no_client():
    """Given an interpreter that ends when any of that happens, once the libraries themselves are loaded."""
    modules = sorted(
        "legible." + ".".join(path.relative_to(ROOT / "shared" / "legible").with_suffix("").parts)
        for path in (ROOT / "shared" / "legible").rglob("*.py")
        if path.name != "__init__.py"
    )
    script = f"""
import sys
names = {modules!r}
for name in names:
    __import__(name)
for name in [name for name in sys.modules if name.split(".")[0] == "legible"]:
    del sys.modules[name]
def watch(event, arguments):
    if event in ("socket.connect", "subprocess.Popen", "socket.getaddrinfo"):
        sys.exit(f"{{event}} at import")
    if event == "open" and not str(arguments[0]).endswith((".py", ".pyc")) and "__pycache__" not in str(arguments[0]):
        sys.exit(f"open {{arguments[0]}} at import")
sys.addaudithook(watch)
for name in names:
    __import__(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "shared", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
