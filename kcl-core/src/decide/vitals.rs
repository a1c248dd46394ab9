//! Whether a shard is gone on with: what its reader and its processor are about, since when, and when that is too long.
//!
//! The reader's time counts only while it asks: not while it waits for room in the byte budget, nor while nobody polls it,
//! nor while the processor has the thread that both run on. So a slow processor never passes for a dead reader.

use std::time::Duration;

use tokio::time::Instant;

/// A call of the processor that lasts longer than this is told of, and again each time that as much has passed.
pub const SLOW: Duration = Duration::from_mins(1);

/// Longer than any process lives.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// How long a shard may stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    reader: Duration,
    handler: Option<Duration>,
}

impl Limits {
    /// For how long the reader may ask without an answer, and how long a call of the processor may last. Both are counted
    /// as a year at most.
    #[must_use]
    pub fn new(reader: Duration, handler: Option<Duration>) -> Self {
        Self { reader: reader.min(FOR_EVER), handler: handler.map(|handler| handler.min(FOR_EVER)) }
    }
}

/// What is known of the tasks of one shard.
#[derive(Debug, Clone)]
pub struct Vitals {
    reader: Reader,
    call: Option<Call>,
    ended: bool,
}

#[derive(Debug, Clone)]
struct Reader {
    /// It wants something of its source, and has not got it.
    asks: bool,
    /// Its future is being waited for.
    attended: bool,
    /// How many other things it waits for first.
    held_up: u32,
    /// For how long it has asked, as of `counted`.
    asked: Duration,
    counted: Instant,
}

#[derive(Debug, Clone)]
struct Call {
    since: Instant,
    /// What was told of last: whole times of [`SLOW`].
    told: Duration,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Well,
    /// A call of the processor lasts that long: it is to be told of.
    Slow(Duration),
    /// The lease is to be given up.
    Stalled(Cause),
}

/// Why a shard is not gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The reader has asked for that long and got no answer, or errors only.
    Reader(Duration),
    /// A call of the processor has lasted for that long.
    Handler(Duration),
    /// The shard's task is no more.
    Ended,
}

impl Reader {
    fn asked(&self, now: Instant) -> Duration {
        let counts = self.asks && self.attended && self.held_up == 0;
        self.asked + if counts { now.saturating_duration_since(self.counted) } else { Duration::ZERO }
    }
}

