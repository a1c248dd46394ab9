//! Whether the work on a stream is done, as far as the services know: processors in other processes cannot be asked.

use crate::site::Site;
use crate::work::Work;

/// Follows what a site's book says, from time to time.
#[derive(Debug, Default)]
pub struct Settled {
    work: Work,
    seen: usize,
}

impl Settled {
    /// Reads on in the book. The services wait meanwhile: to be called often, when each time there is little to read.
    pub fn read_on(&mut self, site: &Site) {
        site.recorder.with(|happenings| {
            self.work.read(&happenings[self.seen..]);
            self.seen = happenings.len();
        });
    }

    /// Whether the last record of every open shard is committed, and the end of every closed one.
    pub fn look(&mut self, site: &Site) -> bool {
        let shards = site.shards();
        self.read_on(site);
        let finished = shards.iter().all(|(shard, facts)| !facts.closed || self.work.is_finished(shard));
        finished && self.work.is_committed(&shards)
    }
}
