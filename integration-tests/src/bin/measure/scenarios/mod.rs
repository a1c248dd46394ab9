//! What can be measured, each in a file of its own.

pub(crate) mod failover;
pub(crate) mod freeze;
pub(crate) mod handover;
pub(crate) mod idle;
pub(crate) mod plan;
pub(crate) mod scale_out;
pub(crate) mod wire;
