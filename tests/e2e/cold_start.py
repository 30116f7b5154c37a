"""Measures cold starts: `cargo xtask bench cold-start`. Each start is a new process with its own answers of Lambda's runtime API,
DynamoDB, SSM and, over TLS, Cloudflare, all on loopback. Rivals are a function in Rust that does nothing, and the same
function in Python and in Node.js. Writes its table into docs/performance.md."""

import contextlib
import datetime
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

import cold_start_cpu
import cold_start_world
import performance_page

ROUNDS = 15
COLUMNS = [
    "function",
    "to its first `/next`, ms",
    "to the first purge, ms",
    "the same with a tenth of a processor from `/next` on, ms",
    "peak memory, MB",
    "zipped, MB",
]
RIVALS = pathlib.Path(__file__).parent / "cold_start_rivals"


def main():
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(cold_start_world.World(folder)) as world:
        programs = programs_of(world)
        has_limit = cold_start_cpu.is_available()
        starts, limited = {name: [] for name in programs}, {name: [] for name in programs}
        for command in programs.values():
            start(world, command, False)  # Reads the programs into the caches of files.
        for _ in range(ROUNDS):
            for name, command in programs.items():
                starts[name].append(start(world, command, False))
                limited[name] += [start(world, command, True)] * has_limit
        sizes = {name: zipped(folder, command[-1]) for name, command in programs.items()}
        cold_start_cpu.remove()
    lines = [f"{machine()}, {ROUNDS} starts of each in turn:", "", f"| {' | '.join(COLUMNS)} |"]
    lines.append("| --- |" + " ---: |" * (len(COLUMNS) - 1))
    lines += [row(name, starts[name], limited[name], sizes[name]) for name in programs]
    performance_page.write("cold-start", "\n".join(lines))


def programs_of(world):
    """Each function with the command that starts it. Its last word is the file that is deployed."""
    programs = {"purge-router": [os.environ["BOOTSTRAP"]], "Rust, does nothing": [os.environ["HELLO"]]}
    python = [sys.executable, "-B", str(RIVALS / "function.py")]
    programs["Python, boto3 and urllib3"] = python
    modules = os.environ.get("NODE_PATH")
    if modules and (pathlib.Path(modules) / "@aws-sdk/client-ssm").exists():
        programs["Node.js, the AWS SDK and fetch"] = [os.environ["NODE"], str(RIVALS / "function.cjs")]
    else:
        print("Node.js's packages can't be installed: its rival is left out", file=sys.stderr)
    return programs


def start(world, command, is_limited):
    """One start: seconds to its first `/next` and to its first purge (`None` if it sends none), and its peak memory."""
    purges = "hello" not in pathlib.Path(command[-1]).name
    world.begin()
    began = time.monotonic()
    process = subprocess.Popen(command, env=world.environment(), stdout=subprocess.DEVNULL)
    if is_limited:
        world.on_next = cold_start_cpu.Limit(process.pid).apply
    try:
        world.answered.wait(120) or sys.exit(f"{command}: no answer within 120 seconds")
        peak = peak_memory(process.pid)
        assert not purges or world.purged_at, f"{command}: purged nothing, and answered {world.answer}"
        return world.next_at - began, world.purged_at - began if purges else None, peak
    finally:
        process.kill()
        process.wait()


def peak_memory(process):
    """In MB, of a process that runs."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) / 1000


def zipped(folder, file):
    """In MB, of what is deployed besides the runtime and what the runtime has."""
    path = pathlib.Path(folder) / "function.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(file)
    return path.stat().st_size / 1e6


def row(name, starts, limited, size):
    to_next, to_purge, peak = zip(*starts, strict=True)
    limited = [to_purge for _, to_purge, _ in limited]
    return f"| {name} | {ms(to_next)} | {ms(to_purge)} | {ms(limited)} | {spread(peak)} | {size:.2f} |"


def ms(seconds):
    return "–" if not seconds or None in seconds else spread([value * 1000 for value in seconds])


def spread(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def machine():
    cpu = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in cpu.splitlines() if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, {platform.machine()}, on {datetime.date.today()}"


if __name__ == "__main__":
    main()
