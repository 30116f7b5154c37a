"""From an event to the bodies of requests in plain Python, as functions for a single zone do it.

With an event, prints its bodies. Without one, reads lines with a number and an event's file, and prints the mean
time of so many readings of it.
"""

import json
import sys
import time
import tomllib
from fnmatch import fnmatchcase
from urllib.parse import quote, unquote_plus

URLS_PER_REQUEST = 100


def expanded(patterns):
    """fnmatch has no braces."""
    for pattern in patterns:
        start, brace, rest = pattern.partition("{")
        choices, _, end = rest.partition("}")
        yield from (start + choice + end for choice in choices.split(",")) if brace else [pattern]


def read_rules(path):
    with open(path, "rb") as file:
        teams = tomllib.load(file)["teams"].values()
    rules = {}
    for team in teams:
        for mapping in team["mappings"]:
            bucket, _, prefix = mapping["source"].removeprefix("s3://").partition("/")
            globs = (list(expanded(mapping["include"])), list(expanded(mapping["exclude"])))
            for domain in mapping["zones"]:
                zone = team["zones"][domain]
                rules.setdefault(bucket, []).append((prefix, *globs, zone["zone_id"], zone["hostnames"]))
    return rules


def objects(event):
    if "detail" in event:
        yield event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
        return
    for record in event["Records"]:
        if record["eventSource"] == "aws:sqs":
            yield from objects(json.loads(record["body"]))
        elif record["eventName"].startswith(("ObjectCreated:", "ObjectRemoved:")):
            yield record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])


def paths(key):
    folder, slash, name = key.rpartition("/")
    return [key, folder + slash] if name == "index.html" else [key]


def bodies(rules, text):
    urls = {}
    for bucket, key in objects(json.loads(text)):
        name = key.rpartition("/")[2]
        for prefix, include, exclude, zone, hostnames in rules.get(bucket, ()):
            if (
                key.startswith(prefix)
                and any(fnmatchcase(name, pattern) for pattern in include)
                and not any(fnmatchcase(name, pattern) for pattern in exclude)
            ):
                of_zone = urls.setdefault(zone, {})
                for hostname in hostnames:
                    of_zone.update((f"https://{hostname}/{quote(path)}", None) for path in paths(key))
    for of_zone in urls.values():
        files = list(of_zone)
        for start in range(0, len(files), URLS_PER_REQUEST):
            yield json.dumps({"files": files[start : start + URLS_PER_REQUEST]}, separators=(",", ":"))


def main():
    rules = read_rules(sys.argv[1])
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as file:
            print("\n".join(bodies(rules, file.read())))
        return
    for line in sys.stdin:
        count, path = line.rstrip("\n").split(" ", 1)
        with open(path) as file:
            text = file.read()
        start = time.thread_time()
        for _ in range(int(count)):
            list(bodies(rules, text))
        print((time.thread_time() - start) / int(count), flush=True)


main()
