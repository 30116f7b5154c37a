"""Teams edit the table, and the function follows, each team within its grant, without deployment or restart."""

import json
import re
import time

import boto3.dynamodb.types
import pytest

from aws import ACCOUNT, key, wait_for, where
from conftest import BUCKET, DOCS, MEDIA, PACKAGE_MAPPINGS, SITES, TEAMS, ZONES, s3_event

DONE = ({"batchItemFailures": []}, False)

# A page of each mapping, with its URLs.
UK, FR, DOC = (BUCKET, "uk/page.html"), (BUCKET, "fr/page.html"), (DOCS, "page.html")
URLS = {
    UK: {"https://www.website.co.uk/page.html", "https://assets.website.co.uk/page.html"},
    FR: {"https://www.website.fr/page.html"},
    DOC: {"https://docs.website.dev/page.html"},
}

# Edits of the mapping file: the old and the new text.
UK_ALSO_AT_FR = ('zones        = ["website.co.uk"]', 'zones        = ["website.co.uk", "website.fr"]')
FR_ELSEWHERE = ('strip_prefix = "fr/"', 'strip_prefix = "fr/"\nadd_prefix = "moved/"')
DOCS_ELSEWHERE = ('exclude = ["*.tmp"]', 'add_prefix = "moved/"')


def owning(source):
    """The edit that grants team web one more source."""
    owns = 'owns = ["s3://assets.website.com/uk/", '
    return owns, f'{owns}"{source}", '


@pytest.fixture
def edited(tmp_path):
    """Writes a copy of the mapping file with edits and with text appended."""

    def write(*edits, more=""):
        text = PACKAGE_MAPPINGS.read_text()
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        file = tmp_path / "edited.toml"
        file.write_text(text + more)
        return file

    return write


def put_all(world, text):
    for page in URLS:
        world.put(*page, text)
    return set().union(*URLS.values())


def console(world, team):
    """A DynamoDB client with the rights of a team's editor."""
    return world.ministack.client("dynamodb", world.credentials[team])


def logged(world, seen, message, **fields):
    """The first new log line with these fields."""
    is_it = lambda line: fields.items() <= line.items()
    return wait_for(f"{message} {fields}", lambda: [line for line in world.stack.log(message)[seen:] if is_it(line)])[0]


def test_an_edit_changes_where_the_teams_next_object_purges_and_nothing_else(world, edited):
    world.purged(put_all(world, "first"))
    for host in SITES:
        assert world.cloudflare.visit(host, "/page.html") == (200, "first")
    starts = world.stack.starts()
    world.push("web", edited(UK_ALSO_AT_FR))
    world.let_mappings_expire()
    world.put(*UK, "second")
    world.purged(URLS[UK] | URLS[FR])
    assert world.cloudflare.cached() == URLS[DOC]
    for page in (FR, DOC):
        world.put(*page, "second")
        world.purged(URLS[page])
    for host in SITES:
        assert world.cloudflare.visit(host, "/page.html") == (200, "second")
    assert world.stack.starts() == starts, "no instance was started for it"


@pytest.mark.parametrize(("bucket", "prefix"), [(MEDIA, ""), (BUCKET, "de/")])
def test_an_unmatched_bucket_is_purged_once_it_is_granted_and_mapped(world, edited, bucket, prefix):
    seen = len(world.stack.log("unmatched"))
    world.put(bucket, f"{prefix}logo.svg", "first")
    logged(world, seen, "unmatched", bucket=bucket, key=f"{prefix}logo.svg")
    starts = world.stack.starts()
    assert world.cloudflare.purges() == []
    source = f"s3://{bucket}/{prefix}"
    file = edited(owning(source), more=f'[[teams.web.mappings]]\nsource = "{source}"\nzones = ["website.fr"]')
    world.push_grants(file)
    world.push("web", file)
    world.let_mappings_expire()
    world.put(bucket, f"{prefix}logo.svg", "second")
    world.purged({f"https://www.website.fr/{prefix}logo.svg"})
    assert world.stack.starts() == starts, "no instance was started for it"


