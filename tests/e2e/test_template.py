"""The template is as CloudFormation wants it."""

import pathlib
import subprocess
import sys

from aws import TEMPLATE


def test_cfn_lint_finds_nothing():
    cfn_lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([cfn_lint, TEMPLATE], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr


def test_it_sets_the_function_as_its_parameters_say(_world):
    assert _world.stack.variables == {
        "MAPPINGS_FILE": "mappings.toml",
        "TOKEN_TTL_SECONDS": "300",
        "MAX_CONCURRENCY": "3",
        "CLOUDFLARE_BASE_URL": _world.cloudflare.api_url,
    }
    client = _world.ministack.client("lambda")
    [mapping] = client.list_event_source_mappings(FunctionName=_world.stack.function)["EventSourceMappings"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
