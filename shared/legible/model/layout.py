"""The keys of everything in the output bucket; no other module builds them."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, timezone

from legible.model.documents import Document

#: OBS: an object's key has at most 1,024 bytes of UTF-8 (api-obs obs_04_0080).
LONGEST_KEY = 1024
#: The prefixes of notices that are not delivered yet, and of uploads that wait for another try.
OUTBOX, WAITING = "notices/outbox/", "waiting/"
#: The prefix of audit events that are not in the trail yet, and the prefixes of what the trail consists of: its parts,
#: and notes of which part holds events that happened on another day than it is of.
AUDIT_PENDING, AUDIT_PARTS, AUDIT_LATE = "audit/.pending/", "audit/2", "audit/.late/"
#: Where the trail ended when it was last written to, and the settings that it last told of.
AUDIT_HEAD, AUDIT_SETTINGS = "audit/.head", "audit/.settings.json"
#: The prefix of uploads that wait until something outside is mended, and of what that is.
HELD = "held/"
#: The prefixes of journals that may have changed, of what was counted of all journals, and of unbilled calls.
CHANGES, USAGE, PROBES = "changes/", "reports/.usage/", "reports/.probes/"
#: The prefix of the notes of how far a ledger was looked through for journals without a mark, and the month whose days
#: are looked at next.
SWEEPS, SUMMING = "reports/.sweeps/", "reports/.summing.json"
#: What is left of documents that were forgotten; behind it what is being forgotten, and files that are built again.
TOMBSTONES = "tombstones/"
#: The prefix of the lists of documents that ended and are not done, and of what is known of each backfill.
ENDS, BACKFILLS = "reports/.ends/", "backfills/"
#: Where the sweep stood, what it found and what it repaired; all of it may be removed at any time.
SWEEP = "sweep/"
#: Where journals lie, and how the lists begin that lie beside them.
LEDGER, NEWEST = "ledger/", "newest-"
#: Legible's own first folders; an upload below one of them in the output bucket is never a document.
OWN = (
    "results/", "answers/", LEDGER, "work/", "workbooks/", "reports/", "audit/", "requests/", "notices/", "contents/",
    WAITING, HELD, CHANGES, TOMBSTONES, BACKFILLS, SWEEP,
)  # fmt: skip
#: Records of events that could not be read; no upload can be called so, because keys have no empty first folder here.
UNREADABLE = ".events"
#: How a shortened key ends, and how many bytes at most it is shorter than others: a letter is never cut in two.
_SHORTENED, _CUT = re.compile(r"~[0-9a-f]{32}$"), 3
#: The longest tail added to a document's key: a version, a page, an owner.
_TAIL = 220


def shortened(key: str) -> str:
    """Return the key, or, where keys made from it would pass the limit, its beginning and a digest.

    A key that looks as if it had been shortened is shortened too: else it could be that of another document.

    Args:
        key: A document's decoded key.

    Returns:
        At most 804 bytes of UTF-8, different for different keys.
    """
    encoded = key.encode("utf-8", "surrogatepass")
    room = LONGEST_KEY - _TAIL
    if len(encoded) <= room and not (len(encoded) >= room - _CUT and _SHORTENED.search(key)):
        return key
    digest = hashlib.sha256(encoded).hexdigest()[:32]
    return encoded[: room - 33].decode("utf-8", "ignore") + "~" + digest


def results(key: str, name: str) -> str:
    """Return the key of a file that people open: ``record.json``, ``record.xlsx``, an attachment."""
    return filed(shortened(key), name)


def filed(folder: str, name: str) -> str:
    """Return the key of a file that people open by its folder, the (perhaps shortened) key of its document."""
    return f"results/{folder}/{name}"


def results_below(prefix: str) -> str:
    """Return the prefix below which the results of all documents lie whose keys begin with ``prefix``."""
    return f"results/{prefix}"


def result_of(key: str, name: str) -> str | None:
    """Return the (perhaps shortened) key of the document whose result ``name`` has this key; None for other keys."""
    ending = f"/{name}"
    return key[len("results/") : -len(ending)] if key.startswith("results/") and key.endswith(ending) else None


def review(document: Document, owner: str) -> str:
    """Return the key of one reviewer's corrections."""
    return f"answers/{shortened(document.key)}/{document.version}/review.{owner}.json"