@pytest.mark.parametrize(("seconds", "is_kept"), [("300", True), ("0", False)])
def test_mappings_and_their_absence_are_cached_for_the_ttl(world, edited, seconds, is_kept):
    world.stack.restart(MAPPINGS_TTL_SECONDS=seconds)
    events = [s3_event(DOCS, "a.html"), s3_event(MEDIA, "a.svg")]
    owning_more = ('owns = ["s3://docs-site/"]', f'owns = ["s3://docs-site/", "s3://{MEDIA}/"]')
    more = f'[[teams.docs.mappings]]\nsource = "s3://{MEDIA}/"\nzones = ["website.dev"]'
    files = lambda: [url for _, _, body, _ in world.cloudflare.purges() for url in body["files"]]
    assert [world.stack.invoke(event) for event in events] == [DONE, DONE]
    assert files() == ["https://docs.website.dev/a.html"]
    # A new instance reads the table once more after a second, because its index may have lagged.
    time.sleep(1)
    assert [world.stack.invoke(event) for event in events] == [DONE, DONE]
    assert files() == ["https://docs.website.dev/a.html"]
    file = edited(owning_more, DOCS_ELSEWHERE, more=more)
    world.push_grants(file)
    world.push("docs", file)
    assert [world.stack.invoke(event) for event in events] == [DONE, DONE]
    now = ["https://docs.website.dev/moved/a.html", "https://docs.website.dev/a.svg"]
    assert files() == (["https://docs.website.dev/a.html"] if is_kept else now)


def test_a_row_edited_in_the_console_takes_effect_and_is_reported_as_drift(world):
    dynamodb, table = console(world, "web"), world.stack.table
    world.put(*FR, "first")
    world.purged(URLS[FR])
    row = dynamodb.get_item(TableName=table, Key=key("TEAM#web", f"MAPPING#{BUCKET}/fr/"))["Item"]
    dynamodb.put_item(TableName=table, Item={**row, "add_prefix": {"S": "moved/"}})
    world.let_mappings_expire()
    world.put(*FR, "second")
    world.purged({"https://www.website.fr/moved/page.html"})
    [edit] = json.loads(world.done("web", "mappings", "diff", "--team", "web", "--json"))["edits"]
    fields = lambda before, after: {"add_prefix": {"before": before, "after": after}}
    drift = {"row": f"MAPPING#{BUCKET}/fr/", "fields": fields(None, "moved/")}
    assert edit["drift"] == {"added": [], "changed": [drift], "removed": []}
    assert edit["changed"] == [{"row": f"MAPPING#{BUCKET}/fr/", "fields": fields("moved/", None)}]


def row(partition, sort, **fields):
    """A row as the console writes it."""
    serialize = boto3.dynamodb.types.TypeSerializer().serialize
    return {name: serialize(value) for name, value in {"pk": partition, "sk": sort, **fields}.items()}


def mapping(bucket, prefix, zone, **fields):
    return row("TEAM#web", "MAPPING#raw", bucket=bucket, prefix=prefix, zones=[zone], add_prefix="raw/", **fields)


# Rows of team web that are skipped, each with the reason in the log.
RAW = {
    "another team's bucket": (mapping(DOCS, "", "website.fr"), "not-owned"),
    "another team's zone": (mapping(BUCKET, "fr/", "website.dev"), "unknown-zone"),
    "a prefix beside its own": (mapping(BUCKET, "de/", "website.fr"), "not-owned"),
    "the whole of a bucket in which it owns prefixes": (mapping(BUCKET, "", "website.fr"), "not-owned"),
    "a later version": (mapping(BUCKET, "fr/", "website.fr", version=2), "unknown-version"),
    "a field that is none": (mapping(BUCKET, "fr/", "website.fr", strip="fr/"), "unknown-field"),
    "zones that are none": ({**mapping(BUCKET, "fr/", ""), "zones": {"N": "7"}}, "wrong-type"),
}


@pytest.mark.parametrize("what", RAW)
def test_a_raw_row_that_claims_too_much_or_is_broken_is_skipped_and_logged(world, what):
    raw, code = RAW[what]
    console(world, "web").put_item(TableName=world.stack.table, Item=raw)
    seen = len(world.stack.log("row skipped"))
    world.put(MEDIA, "page.html", "changed")
    world.put(BUCKET, "de/page.html", "changed")
    world.purged(put_all(world, "changed"))
    assert code in logged(world, seen, "row skipped", row="TEAM#web/MAPPING#raw", level="WARN")["reason"]
    assert {line["row"] for line in world.stack.log("row skipped")[seen:]} == {"TEAM#web/MAPPING#raw"}


