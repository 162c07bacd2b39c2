"""Draw the sample documents. Invented people, invented places; the same bytes on every run.

    sudo apt-get install fonts-ocr-b fonts-noto-cjk fonts-liberation fonts-thai-tlwg
    python tests/data/documents/make.py

The images are committed: nobody needs the fonts to use or test Legible.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
FONTS = {
    "sans": ("/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf", 0),
    "bold": ("/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf", 0),
    "serif": ("/usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf", 0),
    "serif-bold": ("/usr/share/fonts/truetype/liberation/LiberationSerif-Bold.ttf", 0),
    "ocr-b": ("/usr/share/fonts/opentype/ocr-b/OCRB.otf", 0),
    "thai": ("/usr/share/fonts/truetype/tlwg/Garuda.ttf", 0),
    "chinese": ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    "traditional": ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 4),
}
INK, GRAY, BLUE = "#16202b", "#5f6b78", "#1d3f72"
Color = str | tuple[int, int, int]

PASSPORTS = {
    "specimen": {
        "surname": "LINDQVIST",
        "given": "MAJA ELEONORA",
        "number": "XU4729105",
        "birth": ("840217", "17 FEB 1984"),
        "expiry": ("310904", "04 SEP 2031"),
        "issue": "05 SEP 2021",
        "sex": "F",
        "place": "ZENITH",
    },
    "rotated-90": {
        "surname": "OKONJO VARGA",
        "given": "TOMAS",
        "number": "UT8306254",
        "birth": ("910623", "23 JUN 1991"),
        "expiry": ("290118", "18 JAN 2029"),
        "issue": "19 JAN 2019",
        "sex": "M",
        "place": "NEW ALDERBY",
    },
}

CARDS = {
    "KHM": {
        "surname": "SOKUN",
        "given": "DARAVY",
        "number": "090417253",
        "birth": "940312",
        "expiry": "330811",
        "sex": "F",
    },
    "MAC": {
        "surname": "LEONG",
        "given": "KA HOU",
        "number": "15307428",
        "birth": "880726",
        "expiry": "341130",
        "sex": "M",
    },
}

LETTER = """\
Harbor Lane Freight Ltd
14 Harbor Lane, Port Ellery PE4 2QX
Telephone 0555 014 7720, freight@harborlane.example

12 March 2026

Ms Ines Kowalczyk
Meridian Garden Supplies
207 Orchard Road
Norwick NW2 9LT

Reference: HL-2026-00318

Dear Ms Kowalczyk,

Thank you for your order of 2 March. We are pleased to confirm that the goods listed
below left our warehouse this morning and will reach you by Thursday, 19 March 2026.

Consignment 7741-B holds twelve pallets with a total weight of 4,860 kg. The driver will
call half an hour before arrival; please keep bay number 3 free between 08:00 and 11:30.

As agreed, the freight charge of 1,275.50 EUR is due within 30 days of delivery. Please
quote the reference above with your payment, so that it is matched without delay.

Should anything arrive damaged, note it on the delivery slip before you sign it and send
us two photographs within 48 hours. Our insurer settles such claims in about ten days.

We look forward to working with you again this season.

Yours sincerely,

Rafael Ondrasek
Head of Dispatch

Enclosed: delivery slip, copy of the insurance certificate"""


@cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font; basic layout, so that the result does not depend on libraqm."""
    path, index = FONTS[name]
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)


class Page:
    """A sheet to draw on."""

    def __init__(self, width: int, height: int, color: Color = "white") -> None:
        """Take an empty sheet."""
        self.image = Image.new("RGB", (width, height), color)
        self.draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, text: str, name: str = "sans", size: int = 20, color: Color = INK) -> None:
        """Write a line; x and y are its top left."""
        self.draw.text((x, y), text, fill=color, font=font(name, size))

    def right(self, x: float, y: float, text: str, name: str = "sans", size: int = 20, color: Color = INK) -> None:
        """Write a line that ends at x."""
        self.draw.text((x, y), text, fill=color, font=font(name, size), anchor="ra")

    def waves(self, color: Color, step: int = 14) -> None:
        """Cover the sheet with the fine waves of security paper."""
        for row in range(-60, self.image.height + 60, step):
            points = [(x, row + 18 * math.sin(x / 55 + row / 37)) for x in range(0, self.image.width + 8, 8)]
            self.draw.line(points, fill=color, width=1)

    def portrait(self, left: int, top: int, width: int, height: int, background: Color = "#d5dee6") -> None:
        """Draw a portrait of nobody."""
        face = Image.new("RGB", (width, height), background)
        draw = ImageDraw.Draw(face)
        middle = width / 2
        draw.ellipse((middle - width * 0.62, height * 0.68, middle + width * 0.62, height * 1.5), fill="#4d6075")
        draw.rectangle((middle - width * 0.1, height * 0.5, middle + width * 0.1, height * 0.75), fill="#b99a83")
        draw.ellipse((middle - width * 0.27, height * 0.1, middle + width * 0.27, height * 0.62), fill="#5a4639")
        draw.ellipse((middle - width * 0.22, height * 0.18, middle + width * 0.22, height * 0.64), fill="#cfae95")
        self.image.paste(face.filter(ImageFilter.GaussianBlur(width / 90)), (left, top))
        self.draw.rectangle((left, top, left + width, top + height), outline="#8c98a5")


