"""docs/performance.md: what a benchmark measured is between two comments, and is replaced when it runs."""

import pathlib

PAGE = pathlib.Path(__file__).parents[2] / "docs/performance.md"
END = "<!-- end -->"


def write(benchmark, section):
    print(section)
    PAGE.write_text(replaced(PAGE.read_text(), benchmark, section))


def replaced(page, benchmark, section):
    begin = f"<!-- cargo xtask bench {benchmark} -->"
    before, rest = page.split(begin)
    _, after = rest.split(END, 1)
    return f"{before}{begin}\n\n{section.strip()}\n\n{END}{after}"
