"""Which URLs are opened: by their spelling, by where they lead, by where they lead a moment later."""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.errors import RejectedError, UnavailableError
from legible.outbound import Addresses, public, resolved, urls
from localcloud.web import Server
from tests.support.tls import certificate

PUBLIC = "93.184.215.14"
INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
    "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip


class Names:
    """A resolver that answers from lists, one after the other, then with the last one again; it counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers) or [[PUBLIC]]
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def check(url: str, *answers: list[str], allowed: tuple[str, ...] = ()) -> urls.Address:
    return Addresses(allowed, Names(*answers)).check(url, 1)


class TestSpelling:
    @pytest.mark.parametrize(
        ("url", "where", "path"),
        [
            ("https://hooks.example/a/b?c=d", "hooks.example", "/a/b?c=d"),
            ("HTTPS://Hooks.Example:443", "hooks.example", "/"),
            ("https://hooks.example.?x#y", "hooks.example", "/?x"),
            ("https://hooks.example:8443/%E6%96%87", "hooks.example:8443", "/%E6%96%87"),
            ("https://[2606:4700::6810:84e5]/", "[2606:4700::6810:84e5]", "/"),
        ],
    )
    def test_what_is_taken(self, url, where, path):
        found = check(url)
        assert (found.where, found.path, found.ip) == (where, path, PUBLIC)

    @pytest.mark.parametrize(
        "url",
        [
            "", "hooks.example", "//hooks.example", "http://hooks.example/", "ftp://hooks.example/", "file:///etc/passwd",
            "gopher://hooks.example:443/", "https:/hooks.example", "https://", "https:///path", "https://a@hooks.example/",
            "https://user:secret@hooks.example/", "https://hooks.example@10.0.0.1/", "https://hooks.example:22/",
            "https://hooks.example:80/", "https://hooks.example:0/", "https://hooks.example:65536/",
            "https://hooks.example:/", "https://hooks.example:+443/", "https://hooks.example\\@10.0.0.1/",
            "https://hooks.example /", "https://hooks.example/a b", "https://hooks.example/\r\nX: y", "https://ho%6fks/",
            "https://höoks.example/", "https://hooks.example/文", "https://[::1%25eth0]/", "https://[::1/", "https://[zz]/",
            "https://[1.2.3]/", "https://a..b/", "https://.a/", "https://./", f"https://{'a' * 64}.example/",
            f"https://{'a.' * 127}com/", "https://hooks.example/" + "a" * 2048, "https://①②⑦.0.0.1/", "https://a,b/",
        ],
    )  # fmt: skip
    def test_what_is_refused_before_anybody_is_asked_for_an_address(self, url):
        names = Names()
        with pytest.raises(RejectedError, match="not opened") as caught:
            Addresses((), names).check(url, 1)
        assert caught.value.reason_code == "address-refused"
        assert names.asked == []
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("url", ["ftp://inside.example/", "https://inside.example:65536/"])
    def test_trust_has_its_limits(self, url):
        with pytest.raises(RejectedError, match="not opened"):
            check(url, allowed=("inside.example",))

    @given(st.text(max_size=60))
    def test_any_text_is_a_url_that_may_be_opened_or_is_refused(self, text):
        for url in (text, f"https://{text}", f"https://hooks.example{text}"):
            try:
                found = check(url)
            except RejectedError:
                continue
            assert found.scheme == "https"
            assert found.port in urls.PORTS
            assert all("!" <= letter <= "~" for letter in found.path + found.host)


class TestPlaces:
    @pytest.mark.parametrize("ip", INSIDE)
    def test_what_is_not_public_is_refused(self, ip):
        assert not public(ip)
        with pytest.raises(
            RejectedError, match="hooks.example is not opened: it leads to an address that is not public"
        ):
            check("https://hooks.example/", [ip])

    @pytest.mark.parametrize("ip", [PUBLIC, "8.8.8.8", "1.1.1.1", "2606:4700::6810:84e5", "172.32.0.1", "100.128.0.1"])
    def test_what_is_public(self, ip):
        assert public(ip)
        assert check("https://hooks.example/", [ip]).ip == ip

    @pytest.mark.parametrize("text", ["", "hooks.example", "1.2.3", "::1::"])
    def test_what_is_no_address_is_not_public(self, text):
        assert not public(text)

    @pytest.mark.parametrize("order", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["::1", PUBLIC]])
    def test_one_address_inside_refuses_the_host(self, order):
        with pytest.raises(RejectedError):
            check("https://hooks.example/", order)

    def test_ipv4_comes_first_because_not_every_network_has_the_other(self):
        assert check("https://hooks.example/", ["2606:4700::6810:84e5", PUBLIC]).ip == PUBLIC

    @given(st.ip_addresses(v=4))
    def test_no_address_is_public_that_python_knows_is_not(self, ip):
        if not ip.is_global or ip.is_multicast or ip.is_reserved:
            assert not public(str(ip))

    @given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="169.254.0.0/16"))
    def test_no_dress_makes_an_inside_address_public(self, ip):
        number = int(ip)
        for text in (
            f"::ffff:{ip}",
            f"64:ff9b::{ip}",
            f"::{ip}",
            str(ipaddress.IPv6Address((0x2002 << 112) | number << 80)),
        ):
            assert not public(text)

    @given(
        st.ip_addresses(v=4, network="127.0.0.0/8").flatmap(
            lambda ip: st.sampled_from(
                [str(int(ip)), hex(int(ip)), f"0{int(ip):o}", f"0x7f.{int(ip) & 0xFFFFFF}", f"0177.0.0.{int(ip) & 255}"]
            )
        )
    )
    def test_numbers_that_the_system_takes_for_loopback_are_refused(self, host):
        """Given spellings of an address that no list has: what the system makes of them is judged."""
        with pytest.raises((RejectedError, UnavailableError)):
            Addresses().check(f"https://{host}/", 5)

    def test_an_address_by_itself_is_judged_too(self):
        for url in ("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/"):
            with pytest.raises(RejectedError):
                Addresses().check(url, 5)

    def test_a_name_without_an_address_may_have_one_later(self):
        with pytest.raises(UnavailableError, match="nowhere.invalid has no address"):
            Addresses(resolve=fails(socket.gaierror(-2, "unknown"))).check("https://nowhere.invalid/", 1)

    def test_a_resolver_that_hangs_is_left_behind(self):
        answered = threading.Event()  # not while the caller waits, however slow this machine is
        with pytest.raises(UnavailableError):
            Addresses(resolve=lambda host, port: [PUBLIC] * answered.wait(60)).check("https://slow.example/", 0.1)
        assert not answered.is_set()
        answered.set()

    def test_the_systems_own_resolver(self):
        assert "127.0.0.1" in resolved("127.0.0.1", 443)

    def test_nothing_of_a_path_is_shown(self):
        assert "canary" not in repr(check("https://hooks.example/canary?key=canary"))


def fails(error: Exception) -> Callable[[str, int], list[str]]:
    def resolve(host: str, port: int) -> list[str]:
        raise error

    return resolve


Answer = tuple[str, list[tuple[str, str]], list[bytes]]


class Site:
    """A server that answers each path from a table, and remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.server = Server(self)

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append((environ["REQUEST_METHOD"], environ["HTTP_HOST"], environ["RAW_URI"], body))
        status, headers, parts = self.pages.get(environ["PATH_INFO"], ("404 Not Found", [], [b"gone"]))
        start_response(status, headers)
        return parts

    def url(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.server.port}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.stop()


