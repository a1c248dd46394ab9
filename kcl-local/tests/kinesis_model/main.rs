//! The rules of the Kinesis model, by the operations they belong to.

mod consumers;
mod consumers_json;
mod iterators;
mod json;
mod list_shards;
mod put;
mod random_histories;
mod read;
mod reshard;
mod retention;
mod sdk;
mod settings;
mod streams;
mod subscription_histories;
mod subscriptions;
mod subscriptions_end;
mod world;
