"""The CI of mappings: a pull request shows what a push would change, and a merge pushes just that, with roles that may no more."""

import shutil
import subprocess

import botocore.exceptions
import pytest

import aws
import github
from conftest import BUCKET, PACKAGE_MAPPINGS, PURGE_ROUTER

CI = aws.INFRA.parent / "ci"
SHA = "a" * 40
MARKER = "<!-- purge-router mappings: web -->"

# Edits of the mapping file of team web.
WITH_DRAFTS = ('strip_prefix = "uk/"', 'strip_prefix = "uk/"\nexclude = ["drafts/"]')
WITH_A_PREFIX = ('strip_prefix = "fr/"', 'strip_prefix = "fr/"\nadd_prefix = "moved/"')
WITH_CLEAN_URLS = ('strip_prefix = "uk/"', 'strip_prefix = "uk/"\nclean_urls = true')
OF_DOCS = ('exclude = ["*.tmp"]', 'exclude = ["*.tmp", "*.bak"]')
WARNED = ('exclude = ["*.tmp"]', 'exclude = ["**"]')
FAILING_TEST = f"""
[[teams.web.tests]]
object = "s3://{BUCKET}/uk/a.css"
purges = ["https://www.website.co.uk/b.css"]
"""


SUBJECTS = {
    "review": f"repo:{github.REPOSITORY}:pull_request",
    "push": f"repo:{github.REPOSITORY}:environment:purge-router",
}


@pytest.fixture(scope="module")
def role_arns(_world):
    """The roles of a team for reviews and pushes."""
    template, table = aws.read_template(aws.INFRA / "team-ci.yaml"), _world.stack.table_arn
    parameters = {"Team": "web", "TableArn": table, "Repository": github.REPOSITORY}
    outputs = _world.ministack.create_stack("ci-of-web", template, **parameters)
    return {"review": outputs["ReviewRoleArn"], "push": outputs["PushRoleArn"]}


@pytest.fixture(scope="module")
def roles(_world, role_arns):
    """The credentials that jobs get with these roles."""
    assume = _world.ministack.assume_with_identity
    return {name: assume(arn, github.identity_token(SUBJECTS[name])) for name, arn in role_arns.items()}


@pytest.fixture
def hub():
    with github.started() as hub:
        yield hub


