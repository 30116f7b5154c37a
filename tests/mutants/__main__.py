"""`cargo xtask mutants`: which changes of the pipeline does the simulation find?

cargo-mutants lists the mutants. They are built at once, which takes some minutes, and not one after the other, which
takes hours. Each is then run with two tests of the simulation: the ledgers, and the checks.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

from .build import build
from .report import report
from .results import LEDGERS, STAGES, Results, run
from .switch import Mutant

PACKAGE = "purge-router-pipeline"
ROOT = pathlib.Path(f"crates/{PACKAGE.removeprefix('purge-router-')}/src")
# The simulation has no delay queue, which second purges and verification need, and an API of its own.
LEFT_OUT = ("api", "delay_queue", "edge", "second_purges", "verification")
# What nobody prints, and what only the command prints.
NOT_PRINTED = ("<impl fmt::Debug for ", "replace is_zero ", " in is_zero")


def main():
    arguments = read_arguments()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    folder = target / "mutants"
    listed = subprocess.run(
        ["cargo", "mutants", "--list", "--json", "-p", PACKAGE], stdout=subprocess.PIPE, check=True
    ).stdout
    mutants = [Mutant.read(number, one) for number, one in enumerate(json.loads(listed))]
    simulated = [mutant for mutant in mutants if not is_left_out(mutant)]
    built, impossible = build(ROOT, folder / "tree", arguments.target or folder / "target", simulated)
    # Another build may replace the program while this one runs.
    test = folder / "test"
    shutil.copy2(built, test)
    runnable = [mutant for mutant in simulated if mutant.number not in impossible]
    print(f"{len(runnable)} mutants, and {len(impossible)} that can't be built", file=sys.stderr, flush=True)
    results = Results(folder / "results.jsonl", test)
    chosen = [mutant for mutant in runnable if arguments.only in mutant.name]
    random.Random(arguments.seed).shuffle(chosen)
    chosen = chosen[: arguments.sample]
    stages = [LEDGERS] if arguments.ledgers else STAGES
    for stage in stages:
        if run(folder / "tree", test, stage, None) != "passed":
            sys.exit(f"{stage} fails without a mutant")
    for stage in stages:
        results.complete(folder / "tree", test, stage, chosen, arguments.seconds)
    of = {"simulated": len(simulated), "left out": len(mutants) - len(simulated), "impossible": len(impossible)}
    print(report(ROOT, chosen, results, of), end="")


def read_arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="run so many of them, drawn at random")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin none of a stage after this time")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--ledgers", action="store_true", help="run the ledgers, and not the checks")
    parser.add_argument("--only", default="", help="only mutants whose names have this text")
    parser.add_argument("--target", type=pathlib.Path, help="another build folder")
    return parser.parse_args()


def is_left_out(mutant):
    path = pathlib.Path(mutant.file).relative_to(ROOT)
    return path.parts[0].removesuffix(".rs") in LEFT_OUT or any(it in mutant.name for it in NOT_PRINTED)


if __name__ == "__main__":
    main()