def check_digit(text: str) -> str:
    """Return the ICAO 9303 check digit."""
    values = [0 if c == "<" else int(c, 36) for c in text]
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def passport_zone(person: dict[str, object]) -> tuple[str, str]:
    """Return the two lines of a passport's machine readable zone."""
    birth, expiry = str(person["birth"][0]), str(person["expiry"][0])  # type: ignore[index]
    names = f"{person['surname']}<<{person['given']}".replace(" ", "<")
    number = str(person["number"]).ljust(9, "<")
    number, birth, expiry = (field + check_digit(field) for field in (number, birth, expiry))
    optional = "<" * 14 + "0"
    data = f"{number}UTO{birth}{person['sex']}{expiry}{optional}"
    return f"P<UTO{names}".ljust(44, "<"), data + check_digit(number + birth + expiry + optional)


def passport(person: dict[str, object]) -> Image.Image:
    """Draw the data page of a passport of Utopia (the state ICAO made up for specimens): 125 x 88 mm, 10 px/mm."""
    page = Page(1250, 880, "#eef2ea")
    page.waves("#d7e4da")
    page.waves("#e6dcd2", 22)
    page.draw.rectangle((0, 0, 1250, 84), fill="#24506b")
    page.text(40, 20, "UTOPIA", "bold", 40, "#f3f0e2")
    page.right(1210, 28, "PASSPORT  PASSEPORT", "bold", 28, "#f3f0e2")
    page.portrait(44, 150, 330, 430)
    fields = [
        (420, 108, "Type / Type", "P"),
        (600, 108, "Code of issuing State", "UTO"),
        (900, 108, "Passport No.", str(person["number"])),
        (420, 196, "Surname / Nom", str(person["surname"])),
        (420, 280, "Given names / Prénoms", str(person["given"])),
        (420, 364, "Nationality / Nationalité", "UTOPIAN"),
        (820, 364, "Sex / Sexe", str(person["sex"])),
        (420, 448, "Date of birth", str(person["birth"][1])),  # type: ignore[index]
        (820, 448, "Place of birth", str(person["place"])),
        (420, 532, "Date of issue", str(person["issue"])),
        (820, 532, "Authority", "OFFICE OF RECORDS"),
        (420, 616, "Date of expiry", str(person["expiry"][1])),  # type: ignore[index]
    ]
    for x, y, label, value in fields:
        page.text(x, y, label, "sans", 17, "#51606d")
        page.text(x, y + 24, value, "bold", 30)
    page.draw.rectangle((0, 706, 1250, 880), fill="#f6f5ee")
    for row, line in enumerate(passport_zone(person)):
        for place, character in enumerate(line):
            page.text(66 + 25.4 * place, 730 + 64 * row, character, "ocr-b", 42, "#101010")
    return page.image


def letter() -> Image.Image:
    """Draw an A4 letter at 150 dpi."""
    page = Page(1240, 1754)
    lines = LETTER.split("\n")
    page.text(140, 110, lines[0], "serif-bold", 44, BLUE)
    page.draw.line((140, 170, 1100, 170), fill=BLUE, width=3)
    for row, line in enumerate(lines[1:]):
        page.text(140, 186 + 38 * row, line, "serif", 25)
    return page.image


def screenshot() -> Image.Image:
    """Draw the page of a web shop."""
    page = Page(960, 640, "#f4f6f9")
    page.draw.rectangle((0, 0, 960, 64), fill="#0f6b5c")
    page.text(32, 16, "Fernhill Outdoor", "bold", 28, "white")
    page.right(928, 22, "Basket (2)", "sans", 18, "white")
    page.text(32, 90, "Your order is on its way", "bold", 34)
    page.text(32, 140, "Order 58-30417, placed on 6 April 2026", "sans", 20, GRAY)
    rows = [("Trail tent, two persons", "1", "189.00"), ("Camping stove with case", "2", "74.50")]
    page.draw.rounded_rectangle((32, 184, 928, 440), 12, fill="white", outline="#d9dee5")
    for row, (name, count, price) in enumerate(rows):
        top = 208 + 86 * row
        page.draw.rounded_rectangle((56, top, 116, top + 60), 8, fill=("#8fb8a8", "#c9a27c")[row])
        page.text(144, top + 4, name, "sans", 22)
        page.text(144, top + 34, f"Quantity {count}", "sans", 18, GRAY)
        page.right(900, top + 16, f"EUR {price}", "bold", 22)
    page.draw.line((56, 380, 904, 380), fill="#d9dee5", width=2)
    page.text(56, 396, "Total including shipping", "sans", 22)
    page.right(900, 394, "EUR 263.50", "bold", 24)
    page.draw.rounded_rectangle((32, 470, 288, 526), 10, fill="#0f6b5c")
    page.text(66, 484, "Track my parcel", "bold", 24, "white")
    page.text(32, 556, "Questions? Write to help@fernhill.example or call 0555 016 3380.", "sans", 19, GRAY)
    return page.image