def test_a_broken_zone_disables_only_its_own_mappings(world):
    zone = row("TEAM#web", "ZONE#website.fr", zone_id="none", hostnames=["www.website.fr"])
    console(world, "web").put_item(TableName=world.stack.table, Item=zone)
    seen = len(world.stack.log("row skipped"))
    put_all(world, "changed")
    world.purged(URLS[UK] | URLS[DOC])
    assert "bad-cloudflare-id" in logged(world, seen, "row skipped", row="TEAM#web/ZONE#website.fr")["reason"]
    assert "bad-zone" in logged(world, seen, "row skipped", row=f"TEAM#web/MAPPING#{BUCKET}/fr/")["reason"]


def test_a_rollback_restores_the_earlier_purges(world, edited):
    world.push("web", edited(UK_ALSO_AT_FR))
    world.put(*UK, "first")
    world.purged(URLS[UK] | URLS[FR])
    world.done("web", "mappings", "rollback", "1", "--team", "web", "--yes", "--message", "wrong zone")
    world.let_mappings_expire()
    world.put(*UK, "second")
    world.purged(URLS[UK])
    revisions = json.loads(world.done("web", "mappings", "history", "--team", "web", "--json"))["revisions"]
    pushes = [(it["revision"], it["summary"], it.get("message"), it["by"].rpartition("/")[2]) for it in revisions]
    assert pushes == [
        (3, "rollback to revision 1: 1 changed", "wrong zone", "web"),
        (2, "1 changed", None, "web"),
        (1, "4 added", None, "web"),
    ]


def test_a_revoked_grant_stops_only_its_teams_purges_and_a_new_one_restores_them(world, edited):
    text = PACKAGE_MAPPINGS.read_text()
    without_docs = edited((text[text.index("[teams.docs]") :], ""))
    world.purged(put_all(world, "changed"))
    world.push_grants(without_docs, "--team", "docs", "--force")
    world.let_mappings_expire()
    seen = len(world.stack.log("row skipped"))
    put_all(world, "changed")
    world.purged(URLS[UK] | URLS[FR])
    assert "no-grant" in logged(world, seen, "row skipped", row=f"TEAM#docs/MAPPING#{DOCS}/")["reason"]
    code, out, errors = world.command("docs", "mappings", "push", "--team", "docs", "--yes")
    assert (code, out) == (1, "") and "team docs has no grant in the table" in errors
    world.push_grants()
    world.let_mappings_expire()
    world.purged(put_all(world, "changed"))


STALE = "using stale mappings: can't read DynamoDB"


def test_while_dynamodb_fails_stale_mappings_are_used_and_other_changes_are_redelivered(world):
    world.put(*DOC, "first")
    world.purged(URLS[DOC])
    stale, rejected = (len(world.stack.log(it)) for it in (STALE, "rejected"))
    with world.stack.without_dynamodb():
        world.let_mappings_expire()
        world.put(*DOC, "second")
        world.purged(URLS[DOC])
        logged(world, stale, STALE, level="WARN", bucket=DOCS)
        world.put(*UK, "first")
        reason = logged(world, rejected, "rejected", level="WARN")["reason"]
        assert reason.startswith(f"s3://{BUCKET}/uk/page.html: can't read the mappings of its bucket: "), reason
        assert world.cloudflare.purges() == []
    world.purged(URLS[UK])
    assert world.stack.dead_letters() == 0


def test_the_command_plans_from_the_table_what_the_function_sends(world, edited, tmp_path):
    world.push("web", edited(UK_ALSO_AT_FR))
    event = {"Records": [record for page in URLS for record in s3_event(*page)["Records"]]}
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    plan = json.loads(world.done("operator", "plan", str(file), "--table", world.stack.table, "--json"))
    assert world.stack.invoke(event) == DONE
    sent = [(zone_id, json.dumps(body)) for zone_id, _, body, _ in world.cloudflare.purges()]
    assert sorted(sent) == sorted((batch["zone_id"], json.dumps(batch["body"])) for batch in plan["batches"])
    assert len(sent) == len(ZONES)


def test_two_teams_push_side_by_side(world, edited):
    file = edited(UK_ALSO_AT_FR, DOCS_ELSEWHERE)
    push = lambda team: world.start_command(team, "mappings", "push", "--team", team, "--yes", mappings=file)
    pushes = [push(team) for team in TEAMS]
    ends = [(*process.communicate(timeout=60), process.returncode) for process in pushes]
    assert [code for _, _, code in ends] == [0] * len(TEAMS), ends
    for page in (UK, DOC):
        world.put(*page, "changed")
    world.purged(URLS[UK] | URLS[FR] | {"https://docs.website.dev/moved/page.html"})


