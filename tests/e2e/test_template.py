"""The template is as CloudFormation wants it."""

import pathlib
import subprocess
import sys

from aws import TEMPLATE


def test_cfn_lint_finds_nothing():
    cfn_lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([cfn_lint, TEMPLATE], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr
