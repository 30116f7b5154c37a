"""Measures how long an upload takes to be visible: `cargo xtask latency` puts an object and requests it from the edge until
the new text appears, 50 times. The path is that of the tests: S3, SQS, the function's process and the sandbox, on this
machine. It does not include latencies of AWS and Cloudflare."""

import contextlib
import os
import pathlib
import statistics
import sys
import tempfile
import time

import aws
from conftest import BUCKET, Deployment

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50


def main():
    with tempfile.TemporaryDirectory() as folder:
        ministack = aws.Ministack(pathlib.Path(folder) / "ministack")
        try:
            with contextlib.closing(Deployment(ministack, mappings_ttl=30)) as world:
                measure(world)
        finally:
            ministack.stop()


def measure(world):
    look = lambda: world.cloudflare.get("www.website.co.uk", "/latency.css")
    world.put(BUCKET, "uk/latency.css", "0")
    world.stack.wait_until_handled()
    milliseconds, stale_looks = [], 0
    for index in range(1, ROUNDS + 1):
        look()
        assert look()[1:] == (str(index - 1), "HIT"), "the old text is cached"
        start = time.perf_counter()
        world.put(BUCKET, "uk/latency.css", str(index))
        while look()[1] != str(index):
            assert time.perf_counter() - start < 30, "the new text never appeared"
            stale_looks += 1
        milliseconds.append((time.perf_counter() - start) * 1000)
        world.stack.wait_until_handled()
    sent = [line["milliseconds"] for line in world.stack.log("batch")]
    size = os.path.getsize(os.environ["BOOTSTRAP"]) / 1e6
    twentieths = statistics.quantiles(milliseconds, n=20)
    print(f"bootstrap of {size:.1f} MB, {ROUNDS} uploads, from put to fresh at the edge, in ms:")
    print(
        f"median {statistics.median(milliseconds):.0f}, 5 % below {twentieths[0]:.0f}, 5 % above {twentieths[-1]:.0f}, ",
        end="",
    )
    print(f"least {min(milliseconds):.0f}, most {max(milliseconds):.0f}")
    print(f"{stale_looks} looks at the edge showed the old text, one after another")
    print(f"of it in the function, from plan to Cloudflare's answer: median {statistics.median(sent):.0f}")


if __name__ == "__main__":
    main()
