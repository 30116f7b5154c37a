"""Statements of the documents about tests and prices are true."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
SECURITY = (ROOT / "docs/security.md").read_text()


def test_each_attack_names_an_existing_test():
    rows = re.findall(r"^\| (\d+) \|.*\|$", SECURITY, re.MULTILINE)
    assert [int(index) for index in rows] == list(range(1, len(rows) + 1)) and len(rows) >= 20
    named = re.findall(r"`([\w./-]+)::(\w+)`", SECURITY)
    assert len(named) > 30
    for file, name in named:
        text = (ROOT / file).read_text()
        assert re.search(rf"(def|fn) {name}\(|test\('{name}'", text), (file, name)


def test_the_documented_costs_are_those_of_the_script():
    printed = subprocess.run([sys.executable, ROOT / "docs/cost.py"], check=True, capture_output=True, text=True).stdout
    assert printed in (ROOT / "docs/cost.md").read_text()
