//! Which consumers are measured, and on what.

use clap::ValueEnum;

/// How records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// `GetRecords`.
    Polling,
    /// `SubscribeToShard`.
    FanOut,
}

/// What the records of the stream hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Payload {
    /// One user record each.
    Plain,
    /// Many user records each, packed as by the Kinesis Producer Library.
    Aggregated,
}

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A worker of this project, with a lease table.
    Worker,
    /// The AWS SDK alone: the floor.
    Sdk,
    /// Another library, by the command that starts it.
    Peer(Peer),
}

/// Another library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// What it is called.
    pub(crate) name: String,
    /// The program, and its first arguments.
    pub(crate) command: Vec<String>,
}

impl Mode {
    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::FanOut => "fan-out",
        }
    }
}

impl Payload {
    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Aggregated => "aggregated",
        }
    }
}

impl Reader {
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Worker => "worker",
            Self::Sdk => "sdk alone",
            Self::Peer(peer) => &peer.name,
        }
    }
}

impl std::str::FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').ok_or("write NAME=COMMAND, with spaces between its arguments")?;
        let command: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || command.is_empty() {
            return Err("both a name and a command are needed".to_owned());
        }
        Ok(Self { name: name.to_owned(), command })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_name_and_a_command() {
        let peer = Peer { name: "other".into(), command: vec!["python".into(), "read.py".into()] };
        assert_eq!("other=python  read.py".parse(), Ok(peer));
        for wrong in ["other", "=python", "other="] {
            wrong.parse::<Peer>().expect_err(wrong);
        }
    }
}
