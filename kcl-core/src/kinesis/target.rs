//! Which stream a request is for: a name in the client's own account, or an ARN.

use std::fmt;

use crate::error::ConfigError;

/// A stream by its name, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    /// Where the name begins in `text`.
    name: usize,
    account: Option<String>,
}

impl Target {
    /// Reads a name or an ARN, for a client of `region`.
    ///
    /// # Errors
    /// If it is neither, or the ARN of a stream in another region.
    pub fn parse(text: &str, region: Option<&str>) -> Result<Self, ConfigError> {
        if !text.starts_with("arn:") {
            check_name(text, text)?;
            return Ok(Self { text: text.to_owned(), name: 0, account: None });
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "kinesis", of_region, account, resource] = parts[..] else {
            return Err(wrong(text));
        };
        let twelve_digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let name = resource.strip_prefix("stream/").unwrap_or_default();
        if !partition.starts_with("aws") || of_region.is_empty() || !twelve_digits {
            return Err(wrong(text));
        }
        check_name(name, text)?;
        if let Some(region) = region.filter(|region| *region != of_region) {
            let problem = format!(
                "`{text}` is in region {of_region}, but the Kinesis client is configured for {region}; give it a client of \
                 {of_region}"
            );
            return Err(ConfigError::new("stream", problem));
        }
        Ok(Self { text: text.to_owned(), name: text.len() - name.len(), account: Some(account.to_owned()) })
    }

    /// Whether this may be the name of a stream, or of a consumer: 1 to 128 letters, digits, `_`, `-` and `.` (Kinesis API
    /// reference, `CreateStream` and `RegisterStreamConsumer`).
    pub fn is_name(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        (1..=128).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.text[self.name..]
    }

    /// What a request sends as `StreamName`: nothing beside an ARN.
    pub fn stream_name(&self) -> Option<String> {
        self.account.is_none().then(|| self.text.clone())
    }

    /// What a request sends as `StreamARN`.
    pub fn stream_arn(&self) -> Option<String> {
        self.account.as_ref().map(|_| self.text.clone())
    }

    /// The account, if it is known.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check_name(name: &str, text: &str) -> Result<(), ConfigError> {
    if Target::is_name(name) { Ok(()) } else { Err(wrong(text)) }
}

fn wrong(text: &str) -> ConfigError {
    let problem = format!(
        "`{text}` is not the name of a stream (1 to 128 letters, digits, underscores, hyphens and dots), nor its ARN \
         (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)"
    );
    ConfigError::new("stream", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders.v-2_x";

    #[test]
    fn a_name_is_sent_as_a_name() {
        let target = Target::parse("orders.v-2_x", Some("eu-west-1")).expect("a name");
        assert_eq!(target.name(), "orders.v-2_x");
        assert_eq!((target.stream_name().as_deref(), target.stream_arn()), (Some("orders.v-2_x"), None));
        assert_eq!(target.account(), None);
    }

    #[test]
    fn an_arn_is_sent_as_an_arn_and_has_a_name() {
        for (arn, region) in [
            (ARN, Some("eu-west-1")),
            (ARN, None),
            ("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders.v-2_x", Some("cn-north-1")),
            ("arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/orders.v-2_x", Some("us-gov-west-1")),
        ] {
            let target = Target::parse(arn, region).expect("an ARN");
            assert_eq!(target.name(), "orders.v-2_x");
            assert_eq!((target.stream_name(), target.stream_arn().as_deref()), (None, Some(arn)));
            assert_eq!(target.account(), Some("123456789012"));
        }
    }

    #[test]
    fn an_arn_of_another_region_names_both() {
        let error = Target::parse(ARN, Some("us-east-1")).expect_err("another region");
        assert_eq!(
            error.to_string(),
            "setting `stream`: `arn:aws:kinesis:eu-west-1:123456789012:stream/orders.v-2_x` is in region eu-west-1, but \
             the Kinesis client is configured for us-east-1; give it a client of eu-west-1"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "a".repeat(129);
        for text in [
            "",
            "a b",
            "orders/1",
            "123456789012:orders:1",
            "straße",
            &long,
            "arn:aws:kinesis:eu-west-1:123456789012:stream/",
            "arn:aws:kinesis:eu-west-1:12345678901:stream/orders",
            "arn:aws:kinesis:eu-west-1:12345678901x:stream/orders",
            "arn:aws:kinesis::123456789012:stream/orders",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
            "arn:gcp:kinesis:eu-west-1:123456789012:stream/orders",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/mine:1700000000",
            "arn:aws:kinesis",
        ] {
            let error = Target::parse(text, Some("eu-west-1")).expect_err(text);
            assert_eq!(error.setting, "stream", "{text}");
            assert!(error.problem.contains(&format!("`{text}` is not the name of a stream")), "{error}");
        }
    }
}
