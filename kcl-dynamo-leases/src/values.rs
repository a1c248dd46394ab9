//! Values of attributes, read and made.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::time::Timestamp;

use crate::schema::Attribute;

/// An item as the SDK gives and takes it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Why an item is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    attribute: Attribute,
    problem: String,
}

impl Malformed {
    pub(crate) fn new(attribute: Attribute, problem: impl Into<String>) -> Self {
        Self { attribute, problem: problem.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attribute {} {}", self.attribute.name(), self.problem)
    }
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn time_value(time: Timestamp) -> AttributeValue {
    n(time.millis())
}

/// Rounded to six decimals as the Java KCL does, or `None` if it is no sensible amount: then nothing is written.
pub(crate) fn decimal_value(amount: f64) -> Option<AttributeValue> {
    /// More than anything here amounts to, and far from the largest number that DynamoDB takes.
    const LIMIT: f64 = 1e15;
    let rounded = (amount * 1e6).round() / 1e6;
    (0.0..LIMIT).contains(&rounded).then(|| AttributeValue::N(rounded.to_string()))
}

pub(crate) fn text(item: &Item, attribute: Attribute) -> Result<Option<&str>, Malformed> {
    match item.get(attribute.name()) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(attribute, "S", other)),
    }
}

pub(crate) fn required_text(item: &Item, attribute: Attribute) -> Result<&str, Malformed> {
    text(item, attribute)?.ok_or_else(|| missing(attribute))
}

pub(crate) fn number(item: &Item, attribute: Attribute) -> Result<Option<u64>, Malformed> {
    match item.get(attribute.name()) {
        None => Ok(None),
        Some(AttributeValue::N(digits)) => match digits.parse::<i64>().map(u64::try_from) {
            Ok(Ok(number)) => Ok(Some(number)),
            _ => Err(Malformed::new(attribute, format!("is {digits}, not a whole number that fits a Java long"))),
        },
        Some(other) => Err(wrong_type(attribute, "N", other)),
    }
}

pub(crate) fn required_number(item: &Item, attribute: Attribute) -> Result<u64, Malformed> {
    number(item, attribute)?.ok_or_else(|| missing(attribute))
}

pub(crate) fn decimal(item: &Item, attribute: Attribute) -> Result<Option<f64>, Malformed> {
    match item.get(attribute.name()) {
        None => Ok(None),
        Some(AttributeValue::N(number)) => {
            number.parse().map(Some).map_err(|_| Malformed::new(attribute, format!("is {number}, not a number")))
        }
        Some(other) => Err(wrong_type(attribute, "N", other)),
    }
}

/// Whether the item has a flag, and has it set.
pub(crate) fn flag(item: &Item, attribute: Attribute) -> Result<bool, Malformed> {
    match item.get(attribute.name()) {
        None => Ok(false),
        Some(AttributeValue::Bool(flag)) => Ok(*flag),
        Some(other) => Err(wrong_type(attribute, "BOOL", other)),
    }
}

/// The texts of a set; none if it is absent.
pub(crate) fn texts(item: &Item, attribute: Attribute) -> Result<&[String], Malformed> {
    match item.get(attribute.name()) {
        None => Ok(&[]),
        Some(AttributeValue::Ss(texts)) => Ok(texts),
        Some(other) => Err(wrong_type(attribute, "SS", other)),
    }
}

pub(crate) fn missing(attribute: Attribute) -> Malformed {
    Malformed::new(attribute, "is missing")
}

pub(crate) fn wrong_type(attribute: Attribute, expected: &str, value: &AttributeValue) -> Malformed {
    let actual = match value {
        AttributeValue::B(_) => "B",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::Bs(_) => "BS",
        AttributeValue::L(_) => "L",
        AttributeValue::M(_) => "M",
        AttributeValue::N(_) => "N",
        AttributeValue::Ns(_) => "NS",
        AttributeValue::Null(_) => "NULL",
        AttributeValue::S(_) => "S",
        AttributeValue::Ss(_) => "SS",
        _ => "unknown",
    };
    Malformed::new(attribute, format!("has the type {actual}, not {expected}"))
}
