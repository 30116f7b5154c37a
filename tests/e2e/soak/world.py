"""Who is there: teams, zones, objects and the mapping file. Names are the same in each run."""

import dataclasses
import urllib.parse

PLANS = ("pro", "business", "free", "enterprise")
# The names of a zone's objects. One is spelled in several ways by clients.
NAMES = ("index.html", "app.css", "blog/post.html", "images/süß (1)+x.png")


@dataclasses.dataclass(frozen=True)
class Zone:
    team: str
    number: int
    plan: str

    @property
    def domain(self):
        return f"{self.team}-{self.number}.example"

    @property
    def zone_id(self):
        return f"{self.team}-{self.number}-".encode().hex().ljust(32, "0")

    @property
    def host(self):
        return f"www.{self.domain}"

    @property
    def prefix(self):
        return f"site{self.number}/"

    @property
    def bucket(self):
        return f"soak-{self.team}"

    @property
    def token(self):
        """The secret that the sandbox gives to the zone's token."""
        return f"sandbox-{self.team}-{self.domain}"

    @property
    def parameter(self):
        return f"/purge-router/{self.team}/{self.domain}"


@dataclasses.dataclass(frozen=True)
class Object:
    zone: Zone
    name: str

    @property
    def key(self):
        return self.zone.prefix + self.name

    @property
    def path(self):
        """As a browser spells it."""
        return "/" + urllib.parse.quote(self.name, safe="/-._~!$&'()*+,;=:@[]")

    @property
    def url(self):
        return f"https://{self.zone.host}{self.path}"


class World:
    """`teams` teams with `zones` zones each, and in the first zone of one team a folder of `folder` objects."""

    def __init__(self, teams=50, zones=4, folder=0):
        names = [f"team{number:02}" for number in range(teams)]
        self.zones = [
            Zone(team, number, PLANS[(index + number) % len(PLANS)])
            for index, team in enumerate(names)
            for number in range(zones)
        ]
        self.teams = names
        self.objects = [Object(zone, name) for zone in self.zones for name in NAMES]
        self.folder = [Object(self.zones[0], f"folder/{number}.html") for number in range(folder)]
        self.by_team = {team: [zone for zone in self.zones if zone.team == team] for team in names}

    def mapping_file(self, wrong_zone_of=()):
        """The mapping file. The zones of these teams have the ids of others."""
        parts = ["version = 1\n"]
        for team, zones in self.by_team.items():
            parts.append(f'[teams.{team}]\nowns = ["s3://{zones[0].bucket}/"]\n')
            for zone in zones:
                zone_id = zone.zone_id if team not in wrong_zone_of else zone.zone_id[::-1]
                parts.append(
                    f'[teams.{team}.zones."{zone.domain}"]\nzone_id = "{zone_id}"\nhostnames = ["{zone.host}"]\n'
                    f'plan = "{zone.plan}"\n\n[[teams.{team}.mappings]]\nsource = "s3://{zone.bucket}/{zone.prefix}"\n'
                    f'zones = ["{zone.domain}"]\nstrip_prefix = "{zone.prefix}"\n'
                )
        return "\n".join(parts)
