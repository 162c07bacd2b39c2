"""The engine as the local cloud sees it: what is served, what is refused, and that answers have the vendor's shape."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import huaweicloudsdkocr.v1 as sdk
import pytest

from localcloud.engine import SERVED, EngineError, check_models, recognize
from localcloud.engine.models import DETECTION, RECOGNITION, ModelFileError, check_files, model_folder
from localcloud.engine.operations import OPERATIONS
from tests.localcloud.engine.samples import answer, document, png, sheet, words

ANSWERS: list[tuple[str, str, dict[str, Any], str]] = [
    ("general-text", "general-text/letter.png", {}, "GeneralTextResult"),
    ("web-image", "web-image/screenshot.png", {}, "WebImageResult"),
    ("general-table", "general-table/table.png", {}, "GeneralTableResult"),
    ("smart-document-recognizer", "general-table/table.png", {}, "SmartDocumentRecognizerResult"),
    ("passport", "passport/specimen.png", {}, "PassportResult"),
    (
        "id-card",
        "id-card/front.png",
        {"return_verification": True, "return_text_location": True},
        "IdCardResult",
    ),
    ("hk-id-card", "hk-id-card/card.png", {}, "HkIdCardResult"),
    ("macao-id-card", "macao-id-card/back.png", {}, "MacaoIdCardResult"),
    ("cambodian-idcard", "cambodian-idcard/back.png", {}, "CambodianIdCardResult"),
]

#: What the vendor's page shows and the SDK does not declare.
UNDECLARED = {"passport": ("machine_code", "machine_code2")}


def test_what_is_served_is_what_is_there() -> None:
    assert frozenset(OPERATIONS) == SERVED == {slug for slug, *_ in ANSWERS}


@pytest.mark.parametrize(("slug", "name", "options", "model"), ANSWERS, ids=[slug for slug, *_ in ANSWERS])
def test_answers_have_the_shape_of_the_vendors_own_classes(
    slug: str, name: str, options: dict[str, Any], model: str
) -> None:
    result = answer(slug, name, **options)

    assert json.loads(json.dumps(result)) == result
    for item in result if isinstance(result, list) else [result]:
        assert_shape({name: value for name, value in item.items() if name not in UNDECLARED.get(slug, ())}, model)


def assert_shape(value: Any, kind: str) -> None:
    """Compare a value with a type in the SDK's notation; classes are looked up in the SDK."""
    plain: dict[str, type | tuple[type, ...]] = {
        "str": str,
        "int": int,
        "float": (int, float),
        "bool": bool,
        "object": dict,
    }
    if kind in plain:
        assert isinstance(value, plain[kind]), f"{value!r} is no {kind}"
    elif match := re.fullmatch(r"list\[(.*)\]", kind):
        assert isinstance(value, list)
        for item in value:
            assert_shape(item, match[1])
    else:
        cls = getattr(sdk, kind)
        types = {cls.attribute_map[name]: type_ for name, type_ in cls.openapi_types.items()}
        assert set(value) <= set(types)
        for name, item in value.items():
            assert_shape(item, types[name])


@pytest.mark.parametrize("slug", ["thailand-id-card", "vat-invoice", "handwriting", "no-such-operation"])
def test_what_is_not_served_says_how_to_get_a_recorded_answer(slug: str) -> None:
    with pytest.raises(EngineError) as refused:
        recognize(slug, b"", {})

    assert refused.value.code == "AIS.0105"
    assert refused.value.message.startswith(f"embedded engine: {slug} is not recognized here")
    assert f"given --recorded {slug}" in refused.value.message


@pytest.mark.parametrize(
    ("slug", "options"),
    [
        ("general-text", {"language": "th"}),
        ("general-text", {"character_mode": "true"}),
        ("general-text", {"pdf_page_number": "1"}),
        ("web-image", {"detect_font": True}),
        ("web-image", {"extract_type": ["contact_info"]}),
        ("general-table", {"return_rectification_matrix": True}),
        ("smart-document-recognizer", {"kv": True}),
        ("smart-document-recognizer", {"formula": True}),
        ("id-card", {"side": "back"}),
        ("id-card", {"detect_tampering": True}),
        ("hk-id-card", {"return_portrait_image": True}),
        ("macao-id-card", {"side": "front"}),
        ("cambodian-idcard", {"detect_glare": True}),
    ],
)
def test_options_that_cannot_be_honored_are_refused_by_name(slug: str, options: dict[str, Any]) -> None:
    # GIVEN no image at all: the option is looked at first
    with pytest.raises(EngineError) as refused:
        recognize(slug, b"", options)

    assert refused.value.code == "AIS.0101"
    assert f"parameter {next(iter(options))}" in refused.value.message


