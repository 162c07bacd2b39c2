"""Tells a document's format by its first bytes, and whether it is whole and small enough. Nothing is paid for."""

from __future__ import annotations

import codecs
import struct

from legible.errors import RejectedError
from legible.operations.operation import Operation

#: How much of a document intake reads at the most, from its beginning and from its end, in bytes.
FIRST_BYTES = 64 * 1024
LAST_BYTES = 4 * 1024

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"8BPS", "psd"),
    (b"BM", "bmp"),
    (b"\0\0\1\0", "ico"),
    *((bytes((0x0A, version, 1)), "pcx") for version in (0, 2, 3, 4, 5)),
)
#: Many texts begin with ``BM`` too; in a BMP the length of the header that follows is one of these.
_BMP_HEADERS = frozenset(struct.pack("<I", length) for length in (12, 16, 40, 52, 56, 64, 108, 124))
#: How a BMP calls pixels that are not packed: as they are, or in fields of bits.
_BMP_UNPACKED = frozenset({0, 3, 6})
#: The end mark of a whole document; bytes after it are common, a document without it is cut.
ENDINGS = {"png": b"IEND\xaeB`\x82", "jpeg": b"\xff\xd9", "gif": b"\x3b", "pdf": b"%%EOF"}
#: A PCX has one of these numbers of bits in each plane; other bytes may begin with a line feed, too.
_PCX_BITS = frozenset({1, 2, 4, 8})
#: ISO media files by their brands, pictures and sequences of them (ISO 23008-12 annex B, AV1 Image File Format 8): the
#: major one, or where that says nothing of the packing (``mif1``), the first of the compatible ones that does.
_BRANDS = {brand: "avif" for brand in (b"avif", b"avis")} | {
    brand: "heic" for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
}
_UNPACKED_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf", b"heif", b"MA1A", b"MA1B"})
#: Files that people upload but no operation reads, with what to do about them.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Office file", "Save it as PDF and upload that."),
    (b"{\\rtf", "an RTF file", "Save it as PDF and upload that."),
    (b"<svg", "an SVG drawing", "Export it as PNG and upload that."),
    (b"Rar!", "a RAR archive", "Unpack it and upload the documents."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it and upload the documents."),
)


def format_of(first: bytes, last: bytes = b"") -> str:
    """Tell a document's format by its first bytes, never by its name.

    Args:
        first: The beginning of the document, up to ``FIRST_BYTES``.
        last: Its end, up to ``LAST_BYTES``; a ZIP lists there what it holds.

    Returns:
        ``png``, ``jpeg``, ``tiff``, ``gif``, ``psd``, ``bmp``, ``ico``, ``pcx``, ``webp``, ``heic``, ``avif``,
        ``pdf``, ``ofd``.

    Raises:
        RejectedError: Empty, or nothing an operation reads.
    """
    if not first:
        raise RejectedError(
            "The document is empty: 0 bytes.", code="empty", advice="Upload it again; the first upload may have failed."
        )
    for magic, name in _MAGIC:
        if first.startswith(magic) and _is_likely(name, first):
            _refuse_second(name, first)
            return name
    boxed = _of_box(first)
    if boxed:
        return boxed
    if first.startswith(b"PK\x03\x04"):
        return _of_zip(first + last)
    if first[257:262] == b"ustar":
        raise RejectedError(
            "The document is a TAR archive, not an image.",
            code="format-unknown",
            advice="Unpack it and upload the documents.",
        )
    if b"%PDF-" in first[:1024]:
        return "pdf"
    raise _foreign(first)


def _is_likely(name: str, first: bytes) -> bool:
    """Tell whether bytes that texts may begin with as well are those of an image."""
    if name == "bmp":
        return first[14:18] in _BMP_HEADERS
    return name != "pcx" or (len(first) > 128 and first[3] in _PCX_BITS)


def _refuse_second(name: str, first: bytes) -> None:
    """Refuse a document that two programs would read as two formats: nobody could say which was paid for."""
    if b"%PDF-" in first[:1024]:
        raise RejectedError(
            f"The document is both {name.upper()} and PDF.",
            code="format-ambiguous",
            advice="Save it again as one of the two and upload that.",
        )


def _of_box(first: bytes) -> str:
    """Return the format that a file names after its first bytes; empty if it names none that is known."""
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return "webp"
    if first[4:8] == b"ftyp":
        length = min(int.from_bytes(first[:4], "big"), len(first))
        brands = [first[8:12], *(first[at : at + 4] for at in range(16, length - 3, 4))]
        known = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), "heic")
        return known if brands[0] in _BRANDS or brands[0] in _UNPACKED_BRANDS else ""
    return ""


