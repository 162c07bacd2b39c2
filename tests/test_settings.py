"""Settings: what is wrong is said with file or variable, key, what was found and what is allowed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs import settings_table
from legible.errors import SettingsError
from legible.notices.targets import EventGrid, Smn, Webhook
from legible.operations.routing import checked_options
from legible.settings import checks, essentials, tables, toml_file
from legible.wiring.parts import policy_of

MINIMUM = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-b", "LEGIBLE_OUTPUT_BUCKET": "out-b"}


@pytest.fixture
def load(tmp_path):
    def loaded(text="", **variables):
        file = tmp_path / "legible.toml"
        file.write_text(text, "utf-8")
        return toml_file.load(file, {**MINIMUM, **variables}.get)

    return loaded


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"# a\n# \xff\xfe\n", r"legible.toml is not UTF-8 \(line 2\). Save it as UTF-8."),
        ('default = "passport"\n'.encode("utf-16"), "is not UTF-8"),
        (b"x = " + b"[" * 2000, "has lists or tables too deep inside each other"),
        (b"x = " + b"9" * 5000, "is not TOML"),
        (b"x = \0", "is not TOML: .*line 1"),
    ],
)
def test_a_file_that_nobody_can_read_is_refused_as_what_it_is(tmp_path, body, said):
    (tmp_path / "legible.toml").write_bytes(body)
    with pytest.raises(SettingsError, match=said):
        toml_file.load(tmp_path / "legible.toml", MINIMUM.get)


def test_a_mark_that_editors_put_before_the_first_line_is_passed_over(tmp_path):
    (tmp_path / "legible.toml").write_bytes(b'\xef\xbb\xbfdefault = "passport"\r\n')
    assert toml_file.load(tmp_path / "legible.toml", MINIMUM.get).default == "passport"


VALUES = st.recursive(
    st.sampled_from(["", "x", "\0", "a/b/", "passport", "smn", "webhook", "a\nb", "*", "\0.xlsx", "a" * 300 + ".xlsx"])
    | st.sampled_from([0, -1, 2**70, 1.5, True]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["kind", "match", "operation", "options", "form", "x y"]), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["kind", "url", "secret", "topic_urn", "on", "fields", "match", "operation", "form", "region", "options", "live",
     "window", "source", "wait_seconds", "formats", "tenants", "input", "endpoint", "level", "passport", "nope"]
)  # fmt: skip


def written(value):
    """Return a value as TOML has it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(one)}" for key, one in value.items()) + "}"
    return "[" + ", ".join(map(written, value)) + "]" if isinstance(value, list) else json.dumps(value)


@given(st.dictionaries(
    st.sampled_from([*(one.name for one in msgspec.structs.fields(tables.Settings)), "ocrr"]),
    VALUES | st.dictionaries(KEYS, VALUES, max_size=3) | st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=2)
    | st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=2), max_size=3,
))  # fmt: skip
def test_whatever_is_written_is_taken_or_refused_in_words(values):
    with TemporaryDirectory() as folder:
        file = Path(folder, "legible.toml")
        file.write_text("".join(f"{name} = {written(one)}\n" for name, one in values.items()), "utf-8")
        try:
            taken = toml_file.load(file, MINIMUM.get)
        except SettingsError as fault:
            assert "legible.toml" in str(fault)
            with contextlib.suppress(SettingsError):  # not even the buckets are known
                assert essentials.usable(file, MINIMUM.get).fault is not None
        else:
            assert essentials.usable(file, MINIMUM.get) == (taken, None, frozenset())


def test_variables_alone_are_enough():
    loaded = toml_file.load(None, MINIMUM.get)
    assert (loaded.cloud.region, loaded.buckets.input, loaded.ocr.source) == ("cn-north-4", "in-b", "url")


def test_a_file_that_is_not_there_is_an_empty_one(tmp_path):
    assert toml_file.load(tmp_path / "none.toml", MINIMUM.get).default == ""


def test_a_variable_overrides_the_file(load):
    loaded = load(
        '[ocr]\nsource = "inline"\n[obs]\nendpoint = "https://a.example"',
        LEGIBLE_SOURCE="signed-url", LEGIBLE_OBS_PATH_STYLE="True", LEGIBLE_LOG_LEVEL="debug",
        LEGIBLE_OBS_ENDPOINT="obs.cn-north-4.myhuaweicloud.com/", LEGIBLE_OBS_SIGNATURE=" v2 ", LEGIBLE_PROJECT_ID="",
    )  # fmt: skip
    assert loaded.ocr.source == "signed-url"
    assert loaded.obs == tables.Obs("https://obs.cn-north-4.myhuaweicloud.com", "v2", path_style=True)
    assert loaded.log.level == "DEBUG"


