//! The labels by which the network knows the workers' clients: the slot in the fleet, and the run. They have the characters that
//! an application id may have, by which a client is known over a socket.

use crate::history::Run;

/// The label of a run's clients.
#[must_use]
pub fn of(slot: usize, run: Run) -> String {
    format!("w{slot}.{}", run.0)
}

/// The slot, if a worker has this label.
pub(crate) fn slot(label: &str) -> Option<usize> {
    label.strip_prefix('w')?.split('.').next()?.parse().ok()
}

/// The run, if a worker has this label.
pub(crate) fn run(label: &str) -> Option<Run> {
    label.split_once('.')?.1.parse().ok().map(Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_gives_back_what_it_was_made_of() {
        let label = of(2, Run(17));
        assert_eq!((slot(&label), run(&label)), (Some(2), Some(Run(17))));
        assert_eq!((slot("producer"), run("producer")), (None, None));
    }
}
