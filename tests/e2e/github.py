"""GitHub on this machine: its API of comments, and a runner for the composite action."""

import base64
import contextlib
import http.server
import json
import os
import re
import subprocess
import threading
import urllib.parse

import yaml

TOKEN, REPOSITORY = "ghs_of-the-job", "website/mappings"
BOT, PERSON = {"login": "github-actions[bot]", "type": "Bot"}, {"login": "ana", "type": "User"}


def identity_token(subject, audience="sts.amazonaws.com", issuer="https://token.actions.githubusercontent.com"):
    """The token that GitHub issues to a job. The emulator reads its claims, and does not verify its signature."""
    claims = {"iss": issuer, "aud": audience, "sub": subject}
    parts = (json.dumps(it).encode() for it in ({"alg": "none"}, claims))
    return ".".join([*(base64.urlsafe_b64encode(it).decode().rstrip("=") for it in parts), "signature"])


class Github:
    """The comments of issues, and which pull request a commit came from."""

    def __init__(self):
        self.comments, self.merged, self.seen, self.fails = {}, {}, [], 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def add_comment(self, number, body, user=BOT):
        of_this = self.comments.setdefault(number, [])
        new_id = 1 + sum(map(len, self.comments.values()))
        of_this.append({"id": new_id, "url": f"{self.url}/comments/{new_id}", "user": user, "body": body})

    def bodies(self, number):
        return [it["body"] for it in self.comments.get(number, [])]

    def answer(self, method, path, query, body):
        """The status and the answer to a request."""
        if found := re.fullmatch(rf"/repos/{REPOSITORY}/issues/(\d+)/comments", path):
            number = int(found[1])
            if method == "POST":
                self.add_comment(number, json.loads(body)["body"])
                return 201, self.comments[number][-1]
            size, page = int(query["per_page"][0]), int(query["page"][0])
            return 200, self.comments.get(number, [])[size * (page - 1) : size * page]
        if found := re.fullmatch(r"/comments/(\d+)", path):
            [comment] = [it for all in self.comments.values() for it in all if it["id"] == int(found[1])]
            assert method == "PATCH"
            comment["body"] = json.loads(body)["body"]
            return 200, comment
        if found := re.fullmatch(rf"/repos/{REPOSITORY}/commits/(\w+)/pulls", path):
            return 200, self.merged.get(found[1], [])
        return 404, {"message": "Not Found"}

    def handler(self):
        github = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                url = urllib.parse.urlsplit(self.path)
                github.seen.append((self.command, url.path))
                if github.fails:
                    status, answer = github.fails, {"message": "failed"}
                elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                    status, answer = 401, {"message": "Bad credentials"}
                else:
                    status, answer = github.answer(self.command, url.path, urllib.parse.parse_qs(url.query), body)
                answer = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PATCH = handle_any

            def log_message(self, *_):
                pass

        return Handler


@contextlib.contextmanager
def started():
    github = Github()
    try:
        yield github
    finally:
        github.stop()


class Runner:
    """Runs the steps of a composite action one after the other, as GitHub does."""

    def __init__(self, folder, action, environment):
        self.folder, self.environment = folder, environment
        self.action_folder = action.parent
        self.action = yaml.safe_load(action.read_text())

    def run(self, event, **inputs):
        """The exit code, what was printed, and the outputs of the action."""
        unknown = inputs.keys() - {name.replace("-", "_") for name in self.action["inputs"]}
        assert not unknown, unknown
        values = {f"github.{name}": value for name, value in event.items()}
        for name, it in self.action["inputs"].items():
            given = inputs.get(name.replace("-", "_"), it.get("default"))
            assert given is not None, f"the input {name} is required"
            values[f"inputs.{name}"] = evaluated(str(given), values)
        printed = ""
        for step in self.action["runs"]["steps"]:
            if "if" in step and not condition(step["if"], values):
                continue
            code, text = self.step(step, values)
            printed += text
            if code:
                return code, printed, {}
        outputs = {name: evaluated(it["value"], values) for name, it in self.action["outputs"].items()}
        return 0, printed, outputs

    def step(self, step, values):
        output = self.folder / "output"
        output.write_text("")
        environment = self.environment | {
            name: evaluated(str(value), values) for name, value in step.get("env", {}).items()
        }
        environment |= {"GITHUB_ACTION_PATH": str(self.action_folder), "GITHUB_OUTPUT": str(output)}
        environment |= {"RUNNER_TEMP": str(self.folder), "GITHUB_SHA": values["github.sha"]}
        assert "${{" not in step["run"], "an expression in a script can be used to inject commands"
        script = self.folder / "script"
        script.write_text(step["run"])
        shell = {"sh": ["sh", "-e"]}[step["shell"]]
        done = subprocess.run(
            [*shell, script], env=environment, cwd=self.folder, check=False, capture_output=True, text=True, timeout=120
        )
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value
        return done.returncode, done.stdout + done.stderr


def evaluated(text, values):
    """A text with its expressions, which are names with `||` between."""

    def value(match):
        names = [it.strip() for it in match[1].split("||")]
        assert all(re.fullmatch(r"[\w.-]+", it) for it in names), match[0]
        return next((values[it] for it in names if values.get(it)), "")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def condition(text, values):
    """Whether a condition holds: names and comparisons with `&&` between."""

    def holds(term):
        if found := re.fullmatch(r"([\w.-]+) == '(\w+)'", term):
            return values.get(found[1]) == found[2]
        assert re.fullmatch(r"[\w.-]+", term), term
        return bool(values.get(term))

    return all(holds(term.strip()) for term in text.split("&&"))


def environment_of_a_job(github, home):
    """What each job has."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
    }