impl Vitals {
    /// A shard whose tasks begin.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let reader = Reader { asks: false, attended: false, held_up: 0, asked: Duration::ZERO, counted: now };
        Self { reader, call: None, ended: false }
    }

    fn reader(&mut self, now: Instant, change: impl FnOnce(&mut Reader)) {
        self.reader.asked = self.reader.asked(now);
        self.reader.counted = now;
        change(&mut self.reader);
    }

    /// The reader asks its source, for the first time or again.
    pub fn asks(&mut self, now: Instant) {
        self.reader(now, |reader| reader.asks = true);
    }

    /// The reader got an answer, be it an empty one; or there is no reader any more.
    pub fn answered(&mut self, now: Instant) {
        self.reader(now, |reader| (reader.asks, reader.asked) = (false, Duration::ZERO));
    }

    /// Somebody waits for the reader's future from now on, or does not any more.
    pub fn attended(&mut self, now: Instant, is: bool) {
        self.reader(now, |reader| reader.attended = is);
    }

    /// The reader waits for something that is not its source's to give, or does not any more. These can overlap.
    pub fn held_up(&mut self, now: Instant, is: bool) {
        self.reader(now, |reader| {
            reader.held_up = if is { reader.held_up + 1 } else { reader.held_up.saturating_sub(1) };
        });
    }

    /// A call of the processor begins.
    pub fn call_begins(&mut self, now: Instant) {
        self.call = Some(Call { since: now, told: Duration::ZERO });
    }

    /// The call is over. Answers how long it took, if it was told of.
    pub fn call_ends(&mut self, now: Instant) -> Option<Duration> {
        let call = self.call.take()?;
        (!call.told.is_zero()).then(|| now.saturating_duration_since(call.since))
    }

    /// It was told that the call lasts that long.
    pub fn told(&mut self, lasting: Duration) {
        if let Some(call) = &mut self.call {
            let times = u32::try_from(lasting.as_secs() / SLOW.as_secs()).unwrap_or(u32::MAX);
            call.told = SLOW.saturating_mul(times);
        }
    }

    /// The shard's task is no more.
    pub fn task_ended(&mut self) {
        self.ended = true;
    }

    /// What follows now.
    #[must_use]
    pub fn verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        if self.ended {
            return Verdict::Stalled(Cause::Ended);
        }
        let call = self.call.as_ref().map(|call| (now.saturating_duration_since(call.since), call.told));
        if let (Some((lasting, _)), Some(limit)) = (call, limits.handler)
            && lasting >= limit
        {
            return Verdict::Stalled(Cause::Handler(lasting));
        }
        let asked = self.reader.asked(now);
        if asked >= limits.reader {
            return Verdict::Stalled(Cause::Reader(asked));
        }
        match call {
            Some((lasting, told)) if lasting >= told + SLOW => Verdict::Slow(lasting),
            _ => Verdict::Well,
        }
    }

    /// When to ask for a verdict again: whatever begins after now, none is due before that.
    #[must_use]
    pub fn due(&self, now: Instant, limits: &Limits) -> Instant {
        if self.ended {
            return now;
        }
        let (since, told) = self.call.as_ref().map_or((now, Duration::ZERO), |call| (call.since, call.told));
        let tell = since + told + SLOW;
        let handler = limits.handler.map_or(tell, |limit| tell.min(since + limit));
        handler.min(now + limits.reader.saturating_sub(self.reader.asked(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { reader: Duration::from_secs(300), handler: None };

    /// What happens to a shard, and after how many seconds.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Asks,
        Answered,
        Attended(bool),
        HeldUp(bool),
        Calls,
        Returns,
        Told(u64),
        TaskEnds,
    }
    use Step::{Answered, Asks, Attended, Calls, HeldUp, Returns, TaskEnds, Told};

    /// What happened, when a verdict is asked for, and what it must be.
    type Case<'a> = (&'a [(u64, Step)], u64, Verdict);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn after(steps: &[(u64, Step)], start: Instant) -> Vitals {
        let mut vitals = Vitals::new(start);
        for (at, step) in steps {
            let now = start + seconds(*at);
            match step {
                Asks => vitals.asks(now),
                Answered => vitals.answered(now),
                Attended(is) => vitals.attended(now, *is),
                HeldUp(is) => vitals.held_up(now, *is),
                Calls => vitals.call_begins(now),
                Returns => drop(vitals.call_ends(now)),
                Told(lasting) => vitals.told(seconds(*lasting)),
                TaskEnds => vitals.task_ended(),
            }
        }
        vitals
    }

    /// Each verdict holds at its moment, and is not reached a millisecond before; and who asks again when it is due finds it
    /// at that moment.
    fn check(limits: &Limits, table: &[Case<'_>]) {
        let start = Instant::now();
        for (steps, at, expected) in table {
            let vitals = after(steps, start);
            let now = start + seconds(*at);
            assert_eq!(vitals.verdict(now, limits), *expected, "{steps:?} at {at} s");
            let last = start + seconds(steps.last().map_or(0, |(at, _)| *at));
            let mut next = vitals.due(last, limits);
            while next < now {
                assert_eq!(vitals.verdict(next, limits), Verdict::Well, "{steps:?} at {:?}", next - start);
                next = vitals.due(next, limits);
            }
            assert!(next == now || *expected == Verdict::Well, "{steps:?}: due at {:?}", next - start);
            if now > last {
                assert_eq!(
                    vitals.verdict(now - Duration::from_millis(1), limits),
                    Verdict::Well,
                    "{steps:?} at {at} s"
                );
            }
        }
    }

    #[test]
    fn a_reader_is_stalled_when_it_has_asked_for_the_whole_limit() {
        let reader = |n| Verdict::Stalled(Cause::Reader(seconds(n)));
        let attended = (0, Attended(true));
        check(
            &LIMITS,
            &[
                (&[], 299, Verdict::Well),
                (&[attended, (0, Asks)], 300, reader(300)),
                // Asked again after a failure: it counts from the first time.
                (&[attended, (0, Asks), (200, Asks), (250, Asks)], 300, reader(300)),
                // An answer begins it anew; a reader that has its answer and waits to hand it over does not ask.
                (&[attended, (0, Asks), (299, Answered)], 598, Verdict::Well),
                (&[attended, (0, Asks), (299, Answered), (299, Asks)], 599, reader(300)),
                // What it waits for that is not its source's to give does not count, and what came before is not forgotten.
                (&[attended, (0, Asks), (10, HeldUp(true))], 299, Verdict::Well),
                (&[attended, (0, Asks), (10, HeldUp(true)), (910, HeldUp(false))], 1200, reader(300)),
                (&[attended, (0, Asks), (0, HeldUp(true)), (9, HeldUp(true)), (50, HeldUp(false))], 349, Verdict::Well),
                (&[attended, (0, HeldUp(true)), (5, Asks), (10, HeldUp(false))], 310, reader(300)),
                // Nor does the time in which nobody lets it run.
                (&[attended, (0, Asks), (100, Attended(false))], 299, Verdict::Well),
                (&[attended, (0, Asks), (100, Attended(false)), (1000, Attended(true))], 1200, reader(300)),
            ],
        );
    }

    #[test]
    fn a_reader_that_is_never_let_run_is_not_stalled_however_long_that_lasts() {
        let start = Instant::now();
        let vitals = after(&[(0, Attended(true)), (0, Asks), (1, HeldUp(true))], start);
        assert_eq!(vitals.verdict(start + seconds(1_000_000), &LIMITS), Verdict::Well);
    }

    #[test]
    fn a_slow_call_is_told_of_every_minute_and_no_more() {
        let slow = |n| Verdict::Slow(seconds(n));
        check(
            &LIMITS,
            &[
                (&[(0, Calls)], 60, slow(60)),
                (&[(0, Calls), (60, Told(60))], 119, Verdict::Well),
                (&[(0, Calls), (60, Told(60))], 120, slow(120)),
                // Told late: the next time is not put off.
                (&[(0, Calls), (75, Told(75))], 120, slow(120)),
                (&[(0, Calls), (200, Told(200))], 240, slow(240)),
                (&[(0, Calls), (59, Returns)], 118, Verdict::Well),
                (&[(0, Calls), (59, Returns), (59, Calls)], 119, slow(60)),
            ],
        );
    }

    #[test]
    fn a_call_that_hangs_is_given_up_only_if_that_is_wanted() {
        let hang = [(0, Calls), (240, Told(240))];
        let start = Instant::now();
        assert_eq!(after(&hang, start).verdict(start + seconds(250), &LIMITS), Verdict::Well);
        let limits = Limits { handler: Some(seconds(250)), ..LIMITS };
        check(
            &limits,
            &[
                (&hang, 250, Verdict::Stalled(Cause::Handler(seconds(250)))),
                (&[(0, Calls), (240, Told(240)), (249, Returns), (249, Calls)], 308, Verdict::Well),
            ],
        );
        let short = Limits { handler: Some(seconds(20)), ..LIMITS };
        check(&short, &[(&[(0, Calls)], 20, Verdict::Stalled(Cause::Handler(seconds(20))))]);
    }

    #[test]
    fn a_task_that_ended_outweighs_everything_else() {
        let ended = Verdict::Stalled(Cause::Ended);
        check(
            &LIMITS,
            &[(&[(5, TaskEnds)], 5, ended), (&[(0, Attended(true)), (0, Asks), (0, Calls), (5, TaskEnds)], 5, ended)],
        );
    }

    #[test]
    fn the_end_of_a_call_is_told_of_only_if_the_call_was() {
        let start = Instant::now();
        let mut quick = after(&[(0, Calls)], start);
        assert_eq!(quick.call_ends(start + seconds(59)), None);
        let mut slow = after(&[(0, Calls), (60, Told(60))], start);
        assert_eq!(slow.call_ends(start + seconds(61)), Some(seconds(61)));
        assert_eq!(slow.call_ends(start + seconds(62)), None, "there is none any more");
    }

    #[test]
    fn no_limit_is_too_long_to_count_with() {
        let limits = Limits::new(Duration::MAX, Some(Duration::MAX));
        let start = Instant::now();
        let vitals = after(&[(0, Attended(true)), (0, Asks), (0, Calls)], start);
        assert_eq!(vitals.due(start, &limits), start + SLOW);
        assert_eq!(vitals.verdict(start + seconds(59), &limits), Verdict::Well);
    }
}
