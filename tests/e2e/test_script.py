"""The function replaces the old script: with its variables and its events, it purges what the script purged."""

import contextlib
import json
import os
import subprocess

import pytest

import aws
import cloudflare
from conftest import BOOTSTRAP, PURGE_ROUTER, s3_event

BUCKET = "www.oldsite.com"
ZONE_ID = "11111111111111111111111111111111"
EMAIL, KEY = "ops@oldsite.com", "c2547eb745079dac9320b638f5e225cf483cc5cfdda41"
VARIABLES = {"CLOUDFLARE_ZONE_ID": ZONE_ID, "INCLUDED_EXTS": "css,js", "EXCLUDED_EXTS": "min.js"}


FUNCTION = "purge-script"
OLD_SCRIPT = "def handler(event, context):\n    return 'the old script'\n"


class Script:
    """The old script's function with `bootstrap` as its code: its role, variables and notifications stay."""

    def __init__(self, ministack, folder):
        self.ministack, self.s3, self.function = ministack, ministack.client("s3"), ministack.client("lambda")
        # The mapping file that is equivalent to the variables describes the zone to the sandbox.
        environment = {"PATH": os.environ["PATH"], **VARIABLES, "CLOUDFLARE_API_KEY": KEY}
        arguments = [PURGE_ROUTER, "import-env", "--bucket", BUCKET, "--domain", "oldsite.com"]
        imported = subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True)
        self.mappings = folder / "mappings.toml"
        self.mappings.write_text(imported.stdout)
        self.cloudflare = cloudflare.Cloudflare(PURGE_ROUTER, self.mappings, {BUCKET: f"{ministack.url}/{BUCKET}"})
        try:
            self.cloudflare.control("POST", "/global-keys", {"email": EMAIL, "key": KEY})
            self.replace_old_script()
            ministack.create_public_bucket(BUCKET)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.cloudflare.stop()

    def replace_old_script(self):
        """As the README describes."""
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        read = {
            "Effect": "Allow",
            "Action": ["ssm:GetParameter", "ssm:GetParameters"],
            "Resource": f"arn:aws:ssm:{aws.REGION}:{aws.ACCOUNT}:parameter/cf/*",
        }
        document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = self.ministack.client("iam")
        role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=FUNCTION, PolicyName="key", PolicyDocument=document(read))
        code = {"ZipFile": aws.zipped({"index.py": OLD_SCRIPT.encode()})}
        how = {"Runtime": "python3.12", "Handler": "index.handler", "Role": role, "Timeout": 30}
        self.function.create_function(FunctionName=FUNCTION, Code=code, Environment={"Variables": VARIABLES}, **how)
        self.function.update_function_code(
            FunctionName=FUNCTION, ZipFile=aws.package(BOOTSTRAP), Architectures=["x86_64"]
        )
        updated = self.function.get_waiter("function_updated_v2")
        updated.wait(FunctionName=FUNCTION)
        self.function.update_function_configuration(
            FunctionName=FUNCTION, Runtime="provided.al2023", Handler="bootstrap"
        )
        updated.wait(FunctionName=FUNCTION)

    def start(self, **variables):
        """Restarts the function with these variables, in addition to the constant ones."""
        variables = {"CLOUDFLARE_BASE_URL": self.cloudflare.api_url, **VARIABLES, **variables}
        self.function.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": variables})
        # An invocation during the change may fail.
        aws.wait_for("the function starts again", lambda: not self.invoke({"Event": "s3:TestEvent"})[1])
        self.cloudflare.purges()

    def invoke(self, event):
        return aws.invoke(self.function, FUNCTION, event)

    def notify(self):
        """Lets the bucket invoke the function, as it invoked the script."""
        found = self.function.get_function(FunctionName=FUNCTION)["Configuration"]
        configuration = {
            "LambdaFunctionArn": found["FunctionArn"],
            "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
        }
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
        )

    def put(self, key, text):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode(), CacheControl="public, max-age=86400")

    def log(self):
        return aws.log_of(self.ministack, f"/aws/lambda/{FUNCTION}")


@pytest.fixture(scope="module")
def script(ministack, tmp_path_factory):
    with contextlib.closing(Script(ministack, tmp_path_factory.mktemp("script"))) as script:
        yield script


