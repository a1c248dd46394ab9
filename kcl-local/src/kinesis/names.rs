//! Names of things: shard ids, names and ARNs of streams and consumers.

use std::fmt;
use std::str::FromStr;

use super::error::Error;
use super::settings::Settings;

/// A shard of a stream: `shardId-` and twelve digits, counted from 0 over the life of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u32);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}

/// A text that is not a shard id of this model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a shard id")]
pub struct NotAShardId;

impl FromStr for ShardId {
    type Err = NotAShardId;

    fn from_str(text: &str) -> Result<Self, NotAShardId> {
        let digits = text.strip_prefix("shardId-").ok_or(NotAShardId)?;
        let id = digits.parse().map(Self).map_err(|_| NotAShardId)?;
        if id.to_string() == text { Ok(id) } else { Err(NotAShardId) }
    }
}

/// API reference, CreateStream.
pub(super) fn check_stream_name(name: &str) -> Result<(), Error> {
    check_name("streamName", name)
}

/// API reference, RegisterStreamConsumer.
pub(super) fn check_consumer_name(name: &str) -> Result<(), Error> {
    check_name("consumerName", name)
}

/// 1 to 128 of `[a-zA-Z0-9_.-]`.
fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (1..=128).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::constraint(field, "Member must have 1 to 128 characters of the pattern [a-zA-Z0-9_.-]+"))
    }
}

/// The stream that a request names by its name, its ARN, or both (API reference: "either the StreamARN or the
/// StreamName parameter, or both").
pub(super) fn resolve<'a>(settings: &Settings, name: Option<&'a str>, arn: Option<&'a str>) -> Result<&'a str, Error> {
    let from_arn = arn.map(|arn| name_in_arn(settings, arn)).transpose()?;
    match (name, from_arn) {
        (None, None) => Err(Error::invalid("Either StreamName or StreamARN must be provided.")),
        (Some(name), Some(other)) if name != other => Err(Error::invalid(format!(
            "StreamName {name} and StreamARN of stream {other} do not name the same stream."
        ))),
        (Some(name), _) | (None, Some(name)) => Ok(name),
    }
}

/// The stream's name in `arn:aws*:kinesis:REGION:ACCOUNT:stream/NAME`. Other accounts and Regions have their own
/// streams, and this model has none of them.
fn name_in_arn<'a>(settings: &Settings, arn: &'a str) -> Result<&'a str, Error> {
    let malformed =
        || Error::constraint("streamARN", r"Member must satisfy the pattern arn:aws.*:kinesis:.*:\d{12}:stream/\S+");
    let (region, account, resource) = resource_in_arn(arn).ok_or_else(malformed)?;
    let name = resource.strip_prefix("stream/").filter(|name| !name.is_empty() && !name.contains(':'));
    let name = name.ok_or_else(malformed)?;
    check_place(settings, region, account, "Stream", name)?;
    Ok(name)
}

/// What a consumer's ARN says: `arn:aws*:kinesis:REGION:ACCOUNT:stream/NAME/consumer/NAME:EPOCH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConsumerId {
    pub(super) stream: String,
    pub(super) name: String,
    /// Tells consumers apart that had the same name one after the other.
    pub(super) epoch: u64,
}

impl ConsumerId {
    pub(super) fn of_arn(settings: &Settings, arn: &str) -> Result<Self, Error> {
        let malformed = || {
            let pattern = r"arn:aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+";
            Error::constraint("consumerARN", &format!("Member must satisfy the pattern ^({pattern})"))
        };
        let (region, account, resource) = resource_in_arn(arn).ok_or_else(malformed)?;
        let (resource, epoch) = resource.rsplit_once(':').ok_or_else(malformed)?;
        let ["stream", stream, "consumer", name] = resource.split('/').collect::<Vec<_>>()[..] else {
            return Err(malformed());
        };
        if check_name("", stream).is_err() || check_name("", name).is_err() {
            return Err(malformed());
        }
        check_place(settings, region, account, "Consumer", name)?;
        let epoch = epoch.parse().map_err(|_| malformed())?;
        Ok(Self { stream: stream.to_owned(), name: name.to_owned(), epoch })
    }
}

