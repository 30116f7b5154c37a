"""`cargo xtask soak`, small: a few teams and seconds. `test_soak_checker.py` has its checker."""

import pathlib
import subprocess
import sys

import pytest

SMALL = ["--teams", "6", "--zones", "2", "--changes", "2000", "--seconds", "6"]


def soak(*arguments):
    command = [sys.executable, "-m", "soak", *SMALL, *arguments]
    here = pathlib.Path(__file__).parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def test_nothing_is_lost_while_cloudflare_answers_with_errors():
    code, out, errors = soak("--only", "server errors")
    assert code == 0, (out, errors)
    assert "500, 502, 503 or 520 | 200 | 200 | 0 |" in out


@pytest.mark.parametrize("what", ["purges", "messages"])
def test_it_fails_if_purges_or_messages_get_lost(what):
    code, out, errors = soak("--sabotage", what)
    assert code == 1, (out, errors)
    assert "stale at the end: https://" in errors