def test_pushes_larger_than_one_transaction_need_no_more_rights(world, edited):
    teams = "".join(f'[teams.team-{index}]\nowns = ["s3://bucket-{index}/"]\n' for index in range(101))
    source = lambda index: f"s3://{BUCKET}/uk/{index}/"
    mapping = '[[teams.web.mappings]]\nsource = "{}"\nzones = ["website.fr"]\n'
    world.push_grants(edited(more=teams))
    world.push("web", edited(more="".join(mapping.format(source(index)) for index in range(101))))
    world.put(BUCKET, "uk/100/page.html", "first")
    hosts = ("www.website.co.uk/", "assets.website.co.uk/", "www.website.fr/uk/")
    world.purged({f"https://{host}100/page.html" for host in hosts})


def test_a_team_reads_and_edits_its_own_part(pushed, edited):
    moved = edited(FR_ELSEWHERE)
    team = ("--team", "web")

    def pulled(*args):
        text = pushed.done("web", "mappings", "pull", *team, *args)
        return re.sub('^pulled = "[0-9]+-[0-9a-f]{8}"\n', "", text, flags=re.MULTILINE)

    before = pulled()
    assert "nothing to change" in pushed.push("web")
    [edit] = json.loads(pushed.done("web", "mappings", "diff", *team, "--json", mappings=moved))["edits"]
    assert [it["row"] for it in edit["changed"]] == [f"MAPPING#{BUCKET}/fr/"]
    pushed.push("web", moved)
    assert 'add_prefix = "moved/"' in pulled()
    assert pulled("--revision", "1") == before
    pushed.done("web", "mappings", "rollback", "1", *team, "--yes")
    assert pulled() == before


COMMANDS = ["pull", "diff", "push --yes", "history", "rollback 1 --yes"]


@pytest.mark.parametrize(
    "command", [f"mappings {it} --team docs" for it in COMMANDS] + [f"grants {it}" for it in COMMANDS]
)
def test_another_teams_part_and_the_grants_are_refused(pushed, edited, command):
    everywhere = edited(DOCS_ELSEWHERE, owning(f"s3://{DOCS}/"))
    code, out, errors = pushed.command("web", *command.split(), mappings=everywhere)
    assert (code, out, errors.count("\n")) == (1, "", 1)
    assert f"AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/web is not authorized to perform: " in errors
    assert pushed.stack.rows() == pushed.rows
    pushed.done("operator", *command.split(), mappings=everywhere)


OWN, OF_DOCS, GRANT = key("TEAM#web", "ZONE#website.fr"), key("TEAM#docs", "ZONE#website.dev"), key("GRANTS", "web")
CALLS = [
    ("scan", {}),
    ("scan", {"IndexName": "by-bucket"}),
    ("query", where("pk", "TEAM#docs")),
    ("query", {"IndexName": "by-bucket", **where("bucket", BUCKET)}),
    ("get_item", {"Key": OF_DOCS}),
    ("get_item", {"Key": GRANT}),
    ("put_item", {"Item": OF_DOCS}),
    ("put_item", {"Item": GRANT}),
    ("update_item", {"Key": GRANT}),
    ("delete_item", {"Key": OF_DOCS}),
    ("delete_item", {"Key": GRANT}),
]


@pytest.mark.parametrize(("call", "arguments"), CALLS, ids=[call for call, _ in CALLS])
def test_calls_without_the_command_are_refused_too(pushed, call, arguments):
    of_web = console(pushed, "web")
    if call in ("scan", "query", "get_item"):
        getattr(pushed.stack.dynamodb, call)(TableName=pushed.stack.table, **arguments)
    with pytest.raises(of_web.exceptions.ClientError, match="AccessDeniedException"):
        getattr(of_web, call)(TableName=pushed.stack.table, **arguments)
    assert pushed.stack.rows() == pushed.rows


def test_own_and_foreign_rows_are_not_written_together(pushed):
    of_web = console(pushed, "web")
    delete = lambda key: {"Delete": {"TableName": pushed.stack.table, "Key": key}}
    for foreign in (OF_DOCS, GRANT):
        with pytest.raises(of_web.exceptions.ClientError, match="AccessDeniedException"):
            of_web.transact_write_items(TransactItems=[delete(OWN), delete(foreign)])
    assert pushed.stack.rows() == pushed.rows
    of_web.transact_write_items(TransactItems=[delete(OWN)])
    assert len(pushed.stack.rows()) == len(pushed.rows) - 1
