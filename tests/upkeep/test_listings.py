"""Two lists of one store are brought into one order, whatever keys are called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.model.documents import ObjectRef
from legible.ports import ListedObject, Site
from legible.upkeep.findings import is_journal
from legible.upkeep.listings import FolderList, Listed, in_order, uploads
from tests.support.fakes import MemoryStore
from tests.support.rig import IN, OUT

#: Letters around the slash, where the order of keys and that of folders differ, and some beyond ASCII.
LETTERS = st.text("a-./0 ~äé好", min_size=1, max_size=6)
KEYS = st.sets(LETTERS, max_size=30)


def listed(keys: set[str]) -> list[ListedObject]:
    return [ListedObject(key, 1, "e") for key in sorted(keys, key=str.encode)]


def names(found: Iterator[Listed], *, alone: bool = False) -> list[str]:
    return [one.item.key for one in found if one.alone is alone]


class TestTheOrder:
    @given(KEYS)
    def test_every_key_comes_once(self, keys):
        found = list(in_order(iter(listed(keys))))
        assert sorted(one.item.key for one in found) == sorted(keys)

    @given(KEYS)
    def test_keys_come_in_the_order_in_which_their_folders_end(self, keys):
        found = names(in_order(iter(listed(keys))))
        assert found == sorted(found, key=lambda key: (key + "0").encode())

    @given(KEYS)
    def test_one_that_is_a_folder_of_others_comes_alone(self, keys):
        alone = names(in_order(iter(listed(keys))), alone=True)
        assert set(alone) == {key for key in keys if any(other.startswith(f"{key}/") for other in keys)}

    @given(KEYS, st.integers(1, 4))
    def test_at_a_cut_all_keys_before_it_came_and_none_behind(self, keys, patience):
        seen = set[str]()
        for one in in_order(iter(listed(keys)), patience):
            seen.add(one.item.key)
            if one.cut:
                assert seen == {key for key in keys if key <= one.cut}

    def test_a_name_that_too_many_begin_with_does_not_keep_all_of_them_waiting(self):
        keys = ["a", "a-", *(f"a-.{number}" for number in range(10))]
        found = list(in_order(iter(listed(set(keys))), patience=3))
        assert names(iter(found), alone=True)[:2] == ["a", "a-"]
        assert len(found) == len(keys)


class TestFolders:
    @given(KEYS, st.sets(st.tuples(LETTERS, st.sampled_from(["e.jsonl", "newest-1.jsonl", "f.jsonl"]))),
           st.integers(1, 5))  # fmt: skip
    def test_each_name_finds_its_own_files_and_no_others(self, keys, files, jump):
        """Given uploads and files of folders of any names: whoever is found has all and only its own."""
        store = MemoryStore()
        for folder, file in files:
            store.put(OUT, f"p/{folder}/{file}", b"x")
        folders = FolderList(lambda prefix, after: store.list(OUT, prefix, after), "p/", is_journal, jump)
        for one in in_order(iter(listed(keys))):
            if one.alone:
                continue
            found = folders.find(one.item.key)
            true = {file for folder, file in files if folder == one.item.key and is_journal(file)}
            assert found is None or set(found) == true

    def test_far_apart_names_cost_a_list_each_and_not_all_between(self):
        store, lists = MemoryStore(), []
        for number in range(3000):
            store.put(OUT, f"p/{number:04d}/e.jsonl", b"x")

        def listing(prefix: str, after: str) -> Iterator[ListedObject]:
            lists.append(after)
            return store.list(OUT, prefix, after)

        folders = FolderList(listing, "p/", is_journal, jump=10)
        assert [bool(folders.find(name)) for name in ("0001", "0002", "1500", "2999", "3500")] == [True] * 4 + [False]
        assert lists == ["p/0001", "p/1500", "p/2999"]

    def test_of_a_folder_with_much_below_it_nobody_can_tell(self):
        store = MemoryStore()
        for number in range(50):
            store.put(OUT, f"p/a/{number}/e.jsonl", b"x")
        folders = FolderList(lambda prefix, after: store.list(OUT, prefix, after), "p/", is_journal, jump=10)
        assert folders.find("a") is None


class TestUploads:
    @pytest.mark.parametrize(("after", "until", "found"), [("", "", "abcz"), ("a", "c", "bc"), ("b", "", "cz")])
    def test_they_are_those_behind_one_key_up_to_another(self, after, until, found):
        store = MemoryStore()
        for key in "abcz":
            store.put(IN, key, b"x")
        assert "".join(one.key for one in uploads(Site(store, IN, OUT), after, until)) == found

    def test_in_one_bucket_each_folder_of_ours_is_jumped_over_by_one_list(self):
        store, asked = MemoryStore(), []
        for key in ["a", *(f"ledger/{IN}/a/{number}.jsonl" for number in range(50)), "ledgers", "results/a/r", "z"]:
            store.put(IN, key, b"x")
        store.fail = lambda verb, ref: asked.append(verb)
        assert [one.key for one in uploads(Site(store, IN, IN), "", "")] == ["a", "ledgers", "z"]
        assert asked == ["list"] * 3

    def test_an_object_is_not_taken_for_ours_in_a_bucket_of_its_own(self):
        store = MemoryStore()
        store.put(IN, "results/a.png", b"x")
        assert [one.key for one in uploads(Site(store, IN, OUT), "", "")] == ["results/a.png"]
        assert ObjectRef(IN, "results/a.png") in store.objects
