//! The tiers of this crate: a module uses those below it, and its own tier's, never one above. Crate boundaries keep
//! themselves acyclic; inside a crate only a test does.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. Whoever adds a module decides here where it belongs.
const TIERS: [&[&str]; 6] = [
    // Words.
    &[
        "ids",
        "time",
        "position",
        "shard",
        "lease",
        "error",
        "deaggregate",
        "budget",
        "record",
        "member",
        "utilization",
        "signals",
    ],
    // Decisions.
    &["decide"],
    // Contracts, and what is told.
    &["event", "store", "retrieval", "retry", "kinesis"],
    // One ownership, and the user's side of it.
    &["report", "tenure", "checkpointer", "processor"],
    // Loops, and what stands beside them.
    &["shard_task", "removal", "reset", "memory", "polling", "testing"],
    // Assembly.
    &["worker"],
];

fn tier(module: &str) -> Option<usize> {
    TIERS.iter().position(|tier| tier.contains(&module))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
            && !path.components().any(|part| part.as_os_str() == "tests")
        {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The modules that a source names by `crate::`, outside its tests and comments.
fn uses(source: &str) -> Vec<String> {
    let product = source.split("#[cfg(test)]").next().unwrap_or_default();
    product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn every_module_has_a_tier_and_uses_none_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let relative = file.strip_prefix(&root).expect("below the root");
        let first = relative.components().next().expect("a name").as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" {
            continue;
        }
        let Some(own) = tier(&module) else {
            wrong.push(format!("{module} has no tier"));
            continue;
        };
        for used in uses(&fs::read_to_string(&file).expect("a source")) {
            if tier(&used).is_some_and(|used| used > own) {
                wrong.push(format!("{} ({module}, tier {own}) must not use {used}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn decisions_do_not_wait_and_ask_no_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/decide");
    for file in sources(&root) {
        let source = fs::read_to_string(&file).expect("a source");
        let product = source.split("#[cfg(test)]").next().unwrap_or_default();
        for word in [".await", "async fn", "Instant::now", "fastrand", "WallClock", "HashMap", "HashSet"] {
            assert!(!product.contains(word), "{} contains {word}", file.display());
        }
    }
}
