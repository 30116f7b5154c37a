"""Instances of the function: real `bootstrap` processes, each with a Lambda Runtime API of its own."""

import http.server
import json
import queue
import signal
import subprocess
import threading
import time

INIT_TIMEOUT = 20


class InstanceEnded(Exception):
    """The invocation has no answer: the process ended, or it was too slow and was killed."""


class Instance:
    def __init__(self, program, environment, log, timeout):
        self.timeout, self.asked = timeout, threading.Event()
        self.events, self.answers, self.count = queue.SimpleQueue(), queue.SimpleQueue(), 0
        self.server = Server(("127.0.0.1", 0), handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{self.server.server_address[1]}"
        self.process = subprocess.Popen(
            [program],
            env={**environment, "AWS_LAMBDA_RUNTIME_API": address},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        if not self.asked.wait(INIT_TIMEOUT):
            self.kill()
            raise InstanceEnded("the instance did not start in time")

    def invoke(self, event, while_running=lambda instance: None):
        """The answer to an event. `while_running` may kill or stop the process."""
        self.count += 1
        self.events.put((f"00000000-0000-4000-8000-{self.count:012x}", event))
        while_running(self)
        end = time.monotonic() + self.timeout
        while time.monotonic() < end:
            try:
                how, body = self.answers.get(timeout=0.05)
            except queue.Empty:
                if self.process.poll() is not None:
                    raise InstanceEnded(f"the process ended with {self.process.returncode}") from None
                continue
            if how != "response":
                raise InstanceEnded(f"the function failed: {body}")
            return json.loads(body)
        self.kill()
        raise InstanceEnded("it was killed at its deadline")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()

    def suspend(self):
        """It computes nothing more until it is killed."""
        self.process.send_signal(signal.SIGSTOP)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """The process was killed."""


def handler(instance):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            instance.asked.set()
            if (invocation := instance.events.get()) is None:
                return
            request_id, event = invocation
            deadline = round((time.time() + instance.timeout) * 1000)
            self.reply(
                200,
                event.encode(),
                {
                    "lambda-runtime-aws-request-id": request_id,
                    "lambda-runtime-deadline-ms": deadline,
                    "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:000000000000:function:soak",
                },
            )

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            instance.answers.put((self.path.rpartition("/")[2], body))
            self.reply(202, b"{}")

        def reply(self, status, body, headers=None):
            self.send_response(status)
            for name, value in {**(headers or {}), "content-length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


class Function:
    """A pool of instances: a free one is reused, or another is started."""

    def __init__(self, program, environment, log_file, timeout=30):
        self.program, self.environment, self.timeout = program, environment, timeout
        self.log, self.idle, self.started, self.lock = log_file.open("ab"), [], 0, threading.Lock()
        self.running = set()

    def invoke(self, event, while_running=lambda instance: None):
        with self.lock:
            instance = self.idle.pop() if self.idle else None
        if instance is None:
            instance = Instance(self.program, self.environment, self.log, self.timeout)
            self.started += 1
        with self.lock:
            self.running.add(instance)
        try:
            answer = instance.invoke(event, while_running)
        except InstanceEnded:
            if instance.process.poll() is None:
                instance.kill()
            raise
        finally:
            with self.lock:
                self.running.discard(instance)
        with self.lock:
            self.idle.append(instance)
        return answer

    def stop(self):
        with self.lock:
            instances, self.idle = [*self.idle, *self.running], []
        for instance in instances:
            instance.kill()
        self.log.close()