#: Cells of the table: row, column, row span, column span, text. Some would run as formulas in a careless workbook.
TABLE: Sequence[tuple[int, int, int, int, str]] = (
    (0, 0, 1, 5, "Stock count, warehouse 7, March 2026"),
    (1, 0, 1, 1, "Item"),
    (1, 1, 1, 1, "Label"),
    (1, 2, 1, 1, "Quantity"),
    (1, 3, 1, 1, "Unit price"),
    (1, 4, 1, 1, "Amount"),
    (2, 0, 2, 1, "Rope"),
    (2, 1, 1, 1, "Hemp 12 mm"),
    (2, 2, 1, 1, "40"),
    (2, 3, 1, 1, "3.25"),
    (2, 4, 1, 1, "130.00"),
    (3, 1, 1, 1, "Nylon 10 mm"),
    (3, 2, 1, 1, "120"),
    (3, 3, 1, 1, "1.80"),
    (3, 4, 1, 1, "216.00"),
    (4, 0, 1, 1, "Canvas"),
    (4, 1, 1, 1, "=1+1"),
    (4, 2, 1, 1, "15"),
    (4, 3, 1, 1, "22.40"),
    (4, 4, 1, 1, "336.00"),
    (5, 0, 1, 1, "Anchor"),
    (5, 1, 1, 1, "@SUM(A1:A9)"),
    (5, 2, 1, 1, "2"),
    (5, 3, 1, 1, "410.75"),
    (5, 4, 1, 1, "821.50"),
    (6, 0, 1, 4, "Total"),
    (6, 4, 1, 1, "1,503.50"),
)


def table() -> Image.Image:
    """Draw a ruled table with merged cells."""
    page = Page(1100, 640)
    columns, top, step = (50, 230, 490, 660, 850, 1050), 50, 76
    for row, column, height, width, text in TABLE:
        box = (columns[column], top + step * row, columns[column + width], top + step * (row + height))
        page.draw.rectangle(box, outline=INK, width=2, fill="#e8edf3" if row < 2 else None)
        name = "bold" if row < 2 or row == 6 else "sans"
        middle = (box[1] + box[3]) / 2
        if column >= 2 and row:
            page.draw.text((box[2] - 16, middle), text, INK, font(name, 25), anchor="rm")
        else:
            page.draw.text((box[0] + 16, middle), text, INK, font(name, 25), anchor="lm")
    return page.image


def identity_number(first: str) -> str:
    """Return a mainland number of 18 digits from its first 17 (ISO 7064, MOD 11-2)."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(first))
    return first + "10X98765432"[total % 11]


def id_card() -> Image.Image:
    """Draw the front of a mainland identity card; region 990099 does not exist."""
    page = Page(1012, 638, "#eaf1f4")
    page.waves("#d9e8ee", 18)
    label, ink = "#3f7fa6", "#1b1b1b"
    for y, name, value in ((70, "姓名", "林若溪"), (230, "出生", "")):
        page.text(60, y, name, "chinese", 32, label)
        page.text(170, y - 4, value, "chinese", 38, ink)
    page.text(60, 150, "性别", "chinese", 32, label)
    page.text(170, 148, "女", "chinese", 36, ink)
    page.text(290, 150, "民族", "chinese", 32, label)
    page.text(390, 148, "汉", "chinese", 36, ink)
    for x, value, name in ((170, "1992", "年"), (310, "11", "月"), (410, "3", "日")):
        page.text(x, 228, value, "chinese", 36, ink)
        page.text(x + (92 if name == "年" else 52), 230, name, "chinese", 32, label)
    page.text(60, 318, "住址", "chinese", 32, label)
    page.text(170, 316, "云岭省青石市白桦区", "chinese", 34, ink)
    page.text(170, 366, "枫林路208号6栋502室", "chinese", 34, ink)
    page.text(60, 530, "公民身份号码", "chinese", 32, label)
    page.text(310, 524, identity_number("99009919921103172"), "ocr-b", 48, ink)
    page.portrait(680, 90, 260, 340, "#eaf1f4")
    return page.image


def hong_kong_id_card() -> Image.Image:
    """Draw a Hong Kong identity card; A123456(3) is everybody's example of a number."""
    page = Page(1012, 638, "#f1efe4")
    page.waves("#e3ead9", 18)
    page.text(330, 30, "香港永久性居民身份證", "traditional", 40, "#27406b")
    page.text(250, 86, "HONG KONG PERMANENT IDENTITY CARD", "bold", 28, "#27406b")
    page.text(360, 150, "陳穎琳", "traditional", 44)
    page.text(360, 210, "CHAN, Wing Lam", "bold", 34)
    page.text(360, 262, "7115 4481 2651", "sans", 30)
    page.text(360, 318, "出生日期 Date of Birth", "traditional", 24, GRAY)
    page.text(360, 354, "14-08-1987", "bold", 34)
    page.text(640, 354, "女 F", "traditional", 34)
    page.text(360, 408, "***AZ", "bold", 32)
    page.text(360, 460, "簽發日期 Date of Issue", "traditional", 24, GRAY)
    page.text(360, 496, "(08-98)", "sans", 30)
    page.text(360, 542, "21-05-19", "bold", 34)
    page.text(720, 548, "A123456(3)", "bold", 42)
    page.portrait(50, 150, 260, 340)
    return page.image


