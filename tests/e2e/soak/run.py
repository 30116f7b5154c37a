"""Runs one scenario: warms the edge, makes the changes, injects the faults, waits for the queues, and checks the logs."""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .checker import ABSENT, Allowed, Answer, Result, Upload, check
from .event_source import POISON
from .load import changes, plan_load
from .scenarios import chaos_of

# How long changes are made before the faults begin, and after they end.
LEAD = 3
DRAIN_SECONDS = 180
# How many times as many changes a noisy team makes as others.
NOISE = 100


@dataclasses.dataclass
class Row:
    """A scenario's result."""

    name: str
    injected: dict
    changes: int
    healthy_changes: int
    result: Result
    recovery: float | None
    dead_letters: int
    invocations: int
    failed_invocations: int
    instances: int
    requests: dict
    failures: list


class ReaderProcess:
    def __init__(self, deployment, objects, log, rate):
        targets = log.with_suffix(".targets")
        targets.write_text("".join(f"{item.zone.host} {item.path}\n" for item in objects))
        here = pathlib.Path(__file__).parents[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "soak.readers", deployment.cloudflare.edge, targets, log, str(rate)],
            env={**os.environ, "PYTHONPATH": str(here), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.passes, self.lock = 0, threading.Lock()

    def changed(self, index, version):
        self.send(f"{index} {version}")

    def send(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def read_all(self):
        """Waits until every URL was read once more."""
        self.passes += 1
        self.send(f"pass {self.passes}")
        assert self.process.stdout.readline().strip() == str(self.passes), "the readers ended"

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait(60)


class Poisoner:
    """Sends messages that no function can read, so often that each batch has one."""

    def __init__(self, stack):
        self.stack, self.sent, self.stopped = stack, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stopped.wait(0.25):
            self.stack.send(POISON[self.sent % len(POISON)])
            self.sent += 1

    def stop(self):
        self.stopped.set()
        if self.thread.ident:
            self.thread.join()


class ScenarioRun:
    def __init__(self, deployment, uploader, scenario, options, folder):
        self.deployment, self.uploader, self.scenario, self.options = deployment, uploader, scenario, options
        self.stack, self.world = deployment.stack, deployment.world
        name = "".join(letter if letter.isalnum() else "-" for letter in scenario.name)
        self.uploads, self.answers = folder / f"{name}.uploads", folder / f"{name}.answers"
        self.log = folder / f"{name}.log"
        self.poisoner = Poisoner(self.stack)

    def run(self):
        self.prepare()
        running = self.deployment.start(chaos_of(self.scenario, self.options.seed), self.log, self.scenario.timeout)
        readers = ReaderProcess(self.deployment, self.uploader.objects, self.answers, self.options.reads)
        try:
            with self.uploads.open("w") as log:
                self.uploader.start_log(log)
                readers.read_all()
                self.uploader.on_change = readers.changed
                self.since = time.monotonic()
                self.load(running)
                empty_at = running.drain(DRAIN_SECONDS)
                self.dead_letters = self.stack.dead_letters()
                readers.read_all()
        finally:
            self.uploader.on_change = lambda index, version: None
            readers.stop()
            self.poisoner.stop()
            running.stop()
            self.deployment.api.faults, self.deployment.aws.faults = [], []
        return self.row(running, empty_at)

    def prepare(self):
        for url in (self.stack.queue_url, self.stack.retry_queue_url, self.stack.dead_letters_url):
            self.stack.sqs.purge_queue(QueueUrl=url)
        self.deployment.set_visibility(self.scenario.visibility)
        for proxy in (self.deployment.api, self.deployment.aws):
            proxy.reset_counts()
        sick = self.scenario.sick
        if sick.wrong_zone:
            self.deployment.push_wrong_zones(sick.wrong_zone)
        self.set_tokens("disabled")

    def set_tokens(self, status):
        for team in self.scenario.sick.revoked:
            for zone in self.world.by_team[team]:
                self.deployment.cloudflare.set_token(zone.token, zone.zone_id, status)

    def plan(self):
        options, scenario = self.options, self.scenario
        seconds = options.seconds + 2 * LEAD
        if scenario.folder:
            return plan_load(self.world, options.seed, seconds, options.changes)
        count = max(50, options.changes // 10)
        rng, noisy = random.Random(f"{options.seed} {scenario.name}"), scenario.sick.noisy
        objects = list(enumerate(self.world.objects))
        if not noisy:
            return changes(objects, rng, seconds, count)
        count = max(50, count // 12) if scenario.sick.louder_than_all else count
        noise = NOISE * count if scenario.sick.louder_than_all else NOISE * count // len(self.world.teams)
        quiet = [it for it in objects if it[1].zone.team not in noisy]
        loud = [it for it in objects if it[1].zone.team in noisy]
        in_trouble = [it for it in objects if it[1].zone.team in {*scenario.sick.revoked, *scenario.sick.wrong_zone}]
        plan = changes(quiet, rng, seconds, count) + changes(in_trouble, rng, seconds, 50)
        plan += changes(loud, rng, seconds, noise)
        return sorted(plan, key=lambda change: change.at)

    def load(self, running):
        plan, scenario = self.plan(), self.scenario
        uploads = ThreadPoolExecutor(1).submit(self.uploader.run, plan)
        time.sleep(LEAD)
        self.fault_from = time.monotonic()
        self.deployment.api.faults = self.deployment.aws.faults = list(scenario.faults)
        running.chaos.active = True
        if scenario.poison:
            self.poisoner.thread.start()
        time.sleep(self.options.seconds)
        if not scenario.lasting:
            self.deployment.api.faults, self.deployment.aws.faults, running.chaos.active = [], [], False
        self.poisoner.stop()
        self.cure()
        self.fault_until = time.monotonic()
        uploads.result()

    def cure(self):
        self.set_tokens("active")
        if self.scenario.sick.wrong_zone:
            self.deployment.push(self.deployment.mappings)

    def row(self, running, empty_at):
        scenario = self.scenario
        has_fault = bool(scenario.faults or scenario.chaos)
        fault = (self.fault_from, self.fault_until) if has_fault and scenario.recovery else None
        uploads, answers = read_uploads(self.uploads), read_answers(self.answers, self.uploader.objects)
        sick = scenario.sick.teams()
        exempt = {item.url for item in self.uploader.objects if item.zone.team in sick}
        allowed = Allowed(scenario.bound, fault, scenario.recovery)
        failures = []
        if empty_at is None:
            failures.append(f"the queues were not empty after {DRAIN_SECONDS} s: {running.left()} messages")
            empty_at = time.monotonic()
        result = check(uploads, answers, allowed, empty_at, exempt, self.since)
        of_healthy = [upload for upload in uploads if upload.url not in exempt]
        healthy = check(of_healthy, answers, allowed, empty_at, since=self.since) if exempt else result
        failures += [f"{it.check}: {it.url}: {it.text}" for it in result.violations]
        # What a token or a zone id refuses is retried, and only what nobody can read becomes a dead letter.
        if self.dead_letters != self.poisoner.sent:
            failures.append(f"{self.dead_letters} dead letters, not {self.poisoner.sent}")
        injected = self.injected(running, uploads)
        return Row(
            scenario.name,
            injected,
            self.uploader.count,
            len(healthy.visible),
            dataclasses.replace(healthy, violations=result.violations),
            max(0.0, result.fresh_at(self.fault_until) - self.fault_until) if has_fault or sick else None,
            self.dead_letters,
            sum(source.invocations for source in running.sources),
            sum(len(source.failed_invocations) for source in running.sources),
            running.function.started,
            dict(self.deployment.api.answers),
            failures,
        )

    def injected(self, running, uploads):
        """How often each fault happened, as those who injected it counted."""
        api, stack = self.deployment.api, self.deployment.aws
        injected = collections.Counter(api.injected + stack.injected + running.chaos.injected)
        if self.scenario.poison:
            injected["poisoned messages"] = self.poisoner.sent
        if noisy := self.scenario.sick.noisy:
            refused = sum(count for status, count in api.answers.items() if status not in (200, 429))
            injected["requests that the sandbox refused for their token or zone"] = refused
            urls = {item.url for item in self.uploader.objects if item.zone.team in noisy}
            of_noisy = sum(upload.url in urls and upload.finished > self.since for upload in uploads)
            injected["changes of the noisy team"] = of_noisy
        return dict(injected)


def read_uploads(path):
    return [Upload(**json.loads(line)) for line in path.read_text().splitlines()]


def read_answers(path, objects):
    """The log of the readers, without answers that are errors of the edge: they show no version."""
    answers = []
    with path.open() as log:
        for line in log:
            index, started, finished, version = line.split()
            if version != "?":
                shown = ABSENT if version == "-" else int(version)
                answers.append(Answer(objects[int(index)].url, float(started), float(finished), shown))
    return answers
