//! What is not deterministic by itself, made so for one thread.
//!
//! Time is tokio's paused clock and every source of luck of our own is seeded, which leaves what libraries draw from
//! the system: the keys of every `HashMap`, by which the AWS SDK orders what it writes, and the seed of tokio's own
//! generator, by which a `watch` channel wakes its readers and an unbiased `select!` chooses. Both come from
//! `getrandom`, so that is what is replaced, on the simulation's thread only; elsewhere the system answers as always.
//! The clock of the system needs no replacing: nothing that a run does or prints depends on it, which running every
//! seed twice shows.
//!
//! The rest is kept by the caller: one run in a process, because what a library initialises once would make a second
//! run differ from the first.
#![expect(unsafe_code, reason = "libraries draw their luck from the C library, and can be given another only there")]

use std::cell::Cell;
use std::thread;

thread_local! {
    /// The state of the generator that stands in for the system's on this thread, if one does.
    static LUCK: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs `world` on a thread of its own on which all luck follows from `seed`.
///
/// # Panics
/// If `world` panics.
pub fn with_seed<T: Send>(seed: u64, world: impl FnOnce() -> T + Send) -> T {
    let run = || {
        LUCK.set(Some(seed));
        // The SDK's jitter, its invocation ids, and every back-off draw from this one.
        fastrand::seed(seed);
        world()
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The next number of the thread's generator (SplitMix64), or `None` where the system's luck is wanted.
fn next() -> Option<u64> {
    // A thread that is ending has no luck of its own any more.
    let state = LUCK.try_with(Cell::get).ok().flatten()?.wrapping_add(0x9e37_79b9_7f4a_7c15);
    LUCK.set(Some(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Some(mixed ^ (mixed >> 31))
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod hook {
    use std::ffi::{c_long, c_uint, c_void};

    /// The number of the system call, from the kernel's tables.
    const GETRANDOM: c_long = if cfg!(target_arch = "x86_64") { 318 } else { 278 };

    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }

    /// Stands before the C library's function of this name in every program that links this crate.
    ///
    /// # Safety
    /// As the function that it replaces: `buffer` has room for `length` bytes.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
        let Some(first) = super::next() else {
            // SAFETY: the arguments are those of the system call, and the caller vouches for them.
            let answer = unsafe { syscall(GETRANDOM, buffer, length, flags) };
            return isize::try_from(answer).unwrap_or(-1);
        };
        if length > 0 {
            // SAFETY: the caller gives a buffer of `length` bytes; a byte is valid whatever it holds.
            let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<std::mem::MaybeUninit<u8>>(), length) };
            let mut number = first;
            for part in bytes.chunks_mut(8) {
                for (byte, value) in part.iter_mut().zip(number.to_le_bytes()) {
                    byte.write(value);
                }
                number = super::next().unwrap_or(number);
            }
        }
        isize::try_from(length).unwrap_or(isize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn order() -> Vec<u32> {
        (0..100).collect::<HashSet<_>>().into_iter().collect()
    }

    #[test]
    fn one_seed_gives_one_order_of_a_hash_set_and_another_seed_another() {
        assert_eq!(with_seed(1, order), with_seed(1, order));
        assert_ne!(with_seed(1, order), with_seed(2, order));
    }

    #[test]
    fn other_threads_keep_the_luck_of_the_system() {
        let outside = || thread::scope(|scope| scope.spawn(order).join().expect("ends"));
        assert_ne!(with_seed(1, outside), with_seed(1, outside));
    }
}