def test_whether_a_page_may_go_inline_is_set_by_a_variable_too(load):
    assert load().ocr.inline_fallback is True
    assert load(LEGIBLE_INLINE_FALLBACK="False").ocr.inline_fallback is False
    assert load("[ocr]\ninline_fallback = false", LEGIBLE_INLINE_FALLBACK="true").ocr.inline_fallback is True


def test_a_public_url_is_sent_as_the_plain_one(load):
    """The setting names the way, for whoever checks a deployment; a call knows the object's URL alone."""
    assert policy_of(load(LEGIBLE_SOURCE="public-url")).source == "url"
    assert [policy_of(load(LEGIBLE_SOURCE=one)).source for one in ("url", "signed-url", "inline")] == [
        "url", "signed-url", "inline",
    ]  # fmt: skip


def test_where_functions_are_called_is_the_regions_own_unless_it_is_set(load):
    assert load().functions.endpoint == ""
    assert load('[functions]\nendpoint = "https://f.example"').functions.endpoint == "https://f.example"
    named = load('[functions]\nendpoint = "https://f.example"', LEGIBLE_FUNCTIONGRAPH_ENDPOINT="functiongraph.example/")
    assert named.functions.endpoint == "https://functiongraph.example"


def test_the_variables_fit_into_what_a_function_may_have():
    """Given the platform's limits: 20 variables, 4,096 characters of names and values together."""
    assert len(toml_file.VARIABLES) < 20
    assert sum(map(len, toml_file.VARIABLES)) < 1024