def card_zone(state: str, person: dict[str, str]) -> tuple[str, str, str]:
    """Return the three lines of a card's machine readable zone."""
    first = person["number"].ljust(9, "<")
    first = f"{first}{check_digit(first)}".ljust(25, "<")
    birth, expiry = (person[name] + check_digit(person[name]) for name in ("birth", "expiry"))
    optional = "<" * 11
    composite = check_digit(first + birth + expiry + optional)
    data = f"{birth}{person['sex']}{expiry}{state}{optional}{composite}"
    return f"ID{state}{first}", data, f"{person['surname']}<<{person['given']}".replace(" ", "<").ljust(30, "<")


def zone_card(title: str, ground: str, state: str, person: dict[str, str]) -> Image.Image:
    """Draw the side of a card (85.6 x 54 mm) that carries a machine readable zone."""
    page = Page(1012, 638, ground)
    page.waves("#dfe6dc", 18)
    page.text(60, 40, title, "bold", 32, "#394a5c")
    page.draw.rounded_rectangle((60, 110, 250, 260), 14, fill="#cdb56a", outline="#8d7a3c", width=3)
    for y in (160, 210):
        page.draw.line((60, y, 250, y), fill="#8d7a3c", width=3)
    for row, line in enumerate(card_zone(state, person)):
        for place, character in enumerate(line):
            page.text(56 + 30.2 * place, 400 + 70 * row, character, "ocr-b", 48, "#101010")
    return page.image


def thai() -> Image.Image:
    """Draw a script the embedded engine does not know."""
    page = Page(900, 330)
    for row, line in enumerate(("ประเทศไทยมีประชากรมาก", "ยินดีต้อนรับทุกท่าน", "บัตรประจำตัวประชาชน")):
        page.text(30, 24 + 96 * row, line, "thai", 44)
    return page.image


def scanned(image: Image.Image, seed: int) -> Image.Image:
    """Soften an image and add the grain of a scanner."""
    noise = random.Random(seed)
    grain = Image.frombytes("L", (256, 256), bytes(min(255, max(0, round(noise.gauss(128, 9)))) for _ in range(65536)))
    sheet = Image.new("L", image.size)
    for x in range(0, image.width, 256):
        for y in range(0, image.height, 256):
            sheet.paste(grain, (x, y))
    soft = image.filter(ImageFilter.GaussianBlur(0.6))
    return Image.blend(soft, Image.merge("RGB", (sheet,) * 3), 0.08)


def save(image: Image.Image, name: str) -> None:
    """Write one document; PNG with a palette where that loses nothing one would see."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        image.save(path, quality=82)
    else:
        image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Write all sample documents."""
    save(passport(PASSPORTS["specimen"]), "passport/specimen.png")
    turned = scanned(passport(PASSPORTS["rotated-90"]), 7).rotate(90, expand=True)
    save(turned, "passport/rotated-90.jpg")
    save(Image.new("RGB", (14, 14), "#eef2ea"), "passport/tiny.png")
    save(letter(), "general-text/letter.png")
    save(screenshot(), "web-image/screenshot.png")
    save(table(), "general-table/table.png")
    save(id_card(), "id-card/front.png")
    save(hong_kong_id_card(), "hk-id-card/card.png")
    save(zone_card("KINGDOM OF CAMBODIA", "#eef1f6", "KHM", CARDS["KHM"]), "cambodian-idcard/back.png")
    save(zone_card("MACAO, CHINA", "#f2efe6", "MAC", CARDS["MAC"]), "macao-id-card/back.png")
    save(thai(), "../engine/images/thai.png")


if __name__ == "__main__":
    main()
