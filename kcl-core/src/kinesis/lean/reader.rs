//! Members and values of the shapes that answers with records are made of.
//!
//! The rule for all of it: what is read here, the SDK's decoder reads too, and to the same value. Where that would take
//! thought, it is refused.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use base64_simd::STANDARD;

use super::scan::{Refused, Scan};

/// How deep values may be nested in a member that is not known. The SDK's bound is 128, for all of the answer.
const LEVELS: u8 = 32;
/// Until when times with a fraction are read, in seconds: as far as every whole second is a number of its own.
const TIMES: f64 = 9e15;

impl From<Refused> for SerdeError {
    /// Nobody reads it: the SDK's decoder has the last word.
    fn from(_: Refused) -> Self {
        Self::unsupported("not read leanly")
    }
}

/// Reads JSON as a structure.
pub(super) struct Reader<'a> {
    scan: Scan<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { scan: Scan::new(text) }
    }

    /// After what was read, nothing may come.
    pub(super) fn end(&mut self) -> Result<(), SerdeError> {
        Ok(self.scan.end()?)
    }
}

/// What these shapes do not have.
macro_rules! refused {
    ($($read:ident: $value:ty),*) => {
        $(fn $read(&mut self, _: &Schema<'_>) -> Result<$value, SerdeError> {
            Err(Refused.into())
        })*
    };
}

impl ShapeDeserializer for Reader<'_> {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        member: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        self.scan.open(b'{')?;
        let mut first = true;
        while self.scan.more(first, b'}')? {
            first = false;
            let name = self.scan.name()?;
            if self.scan.null() {
                // A member that is null is one that is missing.
                continue;
            }
            match schema.member_schema(&name) {
                Some(known) => member(known, self)?,
                None => self.scan.skip(LEVELS)?,
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        _: &Schema<'_>,
        element: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        self.scan.open(b'[')?;
        let mut first = true;
        while self.scan.more(first, b']')? {
            first = false;
            element(self)?;
        }
        Ok(())
    }

    fn read_string(&mut self, _: &Schema<'_>) -> Result<String, SerdeError> {
        Ok(self.scan.string()?.into_owned())
    }

    /// By the crate that the SDK decodes with, and as strictly.
    fn read_blob(&mut self, _: &Schema<'_>) -> Result<Blob, SerdeError> {
        let text = self.scan.bytes()?;
        STANDARD.decode_to_vec(text).map(Blob::new).map_err(|_| Refused.into())
    }

    fn read_integer(&mut self, _: &Schema<'_>) -> Result<i32, SerdeError> {
        self.scan.number()?.parse().map_err(|_| Refused.into())
    }

    fn read_long(&mut self, _: &Schema<'_>) -> Result<i64, SerdeError> {
        self.scan.number()?.parse().map_err(|_| Refused.into())
    }

    /// Seconds, by this protocol's default.
    fn read_timestamp(&mut self, _: &Schema<'_>) -> Result<DateTime, SerdeError> {
        let text = self.scan.number()?;
        if let Ok(seconds) = text.parse() {
            return Ok(DateTime::from_secs(seconds));
        }
        match text.parse() {
            Ok(seconds) if (-TIMES..TIMES).contains(&seconds) => Ok(DateTime::from_secs_f64(seconds)),
            _ => Err(Refused.into()),
        }
    }

    fn read_map(
        &mut self,
        _: &Schema<'_>,
        _: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        Err(Refused.into())
    }

    refused! {
        read_boolean: bool, read_byte: i8, read_short: i16, read_float: f32, read_double: f64,
        read_big_integer: BigInteger, read_big_decimal: BigDecimal, read_document: Document
    }

    fn is_null(&self) -> bool {
        self.scan.at_null()
    }

    fn read_null(&mut self) -> Result<(), SerdeError> {
        self.scan.null();
        Ok(())
    }

    fn skip_value(&mut self) -> Result<(), SerdeError> {
        Ok(self.scan.skip(LEVELS)?)
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}