def test_routes_operations_and_default(load):
    loaded = load(
        'default = "web-image"\n[[routes]]\nmatch = "mail/*"\noperation = "general-text"\n'
        "options = {quick_mode = true}\n"
        '[operations.passport]\nregion = "ap-southeast-1"\noptions = {country_code = "GENERAL"}'
    )
    assert loaded.routes[0].options == {"quick_mode": True}
    assert loaded.operations["passport"].region == "ap-southeast-1"


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        (
            '[ocr]\nsource = "urll"',
            {},
            r"legible.toml: ocr.source is 'urll'. Allowed is: inline, public-url, signed-url, url.",
        ),
        ("[ocr]\nattempts = 99", {}, r"ocr.attempts is 99. Allowed is: a whole number, 1 to 10."),
        ('[ocr]\nwindow = "four"', {}, r"ocr.window is 'four'. Allowed is: a whole number, 1 to 32."),
        (
            "[ocr]\ncall_seconds = true",
            {},
            r"ocr.call_seconds is True. Allowed is: a number, more than 0, at most 900.",
        ),
        ("[ocr]\nwait_seconds = [1, 9999]", {}, r"ocr.wait_seconds is 9999. Allowed is: a list of two numbers"),
        ("[ocr]\ninline_fallback = 1", {}, r"ocr.inline_fallback is 1. Allowed is: true, false."),
        ("default = 3", {}, r"default is 3. Allowed is: text, in quotes."),
        ("[ocrr]\na = 1", {}, r"has no setting 'ocrr'. It has: cloud, buckets"),
        ("[ocr]\nfoo = 1", {}, r"\[ocr\] has no setting 'foo'. It has: endpoint, source"),
        (
            "[operations.passport]\nfoo = 1",
            {},
            r"\[operations.passport\] has no setting 'foo'. It has: options, region, live",
        ),
        (
            "[operations.passport]\n[operations.vin]\nlive = 3",
            {},
            r"operations.vin.live is 3. Allowed is: true or false.",
        ),
        ("[operations]\npassport = 3", {}, r"operations.passport is 3. Allowed is: a table."),
        (
            '[[routes]]\nmatch = "*"\noperation = "passport"\nfoo = 1',
            {},
            r"toml: route 1 has no setting 'foo'. It has: match",
        ),
        ('[[routes]]\nmatch = 3\noperation = "passport"', {}, r"route 1: match is 3. Allowed is: a pattern of keys"),
        (
            '[[routes]]\nmatch = "*"\noperation = "passport"\nform = 3',
            {},
            r"route 1: form is 3. Allowed is: text, in quotes.",
        ),
        (
            '[[http.tenants]]\napp = "a"\nprefix = "x"',
            {},
            r"http.tenants: tenant 1: prefix is 'x'. Allowed is: a folder",
        ),
        ('[workbooks]\nformats = ["pdf"]', {}, r"workbooks.formats is 'pdf'. Allowed is: a list of one or more"),
        ("x = [", {}, r"is not TOML"),
        ("ocr = 3", {}, r"ocr is 3"),
        ("ocr = 3", {"LEGIBLE_SOURCE": "inline"}, r"ocr is 3"),
        ('default = "nope"', {}, r"default: there is no operation 'nope'. Operations are: acceptance-bill"),
        ('[[routes]]\nmatch = "*"\noperation = "nope"', {}, r"route 1: there is no operation 'nope'"),
        ('[[routes]]\nmatch = "*"', {}, r"legible.toml: route 1 is .* Allowed is: a table with 'operation'."),
        (
            '[operations.passport]\noptions = {x = "1"}',
            {},
            r"passport has no option 'x'. Its options are: country_code",
        ),
        ('[operations.nope]\nregion = ""', {}, r"operations.nope: there is no operation"),
        (
            '[operations.passport]\nregion = "Hong Kong"',
            {},
            r"operations.passport.region is 'Hong Kong'. Allowed is: a re",
        ),
        ('[[routes]]\nmatch = ""\noperation = "passport"', {}, r"route 1: match is '', which no key matches"),
        (
            '[[routes]]\nmatch = "a/[z-a]*"\noperation = "passport"',
            {},
            r"match is 'a/\[z-a\]\*'.* not a regular expression",
        ),
        ("", {"LEGIBLE_OBS_SIGNATURE": "v9"}, r"LEGIBLE_OBS_SIGNATURE is 'v9'. Allowed is: obs, v2, v4."),
        ("", {"LEGIBLE_OBS_PATH_STYLE": "yes"}, r"LEGIBLE_OBS_PATH_STYLE is 'yes'. Allowed is: true, false."),
        ("", {"LEGIBLE_INPUT_BUCKET": "Bad_B"}, r"LEGIBLE_INPUT_BUCKET is 'Bad_B'. Allowed is: a bucket's name"),
        ("", {"LEGIBLE_OCR_ENDPOINT": "http://h/x"}, r"LEGIBLE_OCR_ENDPOINT is 'http://h/x'. Allowed is: http:// or"),
        (
            "",
            {"LEGIBLE_FUNCTIONGRAPH_ENDPOINT": "h/x"},
            r"LEGIBLE_FUNCTIONGRAPH_ENDPOINT is 'https://h/x'. Allowed is: ",
        ),
        ("[functions]\nurn = 1", {}, r"\[functions\] has no setting 'urn'. It has: endpoint."),
        ("", {"LEGIBLE_REGION": ""}, r"cloud.region is not set. .*LEGIBLE_REGION"),
        ("", {"LEGIBLE_REGION": "Hong Kong"}, r"LEGIBLE_REGION is 'Hong Kong'. Allowed is: a region's id"),
    ],
)
def test_what_is_wrong_is_refused_with_place_found_and_allowed(load, text, variables, said):
    with pytest.raises(SettingsError, match=said):
        load(text, **variables)


@pytest.mark.parametrize(
    ("slug", "options", "fine"),
    [
        ("general-text", {"quick_mode": True, "pdf_page_number": 2, "language": "zh"}, True),
        ("general-text", {"quick_mode": "true"}, False),
        ("general-text", {"quick_mode": 1}, False),
        ("general-text", {"pdf_page_number": True}, False),
        ("general-text", {"language": 3}, False),
        ("auto-classification", {"type_list": ["passport"]}, True),
        ("auto-classification", {"type_list": "passport"}, False),
        ("auto-classification", {"extended_parameters": {}}, True),
        ("auto-classification", {"extended_parameters": []}, False),
        ("vin", {"x": 1}, False),
    ],
)
def test_options_have_the_types_the_service_wants(slug, options, fine):
    if fine:
        checked_options(slug, options, "here")
    else:
        with pytest.raises(SettingsError, match="here: "):
            checked_options(slug, options, "here")


def test_the_reference_names_every_setting_and_variable():
    text = settings_table.reference()
    assert all(name in text for name in toml_file.VARIABLES)
    assert "| `ocr.attempts` |  | `4` | 1 to 10 |" in text


