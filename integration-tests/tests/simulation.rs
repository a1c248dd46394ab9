//! Fleets by seed, through the program `simulate`: each run has a process of its own.

use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulate")).args(arguments).output().expect("the program starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// How soon a planted bug is found.
fn found_at(planted: &str) -> String {
    let output = simulate(&["--seeds", "1+50", "--planted", planted, "--stop-at-first"]);
    assert!(!output.status.success(), "{planted} was not found in 50 seeds");
    let text = text(&output);
    text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_dozen_seeds_keep_every_promise_and_repeat_themselves_exactly() {
    let output = simulate(&["--seeds", "5+12", "--twice"]);
    let text = text(&output);
    println!("{text}");
    assert!(output.status.success(), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains(" trace=")).count(), 12);
}

#[test]
fn commits_made_before_the_work_are_found() {
    println!("{}", found_at("commit-before-processing"));
}

#[test]
fn children_read_before_their_parents_are_found() {
    println!("{}", found_at("skip-parent-check"));
}

/// Seeds that once found a bug in the product, by what it was.
mod found_before {
    use super::{simulate, text};

    fn holds(seed: &str) {
        let output = simulate(&["--seed", seed]);
        assert!(output.status.success(), "{}", text(&output));
    }

    #[test]
    fn a_merged_shard_was_read_before_the_lease_of_one_of_its_parents_was_made() {
        ["124", "153", "249"].into_iter().for_each(holds);
    }

    #[test]
    fn a_process_took_the_last_writes_of_its_dead_predecessor_for_a_living_twin() {
        ["105", "261"].into_iter().for_each(holds);
    }

    #[test]
    fn what_was_taken_by_others_was_asked_for_again_as_long_as_the_table_showed_it_free() {
        holds("2157");
    }

    #[test]
    fn a_request_that_came_twice_made_a_lease_anew_that_was_finished_and_removed() {
        holds("5174");
    }

    #[test]
    fn a_commit_whose_answer_was_lost_while_a_new_processor_started_was_moved_back() {
        holds("284");
    }
}