def trusting(*hosts: str, **values) -> Addresses:
    return Addresses(hosts or ("site.example",), Names(["127.0.0.1"]), **values)


class TestExchange:
    def test_a_request_arrives_under_the_hosts_own_name(self, site):
        site.pages["/a"] = ("200 OK", [("X-Made-By", "site")], [b"fine"])
        reply = trusting().exchange("POST", site.url("/a?b=c"), b"body", {"X-Own": "1"}, 5)
        assert (reply.status, reply.headers["x-made-by"], reply.body) == (200, "site", b"fine")
        assert site.asked == [("POST", f"site.example:{site.server.port}", "/a?b=c", b"body")]

    def test_a_name_that_leads_elsewhere_a_moment_later_is_not_asked_again(self, site):
        """Given a name that is public when it is judged and inside when it is asked for again."""
        names = Names([PUBLIC], ["127.0.0.1"])
        guard = Addresses((), names)
        assert guard.check("https://rebinds.example/", 1).ip == PUBLIC
        with pytest.raises(RejectedError):
            guard.exchange("POST", "https://rebinds.example/", b"", {}, 1)
        assert names.asked == ["rebinds.example"] * 2

    def test_it_connects_to_what_was_judged(self, site):
        names = Names(["127.0.0.1"], [PUBLIC])
        site.pages["/a"] = ("200 OK", [], [b"fine"])
        assert Addresses(("site.example",), names).exchange("GET", site.url("/a"), b"", {}, 5).status == 200
        assert names.asked == ["site.example"]

    def test_a_redirect_is_an_answer(self, site):
        site.pages["/a"] = ("302 Found", [("Location", site.url("/b"))], [])
        assert trusting().exchange("POST", site.url("/a"), b"", {}, 5).status == 302
        assert len(site.asked) == 1

    def test_no_more_is_read_than_was_asked_for(self, site):
        site.pages["/a"] = ("200 OK", [], [b"x" * 100_000] * 50)
        assert trusting().exchange("GET", site.url("/a"), b"", {}, 5, most_bytes=1000).body == b"x" * 1000

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        with pytest.raises(UnavailableError, match="site.example cannot be reached: ConnectionRefusedError"):
            trusting().exchange("GET", f"http://site.example:{port}/canary", b"", {}, 1)


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Serve connections by hand; return the port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def started(handle: Callable[[socket.socket], None]) -> int:
        def accept() -> None:
            while True:
                try:
                    handle(listening.accept()[0])
                except (OSError, ssl.SSLError):
                    if listening.fileno() < 0:
                        return

        threading.Thread(target=accept, daemon=True).start()
        return int(listening.getsockname()[1])

    yield started
    listening.close()


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(600):  # a minute: whoever waits for the end is told from whoever does not, on any machine
            connection.sendall(b"x")
            time.sleep(0.1)
        connection.close()

    return drip


