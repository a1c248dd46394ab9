//! Which client of the world a request on a socket is from.

use http::HeaderMap;

/// The label of a client that does not say who it is.
const UNNAMED: &str = "http";

/// The application id in the user agent, `app/NAME`: the AWS SDKs put it there from `AWS_SDK_UA_APP_ID`.
///
/// Some SDKs write it into `x-amz-user-agent`, because a program may have a user agent of its own.
pub(super) fn label(headers: &HeaderMap) -> &str {
    let agents = ["x-amz-user-agent", "user-agent"].into_iter().filter_map(|name| headers.get(name)?.to_str().ok());
    let mut words = agents.flat_map(str::split_ascii_whitespace);
    words.find_map(|word| word.strip_prefix("app/")).unwrap_or(UNNAMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_by_the_application_id_of_its_sdk() {
        for (name, agent, expected) in [
            ("user-agent", "aws-sdk-java/2.41.21 md/io#async app/java-1 os/Linux", "java-1"),
            ("x-amz-user-agent", "aws-sdk-rust/1.3.8 api/kinesis/1.130.0 app/rust-1", "rust-1"),
            ("user-agent", "Boto3/1.40 md/Botocore#1.40", UNNAMED),
            ("user-agent", "webapp/7", UNNAMED),
            ("accept", "app/x", UNNAMED),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().expect("a name"), agent.parse().expect("a value"))]);
            assert_eq!(label(&headers), expected, "{name}: {agent}");
        }
    }
}
