//! A worker process: a worker as in the simulation, on sockets, which writes its part of the history.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::fate::with_causes;
use integration_tests::handling::Handling;
use integration_tests::history::{HowOver, Recorder, Run, What, millis};
use integration_tests::journal::Pen;
use integration_tests::member::{Outside, member};
use integration_tests::modelled::Reading;
use integration_tests::process::{aws, parent_gone};
use integration_tests::site::{Clocks, Common, WorkerSpec};
use integration_tests::trace::Trace;
use kcl_core::error::Failure;
use kcl_core::signals::terminated;
use kcl_core::time::WallClock;
use kcl_local::Clock;

use crate::options::Worker;

/// How long a stop in good order may take.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(10);
/// The longest time that a call of a processor takes.
pub(crate) const SLOWEST: Duration = Duration::from_millis(2_000);
/// How long a process still lives whose worker is over: whatever of it is left shows.
const AFTERMATH: Duration = Duration::from_millis(100);
/// One run has fewer processors.
const SEATS: u32 = 10_000;

/// Works until SIGTERM, or until the process that started this one is gone.
pub(crate) async fn work(options: Worker) -> Result<(), Failure> {
    let aws = aws().await;
    let mut kinesis = aws_sdk_kinesis::config::Builder::from(&aws);
    if options.fan_out {
        kinesis.set_http_client(Some(kcl_efo::http_client()));
    }
    let (run, handling) = (Run(options.run), Arc::new(handling()));
    let recorder = Recorder::new(Clock::wall(), Trace::default());
    let recorder = recorder.writing(Pen::create(&options.part)?, options.run * SEATS);
    let outside = Outside {
        kinesis: aws_sdk_kinesis::Client::from_conf(kinesis.build()),
        dynamodb: aws_sdk_dynamodb::Client::new(&aws),
        wall: WallClock::system(),
        recorder: recorder.clone(),
    };
    let worker = member(&spec(&options, &handling), outside)?.build()?;
    let how = tokio::select! {
        ended = worker.run_until(terminated(), SHUTDOWN) => match ended {
            Ok(_) => HowOver::Stopped,
            Err(error) => HowOver::Failed(with_causes(&error)),
        },
        gone = parent_gone(|_| handling.calm_down()) => return gone,
    };
    recorder.note(What::Over { run, how });
    tokio::time::sleep(AFTERMATH).await;
    Ok(())
}

fn spec(options: &Worker, handling: &Arc<Handling>) -> WorkerSpec {
    WorkerSpec {
        run: Run(options.run),
        slot: options.slot,
        id: options.id.clone(),
        seed: options.seed,
        reading: if options.fan_out { Reading::FanOut } else { Reading::Polling },
        clocks: Clocks::default(),
        common: Common {
            read_limit: 100,
            handling: Arc::clone(handling),
            planted: options.planted,
            ..Common::plain(options.failover)
        },
    }
}

fn handling() -> Handling {
    Handling {
        fails: 0.02,
        panics: 0.01,
        slows: 0.02,
        checkpoints: 0.1,
        explicit: 0.3,
        pause: 0..=30,
        slow: 300..=millis(SLOWEST),
        ..Handling::default()
    }
}
