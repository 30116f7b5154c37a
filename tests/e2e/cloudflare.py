"""Cloudflare on this machine: the project's sandbox, its API and its edge."""

import contextlib
import http.client
import json
import re
import subprocess
import time
import urllib.parse


def browser(path):
    """A path as a browser spells it: these characters are not encoded."""
    return urllib.parse.quote(path, safe="/-._~!$&'()*+,;=:@[]")


def strict(path):
    """A path as SDKs spell it: only RFC 3986's unreserved characters are not encoded."""
    return urllib.parse.quote(path, safe="/-._~")


class Cloudflare:
    """The sandbox's process."""

    def __init__(self, command, mappings, origins, options=()):
        arguments = [command, "sandbox", "--mappings", mappings, "--api", "127.0.0.1:0", "--edge", "127.0.0.1:0"]
        arguments += options
        for host, url in origins.items():
            arguments += ["--origin", f"{host}={url}"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.seen, self.tokens = 0, {}
        found = {}
        while set(found) != {"api", "edge"}:
            line = self.process.stdout.readline()
            assert line, f"the sandbox ended before it listened, with {self.process.wait(10)}"
            found.update(re.findall(r"^(api|edge)\s+(\S+)", line))
        self.api_url = found["api"]
        self.api = urllib.parse.urlsplit(found["api"]).netloc
        self.edge = urllib.parse.urlsplit(found["edge"]).netloc

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.api, timeout=10)
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, f"/_sandbox{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, (path, answer.status, text)
        return json.loads(text) if text else None

    def set_token(self, secret, zone_id, status="active"):
        self.control("POST", "/tokens", {"secret": secret, "zones": [zone_id], "status": status})
        self.tokens[secret] = zone_id

    @contextlib.contextmanager
    def fault(self, zone_id, kind):
        """Meanwhile, this happens to all purges of a zone. Afterwards, the records are empty: some were never answered."""
        self.control("POST", "/faults", {"zone_id": zone_id, "kind": kind})
        try:
            yield
        finally:
            self.control("DELETE", "/faults")
            self.control("DELETE", "/requests")
            self.seen = 0

    def revoke_all_tokens(self):
        for secret, zone_id in self.tokens.items():
            self.set_token(secret, zone_id, "disabled")

    def empty_cache(self, zone_id, token):
        """Purges everything in a zone."""
        connection = http.client.HTTPConnection(self.api, timeout=10)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        connection.request("POST", f"/client/v4/zones/{zone_id}/purge_cache", '{"purge_everything": true}', headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()

    def purges(self):
        """(zone id, end of the token, body, status) of every answered purge since the last call."""
        end = time.monotonic() + 20
        requests = self.control("GET", "/requests")[self.seen :]
        while any(it["status"] is None for it in requests):
            assert time.monotonic() < end, f"never answered: {requests}"
            time.sleep(0.01)
            requests = self.control("GET", "/requests")[self.seen :]
        self.seen += len(requests)
        secret = lambda headers: headers.get("authorization", headers.get("x-auth-key", "")).rpartition("…")[2]
        return [
            (it["path"].split("/")[4], secret(it["headers"]), json.loads(it["body"]), it["status"])
            for it in requests
            if it["path"].endswith("/purge_cache")
        ]

    def get(self, host, path):
        """Requests a path from the edge, as spelled: (status, body, CF-Cache-Status)."""
        connection = http.client.HTTPConnection(self.edge, timeout=30)
        connection.request("GET", path, headers={"host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers["cf-cache-status"]

    def visit(self, host, path):
        """Requests a path in each spelling, with the same result: (status, body or, for an error, an empty one)."""
        seen = {self.get(host, spelled)[:2] for spelled in {browser(path), strict(path)}}
        seen = {(status, body if status == 200 else "") for status, body in seen}
        assert len(seen) == 1, (host, path, seen)
        return seen.pop()

    def cached(self):
        """The URLs that the edge can answer without the origin server."""
        return {entry["url"] for entry in self.control("GET", "/cache") if entry["state"] == "fresh"}
