"""A boto3 client against the program kcl-local: what a Python user sees of a stream, its split, a consumer and the end.

    python transcript.py                    prints the transcript, without times and random ids
    python transcript.py --record FILE      also writes the requests that boto3 sent, and the answers, as JSON

The endpoint is read from AWS_ENDPOINT_URL_KINESIS, as kcl-local prints it; run.sh does all of it. boto3 comes from
`pip install boto3`, in a virtual environment such as target/venv.

The recorded file is replayed by the test `front_socket` without Python: every request as boto3 wrote it, except that values
which an earlier answer gave (iterators, tokens, sequence numbers, ARNs of consumers) are references to that answer. What
is answered with a stream is not recorded.
"""

import argparse
import json
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

STREAM = "orders"
MIDDLE = str(2**126)  # of the first of two shards
# Longer than the second for which kcl-local keeps a stream CREATING or UPDATING.
SETTLED = 1.5

# Members whose values differ from run to run, and what stands for them.
VOLATILE = {
    "ApproximateArrivalTimestamp": "<time>",
    "ConsumerARN": "<ARN>",
    "ConsumerCreationTimestamp": "<time>",
    "EndingSequenceNumber": "<sequence number>",
    "MillisBehindLatest": "<milliseconds>",
    "NextShardIterator": "<iterator>",
    "NextToken": "<token>",
    "SequenceNumber": "<sequence number>",
    "ShardIterator": "<iterator>",
    "StartingSequenceNumber": "<sequence number>",
    "StreamCreationTimestamp": "<time>",
    "StreamId": "<id>",
}


class Recorder:
    """Listens to a client and keeps every request and answer."""

    def __init__(self, client):
        self.steps = []
        self.seen = {}
        self.waited = 0
        self.session = URLLib3Session(verify=os.environ.get("AWS_CA_BUNDLE", True))
        client.meta.events.register("before-send.kinesis", self.sent)

    def sent(self, request, **_):
        """Sends the request itself, so that the answer's bytes are at hand."""
        if text(request.headers["X-Amz-Target"]).endswith(".SubscribeToShard"):
            return None  # boto3 sends it and reads the answer as it comes
        answer = self.session.send(request)
        body = json.loads(request.body)
        answered = json.loads(answer.content) if answer.content else {}
        self.steps.append(
            {
                "wait_ms": self.waited,
                "target": text(request.headers["X-Amz-Target"]),
                "content_type": text(request.headers["Content-Type"]),
                "request": self.refer(body),
                "status": answer.status_code,
                "answer": masked(answered),
            }
        )
        self.waited = 0
        self.remember(answered, f"{len(self.steps) - 1}")
        return answer

    def refer(self, value):
        """The request with references in place of values from earlier answers."""
        if isinstance(value, dict):
            return {
                name: {"from_answer": self.seen[member]}
                if name in VOLATILE and isinstance(member, str) and member in self.seen
                else self.refer(member)
                for name, member in value.items()
            }
        if isinstance(value, list):
            return [self.refer(item) for item in value]
        return value

    def remember(self, value, place):
        if isinstance(value, dict):
            for name, member in value.items():
                if name in VOLATILE and isinstance(member, str):
                    self.seen[member] = f"{place}/{name}"
                self.remember(member, f"{place}/{name}")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.remember(item, f"{place}/{index}")


def text(header):
    return header.decode() if isinstance(header, bytes) else header