SMN = 'kind = "smn"\ntopic_urn = "urn:smn:cn-north-4:0f4c:legible"\n'
EVENTGRID = 'kind = "eventgrid"\nchannel_id = "6f2c-1"\nsource = "legible"\n'
WEBHOOK = 'kind = "webhook"\nurl = "https://hooks.example/x"\nsecret = "LEGIBLE_HOOK"\n'
APART = {"LEGIBLE_OBS_ENDPOINT": "http://127.0.0.1:1", "LEGIBLE_OCR_ENDPOINT": "http://127.0.0.1:2"}


def hook(old: str, new: str) -> str:
    return f"[notify.hr]\n{WEBHOOK}".replace(old, new)


class TestPrices:
    def test_prices_and_packages_are_taken(self, load):
        found = load(
            '[prices]\ncurrency = "CNY"\nlist = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "0.01" }] }]\n'
            'packages = [{ slugs = ["passport"], size = 9, bought = 2026-01-01, until = 2026-12-31 }]\n'
            '[reconcile]\nshared = ["passport"]\ninterfaces = { X = "vin" }\n'
        )
        assert (found.prices.currency, found.prices.list[0].tiers[0].each) == ("CNY", "0.01")
        assert (found.prices.packages[0].size, found.reconcile.interfaces) == (9, {"X": "vin"})

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                'list = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = 0.01 }] }]',
                r"each is .*numbers with a point",
            ),
            (
                'list = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "-1" }] }]',
                r"each is .*an amount as text",
            ),
            (
                'list = [{ slugs = ["x"], since = 2026-01-01, tiers = [{ each = "1" }] }]',
                r"prices.list 1: .*no operation 'x'",
            ),
            ('list = [{ slugs = [], since = 2026-01-01, tiers = [{ each = "1" }] }]', r"one or more operations"),
            ('list = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "1", above = 1 }] }]', r"above 1 calls"),
            (
                'list = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "1" }, { each = "2" }] }]',
                r"above 0, 0 calls. The first begins above 0",
            ),
            ('packages = [{ slugs = ["*"], size = 9, bought = 2026-01-01 }]', r"prices.packages 1: .*no operation"),
            (
                'packages = [{ slugs = ["vin"], size = 9, bought = 2026-01-02, until = 2026-01-01 }]',
                r"bought on 2026-01-02 and ends on 2026-01-01",
            ),
            ('currency = "usd"', r"prices.currency is 'usd'. Allowed is: three capitals"),
            ("warn_days = 0", r"prices.warn_days is 0"),
        ],
    )
    def test_a_wrong_one_is_refused_by_its_place(self, load, text, said):
        with pytest.raises(SettingsError, match=said):
            load(f"[prices]\n{text}\n")

    @pytest.mark.parametrize("text", ['shared = ["x"]', 'interfaces = { X = "y" }'])
    def test_so_is_an_operation_that_is_compared_and_does_not_exist(self, load, text):
        with pytest.raises(SettingsError, match="reconcile.*no operation"):
            load(f"[reconcile]\n{text}\n")


