//! Many seeds, each run in a process of its own.

use std::collections::VecDeque;
use std::process::Child;

use super::Arguments;
use super::one::{begin, end};
use super::score::Score;

/// Lives through many seeds.
pub(super) fn live(from: u64, count: u64, arguments: &Arguments) -> bool {
    let runs = if arguments.twice { 2 } else { 1 };
    let mut to_begin: VecDeque<_> = (from..from.saturating_add(count)).flat_map(|seed| vec![seed; runs]).collect();
    let mut begun: VecDeque<(u64, Child)> = VecDeque::new();
    let mut score = Score::default();
    let mut before: Option<(u64, String)> = None;
    loop {
        while begun.len() < arguments.jobs.max(1)
            && let Some(seed) = to_begin.pop_front()
        {
            match begin(seed, &[], arguments.planted) {
                Ok(child) => begun.push_back((seed, child)),
                Err(error) => {
                    println!("seed={seed} violation: its process could not be started: {error}");
                    return false;
                }
            }
        }
        let Some((seed, child)) = begun.pop_front() else { break };
        let (fine, text) = end(child);
        if let Some((_, first)) = before.take_if(|(earlier, _)| *earlier == seed) {
            score.compare(seed, &first, &text);
            continue;
        }
        print!("{text}");
        score.add(seed, fine, &text, arguments.planted);
        if arguments.stop_at_first && !fine {
            to_begin.clear();
        }
        before = Some((seed, text));
    }
    score.sum_up()
}
