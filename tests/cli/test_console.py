"""`legible console`: the app's code stays on this machine and goes to one address."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
import requests
from click.testing import CliRunner

from legible_cli.__main__ import main
from legible_cli.console import PORTS, front, listen
from localcloud.cloud import LocalCloud
from localcloud.functiongraph import ApigTrigger, Function
from tests.support.places import ROOT


@pytest.mark.parametrize(
    ("api", "environment", "said"),
    [
        ("https://group.apig.example/", {}, "LEGIBLE_APP_CODE"),
        ("http://group.apig.example/", {"LEGIBLE_APP_CODE": "the-code"}, "not an https address"),
        ("https://group.apig.example/v1", {"LEGIBLE_APP_CODE": "the-code"}, "without path"),
    ],
)
def test_what_it_does_not_start_with(api: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(click.ClickException, match=said) as caught:
        front(api, environment)
    assert "the-code" not in str(caught.value)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["console", "--api", "https://group.apig.example/", "--port", str(port)]
        result = CliRunner().invoke(main, arguments, env={"LEGIBLE_APP_CODE": "x"})
    assert result.exit_code == 1
    assert f"Port {port} cannot be used" in result.output


def test_the_next_port_that_is_free_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    proxy = front("https://group.apig.example/", {"LEGIBLE_APP_CODE": "x"})
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as freed:
        busy, free = taken.getsockname()[1], freed.getsockname()[1]
        freed.close()
        server = listen(proxy, (busy, free))
    server.stop()
    said = capsys.readouterr().err
    assert server.endpoint == f"http://127.0.0.1:{free}"
    assert f"Port {busy} cannot be used" in said
    assert f"http://127.0.0.1:{free} among the buckets' console_origins" in said


def test_unless_a_port_is_said_it_is_one_whose_page_may_upload() -> None:
    """The buckets' CORS rule names these pages (`console_origins`) where there is a gateway."""
    text = (ROOT / "infra" / "terraform" / "main.tf").read_text("utf-8")
    assert f'for port in range({PORTS.start}, {PORTS.stop}) : "http://127.0.0.1:${{port}}"' in text


def test_it_shows_the_console_until_it_is_ended(tmp_path: Path) -> None:
    # given
    (tmp_path / "h.py").write_text("def handler(e, c): return {'statusCode': 200, 'body': e['path']}")
    functions = {"f": Function("f", "h.handler", apis=(ApigTrigger("all", "/", prefix=True, timeout=20),))}
    with LocalCloud(functions=functions, code=(tmp_path,)) as cloud:
        command = ["env", f"PYTHONPATH={ROOT / 'shared'}", f"LEGIBLE_APP_CODE={cloud.app_code}", sys.executable, "-u"]
        command += ["-m", "legible_cli", "console", "--api", cloud.api_endpoint]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        # when
        assert running.stdout is not None
        address = next(line.strip() for line in running.stdout if line.startswith("http"))
        answer = requests.get(address, timeout=20)
        foreign = requests.get(address, headers={"Host": "evil.example"}, timeout=20)
        neighbor = requests.get(address.partition("?")[0], timeout=20)
        running.send_signal(signal.SIGINT)
        output = running.communicate(timeout=20)[0]

    # then
    assert urlsplit(address).port in PORTS
    assert (answer.text, foreign.status_code, neighbor.status_code) == ("/console/", 403, 401)
    assert running.returncode == 0
    assert cloud.app_code not in address + output
