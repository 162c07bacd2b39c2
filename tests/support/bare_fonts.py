"""PDFs whose fonts are not embedded, made by a few lines, and a system that has no fonts to draw them with."""

from __future__ import annotations

from typing import NamedTuple

import pypdfium2

#: Points between letters, and the size of the letters.
CELL, SIZE = 60, 36


class NoFonts(pypdfium2.PdfSysfontBase):
    """A system without fonts, as a function's runtime is."""

    def EnumFonts(self, _, mapper):
        """Name none."""

    def MapFont(self, _, weight, italic, charset, pitch, face, exact):
        """Have none."""

    def GetFont(self, _, face):
        """Have none."""


def alone():
    """Let PDFium have our fonts and no others, in this process."""
    from legible.documents.pages.fallback_font import FontSource

    FontSource(NoFonts()).setup()


class Sample(NamedTuple):
    """A text in a font that is not embedded: its codes, the font, and what the font refers to by ``%d``."""

    text: str
    codes: list[bytes]
    font: str
    others: tuple[str, ...] = ()


def simple(text, name, encoding="/WinAnsiEncoding", kind="TrueType", codec="cp1252"):
    """Return a text in a font of single bytes."""
    return Sample(
        text, [letter.encode(codec) for letter in text], f"/Subtype /{kind} /BaseFont /{name} /Encoding {encoding}"
    )


def named(text, names, base="Helvetica", kind="Type1"):
    """Return a text whose letters are told by glyph names, one after another from A on."""
    encoding = f"<< /Type /Encoding /Differences [65 {' '.join('/' + name for name in names)}] >>"
    codes = [bytes((65 + place,)) for place in range(len(text))]
    return Sample(text, codes, f"/Subtype /{kind} /BaseFont /{base} /Encoding {encoding}")


def composite(text, name, encoding, codes, ordering="Identity", kind="CIDFontType2", unicode=False):
    """Return a text in a composite font: codes of a national set, or numbers of glyphs that ToUnicode may tell."""
    descendant = (
        f"<< /Type /Font /Subtype /{kind} /BaseFont /{name} /FontDescriptor %d 0 R /DW 1000 "
        f"/CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 0 >> >>"
    )
    described = (
        f"<< /Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 900 "
        f"/Descent -200 /StemV 80 /CapHeight 700 >>"
    )
    font = f"/Subtype /Type0 /BaseFont /{name} /Encoding /{encoding} /DescendantFonts [%d 0 R]"
    if not unicode:
        return Sample(text, codes, font, (descendant, described))
    lines = "".join(
        f"<{code.hex()}> <{letter.encode('utf-16-be').hex()}>\n" for code, letter in zip(codes, text, strict=True)
    )
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <FFFF> endcodespacerange\n{len(codes)} beginbfchar\n{lines}endbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
    stream = f"<< /Length {len(cmap)} >> stream\n{cmap}\nendstream"
    return Sample(text, codes, font + " /ToUnicode %d 0 R", (descendant, described, stream))


def document(samples):
    """Return a PDF with a page for each sample, each letter in a cell of its own."""
    bodies = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    pages = []
    for sample in samples:
        first = len(bodies) + 1
        shown = "".join(
            f"BT /F {SIZE} Tf {place * CELL + 10} 16 Td <{code.hex()}> Tj ET\n"
            for place, code in enumerate(sample.codes)
        )
        own = first + 3
        numbers = [own + offset for offset in range(len(sample.others))]
        font, others = sample.font, list(sample.others)
        if others:
            font = font % tuple(numbers[:1] + numbers[2:])
            others[0] = others[0] % numbers[1]
        bodies += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {CELL * len(sample.codes)} {CELL}] "
            f"/Resources << /Font << /F {first + 2} 0 R >> >> /Contents {first + 1} 0 R >>",
            f"<< /Length {len(shown)} >> stream\n{shown}\nendstream",
            f"<< /Type /Font {font} >>",
            *others,
        ]
        pages.append(first)
    bodies[1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{page} 0 R' for page in pages)}] >>"
    written, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer << /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return written + end.encode()