/// Region, account and resource of an ARN of Kinesis.
fn resource_in_arn(arn: &str) -> Option<(&str, &str, &str)> {
    match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", partition, "kinesis", region, account, resource] if partition.starts_with("aws") => {
            Some((region, account, resource))
        }
        _ => None,
    }
}

fn check_place(settings: &Settings, region: &str, account: &str, what: &str, name: &str) -> Result<(), Error> {
    if (region, account) == (settings.region.as_str(), settings.account.as_str()) {
        return Ok(());
    }
    let here = format!("this endpoint serves account {} in {}", settings.account, settings.region);
    Err(Error::not_found(format!("{what} {name} under account {account} in {region} not found: {here}.")))
}

#[cfg(test)]
mod tests {
    use super::super::ErrorCode;
    use super::*;

    #[test]
    fn shard_ids_have_one_text_each() {
        assert_eq!(ShardId(17).to_string(), "shardId-000000000017");
        assert_eq!("shardId-000000000017".parse(), Ok(ShardId(17)));
        for text in ["", "17", "shardId-17", "shardId-0000000000017", "shardId-+00000000017", "shardId-999999999999"] {
            assert_eq!(text.parse::<ShardId>(), Err(NotAShardId), "{text}");
        }
    }

    #[test]
    fn a_request_names_its_stream_by_name_or_arn_or_both() {
        let settings = Settings::default();
        let arn = settings.stream_arn("orders");
        let other = settings.stream_arn("invoices");
        let elsewhere = arn.replace("us-east-1", "eu-west-1");
        let stranger = arn.replace("123456789012", "999999999999");
        let resolve = |name, arn| resolve(&settings, name, arn).map_err(|e| e.code);
        assert_eq!(resolve(Some("orders"), None), Ok("orders"));
        assert_eq!(resolve(None, Some(&arn)), Ok("orders"));
        assert_eq!(resolve(Some("orders"), Some(&arn)), Ok("orders"));
        assert_eq!(resolve(Some("orders"), Some(&other)), Err(ErrorCode::InvalidArgument));
        assert_eq!(resolve(None, None), Err(ErrorCode::InvalidArgument));
        assert_eq!(resolve(None, Some(&elsewhere)), Err(ErrorCode::ResourceNotFound));
        assert_eq!(resolve(None, Some(&stranger)), Err(ErrorCode::ResourceNotFound));
        assert_eq!(resolve(None, Some("orders")), Err(ErrorCode::Validation));
        assert_eq!(resolve(None, Some("arn:aws:kinesis:us-east-1:123456789012:stream/")), Err(ErrorCode::Validation));
    }

    #[test]
    fn a_consumer_is_named_by_an_arn_of_its_own_form() {
        let settings = Settings::default();
        let arn = settings.consumer_arn("orders", "app", 17);
        let id = ConsumerId { stream: "orders".to_owned(), name: "app".to_owned(), epoch: 17 };
        assert_eq!(ConsumerId::of_arn(&settings, &arn), Ok(id));
        for (wrong, code) in [
            (settings.stream_arn("orders"), ErrorCode::Validation),
            (arn.replace(":17", ""), ErrorCode::Validation),
            (arn.replace(":17", ":x"), ErrorCode::Validation),
            (arn.replace("/app", "/"), ErrorCode::Validation),
            ("app".to_owned(), ErrorCode::Validation),
            (arn.replace("us-east-1", "eu-west-1"), ErrorCode::ResourceNotFound),
            (arn.replace("123456789012", "999999999999"), ErrorCode::ResourceNotFound),
        ] {
            assert_eq!(ConsumerId::of_arn(&settings, &wrong).map_err(|e| e.code), Err(code), "{wrong}");
        }
        let stream = resolve(&settings, None, Some(&arn)).map_err(|e| e.code);
        assert_eq!(stream, Err(ErrorCode::Validation), "a consumer's ARN is no stream's");
    }
}
