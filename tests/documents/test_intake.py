"""Intake: what is read of a document to know it, what it is taken for, and what holds it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from legible.documents import pages
from legible.documents.formats import FIRST_BYTES, LAST_BYTES
from legible.documents.intake import Intake, Job
from legible.errors import HeldError, RejectedError
from legible.model.documents import Document
from legible.operations import catalog
from legible.operations.operation import Extras, Task
from legible.ports import Site
from tests.support.fakes import MemoryStore, SheetsHere, invocation
from tests.support.rig import IN, OUT, pdf, picture, tiff

TEXT = Task(catalog.find("general-text"), {})


class Counted(SheetsHere):
    """Pages that tell how they are read, and how often they are looked at."""

    opened: list[Counted] = []

    def __init__(self, format_name: str, size: int, read: Callable[[int, int], bytes], *rest) -> None:
        super().__init__(format_name, size, read, *rest)
        self.part = read
        self.looks = 0
        self.opened.append(self)

    def look(self, seconds: float) -> pages.Look:
        self.looks += 1
        return super().look(seconds)


class World:
    """A document in a bucket, and what intake reads of it."""

    def __init__(self, body: bytes, key: str = "general-text/a.png", most: int = 2000) -> None:
        Counted.opened.clear()
        self.store = MemoryStore()
        ref = self.store.put(IN, key, body)
        head = self.store.head(ref)
        self.document = Document(IN, key, head.etag, etag=head.etag, size=head.size)
        self.intake = Intake(Site(self.store, IN, OUT), invocation(self.store.clock), most, Counted)

    def examine(self, task: Task = TEXT) -> tuple[Document, Job]:
        return self.intake.examine(self.document, task)

    @property
    def read(self) -> list[int]:
        """Return how many bytes each read brought."""
        return [size for _, size in self.store.reads]


def large(format_name: str = "PNG") -> bytes:
    """Return a picture of some hundred kilobytes."""
    target = io.BytesIO()
    Image.effect_noise((600, 600), 90).save(target, format_name)
    assert len(target.getvalue()) > 2 * FIRST_BYTES
    return target.getvalue()


class TestWhatIsRead:
    def test_a_small_document_is_read_once_and_whole(self):
        body = picture()
        world = World(body)
        document, _ = world.examine()
        assert (world.read, document.format) == ([len(body)], "png")
        (sheets,) = Counted.opened
        assert (sheets.part(1, 3), sheets.part(0, len(body) - 1)) == (body[1:4], body)
        assert world.read == [len(body)]

    def test_of_a_large_one_its_beginning_and_its_end(self):
        body = large()
        world = World(body)
        document, _ = world.examine()
        assert world.read == [FIRST_BYTES, LAST_BYTES]
        assert (document.width, document.height, document.page_count) == (600, 600, 1)
        (sheets,) = Counted.opened
        assert sheets.part(FIRST_BYTES - 1, FIRST_BYTES + 1) == body[FIRST_BYTES - 1 : FIRST_BYTES + 2]

    def test_to_open_it_again_no_more_than_that(self):
        body = large()
        world = World(body)
        with world.intake.opened(world.document) as sheets:
            assert sheets.part(0, 2) == body[:3]
        assert world.read == [FIRST_BYTES, LAST_BYTES, 3]

    def test_to_open_a_small_one_again_it_is_read_once(self):
        body = picture()
        world = World(body)
        with world.intake.opened(world.document) as sheets:
            assert sheets.part(0, len(body)) == body
        assert world.read == [len(body)]

    def test_of_an_empty_one_nothing(self):
        world = World(b"")
        for look in (world.examine, lambda: world.intake.opened(world.document)):
            with pytest.raises(RejectedError) as empty:
                look()
            assert empty.value.reason_code == "empty"
        assert world.read == []

    def test_one_byte_is_not_nothing(self):
        with pytest.raises(RejectedError, match="not an image or PDF") as foreign:
            World(b"x").examine()
        assert foreign.value.reason_code == "format-unknown"

    @pytest.mark.parametrize(("body", "looks"), [(picture(), 0), (picture(name="JPEG"), 0), (tiff(2), 1), (pdf(2), 1)])
    def test_what_the_header_tells_is_not_opened_to_be_known(self, body, looks):
        World(body).examine()
        (sheets,) = Counted.opened
        assert sheets.looks == looks


class TestHowManyPages:
    def task(self, most: int | None) -> Task:
        return Task(TEXT.operation, {}, max_pages=most)

    @pytest.mark.parametrize(("most", "of_route"), [(3, None), (3, 5), (5, 3)])
    def test_as_many_as_the_settings_allow_are_called_for(self, most, of_route):
        document, job = World(pdf(3), most=most).examine(self.task(of_route))
        assert (document.page_count, job.plan.count) == (3, 3)

    @pytest.mark.parametrize(
        ("most", "of_route", "where"),
        [
            (2, None, "raise limits.max_pages in"),
            (2, 5, "raise limits.max_pages in"),
            (5, 2, "raise max_pages of its route or operation in"),
        ],
    )
    def test_one_more_is_held_and_says_where_that_is_set(self, most, of_route, where):
        with pytest.raises(HeldError, match="has 3 pages; at most 2 are called for") as many:
            World(pdf(3), most=most).examine(self.task(of_route))
        assert many.value.reason_code == "too-many-pages"
        assert where in many.value.advice


class TestHowItIsSent:
    @pytest.mark.parametrize(
        ("key", "inline"),
        [
            ("a/../b/x.png", True),
            ("a/./x.png", True),
            ("..", True),
            ("a..b/x..png", False),
            ("a/.hidden/x.png", False),
            ("a/x.png", False),
        ],
    )
    def test_a_key_whose_url_may_open_another_object_is_sent_inline(self, key, inline):
        _, job = World(picture(), key).examine()
        assert bool(job.inline) == inline
        assert not inline or "can be taken for that of another key" in job.inline

    @pytest.mark.parametrize(
        ("outputs", "drawn"), [((), False), (("md",), False), (("pdf",), True), (("crops",), True)]
    )
    def test_the_pages_of_a_pdf_are_drawn_here_where_words_must_be_placed_on_them(self, outputs, drawn):
        operation = next(
            one
            for one in catalog.OPERATIONS.values()
            if "pdf" in one.limits.formats and not World(pdf(2)).examine(Task(one, {}))[1].plan.rendered
        )
        _, job = World(pdf(2)).examine(Task(operation, {}, extras=Extras(outputs)))
        assert job.plan.rendered == drawn


class TestOfd:
    def body(self, size: int) -> bytes:
        start, end = b"PK\x03\x04" + b"\0" * 26 + b"OFD.xml", b"PK\x05\x06" + b"\0" * 18
        return start + b"\0" * (size - len(start) - len(end)) + end

    def test_one_that_is_larger_than_the_service_takes_is_refused(self):
        operation = catalog.find("vat-invoice")
        most = operation.limits.base64_bytes // 4 * 3
        document, job = World(self.body(1000)).examine(Task(operation, {}))
        assert (document.format, document.width, job.plan.rendered) == ("ofd", None, False)
        with pytest.raises(RejectedError) as large_one:
            World(self.body(most + 3)).examine(Task(operation, {}))
        assert large_one.value.reason_code == "too-large"

    def test_one_that_is_drawn_here_may_be_larger_than_the_service_takes(self):
        _, job = World(tiff(2) + bytes(12_000_000), "general-text/a.tiff").examine()
        assert (job.plan.count, job.plan.rendered) == (2, True)
