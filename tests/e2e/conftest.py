"""Fixtures of all tests: ministack, the sandbox, and the function that is deployed between them."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

import aws
import cloudflare

HERE = pathlib.Path(__file__).parent
PACKAGE_MAPPINGS = HERE / "mappings.toml"
BOOTSTRAP = os.environ["BOOTSTRAP"]
PURGE_ROUTER = os.environ["PURGE_ROUTER"]

# The third has no mapping.
BUCKET, DOCS, MEDIA = BUCKETS = "assets.website.com", "docs-site", "media.website.com"
TEAMS = ("web", "docs")

# How many seconds the function caches mappings.
MAPPINGS_TTL = 1

# Each hostname, with the bucket and prefix that it serves.
SITES = {
    "www.website.co.uk": (BUCKET, "uk/"),
    "assets.website.co.uk": (BUCKET, "uk/"),
    "www.website.fr": (BUCKET, "fr/"),
    "docs.website.dev": (DOCS, ""),
}

# Each zone: its id, the SSM parameter of its token, and a token.
ZONES = {
    "website.co.uk": (
        "023e105f4ecef8ad9ca31a8372d0c353",
        "/purge-router/web/website.co.uk",
        "cfut_web-uk-0000-0000-1UK1",
    ),
    "website.fr": ("7c5dae5552338874e5053f2534d2767a", "/purge-router/web/website.fr", "cfut_web-fr-0000-0000-1FR1"),
    "website.dev": (
        "372e67954025e0ba6aaa6d586b9e0b59",
        "/purge-router/docs/website.dev",
        "old-style-token-of-docs-1DEV",
    ),
}


# On SIGTERM, a test run stops its processes, as on Ctrl-C.
signal.signal(signal.SIGTERM, signal.default_int_handler)


class Deployment:
    """The path of an upload, from a bucket to the edge."""

    def __init__(self, ministack, mappings_ttl=MAPPINGS_TTL):
        self.ministack, self.mappings_ttl = ministack, mappings_ttl
        self.s3 = ministack.client("s3")
        origins = {host: f"{ministack.url}/{bucket}/{prefix}" for host, (bucket, prefix) in SITES.items()}
        self.cloudflare = cloudflare.Cloudflare(PURGE_ROUTER, PACKAGE_MAPPINGS, origins)
        try:
            self.deploy()
            self.fill_table()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.cloudflare.stop()

    def deploy(self):
        ministack = self.ministack
        for zone in ZONES:
            self.reset_token(zone)
        self.stack = ministack.deploy(
            "purge-router",
            aws.package(BOOTSTRAP, PACKAGE_MAPPINGS),
            BucketArns=",".join(f"arn:aws:s3:::{bucket}" for bucket in BUCKETS),
            CloudflareBaseUrl=self.cloudflare.api_url,
            MappingsTtlSeconds=self.mappings_ttl,
            MaximumConcurrency=3,
        )
        source = aws.read_template(aws.INFRA / "source-s3.yaml")
        ministack.create_stack("source", source, BucketName=BUCKET, QueueArn=self.stack.queue_arn)
        ministack.make_public(BUCKET)
        for bucket in (DOCS, MEDIA):
            ministack.create_public_bucket(bucket)
            self.stack.notify_from(bucket)
        # By now, all buckets have sent a test event.
        self.stack.wait_until_handled()

    def fill_table(self):
        """Writes the table as operators and teams do, each with only the rights of the templates."""
        stack, create_user = self.stack, self.ministack.create_user
        self.credentials = {
            "operator": create_user("operator", stack.operator_policy_arn),
            "on-call": create_user("on-call", stack.dead_letter_policy_arn),
            "doctor": create_user("doctor", stack.doctor_policy_arn),
        }
        template = aws.read_template(aws.TEAM_TEMPLATE)
        for team in TEAMS:
            outputs = self.ministack.create_stack(f"team-{team}", template, Team=team, TableArn=stack.table_arn)
            self.credentials[team] = create_user(team, outputs["PolicyArn"])
        self.push_grants()
        for team in TEAMS:
            self.push(team)
        self.rows = stack.rows()

    def start_command(self, user, *arguments, mappings=PACKAGE_MAPPINGS):
        """Starts `purge-router` with a user's credentials."""
        environment = {name.upper(): value for name, value in self.credentials[user].items()}
        environment |= {"AWS_ENDPOINT_URL": self.ministack.url, "AWS_REGION": aws.REGION}
        environment |= {"MAPPINGS_TABLE": self.stack.table, "MAPPINGS_FILE": str(mappings)}
        environment |= {"CLOUDFLARE_BASE_URL": self.cloudflare.api_url, "PURGE_ROUTER_FUNCTION": self.stack.function}
        return subprocess.Popen(
            [PURGE_ROUTER, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, user, *arguments, mappings=PACKAGE_MAPPINGS):
        """Runs `purge-router` with a user's credentials. Returns its exit code, output and errors."""
        process = self.start_command(user, *arguments, mappings=mappings)
        out, errors = process.communicate(timeout=60)
        return process.returncode, out, errors

    def done(self, user, *arguments, mappings=PACKAGE_MAPPINGS):
        """Runs `purge-router`, which must succeed. Returns its output."""
        code, out, errors = self.command(user, *arguments, mappings=mappings)
        assert code == 0, (arguments, code, out, errors)
        return out

    def push(self, team, mappings=PACKAGE_MAPPINGS):
        return self.done(team, "mappings", "push", "--team", team, "--yes", mappings=mappings)

    def push_grants(self, mappings=PACKAGE_MAPPINGS, *options):
        return self.done("operator", "grants", "push", "--yes", *options, mappings=mappings)

    def let_mappings_expire(self):
        """Waits until the function has to read the table again. Nothing shows that but its clock, which is the system's."""
        time.sleep(self.mappings_ttl)

    def reset_token(self, zone):
        """Restores the first token of the zone, as active."""
        zone_id, parameter, token = ZONES[zone]
        self.cloudflare.set_token(token, zone_id)
        # A parameter keeps its type, so one of another type must be deleted first.
        self.ministack.client("ssm").delete_parameters(Names=[parameter])
        self.ministack.put_token(parameter, token)

    def put(self, bucket, key, text):
        self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), CacheControl="public, max-age=86400")

    def purged(self, urls):
        """Waits until exactly these URLs have been purged since the last call, each with its zone's own token."""
        purges = []

        def all_of_them():
            purges.extend(self.cloudflare.purges())
            return {url for _, _, body, _ in purges for url in body["files"]} >= urls

        aws.wait_for(f"{urls} are purged", all_of_them, every=0.02)
        self.stack.wait_until_handled()
        purges.extend(self.cloudflare.purges())
        files = [url for _, _, body, _ in purges for url in body["files"]]
        assert sorted(files) == sorted(urls)
        good = {(zone_id, token[-4:], 200) for zone_id, _, token in ZONES.values()}
        assert {(zone_id, token, status) for zone_id, token, _, status in purges} <= good

    def see(self, host, path, expected, seconds=20):
        """Waits until the edge returns this text, for each spelling of the path."""
        what = f"{host}/{path} shows {expected!r}"
        aws.wait_for(what, lambda: self.cloudflare.visit(host, f"/{path}")[1] == expected, seconds)


@pytest.fixture(scope="session")
def ministack(tmp_path_factory):
    server = aws.Ministack(tmp_path_factory.mktemp("ministack"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _world(ministack):
    with contextlib.closing(Deployment(ministack)) as world:
        yield world


@pytest.fixture
def pushed(_world):
    """The table as operator and teams filled it. The function may still be working."""
    _world.stack.set_rows(_world.rows)
    return _world


@pytest.fixture
def world(_world, pushed):
    """The world as it was deployed: only the first tokens and rows, and nothing in the caches, the queues or the sandbox's
    records."""
    _world.stack.empty_queues()
    _world.cloudflare.revoke_all_tokens()
    for zone, (zone_id, _, token) in ZONES.items():
        _world.reset_token(zone)
        _world.cloudflare.empty_cache(zone_id, token)
    _world.stack.restart()
    _world.cloudflare.purges()
    return _world


def s3_event(bucket, key, name="ObjectCreated:Put"):
    """An S3 notification of one object; the key as S3 encodes it."""
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name}
    return {"Records": [{**record, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}