def answer(document: Document, page: int, owner: str = "") -> str:
    """Return the key of an answer: as its payer ``owner`` stored it at once, or, without one, the one that counts."""
    name = f"{page:04d}.{owner}.json" if owner else f"{page:04d}.json"
    return f"answers/{shortened(document.key)}/{document.version}/{name}"


def payer(document: Document, key: str) -> tuple[int, str]:
    """Return page and payer of an answer that is stored under its payer's name; 0 for any other object."""
    page, _, owner = key.removeprefix(version(document, "")).removesuffix(".json").partition(".")
    known = page.isdecimal() and owner and answer(document, int(page), owner) == key
    return (int(page), owner) if known else (0, "")


def attachment(document: Document, page: int, name: str) -> str:
    """Return the key of a file that came inside the answer for a page; ``name`` has its suffix."""
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    if len(plain) > 100:
        plain = f"{hashlib.sha256(name.encode()).hexdigest()[:12]}-{plain[-80:]}"
    return f"answers/{shortened(document.key)}/{document.version}/{page:04d}.{plain}"


def version(document: Document, name: str) -> str:
    """Return the key of a result of this very version (``record.json``), kept beside its answers."""
    return f"answers/{shortened(document.key)}/{document.version}/{name}"


def work(document: Document, page: int, suffix: str) -> str:
    """Return the key of a rendered page, which a lifecycle rule removes after a day."""
    return f"work/{shortened(document.key)}/{document.version}/{page:04d}{suffix}"


def view(document: Document, page: int, suffix: str) -> str:
    """Return the key of the picture of a page as people look at it; it is kept with the rendered pages."""
    return f"work/{shortened(document.key)}/{document.version}/view-{page:04d}{suffix}"


def work_probe(name: str) -> str:
    """Return the key of a probe that a check appends to; left there, it goes with the rendered pages after a day."""
    return f"work/.probes/{name}"


def request(name: str) -> str:
    """Return the key of the journal of a request that came with a key of its own; a lifecycle rule removes it."""
    return f"requests/{name}.jsonl"


