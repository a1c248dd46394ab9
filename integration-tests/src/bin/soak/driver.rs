//! Lives through what the seed has in store: serves, puts records, does the deeds, and puts the history together.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use integration_tests::history::{History, Recorder, Run, What};
use integration_tests::journal::{self, Pen};
use integration_tests::producer::Producer;
use integration_tests::reshard;
use integration_tests::settled::Settled;
use integration_tests::site::{BYTE_BUDGET, Site, silence};
use integration_tests::trace::Trace;
use kcl_core::error::Failure;
use kcl_local::{Clock, Local, Settings, serve};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::crew::Crew;
use crate::deeds::{self, Back, Deed};
use crate::options::{Readers, Soak};
use crate::worker::SLOWEST;

/// How often it is looked whether a process has ended, and whether something is due.
const LOOK: Duration = Duration::from_millis(10);
/// How often it is looked whether all is done.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// A stream that is being resharded is asked again.
const RESHARD_AGAIN: Duration = Duration::from_millis(1_500);
/// When a worker is replaced whose process ended by itself.
const REPLACED: Duration = Duration::from_secs(1);
/// For how long records are still put in the calm.
const STILL_PUTTING: Duration = Duration::from_secs(5);
/// After how long without another record it ends, whether or not everything is consumed.
const PATIENCE: Duration = Duration::from_mins(1);
/// The pause between two puts, in milliseconds.
const PUT_EVERY: std::ops::RangeInclusive<u64> = 20..=150;
/// How long subscriptions and iterators live: long enough for some, and short enough to be renewed often.
const LIFE: Duration = Duration::from_secs(30);
/// How long a request may be on its way from a process to the service, on a machine that is busy.
const IN_FLIGHT: Duration = Duration::from_secs(2);

/// What is on the agenda.
#[derive(Debug)]
enum Entry {
    Start(usize),
    Do(Deed),
    Thaw(Run),
}

/// A place in the fleet, and who is or will be in it.
#[derive(Debug)]
struct Slot {
    generation: u32,
    reading: integration_tests::modelled::Reading,
    back: Option<Back>,
}

pub(crate) struct Driver {
    soak: Soak,
    site: Site,
    crew: Crew,
    slots: Vec<Slot>,
    agenda: BTreeMap<Instant, VecDeque<Entry>>,
    luck: fastrand::Rng,
    producers: JoinSet<()>,
    settled: Settled,
    settings: Settings,
    calm: bool,
    part: PathBuf,
    _server: JoinSet<Infallible>,
}