def _of_zip(first: bytes) -> str:
    if b"OFD.xml" in first:
        return "ofd"
    office = any(name in first for name in (b"word/", b"xl/", b"ppt/", b"[Content_Types].xml", b"mimetypeapplication"))
    raise RejectedError(
        f"The document is {'an Office file' if office else 'a ZIP archive'}, not an image.",
        code="format-unknown",
        advice="Save it as PDF and upload that." if office else "Unpack it and upload the documents.",
    )


def _foreign(first: bytes) -> RejectedError:
    for magic, name, advice in _FOREIGN:
        if first.lstrip()[: len(magic)] == magic:
            return RejectedError(f"The document is {name}, not an image.", code="format-unknown", advice=advice)
    kind = "text" if _is_text(first[:512]) else f"bytes that begin with {first[:8].hex(' ')}"
    return RejectedError(
        f"The document is not an image or PDF: it holds {kind}.",
        code="format-unknown",
        advice="Upload an image (JPEG, PNG, BMP, TIFF) or a PDF.",
    )


def _is_text(beginning: bytes) -> bool:
    try:  # a letter that is cut off at the end is no error
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\n\r" for letter in text)


def cut(format_name: str, size: int) -> RejectedError:
    """Return the error for a document whose end is missing."""
    return RejectedError(
        f"The {format_name.upper()} is cut: its end is missing after {size:,} bytes.",
        code="truncated",
        advice="The upload or scan broke off; upload it again.",
    )


def ends(format_name: str, size: int, first: bytes, last: bytes) -> bool:
    """Tell whether a document has the end that its format asks for; a cut upload has none.

    Args:
        format_name: As ``format_of`` gave it.
        size: The document's length in bytes.
        first: Its beginning.
        last: Its end, up to ``LAST_BYTES``.

    Returns:
        False where the end is missing; True where it is there, or where the format has none to look for.
    """
    if format_name in {"gif", "jpeg"}:  # the end mark also occurs inside: in pixels, in a thumbnail
        return last.rstrip(b"\0\r\n ").endswith(ENDINGS[format_name])
    if format_name == "pdf":  # an update that broke off follows the end of the document before it
        return ENDINGS["pdf"] in last and b" obj" not in last[last.rindex(ENDINGS["pdf"]) :]
    if format_name == "ofd":
        return b"PK\x05\x06" in last
    if format_name in ENDINGS:
        return ENDINGS[format_name] in last
    if format_name == "bmp" and len(first) >= 54:
        return bmp_end(first) <= size
    if format_name == "webp":
        return int(struct.unpack_from("<I", first, 4)[0]) + 8 <= size
    return True


def bmp_end(head: bytes) -> int:
    """Return the least length of a BMP in bytes by its header, of 54 bytes or more.

    It may tell no length at all; then its sides tell it, where its pixels are not packed.
    """
    length, place, about = *struct.unpack_from("<I4xI", head, 2), struct.unpack_from("<I", head, 14)[0]
    width, height, bits = struct.unpack_from("<HH2xH" if about == 12 else "<ii2xH", head, 18)
    packing, colors = struct.unpack_from("<I12xI", head, 30) if about >= 40 else (0, 0)
    rows = (abs(width * height) * bits + 7) // 8 if packing in _BMP_UNPACKED else 1
    return int(max(length, place + rows, 14 + about + (4 * colors if bits <= 8 else 0)))


def judge_size(operation: Operation, size: int) -> None:
    """Refuse a document that the service would refuse for its size.

    Raises:
        RejectedError: The Base64 text of the document passes the operation's limit.
    """
    encoded = -(-size // 3) * 4
    if encoded > operation.limits.base64_bytes:
        largest = operation.limits.base64_bytes // 4 * 3
        raise RejectedError(
            f"The document has {_mb(size)}; {operation.slug} takes at most {_mb(largest)}.",
            code="too-large",
            advice=f"Scan at 150 to 200 dpi, or save as JPEG; {_mb(operation.limits.advised_bytes)} or less is best.",
        )


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 100_000 else f"{size:,} bytes"


#: Formats that must be opened to be known: paged ones, those whose header a C library reads or whose pixels are decoded
#: to know their sides, and PSD, which says far behind its header whether it has a picture of its own.
COUNTED = frozenset({"pdf", "tiff", "gif", "webp", "heic", "avif", "ico", "psd"})

#: Formats that are converted for an operation that does not take them.
CONVERTED = frozenset({"png", "jpeg", "bmp", "tiff", "gif", "webp", "pcx", "ico", "psd", "avif"})

#: The media types that browsers show, by format; only for documents of one page.
SHOWN = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "bmp": "image/bmp"}
