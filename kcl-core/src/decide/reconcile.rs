//! The stream's shards against the leases: which leases to make, and which to remove.
//!
//! Two rules. First: every open shard is read, by a lease of its own or, later, through the shards that it was made of. A
//! shard whose parent is finished gets its lease now, also if the worker that finished the parent should have made it
//! and did not. Second: the lease of a finished shard is removed only when all that follows it is being read.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{ShardId, ShardKey, StreamId};
use crate::lease::{CreateReason, Lease};
use crate::position::{InitialPosition, Position};
use crate::shard::{HashKeyRange, Shard};
use crate::time::Timestamp;

/// One stream: its shards, and its leases.
#[derive(Debug)]
pub struct Graph<'a> {
    stream: &'a StreamId,
    shards: BTreeMap<&'a ShardId, &'a Shard>,
    leases: BTreeMap<&'a ShardId, &'a Lease>,
    created: Option<Timestamp>,
}

/// What follows from comparing the two.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Leases to make, in this order: parents before children.
    pub create: Vec<(Lease, CreateReason)>,
    /// Leases to remove.
    pub delete: Vec<Lease>,
    /// Open shards that no lease leads to. Where to start them depends on what was open at the application's start: ask
    /// the stream for those ([`Graph::beginning`]), then [`Graph::start`].
    pub unreached: Vec<ShardId>,
    /// Leases that do not tell their shards' hash keys, as old workers made them, and these.
    pub without_range: Vec<(ShardKey, HashKeyRange)>,
}

impl<'a> Graph<'a> {
    /// Compares all shards that the stream has with all leases. `created` is when the stream was created, if known.
    #[must_use]
    pub fn new(stream: &'a StreamId, shards: &'a [Shard], leases: &'a [Lease], created: Option<Timestamp>) -> Self {
        Self {
            stream,
            shards: shards.iter().map(|shard| (&shard.id, shard)).collect(),
            leases: leases
                .iter()
                .filter(|lease| lease.shard.stream == *stream)
                .map(|lease| (&lease.shard.shard, lease))
                .collect(),
            created,
        }
    }

    /// Whether the leases were made for an earlier stream of the same name.
    #[must_use]
    pub fn is_recreated(&self) -> bool {
        self.created.is_some_and(|created| {
            let mut made_for = self.leases.values().filter_map(|lease| lease.stream_created);
            made_for.any(|made_for| made_for.is_other_creation(created))
        })
    }

    /// The leases that were made for an earlier stream, or before it was known for which.
    pub fn of_earlier(&self) -> impl Iterator<Item = Lease> {
        let is_other = |lease: &&&Lease| {
            let made_for = lease.stream_created.zip(self.created);
            made_for.is_none_or(|(made_for, created)| made_for.is_other_creation(created))
        };
        self.leases.values().filter(is_other).map(|lease| (*lease).clone())
    }

    fn without_range(&self) -> impl Iterator<Item = (ShardKey, HashKeyRange)> {
        let unfinished = self.leases.values().filter(|lease| lease.hash_range.is_none() && !lease.is_finished());
        unfinished.filter_map(|lease| Some((lease.shard.clone(), self.shards.get(&lease.shard.shard)?.hash_range?)))
    }

