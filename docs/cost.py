"""What purge-router costs on AWS in 30 days, at list prices of us-east-1, by S3 → SQS → Lambda: a Markdown table."""

from argparse import ArgumentParser
from itertools import pairwise
from math import ceil

MONTH, GB, M = 30 * 86400, 1e9, 1e6

# USD for a unit, and the free units each month, with the source of the price and its date.
PRICES = {
    "SQS requests": (0.40 / M, 1 * M),  # AWS's price list of 2026-09-11
    "Lambda requests": (0.20 / M, 1 * M),  # AWS's price list of 2026-10-01
    "Lambda GB-s, x86_64": (0.0000166667, 400e3),  # of 2026-10-01; arm64 0.0000133334
    "log GB, ingested": (0.50, 5),  # of 2026-08-12; in tiers: `log_cost`
    "log GB-months, stored": (0.03, 0),  # of 2026-09-22
    "custom metrics": (0.30, 10),  # of 2026-09-22; the first 10,000
    "alarms": (0.10, 10),  # of 2026-09-22
    "dashboards": (3.00, 3),  # Amazon CloudWatch pricing; in no price list
    "DynamoDB read units": (0.125 / M, 0),  # of 2026-06-12
    "KMS keys": (1.00, 0),  # of 2026-06-12
    "KMS requests": (0.03 / 1e4, 20e3),  # of 2026-09-29
    "internet GB, out": (0.09, 100),  # of 2026-09-16; the first 10 TB
}

# An installation: each team has a KMS key, and a change purges two URLs. Nothing is retried, purged a second time or
# verified. One alarm reads two metrics, and each metric of an alarm is paid.
ALARMS, DASHBOARDS, URLS = 9, 1, 2
MEMORY_GB = 512 / 1024
ZONE_METRICS, OTHER_METRICS = 3, 6  # Purged, Latency, RateLimitHits; those and Unmatched, Rejected, ColdStart
BATCH_LINE, EVENT_LINE, METRIC_LINE = 325, 270, 350  # bytes: the examples of logs.md and metrics.md
PLATFORM_LINES, LINE_OVERHEAD = 400, 26  # bytes that Lambda and CloudWatch Logs add: assumed
URL_BYTES, REQUEST_BYTES = 70, 1500  # a URL in a request; headers, TLS and TCP: assumed

# Name, changes a month, the messages and zones of an invocation, how many seconds it takes (assumed: Cloudflare's
# answers take most of it), and how many instances are kept warm.
SCENARIOS = [
    ("1 M", 1e6, 1, 1, 0.15, 2),
    ("100 M", 1e8, 40, 4, 0.25, 2),
    ("10 G, 1000 a batch", 1e10, 1000, 20, 0.6, 4),
    ("10 G, 100 a batch", 1e10, 100, 20, 0.25, 12),
]
RATES = {"free": 800, "pro or business": 1500, "enterprise": 3000}  # Cloudflare: URLs a second of one account


def log_cost(gb):
    """USD for the logs of Lambda: 0.50 up to 10 TB, 0.25 to 30, 0.10 to 50, then 0.05."""
    steps = ((0, 0.50), (10e3, 0.25), (30e3, 0.10), (50e3, 0.05), (float("inf"), 0))
    return sum(price * max(0, min(gb, end) - start) for (start, price), (end, _) in pairwise(steps))


def batches_of(messages, zones):
    """The number of requests of an invocation, of at most 100 URLs each."""
    return zones * ceil(URLS * messages / zones / 100)


def quantities(size, changes, messages, zones, seconds, instances):
    invocations, batches = changes / messages, batches_of(messages, zones)
    lines = batches * BATCH_LINE + EVENT_LINE + (zones + 1) * METRIC_LINE + PLATFORM_LINES
    log = invocations * (lines + LINE_OVERHEAD * (batches + zones + 4)) / GB
    polls = 3 * 5 * MONTH / 20 + invocations  # empty ones: five pollers a queue wait 20 s, and one for each window
    return {
        "SQS requests": changes + 2 * changes / min(10, messages) + polls,  # sent by one; received, deleted by ten
        "Lambda requests": invocations,
        "Lambda GB-s, x86_64": invocations * seconds * MEMORY_GB,
        "log GB, ingested": log,
        "log GB-months, stored": log,
        "custom metrics": ZONE_METRICS * size.zones + OTHER_METRICS,
        "alarms": ALARMS,
        "dashboards": DASHBOARDS,
        "DynamoDB read units": instances * MONTH / 30 * (size.buckets / 2 + size.teams + size.zones),
        "KMS keys": size.teams,
        "KMS requests": instances * MONTH / 300 * size.zones,
        "internet GB, out": (changes * URLS * URL_BYTES + invocations * batches * REQUEST_BYTES) / GB,
    }


def cost(what, count, free=0):
    count = max(0, count - free)
    return log_cost(count) if what == "log GB, ingested" else count * PRICES[what][0]


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def main():
    parser = ArgumentParser(description=__doc__)
    for name, default in (("teams", 5), ("zones", 20), ("buckets", 10)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    size = parser.parse_args()
    scenarios = [(*it[:3], min(it[3], size.zones), *it[4:]) for it in SCENARIOS]
    of_all = [quantities(size, *it[1:]) for it in scenarios]
    row("USD a month (units)", *(scenario[0] for scenario in scenarios))
    row("---", *["---:"] * len(scenarios))
    for what in PRICES:
        row(what, *(f"{cost(what, of[what]):,.2f} ({of[what]:,.4g})" for of in of_all))
    total = lambda of, is_free: sum(cost(it, count, PRICES[it][1] * is_free) for it, count in of.items())
    row("**at list price**", *(f"**{total(of, 0):,.2f}**" for of in of_all))
    row("less what is free each month", *(f"{total(of, 1):,.2f}" for of in of_all))
    row("changes a second", *(f"{changes / MONTH:,.1f}" for _, changes, *_ in scenarios))
    row("instances busy, on average", *(f"{it[1] / it[2] / MONTH * it[4]:,.2f}" for it in scenarios))
    row(
        "requests to Cloudflare a second",
        *(f"{it[1] / it[2] / MONTH * batches_of(*it[2:4]):,.1f}" for it in scenarios),
    )
    for plan, rate in RATES.items():
        row(
            f"accounts of plan {plan} ({rate} URLs/s)",
            *(f"{ceil(it[1] * URLS / MONTH / rate)}" for it in scenarios),
        )


if __name__ == "__main__":
    main()
