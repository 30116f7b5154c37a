"""The scenarios: which faults each has, and how soon changes must be visible all the same."""

import dataclasses

from .event_source import Chaos
from .faults import Block, Fault, aws, cloudflare, drop

# A message that failed three times waits for up to 40 s, and may then find the circuit of its zone open for up to 40 s.
RECOVERY = 90


@dataclasses.dataclass(frozen=True)
class Sick:
    """Teams in trouble: they are exempt from the bound, and must be fresh after their cure. A noisy team makes a hundred times as
    many changes as all others together or, so that these can make more, as each of them."""

    revoked: tuple = ()
    wrong_zone: tuple = ()
    noisy: tuple = ()
    louder_than_all: bool = True

    def teams(self):
        return {*self.revoked, *self.wrong_zone, *self.noisy}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A change must be visible within `bound` seconds. One that is made while the faults last: within `recovery` seconds
    of their end."""

    name: str
    faults: tuple = ()
    chaos: dict = dataclasses.field(default_factory=dict)
    sick: Sick = Sick()
    poison: bool = False
    bound: float = 10
    recovery: float = 0
    timeout: int = 30
    # How long a message that failed is invisible in its queue, if not for as long as usual.
    visibility: int | None = None
    folder: bool = False
    # Whether the faults last until the queues are empty.
    lasting: bool = False


def all_scenarios(seconds, teams):
    sick = Sick(revoked=tuple(teams[1:3]), wrong_zone=tuple(teams[3:4]), noisy=tuple(teams[4:5]))
    half = cloudflare(0.5)
    # The first, because later ones leave its folder out.
    yield Scenario("load", folder=True, bound=30)
    yield Scenario("no fault")
    for name, faults in half.items():
        yield Scenario(name, tuple(faults), recovery=RECOVERY)
    yield Scenario("block of all calls", (Block(seconds),), recovery=RECOVERY)
    yield Scenario("SSM", tuple(aws("ssm", 0.25)), recovery=RECOVERY)
    yield Scenario("DynamoDB", tuple(aws("dynamodb", 0.25)), recovery=RECOVERY)
    # Without errors of Cloudflare, the function does not call SQS.
    yield Scenario("SQS, and errors of Cloudflare", (*half["server errors"], *aws("sqs", 0.25)), recovery=RECOVERY)
    yield Scenario("killed in mid-batch", chaos={"kill": 0.6}, recovery=RECOVERY)
    yield Scenario("killed at its deadline", chaos={"suspend": 0.5}, recovery=RECOVERY, timeout=5)
    yield Scenario("duplicates, disorder, delays", chaos={"duplicate": 0.2, "delay": 0.2}, bound=20)
    yield Scenario("a poisoned message in each batch", poison=True, visibility=4)
    yield Scenario("teams in trouble", sick=sick)
    yield Scenario(
        "all together",
        tuple(fault for faults in cloudflare(0.05).values() for fault in faults)
        + tuple(fault for service in ("ssm", "dynamodb", "sqs") for fault in aws(service, 0.05)),
        chaos={"kill": 0.1, "suspend": 0.1, "duplicate": 0.1, "delay": 0.1},
        sick=dataclasses.replace(sick, louder_than_all=False),
        poison=True,
        visibility=8,
        timeout=8,
        bound=20,
        recovery=120,
    )


def sabotages():
    """What must make the command fail: purges that are dropped, and messages that are deleted without the function. They last
    until the end, or a slow machine would purge most of the changes after them."""
    dropped = (Fault("purge dropped", drop, 0.5),)
    yield "purges", Scenario("sabotage: purges are dropped", dropped, recovery=RECOVERY, lasting=True)
    acknowledged = {"acknowledge": 0.5}
    yield "messages", Scenario("sabotage: messages are deleted", chaos=acknowledged, recovery=RECOVERY, lasting=True)


def chaos_of(scenario, seed):
    return Chaos(**scenario.chaos, seed=seed)
