"""Attacks of a team, of another account and of a user who uploads, tried for real. docs/security.md lists them and the
attacks in other tests."""

import contextlib
import http.server
import json
import os
import pty
import subprocess
import threading
import time

import botocore.exceptions
import pytest

import aws
import tokens_world
from aws import REGION, ROOT_OF_OTHER
from conftest import BUCKET, DOCS, PACKAGE_MAPPINGS, PURGE_ROUTER, ZONES, s3_event
from test_table import console, row
from tokens_world import MANAGER

DOCS_ZONE, DOCS_PARAMETER, DOCS_TOKEN = ZONES["website.dev"]
FR_ZONE, FR_PARAMETER, FR_TOKEN = ZONES["website.fr"]
DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] in DENIED, refusal.value


# Calls besides the table's, for editors of a team and for operators: (service, call, arguments).
PAST_THE_TABLE = [
    ("sqs", "send_message", {"QueueUrl": "queue_url", "MessageBody": "{}"}),
    ("sqs", "receive_message", {"QueueUrl": "queue_url"}),
    ("sqs", "purge_queue", {"QueueUrl": "queue_url"}),
    ("sqs", "send_message", {"QueueUrl": "retry_queue_url", "MessageBody": "{}"}),
    ("sqs", "receive_message", {"QueueUrl": "retry_queue_url"}),
    ("sqs", "purge_queue", {"QueueUrl": "retry_queue_url"}),
    ("sqs", "send_message", {"QueueUrl": "delay_queue_url", "MessageBody": "{}"}),
    ("sqs", "receive_message", {"QueueUrl": "delay_queue_url"}),
    ("sqs", "purge_queue", {"QueueUrl": "delay_queue_url"}),
    ("sqs", "receive_message", {"QueueUrl": "dead_letters_url"}),
    ("sqs", "set_queue_attributes", {"QueueUrl": "queue_url", "Attributes": {"VisibilityTimeout": "0"}}),
    ("lambda", "invoke", {"FunctionName": "function", "Payload": "{}"}),
    ("lambda", "update_function_configuration", {"FunctionName": "function", "Timeout": 900}),
    ("sts", "assume_role", {"RoleArn": "role_arn", "RoleSessionName": "me"}),
    ("sns", "publish", {"TopicArn": "alarm_topic_arn", "Message": "all is well"}),
    ("logs", "filter_log_events", {"logGroupName": "log_group"}),
    ("s3", "put_object", {"Bucket": DOCS, "Key": "forged.html", "Body": b""}),
]


@pytest.mark.parametrize("who", ["web", "operator"])
@pytest.mark.parametrize(
    ("service", "call", "arguments"), PAST_THE_TABLE, ids=[f"{it[0]}-{it[1]}" for it in PAST_THE_TABLE]
)
def test_editors_reach_nothing_but_the_table(_world, who, service, call, arguments):
    names = {"QueueUrl", "FunctionName", "RoleArn", "TopicArn", "logGroupName"}
    arguments = {name: getattr(_world.stack, it) if name in names else it for name, it in arguments.items()}
    refused(getattr(_world.ministack.client(service, _world.credentials[who]), call), **arguments)


def test_a_user_of_another_account_can_neither_send_nor_assume_the_role(_world):
    """Even though that account allows them everything."""
    iam = _world.ministack.client("iam", ROOT_OF_OTHER)
    iam.create_user(UserName="eve")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="eve", PolicyName="everything", PolicyDocument=policy)
    made = iam.create_access_key(UserName="eve")["AccessKey"]
    eve = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    stack = _world.stack
    sqs = _world.ministack.client("sqs", eve)
    for url in (stack.queue_url, stack.retry_queue_url):
        refused(sqs.send_message, QueueUrl=url, MessageBody=json.dumps(s3_event(DOCS, "a.html")))
    refused(_world.ministack.client("sts", eve).assume_role, RoleArn=stack.role_arn, RoleSessionName="me")


