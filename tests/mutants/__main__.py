"""`cargo xtask mutants`: which changes of the pipeline does the simulation find?

cargo-mutants lists the mutants. They are built at once, which takes a minute, and not one after the other, which takes
hours. Each is then run with the test `mutants` of the simulation.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import time

from .switch import SELECTOR, Mutant, switched

PACKAGE = "purge-router-pipeline"
ROOT = pathlib.Path(f"crates/{PACKAGE.removeprefix('purge-router-')}/src")
# These only change what is logged and counted, or are no part of what the simulation runs.
LEFT_OUT = ("api", "cache_sizes", "delay_queue", "edge", "log", "metrics", "second_purges", "verification")
# A test that takes longer is in an endless loop.
CPU_SECONDS = 120


def main():
    arguments = read_arguments()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    tree = target / "mutants" / "tree"
    listed = subprocess.run(
        ["cargo", "mutants", "--list", "--json", "-p", PACKAGE], stdout=subprocess.PIPE, check=True
    ).stdout
    mutants = [Mutant.read(number, one) for number, one in enumerate(json.loads(listed))]
    mutants = [mutant for mutant in mutants if not is_left_out(mutant) and arguments.only in mutant.name]
    test, skipped = build(tree, arguments.target or target / "mutants" / "target", mutants)
    mutants = [mutant for mutant in mutants if mutant.number not in skipped]
    print(f"{len(mutants)} mutants, and {len(skipped)} that can't be built", file=sys.stderr, flush=True)
    random.Random(arguments.seed).shuffle(mutants)
    sample = mutants[: arguments.sample]
    if run(tree, test, None).returncode != 0:
        sys.exit("the test fails without a mutant")
    report(sample, len(mutants), tree, test, arguments)


def read_arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="run so many of them, drawn at random")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin none after this time")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--only", default="", help="only mutants whose names have this text")
    parser.add_argument("--target", type=pathlib.Path, help="another build folder")
    return parser.parse_args()


def is_left_out(mutant):
    path = pathlib.Path(mutant.file).relative_to(ROOT)
    return path.parts[0].removesuffix(".rs") in LEFT_OUT


def build(tree, target, mutants):
    """Builds all mutants. Returns the test, and the numbers of those that can't be built."""
    skipped = set()
    while True:
        lines = write_tree(tree, [mutant for mutant in mutants if mutant.number not in skipped], skipped)
        command = ["cargo", "test", "--workspace", "--test", "mutants", "--no-run", "--locked", "--message-format=json"]
        for package in ("aws", "pipeline", "simulation"):
            command += ["--config", f"profile.dev.package.purge-router-{package}.opt-level=2"]
        command += ["--config", "profile.dev.debug=false"]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
        done = subprocess.run(command, check=False, cwd=tree, env=environment, capture_output=True)
        messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
        if done.returncode == 0:
            tests = [it["executable"] for it in messages if it.get("target", {}).get("name") == "mutants"]
            return next(filter(None, tests)), skipped
        wrong = {lines.get(place) for place in places_of_errors(messages)} - {None}
        if not wrong:
            sys.exit(done.stderr.decode() + "\n".join(it["message"]["rendered"] for it in errors(messages)))
        skipped |= wrong


def write_tree(tree, mutants, skipped):
    """Writes the workspace with all mutants. Returns which mutant each line is of."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], stdout=subprocess.PIPE, check=True
    )
    for name in filter(None, files.stdout.decode().split("\0")):
        if pathlib.Path(name).is_file():
            write_if_changed(tree / name, pathlib.Path(name).read_bytes())
    by_file = {}
    for mutant in mutants:
        by_file.setdefault(mutant.file, []).append(mutant)
    lines = {}
    for file, of_file in by_file.items():
        text, of_lines, impossible = switched(pathlib.Path(file).read_text(), of_file)
        skipped.update(impossible)
        lines.update(((file, line), number) for line, number in of_lines.items())
        write_if_changed(tree / file, text.encode())
    library = pathlib.Path(ROOT / "lib.rs").read_text().replace("\nmod ", "\nmod mutant;\nmod ", 1)
    write_if_changed(tree / ROOT / "lib.rs", library.encode())
    write_if_changed(tree / ROOT / "mutant.rs", SELECTOR.encode())
    return lines


def write_if_changed(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def errors(messages):
    return [it for it in messages if it["reason"] == "compiler-message" and it["message"]["level"] == "error"]


def places_of_errors(messages):
    for message in errors(messages):
        for span in message["message"]["spans"]:
            # The others show what it does not fit to.
            if span["is_primary"]:
                yield span["file_name"], span["line_start"]


def run(tree, test, mutant):
    environment = dict(os.environ, CARGO_MANIFEST_DIR=str(tree / "crates/simulation"))
    if mutant is not None:
        environment["MUTANT"] = str(mutant.number)
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    return subprocess.run(
        [test, "--ignored", "--nocapture"],
        check=False,
        env=environment,
        cwd=tree / "crates/simulation",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=limit,
    )


def report(sample, of, tree, test, arguments):
    missed, found, start = [], 0, time.monotonic()
    expected = run(tree, test, None).stdout
    for mutant in sample:
        if time.monotonic() - start > arguments.seconds:
            break
        done = run(tree, test, mutant)
        if done.returncode != 0:
            found += 1
            print(f"found  {mutant.name}", file=sys.stderr, flush=True)
            continue
        # Times of the test harness are not part of what the simulation prints.
        is_same = simulated(done.stdout) == simulated(expected)
        missed.append((mutant, is_same))
        print(f"MISSED {mutant.name}{' (nothing changes)' if is_same else ''}", file=sys.stderr, flush=True)
    ran = found + len(missed)
    print(f"{ran} of {of} mutants were run; {found} were found: {found / max(ran, 1) * 100:.1f} %.\n")
    print("| not found | does anything change? |\n| --- | --- |")
    for mutant, is_same in sorted(missed, key=lambda it: it[0].name):
        print(f"| `{mutant.name.removeprefix(str(ROOT) + '/')}` | {'no' if is_same else 'yes'} |")


def simulated(output):
    return [line for line in output.decode().splitlines() if ": " in line and "test " not in line]


if __name__ == "__main__":
    main()
