"""Documents that have reached the age of their rule are forgotten, so many a run; each goes on where one stood."""

from __future__ import annotations

from datetime import timedelta

import pytest

from legible.errors import SettingsError
from legible.model.documents import ObjectRef
from legible.settings import RetentionRule, load
from legible.upkeep.retention import STATE, Retention
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture
from tests.upkeep.forget_rig import Forgetter

DAY = timedelta(days=1).total_seconds()


def retained(rig: Rig, *rules: RetentionRule, most: int = 5_000) -> Retention:
    forgetter = Forgetter(rig)
    return Retention(forgetter.site, forgetter.call, rules, forgetter.forgetting, most)


def aged(*keys: str) -> Rig:
    """Return a world in which documents were read ten days ago, and one today."""
    rig = Rig(PASSPORT)
    for number, key in enumerate(keys):
        rig.run(rig.upload(key, picture(60 + number)))
    rig.clock.pause(10 * DAY)
    rig.run(rig.upload("passport/today.png", picture(200)))
    return rig


def test_what_is_older_than_its_rule_says_is_forgotten():
    rig = aged("passport/a.png", "visa/b.png")
    report = retained(rig, RetentionRule("passport/*", 7)).run()
    assert report.emptied == 1
    assert rig.store.keys(IN) == ["passport/today.png", "visa/b.png"]


def test_the_first_rule_that_matches_counts():
    rig = aged("passport/a.png", "passport/keep/b.png")
    rules = RetentionRule("passport/keep/*", 3650), RetentionRule("*", 7)
    assert [(one.key, one.rule) for one in retained(rig, *rules).expired()] == [("passport/a.png", 2)]


def test_results_stay_where_the_rule_says_so():
    rig = aged("passport/a.png")
    assert retained(rig, RetentionRule("*", 7, ("results",))).run().emptied == 1
    assert rig.record("passport/a.png")["fields"]
    assert ObjectRef(IN, "passport/a.png") not in rig.store.objects
    assert rig.store.keys(OUT, "answers/passport/a.png/") == []


def test_results_whose_upload_is_gone_are_forgotten_too():
    rig = aged("passport/a.png")
    rig.store.remove(ObjectRef(IN, "passport/a.png"))
    assert retained(rig, RetentionRule("*", 7)).run().emptied == 1
    assert not rig.has("results/passport/a.png/record.json")


def test_in_one_bucket_own_files_are_no_uploads():
    rig = Rig(PASSPORT)
    rig.output = IN
    rig.run(rig.upload("passport/a.png"))
    rig.clock.pause(10 * DAY)
    assert [one.key for one in retained(rig, RetentionRule("*", 7)).expired()] == ["passport/a.png"]


def test_a_run_is_bounded_and_the_next_one_goes_on():
    rig = Rig(PASSPORT)
    for number in range(250):
        rig.store.put(IN, f"scans/{number:03}.png", b"x")
    rig.clock.pause(10 * DAY)
    counts = [retained(rig, RetentionRule("*", 7), most=100).run().emptied for _ in range(4)]
    assert counts == [100, 100, 50, 0]
    assert rig.store.json(OUT, STATE)["ended"]


def test_all_is_looked_through_once_a_day():
    rig = aged("passport/a.png")
    rule = RetentionRule("*", 7)
    retained(rig, rule).run()
    rig.store.put(IN, "passport/late.png", b"x")
    rig.clock.pause(0.5 * DAY)
    assert retained(rig, rule).run().emptied == 0
    rig.clock.pause(9 * DAY)
    assert retained(rig, rule).run().emptied == 2


def test_without_a_rule_nothing_is_looked_at():
    rig = aged("passport/a.png")
    assert retained(rig).run().emptied == 0
    assert not rig.has(STATE)


def test_it_is_off_by_default(tmp_path):
    file = tmp_path / "legible.toml"
    file.write_text("")
    assert load(file, VARIABLES.get).retention == ()


VARIABLES = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-1", "LEGIBLE_OUTPUT_BUCKET": "out-1"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('match = "*"\nafter_days = 0', "after_days"),
        ('match = "*"', "after_days"),
        ('match = "[z-a]"\nafter_days = 3', "no key matches"),
        ('match = "*"\nafter_days = 3\nkeep = ["answers"]', "keep"),
        ('match = "*"\nafter_days = 3\nkeeps = ["results"]', "keeps"),
        ('match = "*"\nafter_days = "3"', "after_days"),
    ],
)
def test_wrong_rules_are_refused_by_name(tmp_path, rule, said):
    file = tmp_path / "legible.toml"
    file.write_text(f"[[retention]]\n{rule}\n")
    with pytest.raises(SettingsError, match=said):
        load(file, VARIABLES.get)
