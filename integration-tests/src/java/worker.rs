//! A whole Java worker, from its start to its end.

use std::sync::Arc;

use super::assign::Assigner;
use super::dispatch::dispatch;
use super::process::Process;
use super::table::Trouble;

/// Lives until the worker is told to stop and has, or gives up: then with the reason.
pub(super) async fn live(process: Arc<Process>) -> Result<(), String> {
    tokio::select! {
        biased;
        () = process.told_to_stop() => return Ok(()),
        ready = process.get_ready() => ready.map_err(|trouble| trouble.0)?,
    }
    let ended = tokio::select! {
        biased;
        () = lead_and_report(&process) => Ok(()),
        ended = work(&process) => ended,
    };
    // Last of all, after the processors have ended: until here nobody assigns anything.
    process.resign_for_good().await;
    ended.map_err(|trouble| trouble.0)
}

/// What begins before there are leases, and ends first: nobody is given anything while the processors stop.
async fn lead_and_report(process: &Arc<Process>) {
    let assigning = async {
        tokio::select! {
            biased;
            () = process.told_to_stop() => {}
            () = Assigner::default().assign_on(process) => {}
        }
    };
    tokio::join!(assigning, process.report_on(), process.beat());
}

async fn work(process: &Arc<Process>) -> Result<(), Trouble> {
    tokio::select! {
        biased;
        () = process.told_to_stop() => return Ok(()),
        first = process.first_leases() => first?,
    }
    if let Err(trouble) = process.take_up().await {
        process.say(&format!("cannot take up what is left: {}", trouble.0));
    }
    let renewing = async {
        tokio::join!(
            process.renew_on(),
            process.discover_on(),
            process.hand_over_on(),
            process.clean_up_on(),
            process.audit_on(),
        );
    };
    tokio::select! {
        biased;
        () = renewing => {}
        () = dispatch(process) => {}
    }
    Ok(())
}