def test_options_that_are_off_are_honored() -> None:
    options = {"language": "zh", "detect_direction": False, "character_mode": False, "single_orientation_mode": True}

    assert words(recognize("general-text", png(sheet("Off is off")), options)) == ["Off is off"]


def test_four_threads_get_the_same_answers_as_one() -> None:
    images = [png(sheet(f"Thread {number}", width=320, height=120)) for number in range(4)]
    alone = [recognize("general-text", image, {}) for image in images]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: recognize("general-text", image, {}, patience=300), images))

    assert together == alone
    # What a thread frees stays its own: recognized in the callers' threads, memory grew with each of them.
    assert [thread.name for thread in threading.enumerate() if "ocr" in thread.name] == ["ocr-engine"]


def test_a_document_that_waits_too_long_for_others_is_turned_away_unread() -> None:
    busy = png(sheet(*[f"Message number {number}" for number in range(12)], height=760))
    with ThreadPoolExecutor(3) as pool:
        others = [pool.submit(recognize, "general-text", busy, {}, patience=300) for _ in range(3)]
        while not any(other.running() for other in others):
            time.sleep(0.01)
        time.sleep(0.05)  # until they are in the queue

        with pytest.raises(EngineError) as turned_away:
            recognize("general-text", png(sheet("One more")), {}, patience=0)

        assert {other.result()["words_block_count"] for other in others} == {12}
    # The service's word for too many at once: the call is not paid for, and is made again.
    assert turned_away.value.code == "ModelArts.4401"
    assert words(recognize("general-text", png(sheet("One more")), {}, patience=300)) == ["One more"]


def test_a_page_that_takes_longer_than_its_caller_waits_is_refused() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0105 .*caller gives up"):
        recognize("general-text", png(sheet("Too much work")), {}, longest=0)

    assert words(recognize("general-text", png(sheet("The next one")), {})) == ["The next one"]


def test_the_process_ends_in_peace_while_a_page_is_recognized() -> None:
    code = """
import threading, time
from localcloud import engine
from tests.localcloud.engine.samples import png, sheet
page = png(sheet(*[f"Message number {number}" for number in range(60)], width=1200, height=3640))
threading.Thread(target=engine.recognize, args=("general-text", page, {}), daemon=True).start()
from localcloud.engine import models
while not models._loaded:
    time.sleep(0.01)
time.sleep(0.3)
"""
    # It died by SIGABRT: the thread came back from a model into an interpreter that was gone.
    path = f"import sys; sys.path[:0] = {sys.path!r}\n{code}"
    ended = subprocess.run([sys.executable, "-c", path], capture_output=True, text=True, check=False, timeout=300)

    assert (ended.returncode, "terminate" in ended.stderr) == (0, False)


def test_importing_the_engine_loads_neither_models_nor_their_libraries() -> None:
    code = (
        "import sys, localcloud.engine; print(sorted({'onnxruntime', 'cv2', 'numpy', 'rapidocr'} & set(sys.modules)))"
    )

    # The child inherits where to find the package, as pytest has it.
    path = f"import sys; sys.path[:0] = {sys.path!r}; {code}"
    found = subprocess.run([sys.executable, "-c", path], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_recognizing_never_imports_the_wheel_that_would_download() -> None:
    recognize("general-text", png(sheet("No download")), {})

    assert "rapidocr" not in sys.modules


def test_the_installed_model_files_are_the_measured_ones() -> None:
    check_models()


def test_a_missing_or_altered_model_file_is_a_start_up_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="missing; run: pip install"):
        check_files(tmp_path)

    shutil.copy(model_folder() / RECOGNITION, tmp_path)
    (tmp_path / DETECTION).write_bytes(b"altered")
    with pytest.raises(ModelFileError, match="SHA-256 .* expected"):
        check_files(tmp_path)


def test_the_tiny_sample_is_below_every_operations_limit() -> None:
    # The engine has no limits of its own: this sample is for the check that comes before any call.
    result = recognize("general-text", document("passport/tiny.png"), {})

    assert result["words_block_count"] == 0
