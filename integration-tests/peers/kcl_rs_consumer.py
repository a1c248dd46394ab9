"""A consumer of kcl-rs that only counts, for `measure wire --peer`.

It is told the stream, the application and the mode, says on its standard output what `measure wire-worker` says, and
ends when its standard input does. Endpoints, region and credentials come from the usual AWS environment.
"""

import argparse
import json
import sys
import threading
import time

from kcl_rs import CheckpointError, RecordProcessorBase, Scheduler

MODES = {"polling": "POLLING", "fan-out": "FANOUT"}
lock = threading.Lock()


def say(said, **more):
    """Writes one line at once."""
    line = json.dumps({"said": said, **more}) + "\n"
    with lock:
        sys.stdout.write(line)
        sys.stdout.flush()


class Counting(RecordProcessorBase):
    """Commits after every batch, as the worker does on its own."""

    delays = False

    def initialize(self, initialize_input):
        say("began", shard=initialize_input.shard_id)

    def process_records(self, process_records_input):
        records = process_records_input.records
        if not records:
            return
        # Their data is not looked at: what Python makes of it is not part of the comparison.
        handled = {"records": len(records)}
        if self.delays:
            now = time.time_ns() // 1_000_000
            handled["delays_ms"] = [max(0, now - record.timestamp_millis) for record in records]
        say("handled", **handled)
        self.commit(process_records_input.checkpointer)

    def lease_lost(self, lease_lost_input):
        say("trouble", what="a lease was lost")

    def shard_ended(self, shard_ended_input):
        self.commit(shard_ended_input.checkpointer)

    def shutdown_requested(self, shutdown_requested_input):
        self.commit(shutdown_requested_input.checkpointer)

    @staticmethod
    def commit(checkpointer):
        try:
            checkpointer.checkpoint()
        except CheckpointError as error:
            say("trouble", what=f"checkpoint: {error.value}")


def main():
    """Reads until standard input is closed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stream", required=True)
    options.add_argument("--app", required=True)
    options.add_argument("--mode", choices=MODES, required=True)
    options.add_argument("--delays", action="store_true")
    options = options.parse_args()
    Counting.delays = options.delays
    scheduler = Scheduler(
        stream_name=options.stream,
        application_name=options.app,
        record_processor_factory=Counting,
        initial_position="TRIM_HORIZON",
        retrieval_mode=MODES[options.mode],
    )
    scheduler.start()
    sys.stdin.read()


main()
