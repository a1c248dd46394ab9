//! The scenarios. Together they cover what the README promises.

use crate::lease::Id;
use crate::rules::Rules;
use crate::scenario::{Family, Scenario};
use crate::state::{Budget, SLOTS};

const THREE: [Option<(Id, bool)>; SLOTS] = [Some((0, true)), Some((1, true)), Some((2, true))];
const TWO: [Option<(Id, bool)>; SLOTS] = [Some((0, true)), Some((1, true)), None];
/// A worker, a second process of the same id, and another worker.
const TWINS: [Option<(Id, bool)>; SLOTS] = [Some((0, true)), Some((0, false)), Some((1, true))];

const CALM: Budget = Budget { crashes: 0, pauses: 0, losses: 0, moves: 0, stops: 0, slow_ticks: 0 };
/// What is asked for: at most one crash, one pause and two lost answers.
const FAULTS: Budget = Budget { crashes: 1, pauses: 1, losses: 2, ..CALM };
/// One worker is told to stop, and the leader moves a lease.
const HAND_OVERS: Budget = Budget { moves: 1, stops: 1, ..CALM };

const BASE: Scenario = Scenario {
    name: "",
    processes: THREE,
    family: Family::One,
    last: 1,
    budget: CALM,
    late_writes: false,
    prompt_answers: false,
    stale_reads: false,
    twins_may_read: false,
    asks_calm: true,
    rules: Rules::WHOLE,
};

/// All that is explored.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "merge", family: Family::Merge, budget: FAULTS, prompt_answers: true, ..BASE },
    Scenario {
        name: "split",
        family: Family::Split,
        budget: Budget { losses: 1, ..FAULTS },
        prompt_answers: true,
        ..BASE
    },
    Scenario {
        name: "reshard moves",
        processes: TWO,
        family: Family::Line,
        budget: Budget { crashes: 1, losses: 1, ..HAND_OVERS },
        prompt_answers: true,
        ..BASE
    },
    Scenario {
        name: "slow answers",
        processes: TWO,
        family: Family::Merge,
        budget: Budget { crashes: 1, losses: 1, ..CALM },
        ..BASE
    },
    Scenario { name: "hand-overs", budget: Budget { moves: 1, stops: 1, ..FAULTS }, ..BASE },
    Scenario { name: "late writes", budget: Budget { losses: 1, ..FAULTS }, late_writes: true, ..BASE },
    Scenario { name: "late pair", processes: TWO, last: 2, budget: FAULTS, late_writes: true, ..BASE },
    Scenario {
        name: "late moves",
        processes: TWO,
        budget: Budget { crashes: 1, losses: 1, ..HAND_OVERS },
        late_writes: true,
        ..BASE
    },
    Scenario {
        name: "stale reads",
        processes: TWO,
        budget: Budget { losses: 1, ..FAULTS },
        late_writes: true,
        stale_reads: true,
        ..BASE
    },
    Scenario {
        name: "slow clock",
        budget: Budget { slow_ticks: 1, losses: 1, crashes: 1, ..CALM },
        late_writes: true,
        ..BASE
    },
    Scenario {
        name: "twins",
        processes: TWINS,
        budget: Budget { pauses: 1, losses: 1, ..CALM },
        late_writes: true,
        ..BASE
    },
    Scenario { name: "twins of old", processes: TWINS, budget: FAULTS, ..BASE },
    Scenario {
        name: "twins moved",
        processes: TWINS,
        budget: Budget { moves: 1, ..FAULTS },
        twins_may_read: true,
        ..BASE
    },
];

/// Scenarios that are explored in a moment; mutants are looked for in them.
pub(crate) const SMALL: &[Scenario] = &[
    Scenario { name: "two", processes: TWO, last: 2, budget: Budget { losses: 1, ..CALM }, ..BASE },
    Scenario {
        name: "two, late",
        processes: TWO,
        last: 2,
        budget: Budget { losses: 1, ..CALM },
        late_writes: true,
        ..BASE
    },
    Scenario { name: "two, moved", processes: TWO, budget: Budget { crashes: 1, ..HAND_OVERS }, ..BASE },
    Scenario { name: "two, a slow clock", processes: TWO, budget: Budget { slow_ticks: 1, ..CALM }, ..BASE },
    Scenario { name: "two of one id", processes: TWINS, budget: Budget { pauses: 1, ..CALM }, ..BASE },
    Scenario { name: "parents and child", processes: TWO, family: Family::Merge, prompt_answers: true, ..BASE },
];
