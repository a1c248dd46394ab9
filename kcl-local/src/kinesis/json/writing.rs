//! `PutRecord` and `PutRecords`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use crate::kinesis::error::{Error, ErrorCode};
use crate::kinesis::{Kinesis, NewRecord, Placed, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    data: &'a str,
    partition_key: Option<&'a str>,
    explicit_hash_key: Option<&'a str>,
}

impl Entry<'_> {
    fn record(&self) -> Result<NewRecord, Error> {
        let data = BASE64_STANDARD.decode(self.data);
        let data = data.map_err(|_| Error::new(ErrorCode::Serialization, "Data is not base64."))?;
        let explicit_hash_key =
            self.explicit_hash_key.map(|key| fields::hash_key("ExplicitHashKey", key)).transpose()?;
        Ok(NewRecord { data: data.into(), partition_key: self.partition_key.map(str::to_owned), explicit_hash_key })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ordering<'a> {
    sequence_number_for_ordering: Option<&'a str>,
}

pub(super) fn put_record(
    kinesis: &mut Kinesis,
    request: &Value,
    now: Timestamp,
    rng: &mut fastrand::Rng,
) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let record = fields::parse::<Entry<'_>>(request)?.record()?;
    if let Some(number) = fields::parse::<Ordering<'_>>(request)?.sequence_number_for_ordering {
        kinesis.check_ordering(stream, number, now)?;
    }
    let placed = kinesis.put_record(stream, record, now, rng)?;
    let mut body = placed_json(&placed);
    body["EncryptionType"] = json!("NONE");
    Ok(body)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entries<'a> {
    #[serde(borrow)]
    records: Vec<Entry<'a>>,
}

pub(super) fn put_records(
    kinesis: &mut Kinesis,
    request: &Value,
    now: Timestamp,
    rng: &mut fastrand::Rng,
) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let Entries { records } = fields::parse(request)?;
    let records = records.iter().map(Entry::record).collect::<Result<_, Error>>()?;
    let results = kinesis.put_records(stream, records, now, rng)?;
    let failed = results.iter().filter(|result| result.is_err()).count();
    let entries: Vec<Value> = results.iter().map(result_json).collect();
    Ok(json!({"FailedRecordCount": failed, "Records": entries, "EncryptionType": "NONE"}))
}

fn result_json(result: &Result<Placed, Error>) -> Value {
    match result {
        Ok(placed) => placed_json(placed),
        Err(error) => json!({"ErrorCode": error.code.to_string(), "ErrorMessage": error.message}),
    }
}

fn placed_json(placed: &Placed) -> Value {
    json!({"ShardId": placed.shard_id.to_string(), "SequenceNumber": placed.sequence_number.to_string()})
}
