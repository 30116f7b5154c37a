"""A proxy that counts calls. From the n-th call on, it forwards none, and the caller hangs. It can also answer some calls
itself, with an error."""

import http.client
import http.server
import json
import threading
import urllib.parse


class Stopping:
    """A proxy in front of several servers: each has its own address here, and they share the count."""

    def __init__(self, *urls):
        self.lock, self.seen, self.last, self.waiting = threading.Lock(), [], None, threading.Event()
        self.refusals = []
        self.paused, self.resume = None, threading.Event()
        self.servers = [self._start(urllib.parse.urlsplit(url)) for url in urls]
        self.urls = [
            f"http://127.0.0.1:{server.server_port}{urllib.parse.urlsplit(url).path}"
            for server, url in zip(self.servers, urls, strict=True)
        ]

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def stop_after(self, calls, lose_answer=False):
        """Answers this many calls from now on. With `lose_answer`, one more is carried out but not answered."""
        with self.lock:
            self.seen, self.last, self.lose_answer = [], calls, lose_answer
            self.paused = None
            self.waiting.clear()

    def pause_at(self, call):
        """Carries out the call of this index, counted from 0, only after `resume` is set. All others pass."""
        self.let_all_pass()
        self.resume.clear()
        self.paused = call

    def let_all_pass(self):
        self.refusals = []
        self.stop_after(None)

    def refuse(self, action, status, body, holding="", times=10**6, skip=0, carried_out=False):
        """Refuses calls of this action whose body or credentials contain `holding`: `times` calls, after `skip` that pass."""
        self.refusals.append(
            {"action": action, "holding": holding, "left": times, "skip": skip, "answer": (status, body, carried_out)}
        )

    def _refusal(self, action, text):
        for refusal in self.refusals:
            if refusal["action"] in action and refusal["holding"] in text and refusal["left"] > 0:
                if refusal["skip"] > 0:
                    refusal["skip"] -= 1
                    continue
                refusal["left"] -= 1
                return refusal["answer"]
        return None

    def _start(self, target):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))

                def ask():
                    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                    connection.request(self.command, self.path, body, headers)
                    answer = connection.getresponse()
                    return answer, answer.read()

                with proxy.lock:
                    number = len(proxy.seen)
                    action = self.headers.get("x-amz-target") or f"{self.command} {self.path}"
                    proxy.seen.append(action)
                    is_over = proxy.last is not None and number >= proxy.last
                    is_carried_out = not is_over or (number == proxy.last and proxy.lose_answer)
                    refusal = proxy._refusal(action, f"{self.headers.get('authorization')} {body.decode()}")
                if refusal and refusal[2]:
                    ask()
                if refusal:
                    status, content = refusal[0], json.dumps(refusal[1]).encode()
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                    return
                if number == proxy.paused:
                    proxy.waiting.set()
                    proxy.resume.wait(60)
                if is_carried_out:
                    answer, content = ask()
                if is_over:
                    proxy.waiting.set()
                    # The test kills the caller, which ends the connection.
                    self.rfile.read(1)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                        self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = forward

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
