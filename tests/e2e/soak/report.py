"""The report: what was injected and what became of the changes, and what the parts did meanwhile."""

from .checker import percentile


def table(rows):
    columns = (
        "scenario",
        "injected",
        "changes",
        "of healthy teams",
        "lost",
        "p50, s",
        "p99, s",
        "max, s",
        "from the faults' end to all fresh, s",
        "dead letters",
    )
    cells = lambda row: (
        row.name,
        "; ".join(f"{count} × {what}" for what, count in sorted(row.injected.items())) or "nothing",
        row.changes,
        row.healthy_changes,
        row.result.lost(),
        *(f"{percentile(row.result.latencies(), percent):.2f}" for percent in (50, 99, 100)),
        "" if row.recovery is None else f"{row.recovery:.1f}",
        row.dead_letters,
    )
    return markdown(columns, map(cells, rows), texts=2)


def details(rows):
    columns = (
        "scenario",
        "invocations",
        "without an answer",
        "instances",
        "purge requests that the sandbox answered: 200",
        "429",
        "others",
        "answers of the edge",
        "with an older version",
    )

    def cells(row):
        good, limited = row.requests.get(200, 0), row.requests.get(429, 0)
        others = sum(row.requests.values()) - good - limited
        invocations = (row.invocations, row.failed_invocations, row.instances)
        return (row.name, *invocations, good, limited, others, row.result.answers, row.result.stale_answers)

    return markdown(columns, map(cells, rows), texts=1)


def markdown(columns, rows, texts):
    """A table whose first columns are texts, and the others numbers."""
    lines = [columns, ["---"] * texts + ["---:"] * (len(columns) - texts), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def summary(row):
    """One line for people."""
    times = ", ".join(
        f"{name} {percentile(row.result.latencies(), at):.2f}" for name, at in (("p50", 50), ("p99", 99), ("max", 100))
    )
    recovery = "" if row.recovery is None else f", all fresh {row.recovery:.1f} s after the fault"
    return f"      {row.changes} changes, {row.result.lost()} lost, {times} s{recovery}; {row.result.answers} answers checked"
