//! Opaque texts that carry their own state, so that the model keeps no table of what it gave out.

use std::fmt::Display;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

/// Not a secret: the checksum only finds texts that were cut, altered, or made up, as the service finds them.
const CHECKSUM_BYTES: usize = 8;

/// Packs fields into a token. No field may hold a line break; stream names and numbers hold none.
pub(super) fn seal(fields: &[&dyn Display]) -> String {
    let lines: Vec<String> = fields.iter().map(ToString::to_string).collect();
    let mut bytes = lines.join("\n").into_bytes();
    bytes.extend_from_slice(&checksum(&bytes));
    BASE64_STANDARD.encode(bytes)
}

/// The fields of a token, or `None` if [`seal`] did not make it from exactly `N` fields.
pub(super) fn open<const N: usize>(token: &str) -> Option<[String; N]> {
    let bytes = BASE64_STANDARD.decode(token).ok()?;
    let (text, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if sum != checksum(text) {
        return None;
    }
    let fields: Vec<String> = std::str::from_utf8(text).ok()?.split('\n').map(str::to_owned).collect();
    fields.try_into().ok()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest: [u8; 16] = Md5::digest(bytes).into();
    std::array::from_fn(|i| digest[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_its_fields_back() {
        let token = seal(&[&"orders", &17_u64, &""]);
        assert_eq!(open(&token), Some(["orders".to_owned(), "17".to_owned(), String::new()]));
    }

    #[test]
    fn a_token_that_was_altered_or_cut_or_has_other_fields_is_refused() {
        let token = seal(&[&"orders", &17_u64]);
        assert_eq!(open::<3>(&token), None);
        for end in 0..token.len() {
            assert_eq!(open::<2>(&token[..end]), None, "cut at {end}");
        }
        for i in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[i] = if altered[i] == b'A' { b'B' } else { b'A' };
            assert_eq!(open::<2>(&String::from_utf8(altered).expect("ascii")), None, "altered at {i}");
        }
    }
}
