//! How long a shard was silent, from the times at which records of it were handled.

/// How long a shard was silent around an event: the longest time without a handled record that reaches beyond `event`,
/// up to `until`, less the `period` in which records are put.
///
/// `handled` are the times, in order. `None` if nothing was handled after the event. All in one unit.
pub(crate) fn gap(handled: &[u64], event: u64, until: u64, period: u64) -> Option<u64> {
    let handled = &handled[..handled.partition_point(|at| *at <= until)];
    let (before, after) = handled.split_at(handled.partition_point(|at| *at <= event));
    after.first()?;
    // What was never read before is silent from the event on; what is silent at the end is so until the end.
    let begin = before.last().copied().unwrap_or(event);
    let longest = intervals(std::iter::once(begin).chain(after.iter().copied()).chain([until])).max()?;
    Some(longest.saturating_sub(period))
}

/// The times between handled records from `from` to `until`: what is usual.
pub(crate) fn usual(handled: &[u64], from: u64, until: u64, period: u64) -> Vec<u64> {
    let times = handled.iter().copied().filter(|at| (from..=until).contains(at));
    intervals(times).map(|interval| interval.saturating_sub(period)).collect()
}

fn intervals(times: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let mut last = None;
    times.filter_map(move |at| last.replace(at).map(|before| at.saturating_sub(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_the_silence_over_the_event_less_the_period() {
        let handled = [100, 200, 300, 1500, 1600, 1700];
        assert_eq!(gap(&handled, 350, 1750, 20), Some(1180));
    }

    #[test]
    fn a_silence_that_begins_after_the_event_counts_too() {
        assert_eq!(gap(&[100, 200, 300, 1300, 1400], 210, 1450, 0), Some(1000));
    }

    #[test]
    fn a_silence_before_the_event_does_not_count() {
        assert_eq!(gap(&[100, 900, 1000, 1100, 1200], 1050, 1250, 0), Some(100));
    }

    #[test]
    fn a_silence_that_lasts_to_the_end_counts() {
        assert_eq!(gap(&[100, 200, 300], 250, 2000, 0), Some(1700));
    }

    #[test]
    fn what_was_not_read_before_is_silent_from_the_event_on() {
        assert_eq!(gap(&[700, 750], 400, 800, 0), Some(300));
    }

    #[test]
    fn a_shard_that_is_not_read_again_has_no_gap() {
        assert_eq!(gap(&[100, 200], 250, 2000, 0), None);
        assert_eq!(gap(&[100, 200, 2001], 250, 2000, 0), None, "what comes too late does not count");
        assert_eq!(gap(&[], 250, 2000, 0), None);
    }

    #[test]
    fn a_gap_shorter_than_the_period_is_none() {
        assert_eq!(gap(&[100, 110, 120], 105, 125, 20), Some(0));
    }

    #[test]
    fn what_is_usual_is_between_the_records_of_the_window() {
        assert_eq!(usual(&[0, 500, 700, 1000, 5000], 400, 1000, 20), [180, 280]);
        assert_eq!(usual(&[500], 0, 1000, 20), Vec::<u64>::new());
    }
}
