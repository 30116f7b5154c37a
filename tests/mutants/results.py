"""Runs mutants, and writes each result at once, so that an interrupted run goes on where it ended."""

import hashlib
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

# Each is a test of the simulation. The ledgers find most, and find it soon.
STAGES = ("no_ledger_differs", "no_check_fails")
LEDGERS, CHECKS = STAGES
# Without a mutant, each test needs some seconds of CPU time. One that needs this much is in an endless loop, and one that
# needs none for so long waits for something that never happens.
CPU_SECONDS = 60
IDLE_SECONDS = 60


class Results:
    """What became of each mutant in each stage. Those of another program are forgotten."""

    def __init__(self, path, test):
        self.path = path
        self.program = hashlib.sha256(test.read_bytes()).hexdigest()
        self.of = {}
        if path.exists():
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            self.of = {(it["mutant"], it["stage"]): it["result"] for it in lines if it["program"] == self.program}

    def complete(self, tree, test, stage, mutants, seconds):
        """Runs those that have no result yet."""
        start = time.monotonic()
        missing = [mutant for mutant in mutants if (mutant.name, stage) not in self.of]
        for index, mutant in enumerate(missing):
            if time.monotonic() - start > seconds:
                break
            result = run(tree, test, stage, mutant)
            self.add(mutant, stage, result)
            print(f"{stage} {index + 1}/{len(missing)} {result:7} {mutant.name}", file=sys.stderr, flush=True)

    def add(self, mutant, stage, result):
        self.of[mutant.name, stage] = result
        line = {"program": self.program, "mutant": mutant.name, "stage": stage, "result": result}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def get(self, mutant, stage):
        return self.of.get((mutant.name, stage))


def run(tree, test, stage, mutant):
    """Runs a stage: it `passed`, `failed`, or did not end: `hangs`."""
    simulation = tree / "crates/simulation"
    environment = dict(os.environ, CARGO_MANIFEST_DIR=str(simulation), RUST_BACKTRACE="0")
    if mutant is not None:
        environment["MUTANT"] = str(mutant.number)
    process = subprocess.Popen(
        [test, "--ignored", "--exact", stage],
        env=environment,
        cwd=simulation,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    wait(process)
    if process.returncode < 0:
        return "hangs"
    return "passed" if process.returncode == 0 else "failed"


def wait(process):
    """Waits for the end of a process, or kills it if it does nothing. How long it takes depends on what else runs."""
    used, since = None, time.monotonic()
    while True:
        try:
            process.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            now = cpu_time(process.pid)
            if now != used:
                used, since = now, time.monotonic()
            elif time.monotonic() - since > IDLE_SECONDS:
                process.kill()


def cpu_time(pid):
    """The processor time of a process, in ticks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
