//! How much work a lease is.

use crate::lease::Load;

/// A weight, a surplus or a deficit, in thousandths of an idle lease.
pub(super) type Milli = i64;

/// One idle lease.
pub(super) const ONE: Milli = 1000;

/// What the fleet shares out evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Work, and the workers' CPU.
    ///
    /// A lease weighs 1, up to 3 more by the traffic of its shard, and up to 3 more by how busy its handler is. While the
    /// CPU of every worker that holds something is known and they are busy (20 % on average), a worker that is more
    /// than a tenth and more than 5 points off their average is moved towards it, at most once a minute; otherwise all
    /// are given the same weight.
    #[default]
    Utilization,
    /// The number of leases: each weighs 1, and the CPU does not matter.
    LeaseCount,
}

/// The KiB/s that a shard gives to all readers together (Kinesis quotas: 2 MiB/s).
const SHARD_KBPS: f64 = 2048.0;

/// The weights of leases, in the same order; 1 to 7.
///
/// To 1 are added 3 for the traffic that a shard can have, and 3 for a handler that is always at work, in proportion. Up to
/// a quarter together is taken for noise, and fully counted from a half on.
///
/// What is unknown counts as the average of what is known of the other leases; as nothing if nothing is known.
#[must_use]
pub fn weights(strategy: Strategy, loads: &[Load]) -> Vec<f64> {
    if strategy == Strategy::LeaseCount {
        return vec![1.0; loads.len()];
    }
    let traffic = known_or_average(loads, |load| load.kbps.map(|kbps| kbps / SHARD_KBPS));
    let busy = known_or_average(loads, |load| load.busy);
    traffic.zip(busy).map(|(traffic, busy)| in_leases(ONE + without_noise(3 * traffic + 3 * busy))).collect()
}

/// The little work of a quiet lease is nothing, as it comes and goes; half a lease, and what is more, is itself.
fn without_noise(work: Milli) -> Milli {
    work.min((2 * work - ONE / 2).max(0))
}

/// A part from 0 to 1 of each load, in thousandths.
fn known_or_average(loads: &[Load], part: impl Fn(&Load) -> Option<f64>) -> impl Iterator<Item = Milli> {
    let parts: Vec<_> = loads
        .iter()
        .map(|load| part(load).filter(|part| !part.is_nan()).map(|part| to_milli(part.clamp(0.0, 1.0))))
        .collect();
    let (sum, known) = parts.iter().flatten().fold((0, 0), |(sum, known), part| (sum + part, known + 1));
    let average = if known == 0 { 0 } else { sum / known };
    parts.into_iter().map(move |part| part.unwrap_or(average))
}

/// The weight of a piece of work, at least that of an idle lease.
pub(super) fn weight_of(work: &super::Work) -> Milli {
    // What is no number is not more than 1 either.
    if work.weight > 1.0 { to_milli(work.weight.min(1e6)) } else { ONE }
}

/// To the nearest thousandth.
#[expect(clippy::cast_possible_truncation, reason = "saturates, far beyond any weight")]
pub(super) fn to_milli(leases: f64) -> Milli {
    (leases * 1000.0).round() as Milli
}

/// From thousandths.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, which is more leases than there are")]
pub(super) fn in_leases(milli: Milli) -> f64 {
    milli as f64 / 1000.0
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(kbps: Option<f64>, busy: Option<f64>) -> Load {
        Load { kbps, busy }
    }

    #[test]
    fn a_lease_weighs_by_its_traffic_and_by_its_handler_up_to_a_limit() {
        for (kbps, busy, weight) in [
            (0.0, 0.0, 1.0),
            (1024.0, 0.0, 2.5),
            (0.0, 0.5, 2.5),
            (2048.0, 1.0, 7.0),
            (9999.0, 3.0, 7.0),
            (-1.0, -1.0, 1.0),
            (170.0, 0.0, 1.0),
            (0.0, 0.1, 1.1),
            (0.0, 0.2, 1.6),
        ] {
            let loads = [load(Some(kbps), Some(busy))];
            assert_eq!(weights(Strategy::Utilization, &loads), [weight], "{kbps} KiB/s, busy {busy}");
            assert_eq!(weights(Strategy::LeaseCount, &loads), [1.0]);
        }
    }

    #[test]
    fn what_is_unknown_counts_as_the_average_of_what_is_known() {
        let loads = [load(Some(0.0), None), load(Some(2048.0), Some(1.0)), load(None, Some(f64::NAN))];
        assert_eq!(weights(Strategy::Utilization, &loads), [4.0, 7.0, 5.5]);
        assert_eq!(weights(Strategy::Utilization, &[Load::default(); 2]), [1.0, 1.0]);
        assert_eq!(weights(Strategy::Utilization, &[]), [0.0; 0]);
    }
}
