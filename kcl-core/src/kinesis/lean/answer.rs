//! A whole answer: read leanly, or else by the SDK.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};

use super::reader::Reader;

/// An answer, and the SDK's decoder of it, which has not begun.
pub(super) struct Answer<'a> {
    body: &'a [u8],
    theirs: Box<dyn ShapeDeserializer + 'a>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(body: &'a [u8], theirs: Box<dyn ShapeDeserializer + 'a>) -> Self {
        Self { body, theirs }
    }
}

/// What is asked of the SDK's decoder, as it is.
macro_rules! theirs {
    ($($read:ident: $value:ty),*) => {
        $(fn $read(&mut self, schema: &Schema<'_>) -> Result<$value, SerdeError> {
            self.theirs.$read(schema)
        })*
    };
}

impl ShapeDeserializer for Answer<'_> {
    /// After a failure the SDK reads from the beginning, into what may be filled in part. That leaves nothing behind: it
    /// puts every member that was read before in its place once more, or fails.
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        member: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut reader = Reader::new(self.body);
        if reader.read_struct(schema, member).and_then(|()| reader.end()).is_ok() {
            return Ok(());
        }
        tracing::debug!(bytes = self.body.len(), "an answer is not read leanly; the SDK's decoder reads it");
        self.theirs.read_struct(schema, member)
    }

    fn read_list(
        &mut self,
        schema: &Schema<'_>,
        element: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        self.theirs.read_list(schema, element)
    }

    fn read_map(
        &mut self,
        schema: &Schema<'_>,
        entry: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        self.theirs.read_map(schema, entry)
    }

    theirs! {
        read_boolean: bool, read_byte: i8, read_short: i16, read_integer: i32, read_long: i64, read_float: f32,
        read_double: f64, read_big_integer: BigInteger, read_big_decimal: BigDecimal, read_string: String,
        read_blob: Blob, read_timestamp: DateTime, read_document: Document
    }

    fn is_null(&self) -> bool {
        self.theirs.is_null()
    }

    fn read_null(&mut self) -> Result<(), SerdeError> {
        self.theirs.read_null()
    }

    fn skip_value(&mut self) -> Result<(), SerdeError> {
        self.theirs.skip_value()
    }

    fn container_size(&self) -> Option<usize> {
        self.theirs.container_size()
    }
}
