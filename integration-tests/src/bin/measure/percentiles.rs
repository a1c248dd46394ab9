//! Percentiles of what was measured.

/// Some measurements at a glance, in their own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How many.
    pub(crate) count: usize,
    /// Half of them are at most this.
    pub(crate) median: u64,
    /// 99 of 100 are at most this. Of fewer than 100 it is the greatest.
    pub(crate) p99: u64,
    /// The greatest.
    pub(crate) max: u64,
}

impl Summary {
    /// Of these, in any order; `None` of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut sorted: Vec<u64> = values.into_iter().collect();
        sorted.sort_unstable();
        let max = *sorted.last()?;
        Some(Self { count: sorted.len(), median: nearest_rank(&sorted, 50)?, p99: nearest_rank(&sorted, 99)?, max })
    }
}

/// The smallest value that is not less than `percent` of 100 of all: always one that was measured.
fn nearest_rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_values_each_percentile_is_the_value_of_its_rank() {
        let summary = Summary { count: 100, median: 50, p99: 99, max: 100 };
        assert_eq!(Summary::of((1..=100).rev()), Some(summary));
    }

    #[test]
    fn of_few_values_the_percentile_is_one_of_them() {
        for (values, median, p99) in [(vec![7], 7, 7), (vec![9, 1], 1, 9), (vec![3, 1, 2], 2, 3)] {
            let summary = Summary::of(values.clone()).expect("there are some");
            assert_eq!((summary.median, summary.p99, summary.max), (median, p99, p99), "{values:?}");
        }
    }

    #[test]
    fn of_two_hundred_values_the_last_two_are_beyond_the_99th_percentile() {
        let summary = Summary::of(1..=200).expect("there are some");
        assert_eq!((summary.p99, summary.max), (198, 200));
    }

    #[test]
    fn of_nothing_there_is_no_summary() {
        assert_eq!(Summary::of([]), None);
    }
}
