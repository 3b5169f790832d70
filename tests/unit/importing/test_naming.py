"""What repositories of elsewhere are called here: never two by one name, and never by one that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.importing.naming import chosen, planned_names
from orlop.domain.importing.plan import ImportedFrom, ImportPlan, PlannedRepository, System, parse_plan, written_plan
from orlop.domain.names import is_repository_name


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("team/app", "old/team/app"),
        ("Team/App", "old/team/app"),
        ("team/my app", "old/team/my-app"),
        ("team/_app_", "old/team/app"),
        ("team//app", "old/team/app"),
        ("team/a..b", "old/team/a-b"),
        ("team/a___b", "old/team/a-b"),
        ("team/a._b", "old/team/a-b"),
        ("team/a__b", "old/team/a__b"),
        ("team/a--b", "old/team/a--b"),
        ("Büro/app", "old/b-ro/app"),
    ],
)
def test_the_nearest_name_is_taken(source: str, target: str) -> None:
    (planned,) = planned_names([(source, 3)], "old/")
    assert planned.target == target
    assert bool(planned.note) == (f"old/{source}" != target)


def test_a_name_that_nothing_comes_near_is_left_to_a_person() -> None:
    (planned,) = planned_names([("___", None)], "")
    assert planned.skip
    assert "choose a name" in planned.note


def test_who_has_a_name_keeps_it() -> None:
    planned = planned_names([("App", None), ("app", None), ("APP", None)], "")
    assert {each.source: each.target for each in planned} == {"app": "app", "APP": "app-2", "App": "app-3"}


@given(st.lists(st.text(max_size=40), unique=True, max_size=12), st.sampled_from(["", "old", "old/deep/"]))
def test_no_two_are_called_the_same(names: list[str], into: str) -> None:
    planned = planned_names([(name, None) for name in names], into)
    assert sorted(each.source for each in planned) == sorted(names)
    wanted = [each.target for each in planned if not each.skip]
    assert len(set(wanted)) == len(wanted)
    assert all(is_repository_name(target) for target in wanted)
    assert chosen(planned) == ""


def test_targets_that_somebody_wrote_are_looked_at() -> None:
    twice = [PlannedRepository(source="a", target="x"), PlannedRepository(source="b", target="x")]
    assert chosen(twice) == "b and a would both be x"
    assert "cannot be its name" in chosen([PlannedRepository(source="a", target="A")])
    assert chosen([PlannedRepository(source="a", target="A", skip=True)]) == ""


def test_a_plan_that_is_written_is_read_as_it_was() -> None:
    plan = ImportPlan(
        version=1,
        source=ImportedFrom(system=System.ZOT, at="/srv/zot"),
        repositories=planned_names([("App", 2), ("app", None)], "old"),
        untagged=True,
    )
    assert parse_plan(written_plan(plan)) == plan
