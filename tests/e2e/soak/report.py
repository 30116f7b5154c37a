"""The report: a table of what was measured, and one of what was injected."""

from .checker import percentile

COLUMNS = (
    "scenario",
    "changes",
    "of healthy teams",
    "lost",
    "p50, s",
    "p99, s",
    "max, s",
    "from the fault's end to all fresh, s",
    "dead letters",
    "invocations",
    "without an answer",
    "instances",
    "purge requests answered: 2xx, 429, others",
    "answers of the edge",
    "with an older version",
)


def table(rows):
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
    for row in rows:
        good, limited = row.requests.get(200, 0), row.requests.get(429, 0)
        cells = [
            row.name,
            row.changes,
            row.healthy_changes,
            row.result.lost(),
            *(f"{percentile(row.result.latencies(), percent):.2f}" for percent in (50, 99, 100)),
            "" if row.recovery is None else f"{row.recovery:.1f}",
            row.dead_letters,
            row.invocations,
            row.failed_invocations,
            row.instances,
            f"{good}, {limited}, {sum(row.requests.values()) - good - limited}",
            row.result.answers,
            row.result.stale_answers,
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def injected(rows):
    lines = ["| scenario | injected | times |", "| --- | --- | ---: |"]
    for row in rows:
        lines += [f"| {row.name} | {what} | {count} |" for what, count in sorted(row.injected.items())]
    return "\n".join(lines)


def summary(row):
    """One line for people."""
    times = ", ".join(
        f"{name} {percentile(row.result.latencies(), at):.2f}" for name, at in (("p50", 50), ("p99", 99), ("max", 100))
    )
    recovery = "" if row.recovery is None else f", all fresh {row.recovery:.1f} s after the fault"
    return f"      {row.changes} changes, {row.result.lost()} lost, {times} s{recovery}; {row.result.answers} answers checked"
