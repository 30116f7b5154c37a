"""Uploads: a seeded sequence of changes, made by a few threads, and the log of what they did."""

import dataclasses
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

THREADS = 3


@dataclasses.dataclass(frozen=True)
class Change:
    at: float
    index: int
    deletes: bool


def changes(objects, rng, seconds, count, start=0.0):
    """`count` changes of these objects (pairs of index and object) in this time: four of five are of the hot fifth, and one of
    twelve deletes the object."""
    if not objects or not count:
        return []
    shuffled = rng.sample(objects, len(objects))
    hot = shuffled[: max(1, len(shuffled) // 5)]
    pick = lambda: rng.choice(hot if rng.random() < 0.8 else shuffled)
    times = sorted(start + rng.uniform(0, seconds) for _ in range(count))
    return [Change(at, pick()[0], rng.random() < 1 / 12) for at in times]


class Uploader:
    """Uploads objects. `versions` are the newest of each object, by index: (version, whether it is a deletion)."""

    def __init__(self, ministack, objects, log, on_change=lambda index, version: None):
        self.objects, self.versions, self.on_change = objects, {}, on_change
        self.log, self.lock, self.count = log, threading.Lock(), 0
        self.workers = [(ThreadPoolExecutor(1), ministack.client("s3")) for _ in range(THREADS)]

    def run(self, plan):
        """Makes all changes at their times. Returns when the last one is made."""
        start, made = time.monotonic(), []
        for change in plan:
            time.sleep(max(0.0, start + change.at - time.monotonic()))
            # Changes of one object keep their order.
            worker, s3 = self.workers[change.index % THREADS]
            made.append(worker.submit(self.make, change, s3))
        for future in made:
            future.result()

    def make(self, change, s3):
        item = self.objects[change.index]
        version = self.versions.get(change.index, (0, True))[0] + 1
        where = {"Bucket": item.zone.bucket, "Key": item.key}
        if change.deletes:
            s3.delete_object(**where)
        else:
            body = f"{version} is the version of this object\n".encode()
            s3.put_object(**where, Body=body, CacheControl="public, max-age=86400")
        finished = time.monotonic()
        self.versions[change.index] = (version, change.deletes)
        self.write(change.index, version, change.deletes, finished)
        self.count += 1
        self.on_change(change.index, version)

    def write(self, index, version, deletes, finished):
        row = {"url": self.objects[index].url, "version": version, "deletes": deletes, "finished": finished}
        with self.lock:
            self.log.write(json.dumps(row) + "\n")

    def forget(self, count):
        """Keeps only this many objects, the first ones."""
        self.objects = self.objects[:count]
        self.versions = {index: version for index, version in self.versions.items() if index < count}

    def start_log(self, log):
        """Begins another log with the versions that are there."""
        self.log, self.count = log, 0
        for index, (version, deletes) in self.versions.items():
            self.write(index, version, deletes, 0.0)


def plan_load(world, seed, seconds, count):
    """The load of many teams: hot keys, deletes, and bursts that change a whole folder at once, half of all changes."""
    rng = random.Random(seed)
    indexed = list(enumerate([*world.objects, *world.folder]))
    ordinary, folder = indexed[: len(world.objects)], indexed[len(world.objects) :]
    bursts = max(1, count // (2 * len(folder)))
    plan = changes(ordinary, rng, seconds, max(0, count - bursts * len(folder)))
    for burst in range(1, bursts + 1):
        plan += [Change(seconds * burst / (bursts + 2), index, False) for index, _ in folder]
    return sorted(plan, key=lambda change: change.at)