    /// What to make and to remove.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan =
            Plan { delete: self.removable(), without_range: self.without_range().collect(), ..Plan::default() };
        let mut visited = BTreeMap::new();
        for shard in self.shards.values().filter(|shard| !shard.closed) {
            if self.reach(shard, &mut visited, &mut plan) == Reach::Unreached {
                plan.unreached.push(shard.id.clone());
            }
        }
        plan
    }

    /// Where the application began to read this stream: as its leases say; else, if it has none, where it is told to.
    ///
    /// A stream whose leases say nothing of a time has been read from its oldest record on, or for longer than it keeps
    /// records. A shard that turns up in it without a lease is read from its oldest record: nothing is skipped.
    #[must_use]
    pub fn beginning(&self, initial: InitialPosition) -> InitialPosition {
        match self.leases.values().filter_map(|lease| lease.start).min() {
            Some(start) => InitialPosition::AtTimestamp(start),
            None if self.leases.is_empty() => initial,
            None => InitialPosition::TrimHorizon,
        }
    }

    /// Leases for shards that no lease leads to: for each, the shards of its line that were open at the beginning, else
    /// the oldest of its line that are left.
    #[must_use]
    pub fn start(
        &self,
        unreached: &[ShardId],
        open_at_beginning: &[Shard],
        beginning: InitialPosition,
        service_now: Timestamp,
    ) -> Vec<(Lease, CreateReason)> {
        let reason = if self.leases.is_empty() { CreateReason::Initial } else { CreateReason::Repair };
        self.first_of_lines(unreached, open_at_beginning)
            .into_iter()
            .map(|(shard, was_open)| {
                let position = if was_open { beginning } else { InitialPosition::TrimHorizon };
                let (checkpoint, start) = position.resolve(service_now);
                (self.lease(&shard.id, &shard.parents, shard, checkpoint, start), reason)
            })
            .collect()
    }

    /// Where reading begins so that each of these shards is reached: the shards of its line that were open at some
    /// moment, else, if the stream has forgotten that moment or was created after it, the oldest of its line that are
    /// left. Each with whether it was open, in the order in which they were made.
    #[must_use]
    pub fn first_of_lines(&self, shards: &[ShardId], open_then: &[Shard]) -> Vec<(&'a Shard, bool)> {
        let open: BTreeSet<&ShardId> = open_then.iter().map(|shard| &shard.id).collect();
        let mut firsts: BTreeMap<&ShardId, (&'a Shard, bool)> = BTreeMap::new();
        for shard in shards {
            let line = self.line_of(shard);
            let was_open: Vec<_> = line.iter().copied().filter(|shard| open.contains(&shard.id)).collect();
            if was_open.is_empty() {
                firsts.extend(self.oldest(&line).into_iter().map(|shard| (&shard.id, (shard, false))));
            } else {
                firsts.extend(was_open.into_iter().map(|shard| (&shard.id, (shard, true))));
            }
        }
        let mut firsts: Vec<_> = firsts.into_values().collect();
        firsts.sort_by_key(|(shard, _)| (&shard.starting_sequence, &shard.id));
        firsts
    }

    /// A new lease for one of the stream's shards.
    fn lease(
        &self,
        id: &ShardId,
        parents: &[ShardId],
        shard: &Shard,
        checkpoint: Position,
        start: Option<Timestamp>,
    ) -> Lease {
        let mut lease = Lease::new(ShardKey::new(self.stream.clone(), id.clone()), checkpoint, start);
        lease.parents = sorted(parents);
        lease.hash_range = shard.hash_range;
        lease.stream_created = self.created;
        lease
    }

    fn reach(&self, shard: &'a Shard, visited: &mut BTreeMap<&'a ShardId, Reach>, plan: &mut Plan) -> Reach {
        if self.leases.contains_key(&shard.id) {
            return Reach::Reached;
        }
        if let Some(reach) = visited.get(&shard.id) {
            return *reach;
        }
        // A stream that names a shard among its own ancestors must not keep us going round.
        visited.insert(&shard.id, Reach::Unreached);
        let (mut reached, mut finished, mut to_come, mut unreached) = (false, false, false, Vec::new());
        for parent in &shard.parents {
            if let Some(lease) = self.leases.get(parent) {
                reached = true;
                finished |= lease.is_finished();
            } else if let Some(parent) = self.shards.get(parent) {
                match self.reach(parent, visited, plan) {
                    // Its own lease comes when its parents end. Before that, nobody would wait for it.
                    Reach::Reached => (reached, to_come) = (true, true),
                    Reach::Unreached => unreached.push(parent.id.clone()),
                }
            }
        }
        let reach = if reached { Reach::Reached } else { Reach::Unreached };
        if reached {
            // One line of a merge leads here and the other does not: it starts like any other that nobody reads.
            plan.unreached.extend(unreached.iter().cloned());
        }
        if finished && !to_come && unreached.is_empty() {
            let lease = self.lease(&shard.id, &shard.parents, shard, Position::TrimHorizon, None);
            plan.create.push((lease, CreateReason::ParentFinished));
        }
        visited.insert(&shard.id, reach);
        reach
    }

    /// A shard and all its ancestors that are left.
    fn line_of(&self, shard: &ShardId) -> Vec<&'a Shard> {
        let mut line: BTreeMap<&ShardId, &'a Shard> = BTreeMap::new();
        let mut next: Vec<&ShardId> = vec![shard];
        while let Some(shard) = next.pop().and_then(|id| self.shards.get(id)) {
            if line.insert(&shard.id, shard).is_none() {
                next.extend(shard.parents.iter().filter(|parent| self.shards.contains_key(parent)));
            }
        }
        line.into_values().collect()
    }

    fn oldest(&self, line: &[&'a Shard]) -> Vec<&'a Shard> {
        let is_oldest = |shard: &&Shard| !shard.parents.iter().any(|parent| self.shards.contains_key(parent));
        line.iter().copied().filter(is_oldest).collect()
    }

    fn removable(&self) -> Vec<Lease> {
        let mut children: BTreeMap<&ShardId, BTreeSet<&ShardId>> = BTreeMap::new();
        for shard in self.shards.values() {
            for parent in &shard.parents {
                children.entry(parent).or_default().insert(&shard.id);
            }
        }
        let is_accounted_for = |child: &&ShardId| match self.leases.get(*child) {
            Some(lease) => !lease.checkpoint.is_start(),
            // Not read, and not there to be read any more.
            None => !self.shards.contains_key(*child),
        };
        self.leases
            .values()
            .filter(|lease| lease.is_finished())
            .filter(|lease| {
                let id = &lease.shard.shard;
                let mut all = children.get(id).cloned().unwrap_or_default();
                all.extend(&lease.children);
                let oldest = !lease.parents.iter().any(|parent| self.leases.contains_key(parent));
                // A shard that is still there and names no child: the list of shards is not complete.
                let known = !all.is_empty() || (!self.shards.is_empty() && !self.shards.contains_key(id));
                oldest && known && all.iter().all(is_accounted_for)
            })
            .map(|lease| (*lease).clone())
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// A lease leads to it: its own, or that of an ancestor.
    Reached,
    Unreached,
}

fn sorted(ids: &[ShardId]) -> Vec<ShardId> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::SequenceNumber;

    fn id(n: u32) -> ShardId {
        format!("shardId-{n:012}").into()
    }

    fn shard(n: u32, parents: &[u32], closed: bool) -> Shard {
        Shard {
            id: id(n),
            parents: parents.iter().map(|parent| id(*parent)).collect(),
            hash_range: None,
            starting_sequence: SequenceNumber::parse(&(100 + n).to_string()).ok(),
            closed,
        }
    }

    fn stream() -> StreamId {
        StreamId::named("s")
    }

    fn lease(n: u32, checkpoint: Position, parents: &[u32]) -> Lease {
        let mut lease = Lease::new(ShardKey::new(stream(), id(n)), checkpoint, None);
        lease.parents = parents.iter().map(|parent| id(*parent)).collect();
        lease
    }

    fn reading(n: u32, parents: &[u32]) -> Lease {
        lease(n, Position::at(SequenceNumber::parse("7").expect("digits")), parents)
    }

    fn numbers<'a>(leases: impl IntoIterator<Item = &'a Lease>) -> Vec<u32> {
        leases.into_iter().map(|lease| lease.shard.shard.as_str()[8..].parse().expect("number")).collect()
    }

    struct Outcome {
        create: Vec<u32>,
        delete: Vec<u32>,
        started: Vec<(u32, Position)>,
    }

    /// The whole decision, with a stream that answers which shards were open at the beginning.
    fn reconcile(shards: &[Shard], leases: &[Lease], initial: InitialPosition, open_at: &[u32]) -> Outcome {
        let stream = stream();
        let graph = Graph::new(&stream, shards, leases, None);
        let plan = graph.plan();
        let beginning = graph.beginning(initial);
        let open: Vec<_> = shards.iter().filter(|s| open_at.iter().any(|n| s.id == id(*n))).cloned().collect();
        let started = graph.start(&plan.unreached, &open, beginning, Timestamp::from_millis(5));
        Outcome {
            create: numbers(plan.create.iter().map(|(lease, _)| lease)),
            delete: numbers(&plan.delete),
            started: numbers(started.iter().map(|(lease, _)| lease))
                .into_iter()
                .zip(started.iter().map(|(lease, _)| lease.checkpoint.clone()))
                .collect(),
        }
    }

    /// 0 and 1 were merged into 2, 2 was split into 3 and 4; 5 stands alone.
    fn family() -> Vec<Shard> {
        vec![
            shard(0, &[], true),
            shard(1, &[], true),
            shard(2, &[0, 1], true),
            shard(3, &[2], false),
            shard(4, &[2], false),
            shard(5, &[], false),
        ]
    }

    #[test]
    fn an_application_begins_with_what_was_open_at_its_initial_position() {
        let begin = |initial, open: &[u32]| reconcile(&family(), &[], initial, open).started;
        let horizon = Position::TrimHorizon;
        assert_eq!(
            begin(InitialPosition::TrimHorizon, &[0, 1, 5]),
            [(0, horizon.clone()), (1, horizon.clone()), (5, horizon)]
        );
        let latest = Position::Latest;
        assert_eq!(begin(InitialPosition::Latest, &[3, 4, 5]), [(3, latest.clone()), (4, latest.clone()), (5, latest)]);
        let time = InitialPosition::AtTimestamp(Timestamp::from_millis(3));
        let at = Position::AtTimestamp;
        assert_eq!(begin(time, &[2, 5]), [(2, at.clone()), (5, at)]);
    }

    #[test]
    fn a_start_that_was_interrupted_is_completed_at_the_same_time() {
        let mut first = lease(5, Position::Latest, &[]);
        first.start = Some(Timestamp::from_millis(3));
        let leases = [first];
        let stream = stream();
        let shards = family();
        let graph = Graph::new(&stream, &shards, &leases, None);
        assert_eq!(
            graph.beginning(InitialPosition::Latest),
            InitialPosition::AtTimestamp(Timestamp::from_millis(3)),
            "2 was open then, and was split since: its records must not be skipped"
        );
        let outcome = reconcile(&shards, &leases, InitialPosition::Latest, &[2, 5]);
        assert_eq!((outcome.create, outcome.started), (vec![], vec![(2, Position::AtTimestamp)]));
    }

    #[test]
    fn a_shard_without_a_lease_in_a_running_application_is_read_from_its_oldest_record() {
        let leases = [reading(3, &[2]), reading(4, &[2])];
        let outcome = reconcile(&family(), &leases, InitialPosition::Latest, &[]);
        assert_eq!(outcome.started, [(5, Position::TrimHorizon)]);
    }

    #[test]
    fn a_child_is_missing_although_its_parent_is_finished() {
        let leases = [lease(2, Position::ShardEnd, &[0, 1]), reading(3, &[2]), reading(5, &[])];
        let outcome = reconcile(&family(), &leases, InitialPosition::TrimHorizon, &[0, 1, 5]);
        assert_eq!((outcome.create, outcome.started, outcome.delete), (vec![4], vec![], vec![]));
    }

    #[test]
    fn children_of_a_shard_that_is_being_read_are_not_made_yet() {
        let leases = [reading(2, &[0, 1]), reading(5, &[])];
        let outcome = reconcile(&family(), &leases, InitialPosition::TrimHorizon, &[0, 1, 5]);
        assert_eq!((outcome.create, outcome.started), (vec![], vec![]));
    }

    #[test]
    fn a_finished_parent_that_the_stream_has_forgotten_still_leads_to_its_child() {
        let shards = [shard(3, &[2], false), shard(4, &[2], false)];
        let leases = [lease(2, Position::ShardEnd, &[0, 1])];
        let outcome = reconcile(&shards, &leases, InitialPosition::Latest, &[3, 4]);
        assert_eq!((outcome.create, outcome.started, outcome.delete), (vec![3, 4], vec![], vec![]));
    }

    #[test]
    fn a_merge_with_one_parent_that_nobody_reads_waits_for_it() {
        let leases = [lease(0, Position::ShardEnd, &[]), reading(5, &[])];
        let outcome = reconcile(&family(), &leases, InitialPosition::TrimHorizon, &[0, 1, 5]);
        assert_eq!(outcome.create, Vec::<u32>::new(), "not before the other parent has a lease");
        assert_eq!(outcome.started, [(1, Position::TrimHorizon)]);
        let leases = [leases[0].clone(), leases[1].clone(), lease(1, Position::TrimHorizon, &[])];
        assert_eq!(reconcile(&family(), &leases, InitialPosition::TrimHorizon, &[]).create, [2]);
    }

    #[test]
    fn a_merge_with_one_parent_whose_lease_is_still_to_come_waits_for_it() {
        // 0 was split into 1 and 2, and 2 was merged with 3 into 4.
        let shards = [shard(0, &[], true), shard(1, &[0], false), shard(2, &[0], true), shard(3, &[], true)];
        let shards: Vec<_> = shards.into_iter().chain([shard(4, &[2, 3], false)]).collect();
        let plan = |leases: &[Lease]| reconcile(&shards, leases, InitialPosition::TrimHorizon, &[0, 3]);
        let leases = [reading(0, &[]), lease(3, Position::ShardEnd, &[])];
        let outcome = plan(&leases);
        assert_eq!((outcome.create, outcome.started), (vec![], vec![]), "2 is reached through 0, which is being read");
        let leases = [reading(1, &[0]), reading(2, &[0]), leases[1].clone()];
        assert_eq!(plan(&leases).create, [4], "4 has a lease to wait for");
    }

    #[test]
    fn finished_leases_go_oldest_first_and_only_when_all_that_follows_has_begun() {
        let done = |n, parents: &[u32]| lease(n, Position::ShardEnd, parents);
        let delete = |leases: &[Lease]| reconcile(&family(), leases, InitialPosition::TrimHorizon, &[]).delete;
        let new = |n| lease(n, Position::TrimHorizon, &[2]);
        assert_eq!(delete(&[done(0, &[]), done(1, &[]), done(2, &[0, 1]), new(3), new(4)]), [0, 1]);
        assert_eq!(delete(&[done(2, &[0, 1]), new(3), reading(4, &[2])]), Vec::<u32>::new(), "3 has not begun");
        assert_eq!(delete(&[done(2, &[0, 1]), reading(3, &[2])]), Vec::<u32>::new(), "4 has no lease");
        assert_eq!(delete(&[done(2, &[0, 1]), reading(3, &[2]), reading(4, &[2])]), [2]);
        assert_eq!(delete(&[reading(2, &[0, 1]), reading(3, &[2]), reading(4, &[2])]), Vec::<u32>::new());
    }

    #[test]
    fn a_lease_is_kept_while_its_children_are_not_known() {
        let lonely = [shard(0, &[], true), shard(5, &[], false)];
        let leases = [lease(0, Position::ShardEnd, &[]), reading(5, &[])];
        let delete = |shards: &[Shard]| reconcile(shards, &leases, InitialPosition::TrimHorizon, &[]).delete;
        assert_eq!(delete(&lonely), Vec::<u32>::new(), "still listed, no child listed");
        assert_eq!(delete(&[]), Vec::<u32>::new(), "nothing listed");
        assert_eq!(delete(&lonely[1..]), [0], "gone from the stream, and no shard was made of it");
    }

    #[test]
    fn a_stream_that_was_created_again_is_recognised() {
        let stream = stream();
        let mut old = reading(5, &[]);
        old.stream_created = Some(Timestamp::from_millis(1_000_400));
        let recreated = |created| Graph::new(&stream, &[], std::slice::from_ref(&old), created).is_recreated();
        assert!(!recreated(None));
        assert!(!recreated(Some(Timestamp::from_millis(1_000_000))), "the same second");
        assert!(recreated(Some(Timestamp::from_millis(2_000_000))));
    }
}
