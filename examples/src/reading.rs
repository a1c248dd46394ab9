//! The two ways to read a stream, as an option of a program.

use std::fmt;

use clap::ValueEnum;

/// How to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reading {
    /// `GetRecords`: shares what a shard gives with all who poll it.
    Polling,
    /// Enhanced fan-out, as the consumer of the application's name: it is registered if it is missing.
    Efo,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Polling => "polling",
            Self::Efo => "enhanced fan-out",
        })
    }
}
