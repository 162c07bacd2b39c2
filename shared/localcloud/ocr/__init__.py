"""The local OCR."""

from localcloud.ocr.errors import OcrError
from localcloud.ocr.journal import Call, Journal
from localcloud.ocr.server import LocalOcr, Recognize, embedded

__all__ = ["Call", "Journal", "LocalOcr", "OcrError", "Recognize", "embedded"]
