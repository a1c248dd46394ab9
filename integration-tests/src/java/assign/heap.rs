//! The queue in which the leader keeps the workers, as `java.util.PriorityQueue` orders its elements: where all are
//! equal, taking one and putting it back goes to and fro between two of them. A new fleet without traffic is filled so.

use std::cmp::Ordering;

/// The greatest comes first.
#[derive(Debug)]
pub(super) struct Heap(Vec<(f64, usize)>);

/// As `Double.compare`: not a number is greater than all numbers, and equal to itself.
fn compare(one: f64, other: f64) -> Ordering {
    let plain = |number: f64| if number.is_nan() { f64::NAN } else { number };
    plain(one).total_cmp(&plain(other))
}

impl Heap {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, headroom: f64, worker: usize) {
        self.0.push((headroom, worker));
        let mut place = self.0.len() - 1;
        while place > 0 {
            let parent = (place - 1) / 2;
            if compare(self.0[place].0, self.0[parent].0).is_le() {
                break;
            }
            self.0.swap(place, parent);
            place = parent;
        }
    }

    pub(super) fn pop(&mut self) -> Option<usize> {
        let last = self.0.pop()?;
        let Some(first) = self.0.first().copied() else { return Some(last.1) };
        self.0[0] = last;
        let mut place = 0;
        while 2 * place + 1 < self.0.len() {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let right_first = right < self.0.len() && compare(self.0[right].0, self.0[left].0).is_gt();
            let child = if right_first { right } else { left };
            if compare(self.0[child].0, self.0[place].0).is_le() {
                break;
            }
            self.0.swap(place, child);
            place = child;
        }
        Some(first.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_served_by_two_of_them_in_turns() {
        let mut heap = Heap::new();
        (0..5).for_each(|worker| heap.push(f64::NAN, worker));
        let mut served = [0; 5];
        for _ in 0..1000 {
            let worker = heap.pop().expect("five are in it");
            served[worker] += 1;
            heap.push(f64::NAN, worker);
        }
        served.sort_unstable();
        assert_eq!(served, [0, 0, 0, 500, 500]);
    }

    #[test]
    fn the_greatest_comes_first() {
        let mut heap = Heap::new();
        for (worker, headroom) in [0.5, -0.2, 1.0, 0.7].into_iter().enumerate() {
            heap.push(headroom, worker);
        }
        let order: Vec<_> = std::iter::from_fn(|| heap.pop()).collect();
        assert_eq!(order, [2, 3, 0, 1]);
    }
}
