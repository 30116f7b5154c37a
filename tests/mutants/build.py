"""Builds a copy of the workspace with all mutants in it."""

import json
import os
import pathlib
import subprocess
import sys

from .switch import SELECTOR, switched


def build(root, tree, target, mutants):
    """Builds all mutants. Returns the test, and the numbers of those that can't be built."""
    impossible = set()
    while True:
        possible = [mutant for mutant in mutants if mutant.number not in impossible]
        lines = write_tree(root, tree, possible, impossible)
        command = ["cargo", "test", "--workspace", "--test", "mutants", "--no-run", "--locked", "--message-format=json"]
        for package in ("aws", "config", "core", "pipeline", "simulation"):
            command += ["--config", f"profile.dev.package.purge-router-{package}.opt-level=2"]
        command += ["--config", "profile.dev.debug=false"]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
        done = subprocess.run(command, check=False, cwd=tree, env=environment, capture_output=True)
        messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
        if done.returncode == 0:
            tests = [it["executable"] for it in messages if it.get("target", {}).get("name") == "mutants"]
            return next(filter(None, tests)), impossible
        wrong = {lines.get(place) for place in places_of_errors(messages)} - {None}
        if not wrong:
            sys.exit(done.stderr.decode() + "\n".join(it["message"]["rendered"] for it in errors(messages)))
        impossible |= wrong


def write_tree(root, tree, mutants, impossible):
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
        text, of_lines, not_switched = switched(pathlib.Path(file).read_text(), of_file)
        impossible.update(not_switched)
        lines.update(((file, line), number) for line, number in of_lines.items())
        write_if_changed(tree / file, text.encode())
    library = pathlib.Path(root / "lib.rs").read_text().replace("\nmod ", "\nmod mutant;\nmod ", 1)
    write_if_changed(tree / root / "lib.rs", library.encode())
    write_if_changed(tree / root / "mutant.rs", SELECTOR.encode())
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
