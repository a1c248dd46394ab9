// Writes node.jsonl to standard output: see README.md.
'use strict';

const crypto = require('crypto');
const path = require('path');
const { RecordAggregator, deaggregateSync } = require('aws-kinesis-agg');

const dataOf = (data) => {
  if (typeof data === 'string') return Buffer.from(data);
  return data.every_byte ? Buffer.from(Array.from({ length: 256 }, (_, i) => i)) : Buffer.from(data.hex, 'hex');
};

const recordsOf = (spec) => {
  const [[key, explicit, data], ...rest] = spec.records;
  if (spec.count) {
    return Array.from({ length: spec.count }, (_, i) => [`${key}${i}`, explicit, Buffer.from(`${data}${i}`)]);
  }
  const bytes = Buffer.concat(Array(spec.repeat_data || 1).fill(dataOf(data)));
  return [[key.repeat(spec.repeat_key || 1), explicit, bytes], ...rest.map(([k, e, d]) => [k, e, dataOf(d)])];
};

const hashKey = (key, explicit) =>
  explicit || BigInt('0x' + crypto.createHash('md5').update(key).digest('hex')).toString();

const row = (key, explicit, data) => ({
  partition_key: key,
  explicit_hash_key: explicit,
  data: data.toString('base64'),
  hash_key: hashKey(key, explicit),
});

const readBack = (carrier) => {
  let rows;
  deaggregateSync({ sequenceNumber: '1', data: carrier.toString('base64') }, true, (error, records) => {
    if (error) throw error;
    rows = records.map((r) => row(r.partitionKey, r.explicitPartitionKey ?? null, Buffer.from(r.data, 'base64')));
  });
  return rows;
};

for (const spec of require(path.join(__dirname, 'cases.json'))) {
  const records = recordsOf(spec);
  const aggregator = new RecordAggregator();
  for (const [key, explicit, data] of records) {
    aggregator.addUserRecord({ partitionKey: key, data, ...(explicit && { explicitHashKey: explicit }) });
  }
  const carrier = aggregator.build().data;
  const sent = records.map((record) => row(...record));
  const back = readBack(carrier);
  const same = JSON.stringify(back) === JSON.stringify(sent);
  // JavaScript returns keys that are whole numbers before all others, and in ascending order.
  const reordered = sent.some((record) => /^\d{1,9}$/.test(record.partition_key));
  const fault = same ? null : reordered ? 'writer' : 'reader';
  const line = { name: spec.name, carrier: carrier.toString('base64'), sent, read_back: same ? null : back, fault };
  console.log(JSON.stringify(line));
}
