"""The catalog against the vendor's SDK, both ways, by introspection; and its data against common sense."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import huaweicloudsdkocr.v1 as sdk
import pytest

from legible.operations import catalog
from legible.operations.operation import Operation

SLUGS = catalog.slugs()
CONTAINER = re.compile(r"^(?:list\[)?([A-Z]\w*)\]?$")
SIDE_FIELDS = {"image", "data", "url"}


def sdk_methods() -> dict[str, str]:
    """Map the slug in the HTTP path of each recognize method of the client to the method's name."""
    names = [name for name in vars(sdk.OcrClient) if re.fullmatch(r"recognize_\w+(?<!_invoker)", name)]
    return {_http(name)["resource_path"].rpartition("/")[2]: name for name in names}


def _http(method: str) -> dict[str, Any]:
    request = type("Request", (), {"attribute_map": {}})()
    info: dict[str, Any] = getattr(sdk.OcrClient, f"_{method}_http_info")(request)
    return info


def sdk_fields(type_name: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield path and declared type of every key below a model class."""
    model = getattr(sdk, type_name)
    for attribute, declared in model.openapi_types.items():
        path = prefix + model.attribute_map[attribute]
        yield path, declared
        if (inner := CONTAINER.match(declared)) is not None:
            yield from sdk_fields(inner[1], f"{path}[]." if declared.startswith("list[") else f"{path}.")


def sdk_result(operation: Operation) -> tuple[str, set[tuple[str, str]]]:
    """Return the result's shape and fields as the SDK's response class declares them."""
    declared = getattr(sdk, operation.sdk.response).openapi_types["result"]
    if declared == "object":
        return "untyped", set()
    is_list = declared.startswith("list[")
    name = CONTAINER.match(declared)
    assert name is not None, declared
    return "list" if is_list else "object", set(sdk_fields(name[1], "[]." if is_list else ""))


def differences(kind: str, ours: set[Any], theirs: set[Any]) -> list[str]:
    """Name what one side has and the other lacks."""
    return [f"{kind} only in the catalog: {item}" for item in sorted(ours - theirs)] + [
        f"{kind} only in the SDK: {item}" for item in sorted(theirs - ours)
    ]


def test_every_operation_of_the_sdk_is_here_and_no_other() -> None:
    assert differences("operation", set(SLUGS), set(sdk_methods())) == []


@pytest.mark.parametrize("slug", SLUGS)
def test_names_are_the_sdk_s(slug: str) -> None:
    names = catalog.find(slug).sdk
    request = getattr(sdk, names.request)
    assert names.method == sdk_methods()[slug]
    assert request.openapi_types["body"] == names.body
    assert _http(names.method)["response_type"] == names.response
    assert hasattr(sdk.OcrClient, f"{names.method}_invoker")


@pytest.mark.parametrize("slug", SLUGS)
def test_fields_are_the_sdk_s(slug: str) -> None:
    operation = catalog.find(slug)
    shape, fields = sdk_result(operation)
    assert operation.result == shape
    declared = {(field.path, field.sdk_type) for field in operation.fields if field.sdk_type}
    assert differences("field", declared, fields) == []
    assert {field.path for field in operation.fields if not field.sdk_type} & {path for path, _ in fields} == set()


@pytest.mark.parametrize("slug", SLUGS)
def test_options_are_the_sdk_s(slug: str) -> None:
    operation = catalog.find(slug)
    body = getattr(sdk, operation.sdk.body)
    ours = {(option.name, option.type, option.attribute or option.name) for option in operation.options}
    theirs = {
        (body.attribute_map[attribute], declared, attribute)
        for attribute, declared in body.openapi_types.items()
        if attribute not in SIDE_FIELDS
    }
    assert differences("option", ours, theirs) == []


@pytest.mark.parametrize("slug", SLUGS)
def test_the_document_goes_where_the_sdk_takes_it(slug: str) -> None:
    operation = catalog.find(slug)
    taken = SIDE_FIELDS & set(getattr(sdk, operation.sdk.body).openapi_types)
    assert {name for name in (operation.inline, "url" if operation.url else None) if name} == taken


@pytest.mark.parametrize("slug", SLUGS)
def test_required_options_are_those_the_sdk_always_sets(slug: str) -> None:
    operation = catalog.find(slug)
    assert {option.name for option in operation.options if option.required} == (
        {"code", "number", "issue_date"} if slug == "invoice-verification" else set()
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_data_is_sane(slug: str) -> None:
    operation = catalog.find(slug)
    paths = [field.path for field in operation.fields]
    assert operation.slug == slug
    assert operation.title
    assert operation.title.isascii()
    assert len(paths) == len(set(paths))
    assert all(path.startswith("[].") == (operation.result == "list") for path in paths)
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d", region) for region in operation.regions)
    assert len(operation.regions) == len(set(operation.regions))
    assert bool(operation.limits.formats) == (operation.inline is not None)
    assert operation.limits.advised_bytes * 4 / 3 < operation.limits.base64_bytes
    assert operation.limits.min_side < operation.limits.max_side


@pytest.mark.parametrize("slug", SLUGS)
def test_paged_formats_are_among_the_formats_and_name_an_option(slug: str) -> None:
    operation = catalog.find(slug)
    for name, native in (("pdf", operation.pdf), ("ofd", operation.ofd)):
        assert (name in operation.limits.formats) == (native.pages != "none")
        assert (native.parameter is not None) == (native.pages == "one")
        assert native.parameter is None or operation.option(native.parameter) is not None


@pytest.mark.parametrize("slug", SLUGS)
def test_a_life_says_when_and_what_instead(slug: str) -> None:
    life = catalog.find(slug).life
    assert life.replaced_by is None or life.replaced_by in catalog.OPERATIONS
    assert life.state == "live" or life.removed_on is not None or life.note
    assert life.state != "live" or life.removed_on is None


@pytest.mark.parametrize("slug", SLUGS)
def test_labels_say_something_and_tell_siblings_apart(slug: str) -> None:
    seen: dict[tuple[str, str], str] = {}
    for field in catalog.find(slug).fields:
        assert field.label or field.type == "object", field.path
        assert not re.search(r"\b(?:Id|Vat|Vin|Mrz|Pcr)\b|_|licence|colour|[a-z]\d", field.label), field.label
        key = (field.path.rpartition(".")[0], field.label or field.path)
        assert seen.setdefault(key, field.path) == field.path, f"{field.path} reads like {seen[key]}"


@pytest.mark.parametrize("slug", SLUGS)
def test_display_types_fit_what_the_sdk_declares(slug: str) -> None:
    fits = {
        "bool": {"boolean"},
        "int": {"integer"},
        "float": {"number", "confidence", "integer"},
        "list[list[int]]": {"location"},
        "object": {"object", "confidence", "location"},
        "dict(str, float)": {"confidence"},
    }
    for field in catalog.find(slug).fields:
        assert field.type in fits.get(field.sdk_type, {field.type}), field


def test_a_file_is_read_only_when_asked_for() -> None:
    catalog.find.cache_clear()
    assert len(catalog.OPERATIONS) == len(list(catalog.OPERATIONS)) == len(SLUGS)
    assert "passport" in catalog.OPERATIONS
    assert catalog.find.cache_info().currsize == 0
    assert catalog.OPERATIONS["passport"] is catalog.find("passport")
    assert catalog.find.cache_info().currsize == 1


@pytest.mark.parametrize("slug", ["", "pass-port", "../catalog", "Passport", "passport.toml"])
def test_an_unknown_slug_is_a_key_error(slug: str) -> None:
    assert slug not in catalog.OPERATIONS
    assert catalog.OPERATIONS.get(slug) is None
    with pytest.raises(KeyError):
        catalog.find(slug)


@pytest.mark.parametrize(
    ("slug", "day", "removed"),
    [
        ("passport", date(2099, 1, 1), False),
        ("custom-template", date(2025, 12, 30), False),
        ("custom-template", date(2025, 12, 31), True),
        ("id-document", date(2099, 1, 1), False),
    ],
)
def test_removal_is_by_date(slug: str, day: date, removed: bool) -> None:
    assert catalog.find(slug).removed(day) is removed


def test_every_operation_has_a_title_in_chinese_of_its_own():
    titles = [catalog.find(slug).title_zh for slug in SLUGS]
    assert all(re.search(r"[\u4e00-\u9fff]", title) for title in titles)
    assert len(set(titles)) == len(SLUGS)


@pytest.mark.parametrize(
    ("kind", "slug"),
    [
        ("quota_invoice", "quota-invoice"),
        ("vat_roll_invoice", "vat-invoice"),
        ("id_card_portrait_side", "id-card"),
        ("driver_license_back", "driver-license"),
        (" Passport ", "passport"),
        ("boat", ""),
        ("", ""),
        ("_", ""),
    ],
)
def test_a_kind_of_document_leads_to_the_operation_that_reads_it(kind: str, slug: str) -> None:
    assert catalog.slug_of_kind(kind) == slug


@pytest.mark.parametrize("slug", ["emirates-id-card", "uae_id_card", "UAE-ID-card"])
def test_an_api_that_is_published_and_not_in_the_sdk_is_named_as_not_there(slug: str) -> None:
    assert catalog.why_missing(slug).endswith("is not in the vendor's SDK and not in the catalog.")
    assert catalog.why_missing("passport") == catalog.why_missing("boat") == ""
    assert all(missing not in catalog.slugs() for missing in catalog._NOT_IN_SDK)
