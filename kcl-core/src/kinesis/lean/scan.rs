//! JSON (RFC 8259), token by token.

use std::borrow::Cow;

use aws_smithy_json::deserialize::EscapedStr;
use memchr::memchr2;

/// What is not read here. Why does not matter: the SDK's decoder says it.
#[derive(Debug)]
pub(super) struct Refused;

/// A text, and how far it is read.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The beginning of an object or a list.
    pub(super) fn open(&mut self, bracket: u8) -> Result<(), Refused> {
        self.space();
        self.must(bracket)
    }

    /// Whether another element follows in the object or list that `bracket` closes. If one does, it comes next.
    pub(super) fn more(&mut self, first: bool, bracket: u8) -> Result<bool, Refused> {
        self.space();
        if self.eat(bracket) {
            return Ok(false);
        }
        if !first {
            self.must(b',')?;
            self.space();
        }
        match self.peek() {
            Some(b',') | None => Err(Refused),
            Some(next) if next == bracket => Err(Refused),
            Some(_) => Ok(true),
        }
    }

    /// The name of a member, up to its value.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Refused> {
        let name = self.string()?;
        self.colon()?;
        Ok(name)
    }

    /// A string. Control characters are taken as they are, as by the SDK.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Refused> {
        let (raw, escaped) = self.raw()?;
        let raw = utf8(raw)?;
        if escaped { EscapedStr::new(raw).to_unescaped().map_err(|_| Refused) } else { Ok(Cow::Borrowed(raw)) }
    }

    /// A string, without a look at whether it is UTF-8: base64 is decoded only if it is ASCII.
    pub(super) fn bytes(&mut self) -> Result<Cow<'a, [u8]>, Refused> {
        let begin = self.at;
        let (raw, escaped) = self.raw()?;
        if !escaped {
            return Ok(Cow::Borrowed(raw));
        }
        self.at = begin;
        self.string().map(|text| Cow::Owned(text.into_owned().into_bytes()))
    }

    /// A number, as it is written.
    pub(super) fn number(&mut self) -> Result<&'a str, Refused> {
        let begin = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        // Decoders that look less closely go on here.
        match self.peek() {
            Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | b'}') | None => utf8(self.since(begin)),
            Some(_) => Err(Refused),
        }
    }

    /// Goes over a null, if there is one.
    pub(super) fn null(&mut self) -> bool {
        self.at_null() && self.word(b"null").is_ok()
    }

    pub(super) fn at_null(&self) -> bool {
        self.rest().starts_with(b"null")
    }

    /// Goes over a value with at most so many levels of objects and lists in it, which must be right in itself.
    pub(super) fn skip(&mut self, levels: u8) -> Result<(), Refused> {
        self.space();
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b'{') => self.skip_all(levels, b'}'),
            Some(b'[') => self.skip_all(levels, b']'),
            _ => Err(Refused),
        }
    }

    /// The end of the text.
    pub(super) fn end(&mut self) -> Result<(), Refused> {
        self.space();
        if self.rest().is_empty() { Ok(()) } else { Err(Refused) }
    }

    fn skip_all(&mut self, levels: u8, bracket: u8) -> Result<(), Refused> {
        let levels = levels.checked_sub(1).ok_or(Refused)?;
        self.at += 1;
        let mut first = true;
        while self.more(first, bracket)? {
            first = false;
            if bracket == b'}' {
                self.skip_string()?;
                self.colon()?;
            }
            self.skip(levels)?;
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Result<(), Refused> {
        let begin = self.at;
        drop(self.string()?);
        // The standard forbids control characters in strings, and the SDK can be set to forbid them in what it skips.
        if self.since(begin).iter().any(|byte| *byte < b' ') { Err(Refused) } else { Ok(()) }
    }

    /// A string as it is written, and whether it has escapes.
    fn raw(&mut self) -> Result<(&'a [u8], bool), Refused> {
        self.must(b'"')?;
        let begin = self.at;
        let mut escaped = false;
        loop {
            self.at += memchr2(b'"', b'\\', self.rest()).ok_or(Refused)?;
            if self.peek() == Some(b'"') {
                break;
            }
            // Over what the backslash is for: it may be a quotation mark, or the end of the text.
            escaped = true;
            self.at += 2;
        }
        let raw = self.since(begin);
        self.at += 1;
        Ok((raw, escaped))
    }

    fn colon(&mut self) -> Result<(), Refused> {
        self.space();
        self.must(b':')?;
        self.space();
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Refused> {
        if !self.rest().starts_with(word) {
            return Err(Refused);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Refused> {
        let begin = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > begin { Ok(()) } else { Err(Refused) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn must(&mut self, byte: u8) -> Result<(), Refused> {
        if self.eat(byte) { Ok(()) } else { Err(Refused) }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, begin: usize) -> &'a [u8] {
        self.text.get(begin..self.at).unwrap_or_default()
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Refused> {
    str::from_utf8(bytes).map_err(|_| Refused)
}
