"""Pages as people look at them: the upload itself if browsers can show it, else a picture drawn on demand."""

from __future__ import annotations

from msgspec import Struct

from legible.documents import pages
from legible.documents.formats import SHOWN
from legible.documents.intake import Intake
from legible.errors import RejectedError, ReplacedError
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.model.pages import Frame
from legible.ports import Invocation, Shown, Site

#: The limits of a drawn picture, in pixels and bytes; nothing is padded, so that locations scale with the page's size.
_WANT = pages.Want(min_side=1, max_side=2400, max_pixels=None, largest=4_000_000)
_SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg"}


class PagePicture(Struct, frozen=True):
    """Where the picture of a page is stored, and how it is to be shown."""

    ref: ObjectRef
    shown: Shown


class PagePictures:
    """Finds or makes pictures of pages.

    Args:
        site: Where documents and pictures are stored.
        call: The invocation: gives the time left.
        intake: Opens documents.
    """

    def __init__(self, site: Site, call: Invocation, intake: Intake) -> None:
        """Draw nothing yet."""
        self._site = site
        self._call = call
        self._intake = intake

    def picture(self, document: Document, page: int, frame: Frame | None) -> PagePicture:
        """Return where the picture of a page is stored; it is drawn first if there is none.

        Args:
            document: The document; its format and its page count may still be unknown.
            page: Which page, counted from 1.
            frame: Where the recognized picture lies on its page; None if the document itself was read.

        Raises:
            RejectedError: It has no such page, cannot be drawn, is gone, or was replaced.
            UnavailableError: The store has a passing fault.
        """
        if document.format in SHOWN and frame is None and page == 1:
            self._refuse_replaced(document)
            return PagePicture(document.ref, Shown(SHOWN[document.format], version_id=document.version_id))
        return self._drawn_before(document, page) or self._drawn(document, page)

    def _refuse_replaced(self, document: Document) -> None:
        """Refuse to show a newer upload in the place of the one that was read."""
        if self._site.store.head(document.ref, document.version_id).etag != document.etag:
            raise ReplacedError(
                f"{document.ref} was uploaded again since; this version of it is gone.",
                advice="Look at the newest version; in a bucket with versions older ones are kept.",
            )

    def _drawn_before(self, document: Document, page: int) -> PagePicture | None:
        prefix = layout.view(document, page, ".")
        for item in self._site.store.list(self._site.output, prefix):
            return self._drawing(document, page, item.key[len(prefix) - 1 :])
        return None

    def _drawn(self, document: Document, page: int) -> PagePicture:
        if document.format == "ofd":
            raise RejectedError("Only the OCR service can read OFD.", code="not-shown", advice="Download the document.")
        with self._intake.opened(document) as sheets:
            if page > (document.page_count or sheets.look(self._call.remaining()).pages):
                raise RejectedError(f"The document has no page {page}.", code="no-such-page")
            rendered = sheets.render(page, _WANT, self._call.remaining())
        ref = self._site.in_output(layout.view(document, page, rendered.suffix))
        self._site.store.write(ref, rendered.body, rendered.media_type)
        return self._drawing(document, page, rendered.suffix)

    def _drawing(self, document: Document, page: int, suffix: str) -> PagePicture:
        return PagePicture(self._site.in_output(layout.view(document, page, suffix)), Shown(_SUFFIXES[suffix]))
