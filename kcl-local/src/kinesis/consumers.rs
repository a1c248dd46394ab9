//! The place of enhanced fan-out, which this model does not have yet: registered consumers, with their states and
//! limits, and subscriptions to shards. Until then its operations are refused by name, so that a caller who needs
//! them learns at once that it is the model and not the stream that lacks them.

const OPERATIONS: [&str; 5] = [
    "DeregisterStreamConsumer",
    "DescribeStreamConsumer",
    "ListStreamConsumers",
    "RegisterStreamConsumer",
    "SubscribeToShard",
];

/// Whether an operation belongs to enhanced fan-out.
pub(super) fn owns(operation: &str) -> bool {
    OPERATIONS.contains(&operation)
}