def ticket(document: Document) -> str:
    """Return the key of the journal of the signed upload by which a document came; no bucket's name begins so."""
    digest = hashlib.sha256(f"{document.bucket}/{document.key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"ledger/.tickets/{digest}.jsonl"


def workbook(file: str) -> str:
    """Return the key of a file over many documents."""
    return f"workbooks/{file}"


def build(name: str) -> str:
    """Return the key of the status of a build of files over many documents, by their name without ending."""
    return f"workbooks/.states/{name}.json"


def journals(bucket: str, key: str) -> str:
    """Return the prefix below which the journals of all versions of one object lie."""
    return f"{LEDGER}{bucket}/{shortened(key)}/"


def newest(bucket: str, key: str, day: date) -> str:
    """Return the key of the list of versions published on one day under one object's key.

    One list a day, because an appendable object takes 10,000 appends (api-obs obs_04_0088) and a key may be written
    every few seconds for years.
    """
    return f"{journals(bucket, key)}{NEWEST}{day:%Y-%m-%d}.jsonl"


def content(md5: str, size: int, plan: str) -> str:
    """Return the key of the list of documents that have one content and were read for one operation with its options.

    Args:
        md5: The MD5 of the bytes, in hexadecimal.
        size: How many bytes there are.
        plan: The hash of operation and options.
    """
    return f"contents/{md5}-{size}/{plan}.jsonl"


_DUE = "%Y%m%dT%H%M%S"


def queued(prefix: str, due: datetime, rung: int, name: str) -> str:
    """Return the key of something that waits to be tried.

    Args:
        prefix: What kind of thing it is.
        due: When it is tried next; keys are in this order, so that a walk ends at the first that is not due.
        rung: Which of the waits between tries that is, from 1.
        name: Its name, fit for a key.
    """
    return f"{prefix}{due.astimezone(timezone.utc):{_DUE}}.{rung}.{name}.json"


def place_in_queue(prefix: str, key: str) -> tuple[datetime, int, str] | None:
    """Return due time, rung and name of something that waits, by its key; None for any other object."""
    try:
        due, rung, name = key.removeprefix(prefix).removesuffix(".json").split(".", 2)
        return datetime.strptime(due, _DUE).replace(tzinfo=timezone.utc), int(rung), name
    except ValueError:
        return None


def obstacle(name: str = "") -> str:
    """Return the key of what is known of one obstacle, by its name; or the prefix of all."""
    return f"{HELD}obstacles/{name}.json" if name else f"{HELD}obstacles/"


def held(obstacle_name: str, name: str = "") -> str:
    """Return the key of an upload that an obstacle holds up; or the prefix of all of these."""
    return f"{HELD}uploads/{obstacle_name}/{name}.json" if name else f"{HELD}uploads/{obstacle_name}/"


def project(identity: str) -> str:
    """Return the key of what the account last said of an enterprise project; the id is one of letters and digits."""
    return f"reports/.projects/{identity}.json"


def deliveries(at: datetime, identity: str) -> str:
    """Return the key of the list that holds a notice's deliveries.

    There is one for each hour and first digit of the id: an object takes 10,000 appends (api-obs obs_04_0088).
    """
    return f"notices/log/{at.astimezone(timezone.utc):%Y/%m/%d/%H}-{identity[:1]}.jsonl"


def audit_part(day: date, number: int = 1) -> str:
    """Return the key of a part of the audit trail; keys are in the order of the trail (``_`` sorts behind ``.``)."""
    return f"audit/{day:%Y/%m/%d}{f'_{number:04d}' if number > 1 else ''}.jsonl"


_AUDIT_PART = re.compile(r"audit/([0-9]{4})/([0-9]{2})/([0-9]{2})(?:_([0-9]{4}))?\.jsonl")


def place_in_audit(key: str) -> tuple[date, int] | None:
    """Return day and number of a part of the audit trail; None for any other key."""
    match = _AUDIT_PART.fullmatch(key)
    if match is None:
        return None
    year, month, day, number = (int(part or 1) for part in match.groups())
    try:
        place = date(year, month, day), number
    except ValueError:
        return None
    return place if audit_part(*place) == key else None


def audit_late(happened: date, told: date) -> str:
    """Return the key of the note that parts of the day ``told`` hold events that happened on another day."""
    return f"{AUDIT_LATE}{happened}/{told}"


def audit_told(source: str) -> str:
    """Return the key of the list of what the audit trail has of one source: a journal's key, or an event's id."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    return f"audit/.told/{digest[:2]}/{digest[2:34]}.jsonl"


def journal(document: Document, part: int = 1) -> str:
    """Return the key of a document's journal, or of a later part of it: a journal goes on before an object is full."""
    return listed(f"{journals(document.bucket, document.key)}{document.version}", part)


def usage_part(hour: datetime) -> str:
    """Return the key, without its ending, of the lists of what journals say of one hour (UTC); see ``listed``."""
    return f"{USAGE}{hour.astimezone(timezone.utc):%Y/%m/%d/%H}"


def usage_day(day: date) -> str:
    """Return the key of the sum over one day (UTC); what it was made of lies in the folder of that name."""
    return f"{USAGE}{day:%Y/%m/%d}.json"


def usage_hours(day: date) -> str:
    """Return the key of the sums over the hours of one day (UTC)."""
    return f"{USAGE}{day:%Y/%m/%d}-hours.json"


def probes(day: date) -> str:
    """Return the key, without its ending, of the lists of unbilled calls of one day (UTC); see ``listed``."""
    return f"{PROBES}{day:%Y/%m/%d}"


def usage_workbook(month: date) -> str:
    """Return the key of the workbook about one month's usage."""
    return f"reports/{month:%Y-%m}/usage.xlsx"


def listed(stem: str, number: int) -> str:
    """Return the key of one object of a list that goes on in a next object, from 1, before one is full."""
    return f"{stem}.{number}.jsonl" if number > 1 else f"{stem}.jsonl"


def number_in_list(stem: str, key: str) -> int:
    """Return which object of a list has this key; 0 for an object of something else."""
    found = re.fullmatch(r"(?:\.([0-9]+))?\.jsonl", key[len(stem) :]) if key.startswith(stem) else None
    return int(found[1] or 1) if found else 0


#: The media type of each result of a document, by the result's name.
KINDS = {
    "record.json": "application/json",
    "record.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "record.md": "text/markdown; charset=utf-8",
    "record.pdf": "application/pdf",
    "form.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

RECORD, FORM = "record.json", "form.xlsx"