def masked(value):
    if isinstance(value, dict):
        return {name: VOLATILE.get(name) or masked(member) for name, member in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


class Transcript:
    """The scenario, printed as it goes."""

    def __init__(self, client, recorder):
        self.client = client
        self.recorder = recorder

    def say(self, what):
        print(what, flush=True)

    def settle(self):
        time.sleep(SETTLED)
        self.recorder.waited += int(SETTLED * 1000)

    def status(self):
        summary = self.client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
        self.say(f"{STREAM} is {summary['StreamStatus']} with {summary['OpenShardCount']} open shards")

    def create(self):
        self.client.create_stream(StreamName=STREAM, ShardCount=2)
        self.status()
        try:
            self.client.create_stream(StreamName=STREAM, ShardCount=2)
        except ClientError as error:
            self.say(f"created again: {error.response['Error']['Code']}")
        self.settle()
        self.client.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"MaxAttempts": 1})
        self.status()

    def put(self):
        for number in range(3):
            put = self.client.put_record(
                StreamName=STREAM, Data=f"before-{number}".encode(), PartitionKey="k", ExplicitHashKey="0"
            )
            self.say(f"put before-{number} into {put['ShardId']}")
        records = [{"Data": f"batch-{n}".encode(), "PartitionKey": f"key-{n}"} for n in range(4)]
        batch = self.client.put_records(StreamName=STREAM, Records=records)
        self.say(f"put a batch into {[record['ShardId'] for record in batch['Records']]}")

    def split(self):
        parent = self.shards()[0]["ShardId"]
        self.client.split_shard(StreamName=STREAM, ShardToSplit=parent, NewStartingHashKey=MIDDLE)
        self.status()
        self.settle()
        self.status()
        put = self.client.put_record(StreamName=STREAM, Data=b"after", PartitionKey="k", ExplicitHashKey="0")
        self.say(f"put after into {put['ShardId']}")
        return parent

    def shards(self, **arguments):
        return self.client.list_shards(**(arguments or {"StreamName": STREAM}))["Shards"]

    def list(self, parent):
        for shard in self.shards():
            ended = "closed" if "EndingSequenceNumber" in shard["SequenceNumberRange"] else "open"
            keys = shard["HashKeyRange"]
            of = f" of {shard['ParentShardId']}" if "ParentShardId" in shard else ""
            self.say(f"{shard['ShardId']} is {ended}{of}, {keys['StartingHashKey']} to {keys['EndingHashKey']}")
        page = self.client.list_shards(StreamName=STREAM, MaxResults=3)
        names = [[shard["ShardId"] for shard in page["Shards"]]]
        while "NextToken" in page:
            page = self.client.list_shards(NextToken=page["NextToken"], MaxResults=3)
            names.append([shard["ShardId"] for shard in page["Shards"]])
        self.say(f"in pages of 3: {names}")
        for shard_filter in (
            {"Type": "AT_LATEST"},
            {"Type": "AT_TRIM_HORIZON"},
            {"Type": "FROM_TRIM_HORIZON"},
            {"Type": "AFTER_SHARD_ID", "ShardId": parent},
        ):
            found = self.shards(StreamName=STREAM, ShardFilter=shard_filter)
            self.say(f"{shard_filter['Type']}: {[shard['ShardId'] for shard in found]}")

    def read(self, shard, at="TRIM_HORIZON", **position):
        """Reads a shard to its end or until it has nothing more, and says what came."""
        iterator = self.client.get_shard_iterator(
            StreamName=STREAM, ShardId=shard, ShardIteratorType=at, **position
        )["ShardIterator"]
        records = []
        while iterator:
            page = self.client.get_records(ShardIterator=iterator, Limit=2)
            records += page["Records"]
            iterator = page.get("NextShardIterator")
            if not page["Records"]:
                break
        self.say(f"{shard} from {at}: {[record['Data'].decode() for record in records]}")
        if iterator is None:
            children = [(child["ShardId"], child["ParentShards"]) for child in page.get("ChildShards", [])]
            self.say(f"{shard} has ended, its children are {children}")
        return records

    def run(self):
        self.create()
        self.put()
        parent = self.split()
        self.list(parent)
        records = self.read(parent)
        self.read(parent, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=records[0]["SequenceNumber"])
        for shard in self.shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"}):
            self.read(shard["ShardId"])
        self.fan_out(parent)
        self.errors()
        self.failure("delete_stream", StreamName=STREAM)
        self.client.delete_stream(StreamName=STREAM, EnforceConsumerDeletion=True)
        self.status()
        self.settle()
        self.failure("describe_stream_summary", StreamName=STREAM)

    def fan_out(self, parent):
        summary = self.client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
        arn = summary["StreamARN"]
        first, second = [
            self.client.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"] for name in ("one", "two")
        ]
        self.say(f"{first['ConsumerName']} is {first['ConsumerStatus']}")
        self.failure("register_stream_consumer", StreamARN=arn, ConsumerName="one")
        from_start = {"Type": "TRIM_HORIZON"}
        self.failure(
            "subscribe_to_shard", ConsumerARN=first["ConsumerARN"], ShardId=parent, StartingPosition=from_start
        )
        self.settle()
        described = self.client.describe_stream_consumer(ConsumerARN=first["ConsumerARN"])["ConsumerDescription"]
        self.say(f"{described['ConsumerName']} of {described['StreamARN']} is {described['ConsumerStatus']}")
        pages = self.client.get_paginator("list_stream_consumers").paginate(
            StreamARN=arn, PaginationConfig={"PageSize": 1}
        )
        self.say(f"in pages of 1: {[[c['ConsumerName'] for c in page['Consumers']] for page in pages]}")
        self.subscribe(first["ConsumerARN"], parent)
        self.settle()
        self.failure(
            "subscribe_to_shard", ConsumerARN=first["ConsumerARN"], ShardId=parent, StartingPosition=from_start
        )
        self.subscribe(second["ConsumerARN"], "shardId-000000000002")
        self.client.deregister_stream_consumer(ConsumerARN=second["ConsumerARN"])
        self.settle()
        self.failure("describe_stream_consumer", StreamARN=arn, ConsumerName="two")

    def subscribe(self, arn, shard):
        """Reads what a consumer is pushed until the shard ends or a record came, and says what came."""
        stream = self.client.subscribe_to_shard(
            ConsumerARN=arn, ShardId=shard, StartingPosition={"Type": "TRIM_HORIZON"}
        )["EventStream"]
        for event in stream:
            event = event["SubscribeToShardEvent"]
            records = [record["Data"].decode() for record in event["Records"]]
            children = [child["ShardId"] for child in event.get("ChildShards", [])]
            goes_on = "ContinuationSequenceNumber" in event
            self.say(f"{shard} pushes {records}, children {children}, {'and goes on' if goes_on else 'and ends'}")
            if records and goes_on:
                break
        stream.close()

    def errors(self):
        self.failure("describe_stream_summary", StreamName="missing")
        self.failure("get_shard_iterator", StreamName=STREAM, ShardId="shardId-000000000099", ShardIteratorType="LATEST")
        self.failure("get_records", ShardIterator="not-an-iterator")
        self.failure("list_shards", NextToken="not-a-token")
        self.failure("split_shard", StreamName=STREAM, ShardToSplit="shardId-000000000001", NewStartingHashKey="1")

    def failure(self, operation, **arguments):
        try:
            getattr(self.client, operation)(**arguments)
            self.say(f"{operation}: no error")
        except ClientError as error:
            self.say(f"{operation}: {error.response['Error']['Code']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", metavar="FILE")
    options = parser.parse_args()
    client = boto3.client("kinesis", config=Config(retries={"total_max_attempts": 1}))
    recorder = Recorder(client)
    Transcript(client, recorder).run()
    if options.record:
        with open(options.record, "w", encoding="utf-8") as file:
            json.dump({"boto3": boto3.__version__, "steps": recorder.steps}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
