//! What reading costs: one consumer process, and a service that answers without work of its own.

pub(crate) mod answers;
pub(crate) mod backlog;
pub(crate) mod compare;
pub(crate) mod consumer;
pub(crate) mod figures;
pub(crate) mod floor;
pub(crate) mod front;
pub(crate) mod heard;
pub(crate) mod kinds;
pub(crate) mod payload;
pub(crate) mod process;
pub(crate) mod pushed;
pub(crate) mod run;
pub(crate) mod said;
pub(crate) mod written;
