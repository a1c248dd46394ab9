//! Whatever happens to a stream and to the connections, a subscriber who follows the children and continues where it was
//! told to is pushed every record once, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kcl_local::kinesis::StartingPosition::{AfterSequenceNumber, AtSequenceNumber, TrimHorizon};
use kcl_local::kinesis::{
    ChildShard, NewRecord, Push, SequenceNumber, Settings, ShardFilter, ShardId, StartingPosition, Subscription,
    SubscriptionEvent,
};

use super::random_histories::disturb;
use super::world::World;

/// The subscriber of a whole stream.
struct Subscriber {
    arn: String,
    open: BTreeMap<ShardId, Subscription>,
    /// Where to go on with a shard that is not over.
    positions: BTreeMap<ShardId, StartingPosition>,
    ended: BTreeSet<ShardId>,
    /// Children with parents that are not over yet.
    waiting: BTreeMap<ShardId, Vec<ShardId>>,
    pushed: BTreeMap<ShardId, Vec<SequenceNumber>>,
}

impl Subscriber {
    fn new(arn: String, shards: &[u32]) -> Self {
        let positions = shards.iter().map(|shard| (ShardId(*shard), TrimHorizon)).collect();
        let (open, waiting, pushed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { arn, open, positions, ended: BTreeSet::new(), waiting, pushed }
    }

    /// Takes what there is on every shard. By chance a connection breaks, and what was pushed last is lost with it.
    fn read(&mut self, world: &mut World, chance: &mut fastrand::Rng) {
        for (shard, position) in self.positions.clone() {
            let mut subscription =
                self.open.remove(&shard).unwrap_or_else(|| world.subscribe(&self.arn, shard.0, position));
            loop {
                let push = world.push(&mut subscription);
                if chance.u8(..20) == 0 {
                    break;
                }
                match push {
                    Push::Event(event) => self.take(shard, event, chance),
                    Push::Wait(_) => {
                        self.open.insert(shard, subscription);
                        break;
                    }
                    Push::End => break,
                    Push::Failed(error) => panic!("{shard}: {error}"),
                }
            }
        }
    }

    fn take(&mut self, shard: ShardId, event: SubscriptionEvent, chance: &mut fastrand::Rng) {
        let numbers = event.records.iter().map(|record| record.sequence_number);
        self.pushed.entry(shard).or_default().extend(numbers);
        match (event.continuation_sequence_number, event.child_shards) {
            (Some(number), None) => {
                let at = if chance.bool() { AtSequenceNumber(number) } else { AfterSequenceNumber(number) };
                self.positions.insert(shard, at);
            }
            (None, Some(children)) => self.follow(shard, children),
            both => panic!("either it goes on or it has children: {both:?}"),
        }
    }

    fn follow(&mut self, shard: ShardId, children: Vec<ChildShard>) {
        self.positions.remove(&shard);
        assert!(self.ended.insert(shard), "{shard} ends once");
        self.waiting.extend(children.into_iter().map(|child| (child.shard_id, child.parent_shards)));
        let ready = |parents: &Vec<ShardId>| parents.iter().all(|parent| self.ended.contains(parent));
        let begun = self.waiting.extract_if(.., |_, parents| ready(parents)).map(|(child, _)| (child, TrimHorizon));
        self.positions.extend(begun);
    }
}

fn history(seed: u64) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let settings = Settings {
        update_delay: Duration::from_millis(chance.u64(..3000)),
        scalings_per_day: 1000,
        subscription_life: Duration::from_millis(chance.u64(2_000..20_000)),
        subscribe_again_after: Duration::ZERO,
        subscribe_calls_per_second: 1000,
        push_max_records: chance.usize(1..5),
        ..Settings::default()
    };
    let mut world = World::with_settings(chance.u32(1..5), settings);
    let arn = world.register("app");
    let shards = world.listed(ShardFilter::AtLatest);
    let mut subscriber = Subscriber::new(arn, &shards);
    let mut written: BTreeMap<ShardId, Vec<SequenceNumber>> = BTreeMap::new();
    for i in 0..200 {
        world.pass(chance.u64(..500));
        if chance.u8(..6) == 0 {
            disturb(&mut world, &mut chance);
        }
        let placed = world.try_put(NewRecord::hashed(chance.u128(..), "k", format!("{i}"))).expect("stored");
        written.entry(placed.shard_id).or_default().push(placed.sequence_number);
        if chance.bool() {
            subscriber.read(&mut world, &mut chance);
        }
    }
    for _ in 0..200 {
        world.pass(200);
        subscriber.read(&mut world, &mut chance);
    }
    let open: Vec<u32> = subscriber.positions.keys().map(|shard| shard.0).collect();
    assert_eq!(open, world.listed(ShardFilter::AtLatest), "seed {seed}");
    subscriber.pushed.retain(|_, numbers| !numbers.is_empty());
    assert_eq!(subscriber.pushed, written, "seed {seed}");
}

#[test]
fn every_record_is_pushed_once_and_in_order_whatever_happens() {
    (0..60).for_each(history);
}
