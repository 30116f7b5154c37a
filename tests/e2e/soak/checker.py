"""Compares what was uploaded with what visitors got. Pure functions over two logs: nothing here knows queues or purges."""

import bisect
import collections
import dataclasses

# The version that an answer shows if it was not an object: it is matched with deletions.
ABSENT = None


@dataclasses.dataclass(frozen=True)
class Upload:
    """A change of the object behind a URL. Versions of a URL only grow; a deletion has one, too."""

    url: str
    version: int
    deletes: bool
    finished: float


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a visitor got for a URL: a version, or ABSENT."""

    url: str
    started: float
    finished: float
    version: int | None


@dataclasses.dataclass(frozen=True)
class Allowed:
    """How long a change may take to be visible: `bound` seconds, and if it was made while a fault lasted, until `recovery`
    seconds after the fault's end."""

    bound: float
    fault: tuple[float, float] | None = None
    recovery: float = 0

    def due(self, changed_at):
        due = changed_at + self.bound
        if self.fault and self.fault[0] - self.bound < changed_at < self.fault[1] + self.recovery:
            due = max(due, self.fault[1] + self.recovery)
        return due


@dataclasses.dataclass(frozen=True)
class Violation:
    check: str
    url: str
    text: str


@dataclasses.dataclass
class Result:
    """`visible` has, for each change after `since`, when it was made, and when the first answer came from which on no older
    version was seen."""

    violations: list[Violation] = dataclasses.field(default_factory=list)
    visible: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    answers: int = 0
    stale_answers: int = 0

    def latencies(self):
        """How long the changes took to be visible, in seconds, sorted."""
        return sorted(visible_at - changed_at for changed_at, visible_at in self.visible)

    def fresh_at(self, changed_before):
        """When the last of the changes before this time was visible."""
        return max((visible_at for changed_at, visible_at in self.visible if changed_at < changed_before), default=0.0)

    def lost(self):
        """How many URLs never showed their last change."""
        return len({violation.url for violation in self.violations if violation.check == "stale at the end"})


def check(uploads, answers, allowed, empty_at, exempt=frozenset(), since=0.0):
    """Checks every URL that was uploaded.

    - stale at the end: after `empty_at`, when all queues were empty, each URL shows its last change;
    - not read: each URL was read after that, or the history proves nothing;
    - too late: a change is visible when `allowed` says. URLs in `exempt` may be later: their teams are in trouble.
    """
    changes, reads = collections.defaultdict(list), collections.defaultdict(list)
    for upload in uploads:
        changes[upload.url].append(upload)
    for answer in answers:
        reads[answer.url].append(answer)
    result = Result()
    for url, history in changes.items():
        history.sort(key=lambda upload: upload.version)
        seen = sorted(reads[url], key=lambda answer: answer.started)
        check_url(url, history, seen, None if url in exempt else allowed, empty_at, since, result)
    return result


def check_url(url, history, seen, allowed, empty_at, since, result):
    times = [upload.finished for upload in history]
    shown = [shown_version(answer, history, times) for answer in seen]
    for answer, version in zip(seen, shown, strict=True):
        result.answers += 1
        newest = bisect.bisect_left(times, answer.started)
        missing = [upload for upload in history[:newest] if upload.version > version]
        if not missing:
            continue
        result.stale_answers += 1
        what = f"version {version} at {answer.started:.2f}, though {missing[0].version} was there at {missing[0].finished:.2f}"
        if answer.started > empty_at:
            result.violations.append(Violation("stale at the end", url, what))
        elif allowed and answer.started > min(allowed.due(upload.finished) for upload in missing):
            result.violations.append(Violation("too late", url, what))
    if not any(answer.started > empty_at for answer in seen):
        result.violations.append(Violation("not read", url, f"no answer after {empty_at:.2f}"))
    measure(history, seen, shown, since, result)


def shown_version(answer, history, times):
    """The version that an answer shows. One without an object shows the newest deletion, if one was under way or done."""
    if answer.version is not ABSENT:
        return answer.version
    # The deletion took effect before its call finished.
    begun = bisect.bisect_right(times, answer.finished) + 1
    return max((upload.version for upload in history[:begun] if upload.deletes), default=0)


def measure(history, seen, shown, since, result):
    """Adds when each change was visible. Versions may go back for a moment, so this is after the last older one."""
    oldest_from, oldest = [0] * len(seen), float("inf")
    for index in range(len(seen) - 1, -1, -1):
        oldest = oldest_from[index] = min(oldest, shown[index])
    starts = [answer.started for answer in seen]
    for upload in history:
        if upload.finished < since:
            continue
        first = max(bisect.bisect_left(oldest_from, upload.version), bisect.bisect_left(starts, upload.finished))
        if first < len(seen):
            result.visible.append((upload.finished, seen[first].finished))


def percentile(sorted_values, percent):
    """The value within which this percentage of the values are; 0 without values."""
    rank = max(1, -(-len(sorted_values) * percent // 100))
    return sorted_values[rank - 1] if sorted_values else 0.0
