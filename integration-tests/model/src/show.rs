//! A path as text: each state, and the step that follows it.
//!
//! Workers stand in an order of their own in every state, so a step names them by their place in the state above it.

use std::fmt::Write;

use crate::action::Action;
use crate::state::{Life, State, Worker};

/// A path to a state that must not be.
pub(crate) fn path<const L: usize>(path: &[(State<L>, Option<Action>)]) -> String {
    let mut text = String::new();
    for (state, action) in path {
        write_state(&mut text, state);
        if let Some(action) = action {
            line(&mut text, format_args!("-> {action:?}"));
        }
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(text, "{arguments}");
}

fn write_state<const L: usize>(text: &mut String, state: &State<L>) {
    for (shard, lease) in state.leases.iter().enumerate() {
        if let Some(lease) = lease {
            let (at, silent, stamp) = (lease.at, lease.silent, lease.stamp);
            let standing = lease.standing();
            line(text, format_args!("   lease {shard}: {standing:?}, at {at}, silent {silent}, {stamp:?}"));
        }
    }
    for (slot, worker) in state.workers.iter().enumerate().filter(|(_, worker)| worker.life != Life::Gone) {
        write_worker(text, slot, worker);
    }
    for (shard, write) in state.mail.iter().chain([&state.plan]).flatten() {
        line(text, format_args!("   under way to {shard}: {write:?}"));
    }
    if let Some(broken) = state.broken {
        line(text, format_args!("   broken: {}", broken.name()));
    }
}

fn write_worker<const L: usize>(text: &mut String, slot: usize, worker: &Worker<L>) {
    let leaving = if worker.leaving { ", leaving" } else { "" };
    line(text, format_args!("   process {slot}: worker {}, {:?}{leaving}", worker.id, worker.life));
    for (shard, seat) in worker.seats.iter().enumerate() {
        if let Some(tenure) = &seat.tenure {
            line(text, format_args!("      holds {shard}: {tenure:?}"));
        }
        if let Some(request) = &seat.request {
            line(text, format_args!("      waits for {shard}: {request:?}"));
        }
    }
}
