"""The soak's checker: histories that are right, and such with one violation each."""

import pytest

from soak.checker import ABSENT, Allowed, Answer, Upload, check, percentile

BOUND = Allowed(bound=10)
FAULT = Allowed(bound=10, fault=(100, 120), recovery=30)
EMPTY_AT = 1000
DELETES = "deletes"


def history(changes, answers, allowed=BOUND, **more):
    """Checks one URL. Changes are (time, version) or (time, version, DELETES), answers (time, version). Each takes 0.1 s."""
    uploads = [Upload("u", version, bool(deletes), at) for at, version, *deletes in changes]
    reads = [Answer("u", at, at + 0.1, version) for at, version in answers]
    return check(uploads, reads, allowed, EMPTY_AT, **more)


def found(result):
    return sorted({violation.check for violation in result.violations})


CHANGES = [(0, 1), (50, 2)]
END = (1001, 2)


@pytest.mark.parametrize(
    ("changes", "answers", "expected"),
    [
        pytest.param(CHANGES, [(49, 1), (51, 1), (55, 2), END], [], id="fresh after five seconds"),
        pytest.param(CHANGES, [(59.9, 1), (60.1, 2), END], [], id="fresh just in time"),
        pytest.param(CHANGES, [(60.1, 1), END], ["too late"], id="old after the bound"),
        pytest.param(CHANGES, [(55, 2), (60.1, 1), END], ["too late"], id="old again after the bound"),
        pytest.param(CHANGES, [(49.95, 1), END], [], id="an answer that was under way during the change"),
        pytest.param(CHANGES, [(49, 2), END], [], id="new before the call of the upload ended"),
        pytest.param(CHANGES, [(1001, 1)], ["stale at the end"], id="lost"),
        pytest.param(CHANGES, [END, (1002, 1)], ["stale at the end"], id="old again at the end"),
        pytest.param(CHANGES, [(55, 2)], ["not read"], id="not read at the end"),
        pytest.param(CHANGES, [], ["not read"], id="never read"),
        pytest.param([*CHANGES, (1005, 3)], [(55, 2), (1006, 2)], ["stale at the end"], id="changed after the end"),
        pytest.param([(0, 1), (50, 2, DELETES)], [(55, ABSENT), (1001, ABSENT)], [], id="deleted"),
        pytest.param(
            [(0, 1), (50, 2, DELETES)], [(61, 1), (1001, ABSENT)], ["too late"], id="deleted, and there too long"
        ),
        pytest.param([(0, 1), (50, 2, DELETES)], [(1001, 1)], ["stale at the end"], id="deleted, and still there"),
        pytest.param([(0, 1, DELETES), (50, 2)], [(1001, ABSENT)], ["stale at the end"], id="created, and not there"),
        pytest.param([(0, 1), (50, 2)], [(1001, ABSENT)], ["stale at the end"], id="not there, and never deleted"),
        pytest.param(
            [(0, 1), (50, 2, DELETES), (52, 3)], [(51, ABSENT), (1001, 3)], [], id="deleted and created again"
        ),
        pytest.param(
            [(0, 1), (50, 2, DELETES), (52, 3)], [(51, ABSENT), (1001, 1)], ["stale at the end"], id="the first"
        ),
    ],
)
def test_a_history_has_exactly_these_violations(changes, answers, expected):
    assert found(history(changes, answers)) == expected


@pytest.mark.parametrize(
    ("changed_at", "seen_at", "expected"),
    [
        (50, 61, ["too late"]),
        (95, 149, []),
        (95, 151, ["too late"]),
        (110, 149, []),
        (110, 151, ["too late"]),
        (160, 171, ["too late"]),
    ],
)
def test_a_change_under_a_fault_may_be_visible_later(changed_at, seen_at, expected):
    assert found(history([(0, 1), (changed_at, 2)], [(seen_at, 1), END], FAULT)) == expected


def test_each_change_has_its_own_bound():
    changes = [(0, 1), (50, 2), (58, 3)]
    assert found(history(changes, [(61, 2), (1001, 3)])) == [], "the third has time until 68"
    assert found(history(changes, [(69, 2), (1001, 3)])) == ["too late"]


def test_teams_in_trouble_may_be_late_but_not_lost():
    assert found(history(CHANGES, [(500, 1), END], exempt={"u"})) == []
    assert found(history(CHANGES, [(500, 1), (1001, 1)], exempt={"u"})) == ["stale at the end"]


def test_urls_are_checked_alone():
    uploads = [Upload(url, version, False, at) for url in ("a", "b") for version, at in ((1, 0), (2, 50))]
    answers = [Answer("a", 1001, 1002, 2), Answer("b", 1001, 1002, 1)]
    assert [(it.check, it.url) for it in check(uploads, answers, BOUND, EMPTY_AT).violations] == [
        ("stale at the end", "b")
    ]


def test_the_time_to_fresh_ends_when_no_older_version_is_seen_any_more():
    result = history(
        [(0, 1), (50, 2), (60, 3)], [(49, 1), (51, 1), (53, 2), (54, 1), (56, 2), (63, 3), (1001, 3)], since=1
    )
    assert [round(latency, 3) for latency in result.latencies()] == [3.1, 6.1]
    assert (result.answers, result.stale_answers) == (7, 2)
    assert [round(result.fresh_at(before), 3) for before in (50, 55, 1000)] == [0, 56.1, 63.1]


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (75, 3), (76, 4), (99, 4), (100, 4)])
def test_percentiles_are_values(percent, expected):
    assert percentile([1, 2, 3, 4], percent) == expected
    assert percentile([], percent) == 0
