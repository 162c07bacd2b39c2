"""Settings: what is wrong is said with file or variable, key, what was found and what is allowed."""

from __future__ import annotations

import pytest

from docs import settings_table
from legible.errors import SettingsError
from legible.notices.targets import EventGrid, Smn, Webhook
from legible.operations.routing import checked_options
from legible.settings import tables, toml_file

MINIMUM = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-b", "LEGIBLE_OUTPUT_BUCKET": "out-b"}


@pytest.fixture
def load(tmp_path):
    def loaded(text="", **variables):
        file = tmp_path / "legible.toml"
        file.write_text(text, "utf-8")
        return toml_file.load(file, {**MINIMUM, **variables}.get)

    return loaded


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
        ('[ocr]\nsource = "urll"', {}, r"legible.toml: ocr.source is 'urll'. Allowed is: inline, signed-url, url."),
        ("[ocr]\nattempts = 99", {}, r"ocr.attempts is 99. .*<= 10"),
        ("[ocrr]\na = 1", {}, r"has no setting 'ocrr'. It has: cloud, buckets"),
        ("[ocr]\nfoo = 1", {}, r"\[ocr\] has no setting 'foo'. It has: endpoint, source"),
        ("[operations.passport]\nfoo = 1", {}, r"has no setting 'foo'. It has: options, region, live"),
        ("x = [", {}, r"is not TOML"),
        ("ocr = 3", {}, r"ocr is 3"),
        ("ocr = 3", {"LEGIBLE_SOURCE": "inline"}, r"ocr is 3"),
        ('default = "nope"', {}, r"default: there is no operation 'nope'. Operations are: acceptance-bill"),
        ('[[routes]]\nmatch = "*"\noperation = "nope"', {}, r"route 1: there is no operation 'nope'"),
        ('[[routes]]\nmatch = "*"', {}, r"legible.toml: routes.0"),
        (
            '[operations.passport]\noptions = {x = "1"}',
            {},
            r"passport has no option 'x'. Its options are: country_code",
        ),
        ('[operations.nope]\nregion = ""', {}, r"operations.nope: there is no operation"),
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
