"""What all scenarios share: ministack with a stack of the template, the sandbox, and the proxies in front of both."""

import os
import subprocess
import time

import aws
import cloudflare

from .event_source import EventSource
from .function import Function
from .proxy import Proxy

BOOTSTRAP = os.environ["BOOTSTRAP"]
PURGE_ROUTER = os.environ["PURGE_ROUTER"]
# The template has 240 s. Scenarios are to see redeliveries.
VISIBILITY_SECONDS = 15
CONCURRENCY = 2
CLOUDFLARE_LATENCY = 0.05


class Deployment:
    def __init__(self, folder, world):
        self.folder, self.world = folder, world
        self.ministack = aws.Ministack(folder / "ministack")
        try:
            self.deploy()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        if found := getattr(self, "cloudflare", None):
            found.stop()
        self.ministack.stop()

    def deploy(self):
        self.mappings = self.folder / "mappings.toml"
        self.mappings.write_text(self.world.mapping_file())
        origins = {
            zone.host: f"{self.ministack.url}/{zone.bucket}/{zone.prefix.rstrip('/')}" for zone in self.world.zones
        }
        self.cloudflare = cloudflare.Cloudflare(PURGE_ROUTER, self.mappings, origins)
        self.api = Proxy(self.cloudflare.api, CLOUDFLARE_LATENCY)
        self.aws = Proxy(self.ministack.url.removeprefix("http://"))
        buckets = sorted({zone.bucket for zone in self.world.zones})
        self.stack = self.ministack.deploy(
            "soak",
            aws.package(BOOTSTRAP),
            BucketArns="arn:aws:s3:::soak-*",
            CloudflareBaseUrl=f"http://{self.api.address}/client/v4",
            MappingsTtlSeconds=2,
            TokenTtlSeconds=5,
            MaximumConcurrency=CONCURRENCY,
            RetryConcurrency=CONCURRENCY,
        )
        self.disable_event_sources()
        self.set_visibility()
        for zone in self.world.zones:
            self.ministack.put_token(zone.parameter, zone.token)
        self.push(self.mappings)
        for bucket in buckets:
            self.ministack.create_public_bucket(bucket)
            self.stack.notify_from(bucket)

    def disable_event_sources(self):
        """ministack's own make batches of ten, ignore the window, and can't be disturbed."""
        client = self.ministack.client("lambda")
        for mapping in client.list_event_source_mappings(FunctionName=self.stack.function)["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        time.sleep(1)

    def set_visibility(self, seconds=None):
        for url in (self.stack.queue_url, self.stack.retry_queue_url):
            attributes = {"VisibilityTimeout": str(seconds or VISIBILITY_SECONDS)}
            self.stack.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def push_wrong_zones(self, teams):
        """The table gets zone ids of these teams that Cloudflare does not know."""
        wrong = self.folder / "wrong-zones.toml"
        wrong.write_text(self.world.mapping_file(wrong_zone_of=teams))
        self.push(wrong)

    def push(self, mappings):
        environment = {name.upper(): value for name, value in aws.ROOT.items()}
        environment |= {"AWS_ENDPOINT_URL": self.ministack.url, "AWS_REGION": aws.REGION}
        environment |= {"MAPPINGS_TABLE": self.stack.table, "MAPPINGS_FILE": str(mappings)}
        for what in (["grants", "push", "--yes"], ["mappings", "push", "--yes", "--force"]):
            command = subprocess.run(
                [PURGE_ROUTER, *what], env=environment, capture_output=True, text=True, check=False
            )
            assert command.returncode == 0, (what, command.stdout[-2000:], command.stderr[-2000:])

    def function_environment(self):
        credentials = {name.upper(): value for name, value in self.stack.role_credentials().items()}
        return {
            **self.stack.variables,
            **credentials,
            "AWS_REGION": aws.REGION,
            "AWS_ENDPOINT_URL": f"http://{self.aws.address}",
            "AWS_LAMBDA_FUNCTION_NAME": "soak",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
        }

    def start(self, chaos, log, timeout):
        return Running(self, chaos, log, timeout)


class Running:
    """The function, its instances and its event sources."""

    def __init__(self, deployment, chaos, log, timeout):
        stack = self.stack = deployment.stack
        self.chaos = chaos
        self.function = Function(BOOTSTRAP, deployment.function_environment(), log, timeout)
        queues = ((stack.queue_url, stack.queue_arn), (stack.retry_queue_url, stack.retry_queue_arn))
        self.sources = [
            EventSource(deployment.ministack.client("sqs"), url, arn, self.function, chaos, CONCURRENCY)
            for url, arn in queues
        ]

    def left(self):
        """How many messages are in the queues, visible or not."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        attributes = lambda url: self.stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        counts = [attributes(url) for url in (self.stack.queue_url, self.stack.retry_queue_url)]
        return sum(int(found[name]) for found in counts for name in names)

    def drain(self, seconds):
        """Waits until the queues are empty. Returns when that was, or None if they are not in this time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.left() == 0 and all(source.is_idle() for source in self.sources):
                now = time.monotonic()
                time.sleep(0.3)  # messages move between queues
                if self.left() == 0:
                    return now
            time.sleep(0.1)
        return None

    def stop(self):
        for source in self.sources:
            source.stopped.set()
        self.function.stop()
        for source in self.sources:
            source.stop()
