"""The table of `docs/reliability/mutants.md`."""

import pathlib
import re
import tomllib

from .results import CHECKS, LEDGERS

SURVIVORS = pathlib.Path(__file__).with_name("survivors.toml")


def report(root, mutants, results, of):
    found_by_checks = [it for it in mutants if results.get(it, CHECKS) not in (None, "passed")]
    by_ledgers = [
        it for it in mutants if results.get(it, LEDGERS) not in (None, "passed") and it not in found_by_checks
    ]
    only_by_ledgers = [it for it in by_ledgers if results.get(it, CHECKS) is not None]
    run = [it for it in mutants if results.get(it, LEDGERS) is not None]
    checked = [it for it in mutants if results.get(it, CHECKS) is not None]
    missed = [it for it in run if it not in found_by_checks and it not in by_ledgers]
    reasons = tomllib.loads(SURVIVORS.read_text())
    equivalent = [it for it in missed if reason_of(root, it, reasons)[0] == "equivalent"]
    found = len(run) - len(missed)
    lines = ["| mutants | count |", "| --- | ---: |"]
    lines += [
        f"| {name} | {count} |"
        for name, count in [
            ("of the pipeline", of["simulated"] + of["left out"]),
            ("left out: the simulation does not run them", of["left out"]),
            ("not built: their types do not fit", of["impossible"]),
            ("run", len(run)),
            (f"found by a check, of the {len(checked)} that were run with the checks", len(found_by_checks)),
            ("found by a ledger, and by no check", len(only_by_ledgers)),
            ("found by a ledger, and not run with the checks", len(by_ledgers) - len(only_by_ledgers)),
            ("not found, and equivalent: nothing can differ", len(equivalent)),
            ("not found otherwise", len(missed) - len(equivalent)),
        ]
    ]
    of_all, of_others = percent(found, len(run)), percent(found, len(run) - len(equivalent))
    lines += ["", f"Found: {of_all} of those run, {of_others} of those that are not equivalent."]
    lines += ["", "| not found | why |", "| --- | --- |"]
    for mutant in sorted(missed, key=lambda it: it.name):
        kind, why = reason_of(root, mutant, reasons)
        lines.append(f"| `{mutant.name.removeprefix(str(root) + '/')}` | {kind}: {why} |")
    return "\n".join(lines) + "\n"


def percent(part, whole):
    return f"{part / max(whole, 1) * 100:.1f} %"


def reason_of(root, mutant, reasons):
    """What `survivors.toml` says. Its names have no lines and columns, which move."""
    name = re.sub(r":\d+:\d+", "", mutant.name.removeprefix(f"{root}/"))
    for kind, names in reasons.items():
        if name in names:
            return kind, names[name]
    return "unknown", "nobody has looked at it"
