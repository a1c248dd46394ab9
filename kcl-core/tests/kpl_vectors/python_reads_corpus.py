"""Writes python_reads_corpus.jsonl to standard output: see README.md.

`user_records` is null where the package returns the Kinesis record as it came. `complete` is false where it met an error
on the way and lost the rest of the carrier, as the Java library does too.
"""

import base64
import contextlib
import io
import json
import pathlib

from aws_kinesis_agg.deaggregator import iter_deaggregate_records

CORPUS = pathlib.Path(__file__).parent.parent / "corpus" / "deaggregate"


def text(key):
    """The package returns a key that is not UTF-8 as bytes."""
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key


for file in sorted(CORPUS.glob("*/*.bin")):
    record = {"kinesis": {"kinesisSchemaVersion": "1.0", "sequenceNumber": "1", "approximateArrivalTimestamp": 0,
                          "partitionKey": "carrier", "data": base64.b64encode(file.read_bytes())}}
    complaints = io.StringIO()
    read = []
    with contextlib.redirect_stderr(complaints):
        try:
            read.extend(user["kinesis"] for user in iter_deaggregate_records([record]))
        except IndexError as error:
            print(error, file=complaints)
    raw = any("aggregated" not in user for user in read)
    rows = [{"partition_key": text(user["partitionKey"]), "explicit_hash_key": text(user.get("explicitHashKey")),
             "data": user["data"].decode()} for user in read]
    line = {"file": file.relative_to(CORPUS).as_posix(), "user_records": None if raw else rows,
            "complete": not complaints.getvalue()}
    print(json.dumps(line, ensure_ascii=False))
