"""Writes python.jsonl to standard output: see README.md."""

import base64
import hashlib
import json
import pathlib

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records

HERE = pathlib.Path(__file__).parent


def data_of(data):
    if isinstance(data, str):
        return data.encode()
    return bytes(range(256)) if "every_byte" in data else bytes.fromhex(data["hex"])


def records_of(case):
    (key, explicit, data), rest = case["records"][0], case["records"][1:]
    if "count" in case:
        return [(f"{key}{i}", explicit, f"{data}{i}".encode()) for i in range(case["count"])]
    first = (key * case.get("repeat_key", 1), explicit, data_of(data) * case.get("repeat_data", 1))
    return [first] + [(key, explicit, data_of(data)) for key, explicit, data in rest]


def hash_key(key, explicit):
    return explicit or str(int.from_bytes(hashlib.md5(key.encode()).digest(), "big"))


def row(key, explicit, data):
    data = base64.b64encode(data).decode()
    return {"partition_key": key, "explicit_hash_key": explicit, "data": data, "hash_key": hash_key(key, explicit)}


def read_back(carrier):
    record = {"kinesis": {"kinesisSchemaVersion": "1.0", "sequenceNumber": "1", "approximateArrivalTimestamp": 0,
                          "partitionKey": "carrier", "data": base64.b64encode(carrier)}}
    for number, user in enumerate(deaggregate_records([record])):
        user = user["kinesis"]
        assert user["aggregated"] and user["subSequenceNumber"] == number
        yield row(user["partitionKey"], user["explicitHashKey"], base64.b64decode(user["data"]))


for case in json.loads((HERE / "cases.json").read_text()):
    aggregator = RecordAggregator()
    records = records_of(case)
    for key, explicit, data in records:
        assert aggregator.add_user_record(key, data, explicit) is None
    _, _, carrier = aggregator.clear_and_get().get_contents()
    sent, back = [row(*record) for record in records], list(read_back(carrier))
    line = {"name": case["name"], "carrier": base64.b64encode(carrier).decode(), "sent": sent,
            "read_back": None if back == sent else back, "fault": None if back == sent else "reader"}
    print(json.dumps(line, ensure_ascii=False))
