"""Source code with all mutants of its functions in it, of which an environment variable selects one.

The body of a function becomes a `match` with one arm for each mutant, and the original body for all others. So all
mutants are built at once.
"""

from dataclasses import dataclass

SELECTOR = """//! Which mutant runs: the number in the environment variable `MUTANT`, or none.

use std::sync::OnceLock;

pub(crate) fn selected() -> usize {
    static SELECTED: OnceLock<usize> = OnceLock::new();
    *SELECTED.get_or_init(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX))
}
"""


@dataclass(frozen=True)
class Mutant:
    """A change of one function, as cargo-mutants lists it."""

    number: int
    name: str
    file: str
    function: tuple[tuple[int, int], tuple[int, int]]
    span: tuple[tuple[int, int], tuple[int, int]]
    replacement: str

    @classmethod
    def read(cls, number, listed):
        place = lambda at: (at["line"], at["column"])
        span = lambda of: (place(of["start"]), place(of["end"]))
        function = listed["function"] or {"span": listed["span"]}
        return cls(
            number, listed["name"], listed["file"], span(function["span"]), span(listed["span"]), listed["replacement"]
        )


def switched(source, mutants):
    """The source with these mutants in it, and for each of its lines, which mutant it is a part of.

    Returns the numbers of the mutants that can't be selected too: a `const fn` reads no variable, and each arm of a
    function that returns `impl Trait` would have a type of its own.
    """
    offset = offsets(source)
    by_function = {}
    for mutant in mutants:
        by_function.setdefault(mutant.function, []).append(mutant)
    impossible, pieces, at = [], [], 0
    for (start, end), of_function in sorted(by_function.items()):
        start, end = offset(start), offset(end)
        body = body_of(source, start, end)
        signature = source[start:body] if body else ""
        if not body or "const fn" in signature or "-> impl" in signature:
            impossible += [mutant.number for mutant in of_function]
            continue
        pieces.append((source[at : body + 1], None))
        pieces.append(("\nmatch crate::mutant::selected() {\n", None))
        for mutant in of_function:
            first, last = offset(mutant.span[0]), offset(mutant.span[1])
            changed = source[body + 1 : first] + mutant.replacement + source[last : end - 1]
            pieces.append((f"{mutant.number} => {{\n{changed}\n}}\n", mutant.number))
        pieces.append((f"_ => {{\n{source[body + 1 : end - 1]}\n}}\n}}\n}}", None))
        at = end
    pieces.append((source[at:], None))
    lines = {}
    line = 1
    for text, number in pieces:
        if number is not None:
            lines.update((it, number) for it in range(line, line + text.count("\n")))
        line += text.count("\n")
    return "".join(text for text, _ in pieces), lines, impossible


def offsets(source):
    """From lines and columns, which count from one, to places in the source."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return lambda place: starts[place[0] - 1] + place[1] - 1


def body_of(source, start, end):
    """The place of the brace with which a function's body begins: the first one outside of parentheses."""
    depth = 0
    for at in range(source.index("fn ", start), end):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(source[at], 0)
        if source[at] == "{" and depth == 0:
            return at
    return None
