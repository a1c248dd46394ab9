//! For those who write their own store, or test against one: the promises of a [`LeaseStore`](crate::store::LeaseStore)
//! as tests, and a store that fails as it is told.
//!
//! Everything here panics where a promise is broken. It is for tests, and only there with the feature `test-util`.

pub mod conformance;
pub mod faulty;
pub mod scripted;
pub mod source_conformance;
pub mod standstill;
