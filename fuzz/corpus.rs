//! The committed corpus of a target, for the tests that replay it on stable. They include this file.

use std::path::Path;

/// Gives every file of a target's corpus to what the fuzzer gives them to. When one fails, it is the last that is named.
///
/// # Panics
/// If there is no file, or one cannot be read.
pub(crate) fn replay(target: &str, fuzz: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the corpus is readable").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no files", folder.display());
    for file in files {
        println!("{}", file.display());
        fuzz(&std::fs::read(&file).expect("the corpus file is readable"));
    }
}
