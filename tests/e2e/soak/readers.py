"""Visitors: a process that requests every URL from the edge again and again, those that just changed more often, and logs
each answer. Standard input: `INDEX VERSION` after a change, and `pass NUMBER`, after which it reports when every URL was read once
more."""

import pathlib
import queue
import socket
import sys
import threading
import time

THREADS = 4


class Readers:
    def __init__(self, edge, targets, log, rate):
        host, port = edge.split(":")
        self.address, self.log, self.pause = (host, int(port)), log, THREADS / rate
        self.targets, self.pending, self.commands = targets, {}, queue.SimpleQueue()
        self.lock, self.cursor, self.turn = threading.Lock(), 0, 0

    def next(self):
        """The index of the next URL: every second one has a change that is not visible yet."""
        with self.lock:
            self.turn += 1
            if self.turn % 2 and self.pending:
                index = next(iter(self.pending))
                self.pending[index] = self.pending.pop(index)  # to the end
                return index
            self.cursor += 1
            return (self.cursor - 1) % len(self.targets)

    def changed(self, index, version):
        with self.lock:
            self.pending[index] = (version, time.monotonic() + 60)

    def saw(self, index, version, line):
        with self.lock:
            if self.log.closed:
                return
            self.log.write(line)
            wanted, until = self.pending.get(index, (None, 0))
            if wanted is not None and (version == "-" or shows(version, wanted) or time.monotonic() > until):
                self.pending.pop(index, None)

    def visit(self):
        connection = None
        while True:
            index = self.next()
            started = time.monotonic()
            try:
                connection = connection or connect(self.address)
                version = get(connection, *self.targets[index])
            except OSError:
                connection, version = None, "?"
            finished = time.monotonic()
            self.saw(index, version, f"{index} {started:.4f} {finished:.4f} {version}\n")
            time.sleep(max(0.0, self.pause - (time.monotonic() - started)))

    def run(self):
        for _ in range(THREADS):
            threading.Thread(target=self.visit, daemon=True).start()
        for line in sys.stdin:
            first, second = line.split()
            if first == "pass":
                self.read_all(second)
            else:
                self.changed(int(first), int(second))
        with self.lock:
            self.log.close()

    def read_all(self, number):
        """Waits until every URL was requested since now, by the slowest thread too."""
        end = self.cursor + len(self.targets) + 2 * THREADS
        while self.cursor < end:
            time.sleep(0.02)
        time.sleep(0.2)
        print(number, flush=True)


def shows(version, wanted):
    return version != "?" and int(version) >= wanted


def connect(address):
    connection = socket.create_connection(address, timeout=40)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def get(connection, host, path):
    """The version that an answer shows: `-` if there is no object, `?` for any other error."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += received(connection)
    status = int(head[9:12])
    if status == 200:
        return body.split(b" ", 1)[0].decode()
    return "-" if status == 404 else "?"


def received(connection):
    if not (some := connection.recv(65536)):
        raise ConnectionResetError
    return some


if __name__ == "__main__":
    edge, targets, log, rate = sys.argv[1:]
    lines = [line.split(" ", 1) for line in pathlib.Path(targets).read_text().splitlines()]
    with open(log, "w") as file:
        Readers(edge, lines, file, float(rate)).run()
