//! The events: a week of departures, keyed by aircraft.

use kcl_core::error::Failure;

const CSV: &str = include_str!("../../../data/flights.csv");

/// One departure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flight {
    /// Its place in the file, from 0: the order that must be kept for each aircraft.
    pub(crate) row: usize,
    /// The partition key.
    pub(crate) aircraft: &'static str,
    line: &'static str,
}

impl Flight {
    /// What is put into the stream: the row's number and the row.
    pub(crate) fn data(&self) -> String {
        format!("{},{}", self.row, self.line)
    }
}

/// All flights, in order of departure.
pub(crate) fn all() -> Vec<Flight> {
    let aircraft = |line: &'static str| line.split_once(',').map_or(line, |(aircraft, _)| aircraft);
    let rows = CSV.lines().skip(1).enumerate();
    rows.map(|(row, line)| Flight { row, aircraft: aircraft(line), line }).collect()
}

/// The row of a flight, from what was put into the stream.
pub(crate) fn row_of(data: &[u8]) -> Result<usize, Failure> {
    let text = std::str::from_utf8(data)?;
    let (row, _) = text.split_once(',').ok_or("not a flight: there is no comma in it")?;
    Ok(row.parse()?)
}
