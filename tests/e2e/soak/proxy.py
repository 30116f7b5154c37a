"""A proxy between the function and what it calls, which injects faults and counts them. It forwards requests byte for byte,
so that signatures stay valid."""

import asyncio
import collections
import contextlib
import socket
import struct
import threading


class Request:
    def __init__(self, head, body):
        self.raw, self.body = head + body, body
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {name.lower(): value.strip() for name, _, value in (it.partition(":") for it in lines[1:] if it)}


class Proxy:
    """`faults` are asked in order, and the first that returns an action is counted under its name. The server's answers take
    `latency` seconds longer."""

    def __init__(self, upstream, latency=0.0):
        self.latency = latency
        host, port = upstream.split(":")
        self.upstream, self.faults = (host, int(port)), []
        self.injected, self.answers = collections.Counter(), collections.Counter()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self.run, args=[ready], daemon=True).start()
        ready.wait(10)

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 24))
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        self.loop.run_forever()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)

    def reset_counts(self):
        self.injected, self.answers = collections.Counter(), collections.Counter()

    async def serve(self, reader, writer):
        upstream = Upstream(self.upstream)
        try:
            while request := await read_request(reader):
                name, action = self.decide(request)
                if action is None:
                    writer.write(await self.forward(upstream, request))
                else:
                    self.injected[name] += 1
                    await action(self, upstream, request, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            upstream.close()
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    def decide(self, request):
        for fault in list(self.faults):
            if action := fault.action(request):
                return fault.name, action
        return None, None

    async def forward(self, upstream, request):
        answer = await upstream.exchange(request.raw)
        await asyncio.sleep(self.latency)
        self.answers[int(answer[9:12])] += 1
        return answer


class Upstream:
    """One kept connection."""

    def __init__(self, address):
        self.address, self.reader, self.writer = address, None, None

    async def exchange(self, raw):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(*self.address, limit=1 << 24)
        self.writer.write(raw)
        await self.writer.drain()
        head = await self.reader.readuntil(b"\r\n\r\n")
        return head + await read_body(self.reader, head)

    def close(self):
        if self.writer:
            self.writer.close()


async def read_request(reader):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    return Request(head, await read_body(reader, head))


async def read_body(reader, head):
    fields = head.lower()
    if b"transfer-encoding: chunked" in fields:
        parts = []
        while True:
            parts.append(size := await reader.readuntil(b"\r\n"))
            parts.append(await reader.readexactly(int(size, 16) + 2))
            if int(size, 16) == 0:
                return b"".join(parts)
    _, found, rest = fields.partition(b"content-length:")
    return await reader.readexactly(int(rest.split(b"\r\n", 1)[0])) if found else b""


# What may happen to a request. Each is a coroutine that gets the proxy, the connection to the server, the request and the
# connection to the client.


def answer(status, body, headers=()):
    """Answers instead of the server."""

    async def act(proxy, upstream, request, writer):
        lines = [f"HTTP/1.1 {status} Injected", f"content-length: {len(body)}", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return act


def delay(seconds):
    """Forwards after this time."""

    async def act(proxy, upstream, request, writer):
        await asyncio.sleep(seconds)
        writer.write(await proxy.forward(upstream, request))

    return act


async def reset(proxy, upstream, request, writer):
    """Resets the connection; the server gets nothing."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    raise ConnectionResetError


async def reset_after(proxy, upstream, request, writer):
    """The server carries the request out, and then the connection is reset."""
    await proxy.forward(upstream, request)
    await reset(proxy, upstream, request, writer)


async def cut_off(proxy, upstream, request, writer):
    """The server carries the request out, and the answer ends in its middle."""
    whole = await proxy.forward(upstream, request)
    writer.write(whole[: len(whole) - 20])
    await writer.drain()
    writer.close()
    raise ConnectionResetError


async def hang(proxy, upstream, request, writer):
    """Never answers; the server gets nothing."""
    await asyncio.sleep(600)