class Job:
    """A job of a team's repository, with a role and a mapping file."""

    def __init__(self, world, roles, hub, folder):
        self.world, self.roles, self.hub, self.folder = world, roles, hub, folder
        self.file = folder / "mappings.toml"
        self.file.write_text(PACKAGE_MAPPINGS.read_text())

    def edit(self, *edits, more=""):
        text = self.file.read_text()
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.file.write_text(text + more)

    def environment(self, role):
        credentials = {name.upper(): value for name, value in self.roles[role].items()}
        aws_settings = {"AWS_ENDPOINT_URL": self.world.ministack.url, "AWS_REGION": aws.REGION}
        return github.environment_of_a_job(self.hub, self.folder) | credentials | aws_settings

    def script(self, name, *arguments, role="review", **variables):
        """Runs a script. Returns its exit code, output and errors."""
        environment = self.environment(role) | {"PURGE_ROUTER": PURGE_ROUTER, "MAPPINGS_FILE": str(self.file)}
        environment |= {"MAPPINGS_TABLE": self.world.stack.table, "TEAMS": "web", "GITHUB_TOKEN": github.TOKEN}
        done = subprocess.run(
            ["sh", CI / name, *arguments],
            env=environment | variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr

    def action(self, command, number=None, role=None, **inputs):
        """Runs the composite action for a pull request, or for a merged commit."""
        runner = github.Runner(self.folder, CI / "action.yml", self.environment(role or command))
        event = {"token": github.TOKEN, "sha": SHA}
        event |= {"event.pull_request.number": str(number)} if number else {}
        inputs = {"teams": "web", "table": self.world.stack.table, "mappings": str(self.file)} | inputs
        return runner.run(event, command=command, purge_router=PURGE_ROUTER, **inputs)

    def merge(self, number):
        self.hub.merged[SHA] = [{"number": number, "merge_commit_sha": SHA}]

    def mapping(self, prefix):
        """The stored mapping of this prefix."""
        [found] = [row for row in self.world.stack.rows().values() if row.get("prefix", {}).get("S") == prefix]
        return found


@pytest.fixture
def job(pushed, roles, hub, tmp_path):
    return Job(pushed, roles, hub, tmp_path)


def test_a_merge_pushes_what_the_pull_request_showed(job):
    job.edit(WITH_DRAFTS)
    code, printed, outputs = job.action("review", number=7)
    assert (code, len(outputs["checksum"])) == (0, 32), printed
    [comment] = job.hub.bodies(7)
    assert comment.startswith(MARKER) and 'exclude: unset → ["drafts/"]' in comment and outputs["checksum"] in comment
    assert "exclude" not in job.mapping("uk/"), "a review writes nothing"
    job.merge(7)
    code, printed, pushed = job.action("push")
    assert (code, pushed) == (0, outputs), printed
    assert job.mapping("uk/")["exclude"] == {"L": [{"S": "drafts/"}]}
    history = job.world.done("web", "mappings", "history", "--team", "web")
    assert f"commit {SHA}" in history
    # A job may be run again.
    assert job.action("push")[0] == 0
    assert job.world.done("web", "mappings", "history", "--team", "web") == history


def test_a_new_commit_replaces_the_comment(job):
    job.hub.add_comment(7, f"{MARKER}\nwith the checksum `{'0' * 32}`", github.PERSON)
    job.edit(WITH_DRAFTS)
    assert job.action("review", number=7)[0] == 0
    job.edit(WITH_A_PREFIX)
    assert job.action("review", number=7)[0] == 0
    [of_person, ours] = job.hub.bodies(7)
    assert "0" * 32 in of_person and "add_prefix" not in of_person
    assert "drafts/" in ours and 'add_prefix: unset → "moved/"' in ours


def test_a_difference_that_changed_since_the_review_is_not_pushed(job):
    job.edit(WITH_DRAFTS)
    assert job.action("review", number=7)[0] == 0
    job.merge(7)
    other = job.folder / "other.toml"
    other.write_text(PACKAGE_MAPPINGS.read_text().replace(*WITH_CLEAN_URLS))
    job.world.push("web", other)
    code, printed, _ = job.action("push")
    assert code == 1 and "review it again" in printed
    assert "exclude" not in job.mapping("uk/")
    # Somebody reviews the new difference, which also undoes the other push, and starts the job with its checksum.
    checksum = job.action("review", number=7)[2]["checksum"]
    code, printed, _ = job.action("push", expect=checksum)
    assert code == 0, printed
    assert job.mapping("uk/")["exclude"] == {"L": [{"S": "drafts/"}]}


def test_a_difference_that_nobody_approved_is_not_pushed(job):
    code, printed, outputs = job.action("push")
    assert (code, outputs) == (0, {"checksum": ""}) and "nothing to push" in printed
    job.edit(WITH_DRAFTS)
    job.hub.add_comment(7, f"{MARKER}\nwith the checksum `{'0' * 32}`", github.PERSON)
    job.merge(7)
    code, printed, _ = job.action("push")
    assert code == 1 and "nobody approved this difference" in printed
    assert "exclude" not in job.mapping("uk/")


def test_warnings_problems_and_failing_tests_stop_a_job(job):
    text = job.file.read_text()
    for change in (
        lambda: job.edit(WARNED),
        lambda: job.edit(more=FAILING_TEST),
        lambda: job.edit(('zones        = ["website.fr"]', 'zones        = ["website.de"]')),
    ):
        change()
        for command in ("review", "push"):
            assert job.action(command, number=7)[0] == 1
        job.file.write_text(text)
    assert job.hub.seen == []
    assert job.script("mappings.sh", "check")[0] == 0


def test_nothing_is_said_to_change_if_nothing_would(job):
    code, _, outputs = job.action("review", number=7)
    assert (code, outputs["checksum"]) == (0, "")
    assert job.hub.bodies(7)[0].endswith("Nothing would change.\n")


def test_teams_are_separate(job):
    job.edit(OF_DOCS)
    code, shown, _ = job.script("mappings.sh", "diff", job.folder / "out")
    assert code == 0 and "docs" not in shown
    code, _, errors = job.script("mappings.sh", "diff", job.folder / "out", TEAMS="web docs")
    assert code == 1 and "access denied" in errors


@pytest.mark.parametrize("role", ["review", "push"])
def test_only_the_jobs_of_the_repository_may_assume_a_role(_world, role_arns, role):
    [other] = SUBJECTS.keys() - {role}
    for token in (
        github.identity_token(SUBJECTS[other]),
        github.identity_token(SUBJECTS[role].replace("website/", "mallory/")),
        github.identity_token(SUBJECTS[role] + "x"),
        github.identity_token(f"repo:{github.REPOSITORY}:ref:refs/heads/main"),
        github.identity_token(f"repo:{github.REPOSITORY}:environment:staging"),
        github.identity_token(SUBJECTS[role], audience="https://github.com/mallory"),
        github.identity_token(SUBJECTS[role], issuer="https://gitlab.com"),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            _world.ministack.assume_with_identity(role_arns[role], token)


def test_only_the_role_for_pushes_may_push(job):
    rows = job.world.stack.rows()
    job.edit(WITH_DRAFTS)
    checksum = job.action("review", number=7)[2]["checksum"]
    code, printed, _ = job.action("push", role="review", expect=checksum)
    assert code == 1 and "access denied" in printed
    assert job.world.stack.rows() == rows


@pytest.mark.parametrize("role", ["review", "push"])
def test_the_roles_reach_only_their_teams_rows_and_no_token(job, role):
    table, rows = job.world.stack.table, job.world.stack.rows()
    own, foreign = ("TEAM#web", "HEAD"), ("TEAM#docs", "HEAD")
    assert {own, foreign} <= rows.keys()
    dynamodb, ssm = (job.world.ministack.client(it, job.roles[role]) for it in ("dynamodb", "ssm"))
    assert dynamodb.query(TableName=table, **aws.where("pk", own[0]))["Count"] > 0
    for refused in (
        lambda: dynamodb.query(TableName=table, **aws.where("pk", foreign[0])),
        lambda: dynamodb.query(TableName=table, **aws.where("pk", "GRANTS")),
        lambda: dynamodb.put_item(TableName=table, Item={**aws.key(*foreign), "x": {"S": "y"}}),
        lambda: dynamodb.scan(TableName=table),
        lambda: ssm.get_parameter(Name="/purge-router/web/website.co.uk"),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            refused()
    assert job.world.stack.rows() == rows


def test_a_comment_is_found_among_many_and_is_never_too_long(job):
    for index in range(250):
        job.hub.add_comment(7, f"comment {index}", github.PERSON)
    job.hub.add_comment(7, f"{MARKER}\nearlier")
    for index in range(60):
        job.hub.add_comment(7, f"later comment {index}", github.PERSON)
    folder = job.folder / "out"
    folder.mkdir()
    (folder / "difference").write_text("".join(f'  + mapping {index} "with\\text"\n' for index in range(5000)))
    (folder / "notes").write_text("warning: a note\n" * 5000)
    (folder / "checksum").write_text("abc123\n")
    code, _, errors = job.script("pull-request.sh", "comment", folder, PULL_REQUEST="7")
    assert code == 0, errors
    [ours] = [it for it in job.hub.bodies(7) if it.startswith(MARKER)]
    assert len(job.hub.bodies(7)) == 311 and "earlier" not in ours
    assert '  + mapping 0 "with\\text"\n' in ours and "warning: a note" in ours and "`abc123`" in ours
    assert 50_000 < len(ours) < 65_536 and ours.count("the rest is in the log of the job") == 2
    job.merge(7)
    assert job.script("pull-request.sh", "approved", GITHUB_SHA=SHA)[:2] == (0, "abc123\n")
    assert job.script("pull-request.sh", "approved", GITHUB_SHA="b" * 40)[:2] == (0, "")


def test_a_comment_that_github_refuses_fails_the_job(job):
    job.edit(WITH_DRAFTS)
    job.hub.fails = 403
    code, printed, _ = job.action("review", number=7)
    assert code != 0 and "403" in printed


@pytest.mark.parametrize("name", ["mappings.sh", "pull-request.sh"])
def test_misuse_is_explained(job, name):
    for arguments in ([], ["push", "a", "b"], ["unknown"], ["comment"], ["diff"]):
        code, _, errors = job.script(name, *arguments)
        assert code == 2 and errors.startswith("error: usage:"), errors


def test_an_unknown_command_of_the_action_is_refused(job):
    code, printed, _ = job.action("pull", number=7, role="review")
    assert code == 2 and "review or push" in printed


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_scripts_are_portable():
    found = subprocess.run(["shellcheck", "--shell=sh", *CI.glob("*.sh")], check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