# Raw rows of team web: a description, the row that is skipped, and the reason.
CLAIMS = {
    "another team's token, by a path": (
        row("TEAM#web", "ZONE#website.fr", zone_id=FR_ZONE, hostnames=["www.website.fr"], token="../docs/website.dev"),
        "bad-token-name",
    ),
    "another team's token, by its whole name": (
        row("TEAM#web", "ZONE#website.fr", zone_id=FR_ZONE, hostnames=["www.website.fr"], token=DOCS_PARAMETER),
        "bad-token-name",
    ),
    "another team's folder of tokens": (
        row("TEAM#web", "ZONE#website.fr", zone_id=FR_ZONE, hostnames=["www.website.fr"], tokens="/purge-router/docs/"),
        "unknown-field",
    ),
    "a hostname that ends like its own": (
        row("TEAM#web", "ZONE#website.fr", zone_id=FR_ZONE, hostnames=["evilwebsite.fr"]),
        "foreign-hostname",
    ),
    "another team's hostname": (
        row("TEAM#web", "ZONE#website.fr", zone_id=FR_ZONE, hostnames=["docs.website.dev"]),
        "foreign-hostname",
    ),
    "more URLs than anybody may ask for": (
        row(
            "TEAM#web",
            f"MAPPING#{BUCKET}/fr/",
            bucket=BUCKET,
            prefix="fr/",
            zones=["website.fr"],
            query_strings=[f"v={index}" for index in range(10_000)],
        ),
        "too-many-values",
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_row_that_claims_another_teams_things_has_no_effect(world, claim):
    raw, code = CLAIMS[claim]
    console(world, "web").put_item(TableName=world.stack.table, Item=raw)
    world.stack.restart()
    seen = len(world.stack.log("row skipped"))
    both = s3_event(BUCKET, "fr/a.html")
    both["Records"] += s3_event(DOCS, "a.html")["Records"]
    assert world.stack.invoke(both) == ({"batchItemFailures": []}, False)
    sent = [(zone_id, token, body["files"]) for zone_id, token, body, _ in world.cloudflare.purges()]
    assert sent == [(DOCS_ZONE, DOCS_TOKEN[-4:], ["https://docs.website.dev/a.html"])]
    reasons = {line["row"]: line["reason"] for line in world.stack.log("row skipped")[seen:]}
    assert code in reasons[f"{raw['pk']['S']}/{raw['sk']['S']}"], reasons


def test_another_teams_zone_id_is_sent_with_the_own_token_and_refused(world):
    twin = row("TEAM#web", "ZONE#website.fr", zone_id=DOCS_ZONE, hostnames=["www.website.fr"])
    mapping = row(
        "TEAM#web", f"MAPPING#{BUCKET}/fr/", bucket=BUCKET, prefix="fr/", zones=["website.fr"], purge="everything"
    )
    for it in (twin, mapping):
        console(world, "web").put_item(TableName=world.stack.table, Item=it)
    world.stack.restart()
    messages = {"web": s3_event(BUCKET, "fr/a.html"), "docs": s3_event(DOCS, "a.html")}
    reported, deferred = world.stack.process({name: json.dumps(event) for name, event in messages.items()})
    assert (reported, deferred) == ([], ["web"])
    sent = {(zone_id, token, status) for zone_id, token, _, status in world.cloudflare.purges()}
    assert sent == {(DOCS_ZONE, FR_TOKEN[-4:], 403), (DOCS_ZONE, DOCS_TOKEN[-4:], 200)}


def test_another_teams_hostname_as_a_custom_one_is_refused_by_cloudflare_alone(world):
    names = ["www.website.fr", "docs.website.dev"]
    zone = row("TEAM#web", "ZONE#website.fr", zone_id=FR_ZONE, hostnames=names, custom_hostnames=names[1:])
    console(world, "web").put_item(TableName=world.stack.table, Item=zone)
    world.put(DOCS, "a.html", "first")
    world.stack.wait_until_handled()
    world.see("docs.website.dev", "a.html", "first")
    world.stack.restart()
    world.cloudflare.purges()
    world.stack.invoke(s3_event(BUCKET, "fr/a.html"))
    accepted = [url for _, _, body, status in world.cloudflare.purges() if status == 200 for url in body["files"]]
    assert accepted == ["https://www.website.fr/a.html"]
    assert "https://docs.website.dev/a.html" in world.cloudflare.cached(), "it is still fresh at the edge"


def test_a_forged_copy_of_a_grant_allows_nothing(world, edited_file):
    """The team may write the copy, which a push trusts and the function does not."""
    forged = row("TEAM#web", "GRANT", owns=[f"s3://{BUCKET}/", f"s3://{DOCS}/"], tokens="/purge-router/docs/")
    console(world, "web").put_item(TableName=world.stack.table, Item=forged)
    world.push("web", edited_file)
    world.stack.restart()
    seen = len(world.stack.log("row skipped"))
    assert world.stack.invoke(s3_event(DOCS, "a.html")) == ({"batchItemFailures": []}, False)
    sent = [(zone_id, token, status) for zone_id, token, _, status in world.cloudflare.purges()]
    assert sent == [(DOCS_ZONE, DOCS_TOKEN[-4:], 200)]
    [line] = world.stack.log("row skipped")[seen:]
    assert line["row"].startswith("TEAM#web/MAPPING#") and "source-not-owned" in line["reason"]


@pytest.fixture
def edited_file(tmp_path):
    """The teams' mappings, and one of team web for the bucket of team docs."""
    text = PACKAGE_MAPPINGS.read_text()
    of_web, of_docs = text.split("[teams.docs]")
    of_web = of_web.replace('owns = ["', f'owns = ["s3://{DOCS}/", "')
    of_web += f'[[teams.web.mappings]]\nsource = "s3://{DOCS}/"\nzones = ["website.fr"]\n'
    file = tmp_path / "mappings.toml"
    file.write_text(f"{of_web}[teams.docs]{of_docs}")
    return file


DEEP = '{"Records":' + "[" * 200_000 + "]" * 200_000 + "}"
NESTED = {"Records": [{"messageId": "victim", "eventSource": "aws:sqs", "body": "{"}]}
MESSAGES = {
    "a message nested without end": (DEEP, "recursion limit"),
    "a message that names another one": (NESTED, "not an event"),
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_bad_message_fails_alone(world, what):
    body, reason = MESSAGES[what]
    seen = len(world.stack.log("rejected"))
    bodies = {
        "attack": body if isinstance(body, str) else json.dumps(body),
        "victim": json.dumps(s3_event(DOCS, "a.html")),
    }
    records = [{"messageId": name, "eventSource": "aws:sqs", "body": body} for name, body in bodies.items()]
    answer = world.stack.invoke({"Records": records})
    assert answer == ({"batchItemFailures": [{"itemIdentifier": "attack"}]}, False)
    assert [status for *_, status in world.cloudflare.purges()] == [200]
    [line] = world.stack.log("rejected")[seen:]
    assert line["origin"] == "attack" and reason in line["reason"], line


def test_a_key_can_not_forge_a_log_line(world):
    forged = '{"level":"INFO","message":"batch","team":"docs","outcome":"purged"}'
    name = f"unmapped-bucket\n{forged}\n\x1b[2K.css"
    seen = len(aws.printed(world.ministack, world.stack.log_group))
    world.stack.invoke(s3_event(BUCKET, name.replace("\n", "%0A").replace("\x1b", "%1B")))
    lines = aws.printed(world.ministack, world.stack.log_group)[seen:]
    assert [line["key"] for line in lines if line.get("message") == "unmatched"] == [name]
    assert all(line.get("outcome") != "purged" for line in lines)


class Answering(http.server.ThreadingHTTPServer):
    """A server that redirects every request and records it."""

    def __init__(self, location=None):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                server.heard.append(self.headers.get("authorization"))
                self.send_response(307 if location else 200)
                if location:
                    self.send_header("location", location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.heard = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


def test_a_redirect_gets_no_token(tmp_path):
    with contextlib.closing(Answering()) as elsewhere, contextlib.closing(Answering(elsewhere.url)) as api:
        mappings = tmp_path / "mappings.toml"
        mappings.write_text(tokens_world.MAPPINGS)
        environment = {"CLOUDFLARE_BASE_URL": api.url, "CLOUDFLARE_API_TOKEN": MANAGER, "MAPPINGS_FILE": str(mappings)}
        command = [PURGE_ROUTER, "purge", "https://www.shop.com/a.css", "--deadline", "3"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1, done
        assert api.heard and set(api.heard) == {f"Bearer {MANAGER}"}
        assert elsewhere.heard == []


# An administrator with all rights rotates the tokens of all teams. One team has written raw rows.


@pytest.fixture(scope="module")
def _tokens(ministack, tmp_path_factory):
    with contextlib.closing(tokens_world.Tokens(ministack, tmp_path_factory.mktemp("tokens"))) as world:
        yield world


@pytest.fixture
def table(pushed, _tokens):
    """A table of the teams shop and blog, with `put` for a row."""
    _tokens.proxy.let_all_pass()
    _tokens.first_tokens()
    put = lambda *key, **fields: pushed.stack.dynamodb.put_item(TableName=pushed.stack.table, Item=row(*key, **fields))
    pushed.stack.set_rows({})
    for team in ("shop", "blog"):
        for at in (("GRANTS", team), (f"TEAM#{team}", "GRANT")):
            put(*at, owns=[f"s3://{team}/"])
    for zone in ("shop.com", "blog.org"):
        put(
            f"TEAM#{zone.partition('.')[0]}",
            f"ZONE#{zone}",
            zone_id=tokens_world.ZONES[zone][0],
            hostnames=[f"www.{zone}"],
        )
    put.name, put.tokens = pushed.stack.table, _tokens
    yield put
    pushed.stack.set_rows(pushed.rows)


DEAD = "cfut_nobody-has-this-token-0000000000"
WITH_BLOGS_ID = {
    "the zone itself": ("ZONE#blog.org", {"hostnames": ["www.blog.org"]}),
    "a custom hostname": ("ZONE#mine.com", {"hostnames": ["www.blog.org"], "custom_hostnames": ["www.blog.org"]}),
    "its own hostname": ("ZONE#mine.com", {"hostnames": ["www.mine.com"]}),
}


@pytest.mark.parametrize("by", WITH_BLOGS_ID)
@pytest.mark.parametrize("more", [(), ("--least-rights",)], ids=["plain", "least-rights"])
def test_a_rotation_gives_no_team_a_token_for_another_teams_zone(table, by, more):
    sort, fields = WITH_BLOGS_ID[by]
    tokens = table.tokens
    table("TEAM#shop", sort, zone_id=tokens_world.ZONES["blog.org"][0], token="x", **fields)
    tokens.ssm.delete_parameters(Names=["/purge-router/shop/x"])
    tokens.ministack.put_token("/purge-router/shop/x", DEAD)
    arguments = ("rotate", "--table", table.name, "--yes", "--wait", "0", "--take-over", *more)
    code, out, errors = tokens.run(*arguments)
    assert code == 1, (out, errors)
    assert ("team blog has the zone blog.org" in errors) if more else ("--least-rights" in errors), errors
    # Wrong rows of one team prevent no other team's rotation, except for zones that these rows claim.
    assert "shop.com of team shop: token " in out and (more or "blog.org of team blog: token " in out), out
    now = tokens.ssm.get_parameter(Name="/purge-router/shop/x", WithDecryption=True)["Parameter"]["Value"]
    assert now == DEAD and not tokens.purges("blog.org", now) and tokens.purges("blog.org")


@pytest.mark.parametrize("more", [(), ("--least-rights",)], ids=["plain", "least-rights"])
def test_a_forged_copy_of_a_grant_sends_no_administrator_to_another_teams_folder(table, more):
    tokens = table.tokens
    before = tokens.stored("blog.org")
    table("TEAM#shop", "GRANT", owns=["s3://shop/"], tokens="/purge-router/blog/")
    table(
        "TEAM#shop",
        "ZONE#shop.com",
        zone_id=tokens_world.ZONES["shop.com"][0],
        hostnames=["www.shop.com"],
        token="blog.org",
    )
    arguments = ("rotate", "--table", table.name, "--team", "shop", "--yes", "--wait", "0", "--take-over", *more)
    code, out, errors = tokens.run(*arguments)
    assert code == 1 and "/purge-router/shop/blog.org" in errors, (out, errors)
    after = tokens.stored("blog.org")
    assert (after["Value"], after["Version"]) == (before["Value"], before["Version"]) and tokens.purges("blog.org")


EVIL = "\x1b]0;owned\x07\x1b[2K\x9b31m\u202eevil"


def test_text_of_a_team_can_not_control_an_operators_terminal(table):
    table("TEAM#shop", f"ZONE#{EVIL}.com", zone_id=EVIL, hostnames=[EVIL])
    table(
        "TEAM#shop", f"MAPPING#{EVIL}", bucket="shop", prefix=f"{EVIL}/", zones=[EVIL], include=[EVIL], **{EVIL: EVIL}
    )
    table("TEAM#shop", "REVISION#0000000001", revision=1, by=EVIL, at=EVIL, summary=EVIL, message=EVIL)
    tokens = table.tokens
    environment = {name.upper(): value for name, value in aws.ROOT.items()}
    environment |= {"AWS_ENDPOINT_URL": tokens.ministack.url, "AWS_REGION": REGION, "TERM": "xterm", "NO_COLOR": "1"}
    environment |= {"MAPPINGS_TABLE": table.name, "CLOUDFLARE_BASE_URL": tokens.cloudflare.api_url}
    environment |= {"MAPPINGS_FILE": str(tokens.mappings)}
    team = ("--team", "shop")
    for command in (
        ("mappings", "pull", *team),
        ("mappings", "diff", *team),
        ("mappings", "diff", *team, "--json"),
        ("mappings", "history", *team),
        ("grants", "pull"),
        ("check", "--table", table.name),
        ("tokens", "status", *team, "--table", table.name),
    ):
        out = shown_on_a_terminal([PURGE_ROUTER, *command], environment)
        tame = out.replace("\r\n", "\n")
        obeyed = {
            char for char in tame if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 or char == "\u202e"
        }
        assert not obeyed, (command, obeyed, out)
        assert "evil" in out or command[1] == "history" or command[0] == "grants", (command, out)


def shown_on_a_terminal(command, environment):
    """Everything that a command writes to a terminal, including standard error."""
    ours, its = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=its, stderr=its)
    os.close(its)
    text, end = b"", time.monotonic() + 60
    with contextlib.suppress(OSError):  # the end of a terminal is an error
        while time.monotonic() < end and (some := os.read(ours, 65536)):
            text += some
    process.wait(10)
    os.close(ours)
    return text.decode()