impl Driver {
    /// Starts the services and makes the stream. Parts of the history will be files in `folder`.
    pub(crate) async fn start(soak: Soak, seed: u64, folder: &Path) -> Result<Self, Failure> {
        let mut settings = Settings { seed, ..Settings::default() };
        settings.kinesis.subscription_life = LIFE;
        settings.kinesis.iterator_life = LIFE;
        let local = Local::with_clock(settings.clone(), Clock::wall());
        let part = folder.join("driver.jsonl");
        let recorder = Recorder::new(local.clock().clone(), Trace::default()).writing(Pen::create(&part)?, 0);
        let site = Site::around(local.clone(), recorder.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut server = JoinSet::new();
        server.spawn(serve(local.clone(), listener));
        site.create_stream(soak.shards).await;
        let crew = Crew::new(soak.clone(), seed, address, local.region().to_owned(), folder, recorder);
        let workers = usize::try_from(soak.workers)?;
        let slots = (0..workers).map(|slot| Slot { generation: 0, reading: soak.reading.of(slot), back: None });
        let mut driver = Self {
            slots: slots.collect(),
            agenda: BTreeMap::new(),
            luck: fastrand::Rng::with_seed(seed ^ 0x7265_7368),
            producers: JoinSet::new(),
            settled: Settled::default(),
            calm: false,
            soak,
            site,
            crew,
            settings,
            part,
            _server: server,
        };
        driver.producers.spawn(Producer::new(&driver.site, seed).run(PUT_EVERY));
        (0..workers).for_each(|slot| driver.enter(Duration::ZERO, Entry::Start(slot)));
        for (at, deed) in deeds::draw(seed, driver.soak.lasting, workers, driver.soak.failover) {
            driver.enter(at, Entry::Do(deed));
        }
        Ok(driver)
    }

    /// Lives through all of it, and gives the history.
    pub(crate) async fn live(mut self) -> Result<History, Failure> {
        self.go_on(self.soak.lasting).await?;
        self.calm_down().await?;
        self.go_on(STILL_PUTTING).await?;
        self.producers.shutdown().await;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && !self.settled.look(&self.site) {
            self.go_on(ASK_AGAIN).await?;
        }
        self.crew.stop_all()?;
        while !self.crew.is_gone() {
            self.crew.ended()?;
            tokio::time::sleep(LOOK).await;
        }
        self.history()
    }

    fn enter(&mut self, after: Duration, entry: Entry) {
        self.agenda.entry(Instant::now() + after).or_default().push_back(entry);
    }

    /// Does what is due, for so long.
    async fn go_on(&mut self, lasting: Duration) -> Result<(), Failure> {
        let end = Instant::now() + lasting;
        while Instant::now() < end {
            for gone in self.crew.ended()? {
                if let Some(slot) = gone.slot {
                    self.comes_back(slot);
                }
            }
            while let Some(due) = self.agenda.first_entry().filter(|due| *due.key() <= Instant::now()) {
                for entry in due.remove() {
                    self.act(entry).await?;
                }
            }
            self.settled.read_on(&self.site);
            if let Some(ended) = self.producers.try_join_next() {
                ended?;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn act(&mut self, entry: Entry) -> Result<(), Failure> {
        match entry {
            Entry::Start(slot) => {
                let (id, reading) =
                    (format!("worker-{slot}.{}", self.slots[slot].generation), self.slots[slot].reading);
                self.crew.start(slot, &id, reading).await
            }
            Entry::Thaw(run) => self.crew.thaw(run),
            Entry::Do(deed) => self.do_deed(deed),
        }
    }

    fn do_deed(&mut self, deed: Deed) -> Result<(), Failure> {
        match deed {
            Deed::Kill(slot, back) => {
                if self.crew.kill(slot)? {
                    self.slots[slot].back = Some(back);
                }
            }
            Deed::Stop(slot, back) => {
                if self.crew.stop(slot)? {
                    self.slots[slot].back = Some(back);
                }
            }
            Deed::Pause(slot, lasting) => {
                if let Some(run) = self.crew.freeze(slot)? {
                    self.enter(lasting, Entry::Thaw(run));
                }
            }
            Deed::Replace(slot, lasting) => {
                if let Some(run) = self.crew.freeze(slot)? {
                    self.enter(lasting, Entry::Thaw(run));
                    self.crew.unseat(slot);
                    let meanwhile = lasting.mul_f64(self.luck.f64() * 0.5);
                    self.enter(meanwhile, Entry::Start(slot));
                }
            }
            Deed::Split | Deed::Merge => {
                if self.reshard(deed == Deed::Merge) {
                    self.enter(RESHARD_AGAIN, Entry::Do(deed));
                }
            }
        }
        Ok(())
    }

    /// Splits a shard or merges two, as asked for unless there are too many or too few. Whether the stream was busy.
    fn reshard(&mut self, merge: bool) -> bool {
        let shards = self.site.list_shards();
        let open = shards.iter().filter(|shard| shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null()).count();
        let begun = usize::try_from(self.soak.shards).unwrap_or(usize::MAX);
        let merge = open > begun.saturating_mul(2) || (merge && open > begun.div_ceil(2));
        let Some((operation, body)) = reshard::choose(&shards, merge, &mut self.luck) else { return false };
        self.site.ask(operation, body)["__type"].as_str() == Some("ResourceInUseException")
    }

    /// Whoever is gone from a slot comes back, as it was drawn; at once in the calm.
    fn comes_back(&mut self, slot: usize) {
        let by_itself = Back { after: REPLACED, same_id: true, switches: false };
        let place = &mut self.slots[slot];
        let Back { after, same_id, switches } = place.back.take().unwrap_or(by_itself);
        place.generation += u32::from(!same_id);
        if switches && self.soak.reading == Readers::Mixed {
            place.reading = place.reading.other();
        }
        self.enter(if self.calm { Duration::ZERO } else { after }, Entry::Start(slot));
    }

    /// Nothing is done any more, and whoever is away comes back.
    async fn calm_down(&mut self) -> Result<(), Failure> {
        self.calm = true;
        self.crew.make_peace()?;
        self.crew.calm_down().await;
        self.agenda.clear();
        for slot in 0..self.slots.len() {
            self.act(Entry::Start(slot)).await?;
        }
        // Until no call lasts that began before.
        self.go_on(SLOWEST).await?;
        self.site.recorder.note(What::Calm);
        Ok(())
    }

    fn history(&self) -> Result<History, Failure> {
        let parts = std::iter::once(&self.part)
            .chain(&self.crew.parts())
            .map(|part| journal::part(part))
            .collect::<Result<_, _>>()?;
        let subscribes = self.soak.reading != Readers::Polling;
        let mut history = History::plain(journal::merge(parts), self.site.shards(), self.soak.failover);
        history.silence = if subscribes { silence(&self.settings) } else { Duration::ZERO };
        history.in_flight = IN_FLIGHT;
        history.byte_budget = BYTE_BUDGET;
        history.readings = self.crew.readings();
        Ok(history)
    }
}