CREDENTIALS = {
    "global key": ({"CLOUDFLARE_API_KEY": KEY, "CLOUDFLARE_API_EMAIL": EMAIL}, None),
    "global key in SSM": (
        {"CLOUDFLARE_API_KEY_SSMPATH": "/cf/key", "CLOUDFLARE_API_EMAIL": EMAIL},
        (KEY, "SecureString"),
    ),
    "key as plain text in SSM": (
        {"CLOUDFLARE_API_KEY_SSMPATH": "/cf/key", "CLOUDFLARE_API_EMAIL": EMAIL},
        (KEY, "String"),
    ),
    "token": ({"CLOUDFLARE_API_KEY": "cfut_of-the-script"}, None),
    "token in SSM": ({"CLOUDFLARE_API_KEY_SSMPATH": "/cf/key"}, ("cfut_of-the-script", "SecureString")),
}


@pytest.mark.parametrize("how", CREDENTIALS)
def test_its_events_refresh_the_buckets_site(script, how):
    variables, stored = CREDENTIALS[how]
    script.ministack.client("ssm").delete_parameters(Names=["/cf/key"])
    if stored:
        script.ministack.put_token("/cf/key", stored[0], kind=stored[1])
    script.cloudflare.set_token("cfut_of-the-script", ZONE_ID)
    script.start(**variables)
    keys = [f"{how}/{name}" for name in ("notes.txt", "a.min.js", "a b.css")]
    script.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    for key in keys:
        script.put(key, "first")
        assert script.cloudflare.visit(BUCKET, f"/{key}") == (200, "first")
    script.notify()
    before = len(script.log())
    for key in keys:
        script.put(key, "second")
    aws.wait_for("fresh", lambda: script.cloudflare.visit(BUCKET, f"/{keys[2]}")[1] == "second")
    # The other extensions are not included.
    assert [script.cloudflare.visit(BUCKET, f"/{key}")[1] for key in keys] == ["first", "first", "second"]
    secret = KEY if "CLOUDFLARE_API_EMAIL" in variables else "cfut_of-the-script"
    url = f"https://www.oldsite.com/{cloudflare.browser(keys[2])}"
    # S3 also serves a key with a space at a URL with a plus sign.
    files = {"files": [url, url.replace("%20", "+")]}
    assert script.cloudflare.purges() == [(ZONE_ID, secret[-4:], files, 200)]
    seen = lambda: script.log()[before:]
    # An invocation that a restart of the function interrupts would be retried during another test.
    changes = lambda: sum(line["changes"] for line in seen() if line["message"] == "event")
    aws.wait_for("all are done", lambda: changes() == len(keys))
    warned = any(line["message"].startswith("SSM stores the token in plain text") for line in seen())
    assert warned == (how == "key as plain text in SSM")


def test_it_sends_what_the_imported_mapping_file_plans(script, tmp_path):
    script.start(CLOUDFLARE_API_KEY=KEY, CLOUDFLARE_API_EMAIL=EMAIL)
    event = {"Records": []}
    for key in ("a+b.css", "x/index.js", "d%25.min.js", "%C3%BC.css", "a.txt"):
        event["Records"] += s3_event(BUCKET, key)["Records"]
    answer, failed = script.invoke(event)
    assert (answer, failed) == ({"batchItemFailures": []}, False)
    sent = [body for _, _, body, _ in script.cloudflare.purges()]
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    arguments = [PURGE_ROUTER, "plan", file, "--mappings", script.mappings, "--json"]
    planned = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    assert sent == [batch["body"] for batch in planned["batches"]] and len(sent) == 1


def test_a_key_that_was_replaced_in_ssm_is_read_again(script):
    script.ministack.put_token("/cf/key", KEY)
    script.start(CLOUDFLARE_API_KEY_SSMPATH="/cf/key", CLOUDFLARE_API_EMAIL=EMAIL)
    done = ({"batchItemFailures": []}, False)
    assert script.invoke(s3_event(BUCKET, "a.css")) == done
    script.cloudflare.control("POST", "/global-keys", {"email": EMAIL, "key": "the-next-key"})
    script.ministack.put_token("/cf/key", "the-next-key")
    assert script.invoke(s3_event(BUCKET, "b.css")) == done
    assert [(key, status) for _, key, _, status in script.cloudflare.purges()] == [
        (KEY[-4:], 200),
        (KEY[-4:], 403),
        ("-key", 200),
    ]
    script.cloudflare.control("POST", "/global-keys", {"email": EMAIL, "key": KEY})


def test_a_wrong_key_fails_the_event_with_a_message(script):
    script.start(CLOUDFLARE_API_KEY="wrong", CLOUDFLARE_API_EMAIL=EMAIL)
    answer, failed = script.invoke(s3_event(BUCKET, "a.css"))
    assert failed and answer["errorType"] == "NotPurged"
    expected = (
        "www.oldsite.com of team script: token-refused: HTTP 403: 9103 Unknown X-Auth-Key or X-Auth-Email; help: "
    )
    assert answer["errorMessage"].startswith(expected)
