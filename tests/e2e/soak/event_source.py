"""Lambda's event source mapping: takes messages of a queue on ministack, invokes the function with batches of them, and
deletes those that did not fail. What Lambda and SQS may do wrong is injected here."""

import collections
import json
import random
import threading
import time

from .function import InstanceEnded

# Messages that no function can read.
POISON = (
    "not JSON",
    '{"Records": [',
    '{"Records": "none"}',
    "[" * 5000,
    '{"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}]}',
)

BATCH = 1000
WINDOW = 1.0
# An invocation takes longer than this: Cloudflare alone answers after 50 ms.
MID_BATCH = 0.06


class Chaos:
    """What happens to batches: shares of them, from 0 to 1, while `active`."""

    def __init__(self, kill=0.0, suspend=0.0, duplicate=0.0, delay=0.0, acknowledge=0.0, seed=1):
        self.kill, self.suspend, self.duplicate, self.delay = kill, suspend, duplicate, delay
        # No fault of AWS: it deletes messages that the function did not get. The checker must find the loss.
        self.acknowledge = acknowledge
        self.active, self.random, self.injected = False, random.Random(seed), collections.Counter()

    def happens(self, share, name):
        if not self.active or self.random.random() >= share:
            return False
        self.injected[name] += 1
        return True

    def while_running(self, instance):
        """Kills the process in the middle of an invocation, or stops it, so that its deadline passes."""
        if not self.active or self.random.random() >= self.kill + self.suspend:
            return
        time.sleep(self.random.uniform(0.0, MID_BATCH))
        if not instance.answers.empty():
            return
        if self.random.random() * (self.kill + self.suspend) < self.kill:
            self.injected["instance killed in mid-batch"] += 1
            instance.process.kill()
        else:
            self.injected["instance suspended, and killed at its deadline"] += 1
            instance.suspend()


class EventSource:
    def __init__(self, sqs, url, arn, function, chaos, concurrency=2):
        self.sqs, self.url, self.arn, self.function, self.chaos = sqs, url, arn, function, chaos
        self.slots, self.concurrency = threading.Semaphore(concurrency), concurrency
        self.stopped, self.held = threading.Event(), []
        self.invocations, self.failed_invocations, self.failures, self.busy = 0, [], 0, 0
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped.is_set():
            # Like Lambda, it takes no messages that it can't deliver.
            self.slots.acquire()
            batch = self.collect()
            if not batch:
                self.slots.release()
                continue
            with self.lock:
                self.busy += 1
            threading.Thread(target=self.deliver, args=[batch], daemon=True).start()

    def collect(self):
        """The messages of one window."""
        batch, end = [], None
        while not self.stopped.is_set() and len(batch) < BATCH:
            left = 0.2 if end is None else end - time.monotonic()
            if left <= 0:
                break
            found = self.receive()
            if not found:
                if end is None and not self.held:
                    time.sleep(0.02)
                    return self.disorder(batch)
                time.sleep(min(left, 0.02))
            batch += found
            end = end or (time.monotonic() + WINDOW)
        return self.disorder(batch)

    def receive(self):
        names = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        request = {"QueueUrl": self.url, "MaxNumberOfMessages": 10, **names}
        return self.sqs.receive_message(**request).get("Messages", [])

    def disorder(self, batch):
        """Holds some messages back for up to 8 s, so that later ones overtake them."""
        now, kept = time.monotonic(), []
        for message in batch:
            if self.chaos.happens(self.chaos.delay, "message delayed by 1 to 8 s"):
                self.held.append((now + self.chaos.random.uniform(1, 8), message))
            else:
                kept.append(message)
        kept += [message for due, message in self.held if due <= now]
        self.held = [(due, message) for due, message in self.held if due > now]
        if self.chaos.delay and self.chaos.active:
            self.chaos.random.shuffle(kept)
        return kept

    def deliver(self, batch):
        try:
            if self.chaos.happens(self.chaos.acknowledge, "batch deleted without the function"):
                return self.delete(batch)
            if self.chaos.duplicate:
                again = [it for it in batch if self.chaos.happens(self.chaos.duplicate, "message delivered twice")]
                threading.Timer(self.chaos.random.uniform(0, 3), self.invoke, [again]).start() if again else None
            failed = self.invoke(batch)
            self.failures += len(failed)
            self.delete([message for message in batch if message["MessageId"] not in failed])
        finally:
            with self.lock:
                self.busy -= 1
            self.slots.release()

    def invoke(self, batch):
        """The ids of the messages that failed: all of them, if there is no answer."""
        self.invocations += 1
        if any(message["Body"] in POISON for message in batch):
            self.chaos.injected["batch with a poisoned message"] += 1
        try:
            answer = self.function.invoke(event(batch, self.arn), self.chaos.while_running)
        except InstanceEnded as reason:
            if not self.stopped.is_set():
                self.failed_invocations.append(str(reason))
            return {message["MessageId"] for message in batch}
        return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}

    def delete(self, messages):
        for index in range(0, len(messages), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages[index : index + 10])
            ]
            self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def is_idle(self):
        return not self.busy and not self.held

    def stop(self):
        self.stopped.set()
        self.thread.join(5)


def event(batch, arn):
    """The event of a batch, as Lambda sends it."""
    records = [
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": "eu-west-1",
        }
        for message in batch
    ]
    return json.dumps({"Records": records})