class TestTargets:
    def test_each_kind_is_taken(self, load):
        found = load(
            f'[notify.ops]\n{SMN}on = ["held", "dead"]\n[notify.bus]\n{EVENTGRID}match = "passport/*"\n'
            f'[notify.hr]\n{WEBHOOK}fields = ["surname"]\n'
        ).notify
        assert found["ops"] == Smn(topic_urn="urn:smn:cn-north-4:0f4c:legible", on=("held", "dead"))
        assert found["bus"] == EventGrid(channel_id="6f2c-1", source="legible", match="passport/*")
        assert found["hr"] == Webhook(url="https://hooks.example/x", secret="LEGIBLE_HOOK", fields=("surname",))

    def test_nothing_recognized_goes_out_unless_it_is_asked_for(self, load):
        (target,) = load(f"[notify.ops]\n{SMN}").notify.values()
        assert target.fields == ()
        assert set(target.on) == {"done", "partial", "rejected", "held", "dead"}
        assert target.wants("a/b/c.png", "dead")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (f"[notify.Ops]\n{SMN}", r"notify.Ops is not a name of a target. Allowed are: a-z"),
            ('[notify.ops]\nkind = "mail"\n', r"notify.ops.kind is 'mail'. Allowed is: smn, eventgrid, webhook."),
            ('[notify.ops]\nmatch = "*"\n', r"notify.ops.kind is None. Allowed is: smn, eventgrid, webhook."),
            ("[notify]\nops = 3\n", r"notify.ops.kind is None"),
            ("notify = 3\n", r"notify is 3"),
            ('[notify.ops]\nkind = ["canary"]\n', r"notify.ops.kind is a list. Allowed is: smn, eventgrid, webhook."),
            ('[notify.ops]\nkind = "smn"\n', r"notify.ops: .*topic_urn.* It has: topic_urn, match, on, fields."),
            (f"[notify.ops]\n{SMN}url = 1\n", r"notify.ops: .*field `url`. It has: topic_urn, match, on, fields."),
            ('[notify.ops]\nkind = "smn"\ntopic_urn = "legible"\n', r"notify.ops.topic_urn: .*a topic's URN"),
            (f'[notify.ops]\n{SMN}on = ["finished"]\n', r"notify.ops.on: .*one or more of done, partial, rejected"),
            (f"[notify.ops]\n{SMN}on = []\n", r"notify.ops.on: .*one or more of done"),
            (f"[notify.ops]\n{SMN}fields = 1\n", r"notify.ops.fields: .*names of fields"),
            (hook("https", "http"), r"notify.hr.url: .*its scheme is http"),
            (hook("hooks.example", "10.0.0.1"), r"notify.hr.url: .*not public"),
            (hook("hooks.example", "hooks.example:22"), r"notify.hr.url: .*its port is 22"),
            (hook("hooks.example", "a:canary@hooks.example"), r"notify.hr.url: .*name and password"),
            (hook("https://hooks.example", "http://127.0.0.1:9"), r"notify.hr.url: .*its scheme is http"),
            (f'[notify.ops]\n{SMN}match = "[9-0]"\n', r"notify.ops.match is '\[9-0\]', which no key matches"),
            (hook("LEGIBLE_HOOK", "whsec_canary"), r"notify.hr.secret: .*never the secret itself"),
        ],
    )
    def test_what_is_wrong_is_refused_by_its_name(self, load, text, said):
        with pytest.raises(SettingsError, match=said) as caught:
            load(text)
        assert "canary" not in f"{caught.value} {caught.value.__cause__}"

    def test_this_machine_may_be_told_where_the_setup_stands_apart(self, load):
        text = hook("https://hooks.example", "http://127.0.0.1:9")
        assert load(text, **APART).notify["hr"].url == "http://127.0.0.1:9/x"
        with pytest.raises(SettingsError, match="its scheme is http"):
            load(text.replace("127.0.0.1", "hooks.example"), **APART)

    def test_the_reference_names_what_each_kind_has(self):
        text = settings_table.reference()
        assert "| `notify.<name>.kind` |  |  | smn, eventgrid, webhook |" in text
        assert "| `notify.<name>.topic_urn` |  |  | smn: a topic's URN" in text
        assert '| `notify.<name>.match` |  | `"*"` | a pattern of keys; * also crosses / |' in text


class TestTenants:
    ONE = '[[http.tenants]]\napp = "app-a"\nprefix = "acme/"\n'

    def test_each_application_has_its_folder(self, load):
        found = load(self.ONE + self.ONE.replace("app-a", "app-b"))
        assert [(one.app, one.prefix) for one in found.http.tenants] == [("app-a", "acme/"), ("app-b", "acme/")]

    def test_one_that_is_named_twice_is_refused(self, load):
        with pytest.raises(SettingsError, match="'app-a' twice"):
            load(self.ONE + self.ONE.replace("acme", "beta"))


class TestForms:
    def loaded(self, folder, text):
        file = folder / "legible.toml"
        file.write_text(text, "utf-8")
        base = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-b", "LEGIBLE_OUTPUT_BUCKET": "out-b"}
        return toml_file.load(file, base.get)

    def test_that_are_there_are_taken(self, tmp_path):
        (tmp_path / "own.toml").write_text('[[column]]\nlabel = "A"\nfrom = "passport_number"\n', "utf-8")
        found = self.loaded(tmp_path, '[operations.passport]\nform = "own.toml"\n')
        assert found.operations["passport"].form == "own.toml"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                '[operations.passport]\nform = "missing.xlsx"\n',
                "operations.passport: form = 'missing.xlsx' cannot be read",
            ),
            ('[operations.passport]\nform = "a\\u0000b.xlsx"\n', "cannot be read"),
            (
                '[[routes]]\nmatch = "a/*"\noperation = "passport"\nform = "../x.toml"\n',
                "route 1: form = '../x.toml' leads out",
            ),
        ],
    )
    def test_that_are_not_are_refused_at_start_with_their_place(self, tmp_path, text, said):
        with pytest.raises(SettingsError) as caught:
            self.loaded(tmp_path, text)
        assert said in str(caught.value)


