//! Whole fleets of workers under virtual time, on the real SDK clients and `kcl-local` in process; and what must hold of
//! everything that happens to them.
//!
//! A [`plan::Plan`] is drawn from a seed: a stream, some workers, what goes wrong and what is done to them. A
//! [`world`] lives through it and writes a [`history`]. The invariants of [`check`] are functions over that history.
//! [`simulate`] does all of it; the program `simulate` does it for many seeds, each run in a process of its own.

pub mod check;
pub mod determinism;
pub mod fate;
pub mod faults;
pub mod figures;
pub mod fleet;
pub mod handling;
pub mod history;
mod items;
pub mod java;
pub mod journal;
pub mod label;
pub mod member;
pub mod modelled;
pub mod monotonic;
pub mod plan;
pub mod planted;
pub mod process;
mod processor;
pub mod producer;
pub mod rare;
pub mod reshard;
pub mod row;
pub mod settled;
pub mod silence;
pub mod site;
pub mod tally;
mod timeline;
pub mod trace;
mod weighing;
mod witness;
mod work;
pub mod world;

use crate::check::Violation;
use crate::figures::Figures;
use crate::plan::Plan;
use crate::planted::Planted;
use crate::trace::Trace;

/// What came of one plan.
#[derive(Debug)]
pub struct Outcome {
    /// The figures.
    pub figures: Figures,
    /// What must not have happened.
    pub violations: Vec<Violation>,
    /// The hash of the trace.
    pub trace: u64,
    /// The trace itself, if it was asked for.
    pub text: Option<String>,
}

/// Lives through a plan. The same plan gives the same trace as long as each run has a process of its own.
///
/// # Panics
/// If the runtime cannot be built, or a task of the harness panics.
#[must_use]
pub fn simulate(plan: Plan, planted: Option<Planted>, readable: bool) -> Outcome {
    determinism::with_seed(plan.seed, || {
        let trace = if readable { Trace::readable() } else { Trace::default() };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without IO can be built");
        let lived = runtime.block_on(world::live(plan, planted, trace));
        let figures = Figures::of(&lived);
        Outcome { figures, violations: check::check(&lived.history), trace: lived.trace, text: lived.text }
    })
}