class TestSlowness:
    @pytest.mark.parametrize(
        "head",
        [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"],
    )
    def test_what_drips_is_cut(self, raw, head):
        port = raw(dripping(head))
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="cannot be reached"):
            trusting().exchange("GET", f"http://site.example:{port}/", b"", {}, 0.5)
        assert time.monotonic() - begun < 30

    def test_what_says_nothing_is_cut(self, raw):
        kept = []
        port = raw(kept.append)
        with pytest.raises(UnavailableError):
            trusting().exchange("GET", f"http://site.example:{port}/", b"", {}, 0.3)


def endless(head: bytes) -> Callable[[socket.socket], None]:
    """Send a line without an end, as fast as it is taken."""

    def pour(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        for _ in range(1000):
            connection.sendall(b"1" * 65536)

    return pour


class TestGreed:
    @pytest.mark.parametrize(
        "head", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    )
    def test_a_line_without_an_end_fills_no_memory(self, raw, head):
        """Given 64 MB in one line: of a status, of a header, of the length of a chunk."""
        port = raw(endless(head))
        tracemalloc.start()
        with pytest.raises(UnavailableError, match="cannot be reached"):
            trusting().exchange("GET", f"http://site.example:{port}/", b"", {}, 10)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_000_000


class TestTls:
    def serve(self, raw, tmp_path, host):
        shown, key = certificate(tmp_path, host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown, key)
        names: list[str | None] = []
        context.sni_callback = lambda connection, name, _: names.append(name)

        def handle(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")

        return raw(handle), str(shown), names

    def test_the_certificate_is_the_hosts_not_the_addresss(self, raw, tmp_path):
        port, cafile, names = self.serve(raw, tmp_path, "site.example")
        assert trusting(cafile=cafile).exchange("GET", f"https://site.example:{port}/", b"", {}, 5).body == b"fine"
        assert names == ["site.example"]

    def test_a_certificate_of_another_host_is_refused(self, raw, tmp_path):
        port, cafile, _ = self.serve(raw, tmp_path, "other.example")
        with pytest.raises(UnavailableError, match="cannot be reached: SSL"):
            trusting(cafile=cafile).exchange("GET", f"https://site.example:{port}/", b"", {}, 5)

    def test_a_certificate_that_nobody_signed_is_refused(self, raw, tmp_path):
        port, _, _ = self.serve(raw, tmp_path, "site.example")
        with pytest.raises(UnavailableError, match="cannot be reached: SSL"):
            trusting().exchange("GET", f"https://site.example:{port}/", b"", {}, 5)


class TestDownload:
    def get(self, url: str, most_bytes: int = 1000, **values) -> bytes:
        target = io.BytesIO()
        size = trusting(**values).download(url, target, most_bytes, 5)
        assert size == len(target.getvalue())
        return target.getvalue()

    def test_what_is_there_is_written(self, site):
        site.pages["/a"] = ("200 OK", [], [b"ab", b"cd"])
        assert self.get(site.url("/a")) == b"abcd"
        assert trusting().read(site.url("/a"), 10, 5) == b"abcd"

    def test_exactly_so_much_is_taken_and_no_more(self, site):
        site.pages["/a"] = ("200 OK", [], [b"x" * 1000])
        assert len(self.get(site.url("/a"))) == 1000
        site.pages["/a"] = ("200 OK", [], [b"x" * 1001])
        with pytest.raises(RejectedError, match="longer than 1,000 bytes") as caught:
            self.get(site.url("/a"))
        assert caught.value.reason_code == "download-too-large"

    def test_three_redirects_are_followed(self, site):
        for one, two in (("/a", "/b"), ("/b", "/c"), ("/c", "/d")):
            site.pages[one] = ("307 Temporary Redirect", [("Location", two)], [])
        site.pages["/d"] = ("200 OK", [], [b"there"])
        assert self.get(site.url("/a")) == b"there"

    def test_a_fourth_one_is_not_though_its_end_is_near(self, site):
        for one, two in (("/a", "/b"), ("/b", "/c"), ("/c", "/d"), ("/d", "/e")):
            site.pages[one] = ("307 Temporary Redirect", [("Location", two)], [])
        site.pages["/e"] = ("200 OK", [], [b"there"])
        with pytest.raises(RejectedError, match="redirects more than 3 times"):
            self.get(site.url("/a"))
        assert self.get(site.url("/b")) == b"there"

    @pytest.mark.parametrize(
        "target", ["http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "file:///etc/passwd"]
    )
    def test_a_redirect_is_judged_like_the_first_url(self, site, target):
        site.pages["/a"] = ("302 Found", [("Location", target)], [])
        with pytest.raises(RejectedError, match="not opened"):
            self.get(site.url("/a"))

    def test_what_is_not_there(self, site):
        with pytest.raises(RejectedError, match="site.example answers 404"):
            self.get(site.url("/a"))

    @pytest.mark.parametrize("status", ["500 Broken", "503 Busy", "429 Too Many", "408 Late"])
    def test_what_passes(self, site, status):
        site.pages["/a"] = (status, [], [])
        with pytest.raises(UnavailableError, match=status[:3]):
            self.get(site.url("/a"))

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        ],
    )
    def test_what_is_cut_short_is_not_taken_for_whole(self, raw, head):
        def cut(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(head)
            connection.close()

        with pytest.raises(UnavailableError, match="what it sent was cut short|IncompleteRead"):
            self.get(f"http://site.example:{raw(cut)}/")


class TestSpellingAlone:
    def test_nobody_is_asked(self):
        guard = Addresses(("127.0.0.1",), fails(AssertionError()))
        assert guard.spelled("https://Hooks.Example:8443/x?y") == ("https", "hooks.example", 8443, "/x?y")
        assert guard.spelled("http://127.0.0.1:80/x") == ("http", "127.0.0.1", 80, "/x")

    @pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "169.254.169.254", "0.0.0.0"])
    def test_an_address_inside_is_refused_at_once(self, host):
        with pytest.raises(RejectedError, match="not public"):
            Addresses().spelled(f"https://{host}/")
