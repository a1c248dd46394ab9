//! Expressions of DynamoDB, put together. Nothing is sent from here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::schema::Attribute;

/// The expressions of one conditional request. All attributes that they do not name stay as they are.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Expressions {
    set: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Expressions {
    /// The update expression, if the request is an update.
    pub(crate) fn update(&self) -> String {
        let sections = [("SET", &self.set), ("ADD", &self.add), ("DELETE", &self.delete), ("REMOVE", &self.remove)];
        let sections = sections.into_iter().filter(|(_, parts)| !parts.is_empty());
        sections.map(|(section, parts)| format!("{section} {}", parts.join(", "))).collect::<Vec<_>>().join(" ")
    }

    /// The condition expression.
    pub(crate) fn condition(&self) -> String {
        self.conditions.join(" AND ")
    }

    /// The values, or `None`: DynamoDB refuses an empty map.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    /// The first word of each part of the update: the attributes that it changes.
    #[cfg(test)]
    pub(crate) fn changed(&self) -> Vec<&str> {
        let parts = [&self.set, &self.add, &self.delete, &self.remove].into_iter().flatten();
        parts.filter_map(|part| part.split(' ').next()).collect()
    }

    /// The item that an update makes where there is none.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn written(&self) -> crate::values::Item {
        let parts = self.set.iter().filter_map(|part| part.split_once(" = "));
        parts.map(|(name, value)| (self.names[name].clone(), self.values[value].clone())).collect()
    }

    /// The name of an attribute as these expressions have it.
    pub(crate) fn name(&mut self, attribute: Attribute) -> String {
        let alias = attribute.alias();
        self.names.insert(alias.clone(), attribute.name().to_owned());
        alias
    }

    /// The name of a value as these expressions have it.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    pub(crate) fn set(&mut self, attribute: Attribute, value: AttributeValue) {
        let part = format!("{} = {}", self.name(attribute), self.value(value));
        self.set.push(part);
    }

    pub(crate) fn set_if_absent(&mut self, attribute: Attribute, value: AttributeValue) {
        let (name, value) = (self.name(attribute), self.value(value));
        self.set.push(format!("{name} = if_not_exists({name}, {value})"));
    }

    /// Adds to a number or to a set. What is absent counts as zero, or empty.
    pub(crate) fn add(&mut self, attribute: Attribute, value: AttributeValue) {
        let part = format!("{} {}", self.name(attribute), self.value(value));
        self.add.push(part);
    }

    /// Removes from a set. One that is empty then is gone.
    pub(crate) fn delete(&mut self, attribute: Attribute, value: AttributeValue) {
        let part = format!("{} {}", self.name(attribute), self.value(value));
        self.delete.push(part);
    }

    pub(crate) fn remove(&mut self, attribute: Attribute) {
        let name = self.name(attribute);
        self.remove.push(name);
    }

    pub(crate) fn require(&mut self, attribute: Attribute, value: AttributeValue) {
        let condition = format!("{} = {}", self.name(attribute), self.value(value));
        self.conditions.push(condition);
    }

    pub(crate) fn require_other(&mut self, attribute: Attribute, value: AttributeValue) {
        let condition = format!("{} <> {}", self.name(attribute), self.value(value));
        self.conditions.push(condition);
    }

    pub(crate) fn require_present(&mut self, attribute: Attribute) {
        let condition = format!("attribute_exists({})", self.name(attribute));
        self.conditions.push(condition);
    }

    pub(crate) fn require_absent(&mut self, attribute: Attribute) {
        let condition = format!("attribute_not_exists({})", self.name(attribute));
        self.conditions.push(condition);
    }

    /// Any other condition, made of names and values of these expressions.
    pub(crate) fn require_that(&mut self, condition: String) {
        self.conditions.push(condition);
    }
}