class TestSecrets:
    """What a webhook's user variable holds is asked for before it is deployed, and where notices are sent."""

    @pytest.mark.parametrize("secret", [None, "", "short", "whsec_canary"])
    def test_one_that_is_none_is_refused_by_its_target(self, load, secret):
        settings = load(f"[notify.hr]\n{WEBHOOK}")
        with pytest.raises(SettingsError, match=r"legible.toml: notify.hr.secret: .*LEGIBLE_HOOK") as caught:
            checks.check_secrets(settings, "legible.toml", {"LEGIBLE_HOOK": secret}.get)
        assert "canary" not in str(caught.value)

    def test_one_that_is_there_is_taken_and_other_targets_need_none(self, load):
        settings = load(f"[notify.hr]\n{WEBHOOK}[notify.ops]\n{SMN}")
        checks.check_secrets(settings, "legible.toml", {"LEGIBLE_HOOK": "whsec_" + "QUFB" * 10}.get)
        assert set(settings.notify) == {"hr", "ops"}


class TestUsable:
    """What ends documents goes on with what is right of wrong settings."""

    @pytest.fixture
    def usable(self, tmp_path):
        def found(text="", **variables):
            file = tmp_path / "legible.toml"
            file.write_text(text, "utf-8")
            return essentials.usable(file, {**MINIMUM, **variables}.get)

        return found

    def test_right_settings_are_all_there(self, usable, load):
        text = f'default = "passport"\n[notify.hr]\n{WEBHOOK}'
        assert usable(text) == (load(text), None, frozenset())

    @pytest.mark.parametrize(
        "text",
        ["[ocrr]\na = 1\n", "ocr = 3\n", '[ocr]\nsource = "urll"\n', "[ledger]\nfoo = 1\n", 'default = "nope"\n',
         '[http]\ntenants = 3\n', "[obs]\nfoo = 1\n", '[workbooks]\nmarker = "a/b"\n', '[log]\nlevel = "LOUD"\n'],
    )  # fmt: skip
    def test_what_is_wrong_is_left_out_and_said(self, usable, text):
        settings, fault, _ = usable(f"{text}[limits]\nmax_pages = 7\n[notify.ops]\n{SMN}[notify.hr]\nkind = 3\n")
        assert fault is not None
        assert (settings.buckets.output, settings.limits.max_pages, set(settings.notify)) == ("out-b", 7, {"ops"})
        assert (settings.routes, settings.default, settings.ocr, settings.log.level) == ((), "", tables.Ocr(), "INFO")

    @pytest.mark.parametrize(
        ("text", "partial"),
        [("[ocrr]\n", set()), ("workbooks = 3\n", {"workbooks"}), ("[log]\nfoo = 1\n[obs]\nbar = 2\n", {"log", "obs"})],
    )
    def test_which_tables_are_not_whole_is_told(self, usable, text, partial):
        assert usable(text).partial == partial

    def test_a_file_that_is_no_toml_leaves_the_variables(self, usable):
        settings, fault, partial = usable("x = [")
        assert "is not TOML" in str(fault) and "workbooks" in partial
        assert (settings.buckets.input, settings.notify) == ("in-b", {})

    @pytest.mark.parametrize(
        "variables",
        [{"LEGIBLE_OUTPUT_BUCKET": ""}, {"LEGIBLE_INPUT_BUCKET": "A B"}, {"LEGIBLE_REGION": "here"},
         {"LEGIBLE_OBS_ENDPOINT": "http://h/x"}],
    )  # fmt: skip
    def test_another_bucket_or_host_than_is_meant_is_never_written_to(self, usable, variables):
        with pytest.raises(SettingsError, match=next(iter(variables))):
            usable("", **variables)

    def test_who_may_be_reached_is_not_guessed(self, usable):
        """Given an isolated setup, one of whose endpoints is wrong: it would be taken for one in the cloud."""
        settings, fault, _ = usable(f"[notify.ops]\n{SMN}", **{**APART, "LEGIBLE_OCR_ENDPOINT": "http://h/x"})
        assert fault is not None and settings.notify == {}
        settings, fault, _ = usable(f"[ocrr]\n[notify.hr]\n{WEBHOOK}[notify.x]\n{WEBHOOK.replace('https', 'http')}")
        assert fault is not None and set(settings.notify) == {"hr"}
