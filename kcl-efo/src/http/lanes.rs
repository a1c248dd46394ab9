//! Which connection a subscription goes over, and which connections are not used any more. Decisions only.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// How lanes are used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Requests on one connection at a time.
    most: usize,
    /// A connection on which nothing comes for as long, while somebody gives up waiting, is taken for dead.
    quiet: Duration,
}

impl Rules {
    /// Far fewer than the service allows, and so few that one that is not read for a moment has few others behind it. Each
    /// subscription that lives is sent something about every 5 seconds.
    pub(super) const SUBSCRIPTIONS: Self = Self { most: 50, quiet: Duration::from_secs(8) };
    /// All other requests are small, and given up after 5 seconds.
    pub(super) const OTHERS: Self = Self { most: usize::MAX, quiet: Duration::from_secs(4) };
}

/// The lanes: clients with connections of their own.
#[derive(Debug)]
pub(super) struct Lanes<C> {
    rules: Rules,
    by_number: BTreeMap<u64, Lane<C>>,
    made: u64,
}

#[derive(Debug)]
struct Lane<C> {
    client: C,
    open: usize,
    heard: Instant,
    left: bool,
}

impl<C: Clone> Lanes<C> {
    /// One more request: the number of its lane, the one with the fewest that has room, or one that is made.
    pub(super) fn enter(&mut self, now: Instant, make: impl FnOnce() -> C) -> (u64, C) {
        let usable = self.by_number.iter_mut().filter(|(_, lane)| !lane.left && lane.open < self.rules.most);
        if let Some((number, lane)) = usable.min_by_key(|(_, lane)| lane.open) {
            if lane.open == 0 {
                // Nobody was there to hear anything.
                lane.heard = now;
            }
            lane.open += 1;
            return (*number, lane.client.clone());
        }
        self.made += 1;
        let client = make();
        self.by_number.insert(self.made, Lane { client: client.clone(), open: 1, heard: now, left: false });
        (self.made, client)
    }
}

impl<C> Lanes<C> {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, by_number: BTreeMap::new(), made: 0 }
    }

    /// Something came on a lane.
    pub(super) fn heard(&mut self, number: u64, now: Instant) {
        if let Some(lane) = self.by_number.get_mut(&number) {
            lane.heard = now;
        }
    }

    /// A request is over; `waited` if somebody gave up waiting for it to go on.
    pub(super) fn leave(&mut self, number: u64, now: Instant, waited: bool) {
        let Some(lane) = self.by_number.get_mut(&number) else { return };
        lane.open -= 1;
        lane.left |= waited && now.duration_since(lane.heard) >= self.rules.quiet;
        if lane.left && lane.open == 0 {
            self.by_number.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        lanes: Lanes<u64>,
        clients: u64,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { lanes: Lanes::new(Rules::SUBSCRIPTIONS), clients: 0, now: Instant::now() }
        }

        fn enter(&mut self) -> u64 {
            let clients = &mut self.clients;
            let (lane, client) = self.lanes.enter(self.now, || {
                *clients += 1;
                *clients
            });
            assert_eq!(lane, client, "each lane has a client of its own");
            lane
        }

        fn pass(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
        }
    }

    #[test]
    fn a_lane_takes_as_many_as_it_may_and_the_emptiest_comes_first() {
        let mut bench = Bench::new();
        assert!((0..50).all(|_| bench.enter() == 1));
        assert!((0..50).all(|_| bench.enter() == 2));
        bench.lanes.leave(1, bench.now, false);
        bench.lanes.leave(2, bench.now, false);
        bench.lanes.leave(2, bench.now, false);
        assert_eq!([bench.enter(), bench.enter(), bench.enter(), bench.enter()], [2, 1, 2, 3]);
    }

    #[test]
    fn a_lane_on_which_nothing_comes_is_left() {
        let mut bench = Bench::new();
        assert_eq!([bench.enter(), bench.enter()], [1, 1]);
        bench.pass(5);
        bench.lanes.heard(1, bench.now);
        bench.pass(7);
        bench.lanes.leave(1, bench.now, true);
        assert_eq!(bench.enter(), 1, "one subscription may fall silent while the others live");
        bench.pass(1);
        bench.lanes.leave(1, bench.now, true);
        assert_eq!(bench.enter(), 2);
        bench.lanes.heard(1, bench.now);
        bench.lanes.leave(1, bench.now, false);
        assert_eq!(bench.lanes.by_number.keys().copied().collect::<Vec<_>>(), [2], "the last one takes it along");
    }

    #[test]
    fn a_lane_is_not_dead_because_nobody_used_it() {
        let mut bench = Bench::new();
        bench.enter();
        bench.lanes.leave(1, bench.now, false);
        bench.pass(3600);
        assert_eq!(bench.enter(), 1);
        bench.pass(7);
        bench.lanes.leave(1, bench.now, true);
        assert_eq!(bench.enter(), 1);
        bench.pass(8);
        bench.lanes.leave(1, bench.now, true);
        assert_eq!(bench.enter(), 2);
    }
}
