//! States that are seldom met and in which such a fleet goes wrong first. A proof by many runs says how often each was met:
//! one that never was has proved nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::event::Event;
use kcl_core::lease::EndReason;
use kcl_core::position::Position;

use crate::faults::Class;
use crate::history::{History, HowOver, HowReturned, Run, What};
use crate::row::Row;
use crate::work::Work;

macro_rules! rare {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// How often each was met.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Rare {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Rare {
            /// The names, and how often.
            #[must_use]
            pub fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

rare! {
    /// A worker died that was to pass a lease on.
    killed_in_mid_hand_off,
    /// A worker died after it had passed a lease on, before the receiver began to hold it.
    killed_after_passing,
    /// A worker died to which a lease was on its way.
    receiver_killed,
    /// Another worker began to balance while a move was under way.
    leader_changed_in_mid_plan,
    /// A worker held a shard whose parents were not finished: it has to wait.
    child_claimed_before_parent_finished,
    /// A parent was finished while its child was held.
    parent_finished_while_child_is_held,
    /// A processor started in the middle of an aggregated record.
    began_in_mid_aggregate,
    /// The answer to a write of a lease was lost, or came after the writer had given up.
    lease_write_not_answered,
    /// A worker found a lease taken by another.
    lease_taken,
    /// A worker could not renew a lease in time, and stopped by itself.
    lease_expired,
    /// A lease was given up because nothing went on with its shard.
    lease_stalled,
    /// A call of a processor was cut off.
    call_cut_off,
    /// A processor panicked.
    processor_panicked,
    /// An iterator had expired.
    iterator_expired,
    /// Records, or a whole shard, had left the stream before they were read.
    records_expired,
    /// A worker held three quarters and more of the records that it may hold.
    budget_was_full,
    /// A lease was removed, its shard being finished and its children begun.
    lease_removed,
    /// A worker that had been frozen went on.
    woke_up,
    /// A process with the id of one that had died began.
    same_id_again,
    /// A lease moved between the two ways of reading.
    switched,
    /// A worker found that another process has its id.
    twin,
    /// A Java worker began.
    java_began,
    /// A Java worker became the leader.
    java_led,
    /// A lease that one of ours held was written by a Java worker as its own.
    went_to_java,
    /// A lease that a Java worker held was written by one of ours as its own.
    came_from_java,
    /// A Java leader gave a lease away whose holder had renewed it.
    seized_by_java,
    /// A Java worker began at a position that was old when it read it.
    java_began_in_the_past,
    /// A Java worker moved a commit back.
    java_commit_went_back,
}

/// What is remembered while a history is gone through.
#[derive(Default)]
struct Watch<'a> {
    rare: Rare,
    work: Work,
    rows: BTreeMap<&'a str, &'a Row>,
    workers: BTreeMap<Run, &'a str>,
    ids: BTreeSet<&'a str>,
    last_sent: BTreeMap<Run, &'a str>,
    passed_by: BTreeMap<&'a str, Run>,
    /// The last run that wrote a lease as its own.
    holders: BTreeMap<&'a str, Run>,
}

impl Rare {
    /// Counts them in a history.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let mut watch = Watch::default();
        for happening in &history.happenings {
            watch.see(history, &happening.what);
            watch.work.take_in(&happening.what);
        }
        watch.rare
    }
}

impl<'a> Watch<'a> {
    fn see(&mut self, history: &History, what: &'a What) {
        match what {
            What::Begun { run, worker } => {
                self.rare.java_began += u64::from(run.is_java());
                self.rare.same_id_again += u64::from(!self.ids.insert(worker));
                self.workers.insert(*run, worker);
            }
            What::Sent { run: Some(run), operation } => {
                self.last_sent.insert(*run, operation);
            }
            What::Fault { run: Some(run), class } => self.fault(*run, *class),
            What::Over { run, how } => self.over(*run, how),
            What::Event { run, event } => self.event(*run, event),
            What::Leads { .. } => self.rare.java_led += 1,
            What::Woke { .. } => self.rare.woke_up += 1,
            What::Held { bytes, .. } => {
                self.rare.budget_was_full += u64::from(*bytes >= history.byte_budget / 4 * 3);
            }
            What::Seated { run, shard, start, .. } => {
                let committed = self.rows.get(shard.as_str()).map(|row| &row.checkpoint);
                let old = run.is_java() && committed.is_some_and(|committed| start < committed);
                self.rare.java_began_in_the_past += u64::from(old);
                self.rare.began_in_mid_aggregate += u64::from(self.is_inside(shard, start));
            }
            What::Returned { how: HowReturned::CutOff, .. } => self.rare.call_cut_off += 1,
            What::Returned { how: HowReturned::Panicked, .. } => self.rare.processor_panicked += 1,
            What::Lease { shard, row: None, .. } => {
                self.rare.lease_removed += 1;
                self.rows.remove(shard.as_str());
            }
            What::Lease { run, shard, row: Some(row) } => self.lease(history, *run, shard, row),
            What::Refused { code } if code == "ExpiredIteratorException" => self.rare.iterator_expired += 1,
            _ => {}
        }
    }

