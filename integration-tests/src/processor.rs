//! The processor of every simulated worker: takes down what it is given, and behaves as [`Handling`] says.

use std::sync::Arc;
use std::time::Duration;

use kcl_core::async_trait;
use kcl_core::checkpointer::Checkpointer;
use kcl_core::error::{CheckpointError, Failure};
use kcl_core::position::Position;
use kcl_core::processor::{Acknowledgement, RecordProcessor, ShardContext};
use kcl_core::record::{Batch, Record};

use crate::handling::{Conduct, Handling, Trouble};
use crate::history::{HowReturned, Payload, Recorder, Run, Seat, What};
use crate::site::WorkerSpec;

/// What the processors of one worker have in common.
#[derive(Debug)]
pub(crate) struct Maker {
    recorder: Recorder,
    run: Run,
    seed: u64,
    handling: Arc<Handling>,
}

impl Maker {
    pub(crate) fn new(recorder: Recorder, spec: &WorkerSpec) -> Self {
        Self { recorder, run: spec.run, seed: spec.seed, handling: Arc::clone(&spec.common.handling) }
    }
}

/// One processor.
#[derive(Debug)]
pub(crate) struct Recording {
    recorder: Recorder,
    run: Run,
    seat: Seat,
    shard: String,
    handling: Arc<Handling>,
    luck: fastrand::Rng,
    explicit: bool,
}

impl Recording {
    pub(crate) fn new(maker: &Maker, context: &ShardContext) -> Self {
        let seat = maker.recorder.next_seat();
        let mut luck = fastrand::Rng::with_seed(maker.seed ^ (u64::from(seat.0) << 32));
        let explicit = luck.f64() < maker.handling.explicit;
        Self {
            recorder: maker.recorder.clone(),
            run: maker.run,
            seat,
            shard: context.shard.shard.as_str().to_owned(),
            handling: Arc::clone(&maker.handling),
            luck,
            explicit,
        }
    }

    fn done(&self, through: &Position) {
        let (run, seat, shard) = (self.run, self.seat, self.shard.clone());
        self.recorder.note(What::Done { run, seat, shard, through: through.clone() });
    }

    /// Trouble strikes half-way; with explicit acknowledgement the first half is done then.
    async fn work(&self, batch: &Batch, checkpointer: &Checkpointer, conduct: Conduct) -> Result<(), Failure> {
        let (half, rest) = (conduct.millis / 2, conduct.millis.div_ceil(2));
        tokio::time::sleep(Duration::from_millis(half)).await;
        if self.explicit {
            for record in &batch.records()[..batch.records().len() / 2] {
                self.done(&record.position());
                checkpointer.done(record)?;
            }
        }
        match conduct.trouble {
            Trouble::None => {}
            Trouble::Failure => return Err("the processor was told to fail".into()),
            // Unlike `panic!`, this prints nothing.
            Trouble::Panic => std::panic::resume_unwind(Box::new("the processor was told to panic")),
        }
        tokio::time::sleep(Duration::from_millis(rest)).await;
        if let Some(last) = batch.records().last() {
            self.done(&last.position());
            if self.explicit {
                checkpointer.done(last)?;
            }
            if conduct.checkpoints {
                checkpoint(checkpointer, last).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl RecordProcessor for Recording {
    fn acknowledgement(&self) -> Acknowledgement {
        if self.explicit { Acknowledgement::Explicit } else { Acknowledgement::OnReturn }
    }

    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        if self.handling.draw(&mut self.luck).trouble == Trouble::Failure {
            return Err("the processor was told to fail at its start".into());
        }
        let (run, seat, epoch, start) = (self.run, self.seat, shard.epoch.number(), shard.start.clone());
        self.recorder.note(What::Seated { run, seat, shard: self.shard.clone(), epoch, start });
        Ok(())
    }

    async fn process_records(&mut self, batch: Batch, checkpointer: &Checkpointer) -> Result<(), Failure> {
        let records = batch.records().iter().map(|record| (record.position(), payload(record))).collect();
        let (run, seat, shard) = (self.run, self.seat, self.shard.clone());
        self.recorder.note(What::Called { run, seat, shard, records });
        let conduct = self.handling.draw(&mut self.luck);
        let mut call = Call { recorder: &self.recorder, run, seat, how: HowReturned::CutOff };
        if conduct.trouble == Trouble::Panic {
            call.how = HowReturned::Panicked;
        }
        let worked = self.work(&batch, checkpointer, conduct).await;
        call.how = if worked.is_ok() { HowReturned::Ok } else { HowReturned::Failed };
        worked
    }

    async fn shard_ended(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        if self.handling.draw(&mut self.luck).trouble == Trouble::Failure {
            return Err("the processor was told to fail at the end".into());
        }
        self.recorder.note(What::ShardEnded { run: self.run, shard: self.shard.clone() });
        Ok(())
    }
}

/// Commits as most people write it: a lost lease is told in another way too, what the store did not confirm is confirmed
/// with the next commit, and everything else is an error.
async fn checkpoint(checkpointer: &Checkpointer, at: &Record) -> Result<(), Failure> {
    match checkpointer.checkpoint_at(at).await {
        Ok(_) | Err(CheckpointError::LeaseLost { .. } | CheckpointError::Store { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes down the end of a call, however it ends.
struct Call<'a> {
    recorder: &'a Recorder,
    run: Run,
    seat: Seat,
    how: HowReturned,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.recorder.note(What::Returned { run: self.run, seat: self.seat, how: self.how });
    }
}

/// What a producer wrote into a record: `key:number:` and padding.
fn payload(record: &Record) -> Payload {
    let text = String::from_utf8_lossy(record.data());
    let mut parts = text.split(':');
    let key = parts.next().unwrap_or_default().to_owned();
    let number = parts.next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX);
    Payload { key, number }
}
