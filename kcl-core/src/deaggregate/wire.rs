//! The fields of a protobuf message, one at a time.
//!
//! `prost` decodes a message into a tree of structs before anything in it has been checked: two bytes of input, an empty
//! user record, become 64 bytes, and one hostile Kinesis record of 10 MiB becomes 340 MB. Walking the fields costs no
//! memory, and the reader can stop at the first wrong one.

/// An iterator over the fields of one message. It ends after the first error.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// A field's number and value.
pub(super) type Field<'a> = (u32, Value<'a>);

#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A fixed-width number, which no field of the format is: stepped over, as unknown fields are.
    Fixed,
}

/// The bytes are not a protobuf message, or use groups, which protobuf gave up before this format was made.
#[derive(Debug, PartialEq)]
pub(super) struct BadWire;

const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let number =
            u32::try_from(key >> 3).ok().filter(|number| (1..=MAX_FIELD_NUMBER).contains(&(*number).into()))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(usize::try_from(len).ok()?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((number, value))
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// Seven bits a byte, lowest first. The tenth byte has room for one bit.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, BadWire>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(BadWire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &[u8]) -> Vec<Result<Field<'_>, BadWire>> {
        Fields::of(message).collect()
    }

    #[test]
    fn each_wire_type_is_read_or_stepped_over() {
        let message = [
            &[0x08, 0xAC, 0x02][..],
            &[0x11, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x1A, 2, b'h', b'i'],
            &[0x25, 1, 2, 3, 4],
            &[0x2A, 0],
        ]
        .concat();
        let expected = [
            (1, Value::Varint(300)),
            (2, Value::Fixed),
            (3, Value::Bytes(b"hi")),
            (4, Value::Fixed),
            (5, Value::Bytes(b"")),
        ];
        assert_eq!(fields(&message), expected.map(Ok));
    }

    #[test]
    fn varints_go_up_to_64_bits_and_no_further() {
        let largest = [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        assert_eq!(fields(&largest), [Ok((1, Value::Varint(u64::MAX)))]);
        let padded = [0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(fields(&padded), [Ok((1, Value::Varint(1)))]);
        let mut too_large = largest;
        too_large[10] = 0x02;
        assert_eq!(fields(&too_large), [Err(BadWire)]);
        let mut eleven_bytes = padded.to_vec();
        eleven_bytes[10] = 0x80;
        eleven_bytes.push(0);
        assert_eq!(fields(&eleven_bytes), [Err(BadWire)]);
    }

    #[test]
    fn field_numbers_are_from_1_to_2_pow_29_less_1() {
        assert_eq!(fields(&[0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 7]), [Ok((536_870_911, Value::Varint(7)))]);
        assert_eq!(fields(&[0x80, 0x80, 0x80, 0x80, 0x10, 7]), [Err(BadWire)]);
        assert_eq!(fields(&[0x88, 0x80, 0x80, 0x80, 0x80, 0x01, 7]), [Err(BadWire)]);
        assert_eq!(fields(&[0x00, 7]), [Err(BadWire)]);
    }

    #[test]
    fn the_first_error_is_the_last_item() {
        let cases: [(&str, &[u8]); 8] = [
            ("key cut off", &[0x88]),
            ("varint cut off", &[0x08, 0x80]),
            ("no value", &[0x08]),
            ("length beyond the end", &[0x1A, 3, b'h', b'i']),
            ("largest length", &[0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, b'h']),
            ("fixed width cut off", &[0x25, 1, 2, 3]),
            ("group", &[0x0B, 0x08, 1, 0x0C]),
            ("wire type 6, then a valid field", &[0x0E, 0x08, 1]),
        ];
        for (name, message) in cases {
            assert_eq!(fields(message), [Err(BadWire)], "{name}");
        }
    }
}
