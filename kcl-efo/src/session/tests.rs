use bytes::Bytes;

use super::*;

const SILENCE: Duration = Duration::from_secs(30);

struct Bench {
    session: Session,
    now: Instant,
    luck: fastrand::Rng,
}

fn number(number: u64) -> SequenceNumber {
    SequenceNumber::parse(&number.to_string()).expect("a number")
}

fn event(records: impl IntoIterator<Item = u64>, continuation: Option<u64>) -> Event {
    let records = records.into_iter().map(|sequence| RawRecord {
        sequence_number: number(sequence),
        partition_key: None,
        data: Bytes::new(),
        arrival: None,
    });
    Event { records: records.collect(), continuation: continuation.map(number), ..Event::default() }
}

impl Bench {
    fn new(from: StartAt) -> Self {
        let now = Instant::now();
        Self { session: Session::new(from, None, SILENCE), now, luck: fastrand::Rng::with_seed(1) }
    }

    /// A session that has subscribed.
    fn subscribed() -> Self {
        let mut bench = Self::new(StartAt::TrimHorizon);
        bench.subscribe();
        bench
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    fn subscribe(&mut self) {
        self.session.called(self.now);
        self.session.subscribed(self.now, Timestamp::from_millis(77), &mut self.luck);
    }

    /// In how many milliseconds the next call is due.
    fn due(&self) -> u64 {
        let pause = self.session.next_call().map_or(Duration::ZERO, |at| at.saturating_duration_since(self.now));
        u64::try_from(pause.as_millis()).expect("short")
    }

    fn event(&mut self, records: impl IntoIterator<Item = u64>, continuation: Option<u64>) -> (Vec<u64>, usize) {
        let taken = self.session.event(self.now, event(records, continuation));
        let numbers = taken.records.iter().map(|record| record.sequence_number.as_str().parse().expect("small"));
        (numbers.collect(), taken.repeated)
    }
}

#[test]
fn a_call_is_made_at_once_and_again_after_a_second() {
    let mut bench = Bench::new(StartAt::TrimHorizon);
    assert_eq!(bench.due(), 0);
    bench.session.called(bench.now);
    bench.session.not_subscribed(bench.now, true);
    assert_eq!(bench.due(), 1_000);
    bench.pass(400);
    bench.session.not_subscribed(bench.now, true);
    assert_eq!(bench.due(), 1_000, "a second after the answer");
    bench.session.not_subscribed(bench.now, false);
    assert_eq!(bench.due(), 5_000, "it may have succeeded");
}

#[test]
fn a_shard_that_was_just_read_by_another_session_rests() {
    let now = Instant::now();
    let session = Session::new(StartAt::TrimHorizon, Some(now + Duration::from_secs(3)), SILENCE);
    assert_eq!(session.next_call(), Some(now + Duration::from_secs(3)));
}

#[test]
fn after_a_success_no_call_is_made_for_five_seconds() {
    let mut bench = Bench::subscribed();
    bench.pass(2_000);
    bench.session.closed();
    assert_eq!(bench.due(), 3_000);
    bench.pass(10_000);
    assert_eq!(bench.due(), 0);
}

#[test]
fn a_subscription_is_renewed_shortly_before_its_five_minutes_are_over() {
    let mut moments = Vec::new();
    for _ in 0..3 {
        let mut bench = Bench::new(StartAt::TrimHorizon);
        bench.luck = fastrand::Rng::with_seed(moments.len() as u64);
        bench.subscribe();
        assert!((260_000..280_000).contains(&bench.due()), "{}", bench.due());
        moments.push(bench.due());
    }
    assert!(moments[0] != moments[1] && moments[1] != moments[2], "not all at once: {moments:?}");
}

#[test]
fn a_renewal_that_failed_is_tried_again_while_the_old_one_goes_on() {
    let mut bench = Bench::subscribed();
    bench.pass(bench.due());
    bench.session.called(bench.now);
    assert_eq!(bench.session.in_the_way(bench.now), InTheWay::Wait);
    assert_eq!(bench.due(), 5_000);
    assert!(bench.session.silent_at().is_some(), "the old one is still watched");
    bench.session.closed();
    assert_eq!(bench.due(), 1_000, "the old one ended: no more waiting than the service asks for");
}

#[test]
fn latest_becomes_the_time_of_the_first_subscription() {
    let mut bench = Bench::new(StartAt::Latest);
    bench.session.called(bench.now);
    bench.session.not_subscribed(bench.now, true);
    assert_eq!(bench.session.from(), &StartAt::Latest);
    bench.subscribe();
    assert_eq!(bench.session.from(), &StartAt::Timestamp(Timestamp::from_millis(77)));
    bench.event([], Some(9));
    assert_eq!(bench.session.from(), &StartAt::At(number(9)));
}

#[test]
fn the_next_subscription_starts_where_the_last_event_says() {
    let mut bench = Bench::subscribed();
    assert_eq!(bench.event([3, 5], Some(6)), (vec![3, 5], 0));
    assert_eq!(bench.session.from(), &StartAt::At(number(6)));
    assert_eq!(bench.event([], Some(40)), (vec![], 0));
    assert_eq!(bench.session.from(), &StartAt::At(number(40)), "also on a quiet shard");
}

#[test]
fn what_two_subscriptions_bring_is_left_out_once() {
    let mut bench = Bench::subscribed();
    bench.event([3, 5, 7], Some(8));
    bench.subscribe();
    assert_eq!(bench.event([3, 5], Some(6)), (vec![], 2));
    assert_eq!(bench.session.from(), &StartAt::After(number(7)), "it does not go back");
    assert_eq!(bench.event([7, 9], Some(10)), (vec![9], 1));
    assert_eq!(bench.session.from(), &StartAt::At(number(10)));
    assert_eq!(bench.event([9], None), (vec![], 1));
    assert_eq!(bench.session.from(), &StartAt::After(number(9)));
}

#[test]
fn the_last_event_ends_the_shard() {
    let mut bench = Bench::subscribed();
    let taken = bench.session.event(bench.now, Event { children: Some(Vec::new()), ..event([4], None) });
    assert_eq!(taken.records.len(), 1);
    assert_eq!(bench.session.ended(), Some(&[][..]));
    assert_eq!(bench.session.silent_at(), None);
}

#[test]
fn silence_is_counted_from_the_last_event() {
    let mut bench = Bench::subscribed();
    bench.pass(20_000);
    bench.event([], Some(1));
    bench.pass(29_900);
    assert!(!bench.session.is_silent(bench.now));
    bench.pass(100);
    assert!(bench.session.is_silent(bench.now));
    bench.session.closed();
    assert!(!bench.session.is_silent(bench.now), "there is nothing to listen to");
}

#[test]
fn a_process_that_stood_still_listens_for_a_moment_first() {
    let mut bench = Bench::subscribed();
    bench.pass(300_000);
    assert!(!bench.session.is_silent(bench.now));
    bench.pass(2_000);
    assert!(bench.session.is_silent(bench.now));
}

#[test]
fn a_former_owner_is_waited_for_and_told_of_when_it_lasts() {
    let mut bench = Bench::new(StartAt::TrimHorizon);
    let mut waited = 0;
    loop {
        bench.pass(bench.due());
        bench.session.called(bench.now);
        match bench.session.in_the_way(bench.now) {
            InTheWay::Wait => waited += 1,
            InTheWay::Tell => break,
        }
    }
    assert_eq!(waited, 8, "once a second for eight seconds");
    bench.subscribe();
    bench.session.taken_over(bench.now);
    assert_eq!(bench.due(), 5_000);
    assert_eq!(bench.session.in_the_way(bench.now), InTheWay::Wait, "another time");
}

#[test]
fn an_early_end_is_a_wonder_the_second_time() {
    let mut bench = Bench::subscribed();
    assert!(bench.session.ended_well(bench.now));
    bench.subscribe();
    bench.event([], Some(1));
    assert!(bench.session.ended_well(bench.now));
    for well in [true, false, false] {
        bench.subscribe();
        bench.pass(3_000);
        assert_eq!(bench.session.ended_well(bench.now), well);
    }
    bench.subscribe();
    bench.pass(300_000);
    assert!(bench.session.ended_well(bench.now), "nobody was reading, and its time was up");
}