    /// Whether more user records of the same record follow.
    fn is_inside(&self, shard: &str, start: &Position) -> bool {
        let Position::At { sequence, sub } = start else { return false };
        self.work.is_stored(shard, &Position::At { sequence: sequence.clone(), sub: sub + 1 })
    }

    fn fault(&mut self, run: Run, class: Class) {
        let unanswered = matches!(class, Class::LostAfter | Class::HangAfter | Class::AnsweredLate | Class::Late);
        let lease = self.last_sent.get(&run).is_some_and(|operation| *operation == "UpdateItem");
        self.rare.lease_write_not_answered += u64::from(unanswered && lease);
    }

    fn over(&mut self, run: Run, how: &HowOver) {
        if matches!(how, HowOver::Failed(why) if why.contains("worker id")) {
            self.rare.twin += 1;
        }
        let Some(me) = self.workers.get(&run).filter(|_| *how == HowOver::Killed) else { return };
        for (shard, row) in &self.rows {
            let (owner, holder) = (row.owner.as_deref(), row.checkpoint_owner.as_deref());
            self.rare.killed_in_mid_hand_off += u64::from(holder == Some(me));
            self.rare.receiver_killed += u64::from(owner == Some(me) && holder.is_some());
            let passed = self.passed_by.get(shard) == Some(&run);
            self.rare.killed_after_passing += u64::from(passed && owner.is_some() && owner != Some(me));
        }
    }

    fn event(&mut self, run: Run, event: &Event) {
        match event {
            Event::Leading { now: true } => {
                let moving = self.rows.values().any(|row| row.checkpoint_owner.is_some());
                self.rare.leader_changed_in_mid_plan += u64::from(moving);
            }
            Event::RecordsExpired { .. } => self.rare.records_expired += 1,
            Event::LeaseEnded { reason, .. } => match reason {
                EndReason::Taken => self.rare.lease_taken += 1,
                EndReason::Expired => self.rare.lease_expired += 1,
                EndReason::Stalled => self.rare.lease_stalled += 1,
                _ => {}
            },
            Event::LeasePassed { shard, .. } => {
                if let Some((shard, _)) = self.rows.get_key_value(shard.shard.as_str()) {
                    self.passed_by.insert(shard, run);
                }
            }
            _ => {}
        }
    }

    fn between_the_kinds(&mut self, run: Run, shard: &'a str, row: &'a Row, before: Option<&'a Row>) {
        let back = before.is_some_and(|before| row.checkpoint < before.checkpoint);
        self.rare.java_commit_went_back += u64::from(run.is_java() && back);
        let own = row.holder().is_some() && row.holder() == self.workers.get(&run).copied();
        let holder = self.holders.get(shard).copied();
        if own {
            self.holders.insert(shard, run);
            self.rare.went_to_java += u64::from(run.is_java() && holder.is_some_and(|holder| !holder.is_java()));
            self.rare.came_from_java += u64::from(!run.is_java() && holder.is_some_and(Run::is_java));
        } else if run.is_java()
            && let Some(holder) = holder.filter(|holder| !holder.is_java())
            && before.and_then(Row::holder) == self.workers.get(&holder).copied()
            && before.and_then(Row::holder) != row.holder()
        {
            self.rare.seized_by_java += 1;
        }
    }

    fn lease(&mut self, history: &History, run: Option<Run>, shard: &'a str, row: &'a Row) {
        let before = self.rows.insert(shard, row);
        if let Some(run) = run {
            self.between_the_kinds(run, shard, row, before);
        }
        let parents = history.shards.get(shard).map_or(&[][..], |facts| &facts.parents);
        let begins = row.holder().is_some() && before.and_then(Row::holder) != row.holder();
        let waits = parents.iter().any(|parent| !self.work.is_finished(parent));
        self.rare.child_claimed_before_parent_finished += u64::from(begins && waits);
        if begins {
            self.passed_by.remove(shard);
            if let (Some(run), Some(before)) = (run, before.and_then(Row::holder)) {
                let before = self.workers.iter().rev().find(|(_, id)| **id == before).map(|(before, _)| before);
                let reading = |run: &Run| history.readings.get(run);
                let other = before.is_some_and(|before| reading(before).is_some() && reading(before) != reading(&run));
                self.rare.switched += u64::from(other);
            }
        }
        if row.checkpoint.is_end() && !self.work.is_finished(shard) {
            let children =
                history.shards.iter().filter(|(_, facts)| facts.parents.iter().any(|parent| parent == shard));
            let held =
                children.filter(|(child, _)| self.rows.get(child.as_str()).is_some_and(|row| row.holder().is_some()));
            self.rare.parent_finished_while_child_is_held += u64::try_from(held.count()).unwrap_or(u64::MAX);
        }
    }
}
