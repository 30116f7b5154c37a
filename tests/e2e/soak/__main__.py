"""The command line."""

import argparse
import pathlib
import signal
import sys
import tempfile
import time

from .deployment import Deployment
from .load import Change, Uploader
from .report import details, summary, table
from .run import ScenarioRun
from .scenarios import all_scenarios, sabotages
from .world import World

BURST = 5000


def main():
    # On SIGTERM, it stops its processes, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.logs or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = soak(options, pathlib.Path(temporary), folder)
    print(table(rows))
    print()
    print(details(rows))
    failures = [(row.name, failure) for row in rows for failure in row.failures]
    for name, failure in failures[:40]:
        print(f"{name}: {failure}", file=sys.stderr)
    if failures:
        print(f"{len(failures)} violations", file=sys.stderr)
    return 1 if failures else 0


def arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask soak", description="Uploads under faults, and a checker.")
    parser.add_argument("--changes", type=int, default=10000, help="changes of the load; other scenarios have a tenth")
    parser.add_argument("--seconds", type=int, default=20, help="how long the faults of a scenario last")
    parser.add_argument("--seed", type=int, default=1, help="another seed for the changes and the faults")
    parser.add_argument("--only", help="only scenarios whose names have this text")
    parser.add_argument("--reads", type=int, default=1500, help="requests to the edge, in a second")
    parser.add_argument("--teams", type=int, default=50)
    parser.add_argument("--zones", type=int, default=4, help="zones of each team")
    parser.add_argument("--sabotage", choices=["purges", "messages"], help="lose some of these: the command must fail")
    parser.add_argument("--logs", help="keep all logs in this folder")
    return parser.parse_args()


def soak(options, deployed, folder):
    if options.sabotage:
        scenarios = [dict(sabotages())[options.sabotage]]
    else:
        everything = all_scenarios(options.seconds, [f"team{number:02}" for number in range(options.teams)])
        scenarios = [scenario for scenario in everything if not options.only or options.only in scenario.name]
    has_folder = any(scenario.folder for scenario in scenarios)
    world = World(options.teams, options.zones, folder=min(BURST, options.changes // 2) if has_folder else 0)
    progress(f"deploying {len(world.teams)} teams with {len(world.zones)} zones")
    deployment = Deployment(deployed, world)
    try:
        return run_all(deployment, world, scenarios, options, folder)
    finally:
        deployment.stop()


def run_all(deployment, world, scenarios, options, folder):
    rows = []
    with (folder / "first.uploads").open("w") as log:
        uploader = Uploader(deployment.ministack, [*world.objects, *world.folder], log)
        uploader.run([Change(0, index, False) for index in range(len(uploader.objects))])
    progress(f"{uploader.count} objects uploaded")
    for number, scenario in enumerate(scenarios, 1):
        if not scenario.folder and len(uploader.objects) != len(world.objects):
            # The folder is part of the load only.
            uploader.forget(len(world.objects))
        began = time.monotonic()
        progress(f"[{number}/{len(scenarios)}] {scenario.name}")
        rows.append(ScenarioRun(deployment, uploader, scenario, options, folder).run())
        progress(summary(rows[-1]) + f"; {time.monotonic() - began:.0f} s")
        for failure in rows[-1].failures[:3]:
            progress(f"      {failure}")
    return rows


def progress(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
