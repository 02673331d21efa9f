//! Lifetimes → offsets: buffers that are never needed at the same time share room.
//!
//! Sizes are symbolic, so buffers are gathered in *pools*: a pool is as large as its largest buffer, the lifetimes of
//! its buffers are disjoint, and pools lie one behind the other. That is right for all values of the sizes.

use super::room;
use crate::size::Size;

/// A buffer to be placed.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its bytes, without padding.
    pub bytes: Size,
    /// First and last step that needs it.
    pub alive: (usize, usize),
    /// About how many bytes that is, to choose between pools.
    pub guess: u64,
}

struct Pool {
    size: Size,
    guess: u64,
    items: Vec<usize>,
}

/// Gives each item its offset, and the size of all together.
///
/// Before: `a` alive in steps 0..1, `b` in 2..3. After: both at offset 0.
pub fn pools(items: &[Item]) -> (Vec<Size>, Size) {
    // Large ones first: what comes later then fits into pools that exist without enlarging them.
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(items[*index].guess), items[*index].alive.0, *index));
    let mut pools: Vec<Pool> = Vec::new();
    for index in order {
        let item = &items[index];
        let size = room(&item.bytes);
        let free = |pool: &Pool| {
            pool.items.iter().all(|other| {
                let alive = items[*other].alive;
                alive.1 < item.alive.0 || item.alive.1 < alive.0
            })
        };
        // The pool whose size is nearest; one that is exactly as large wins.
        let best = (0..pools.len())
            .filter(|pool| free(&pools[*pool]))
            .min_by_key(|pool| (pools[*pool].size != size, pools[*pool].guess.abs_diff(item.guess), *pool));
        match best {
            Some(best) => {
                let pool = &mut pools[best];
                pool.size = pool.size.larger(&size);
                pool.guess = pool.guess.max(item.guess);
                pool.items.push(index);
            }
            None => pools.push(Pool { size, guess: item.guess, items: vec![index] }),
        }
    }
    // Pools of constant size first, so that offsets stay simple.
    pools.sort_by_key(|pool| pool.size.as_const().is_none());
    let mut offsets = vec![Size::default(); items.len()];
    let mut end = Size::default();
    for pool in pools {
        for index in &pool.items {
            offsets[*index] = end.clone();
        }
        end = end.plus(&pool.size);
    }
    (offsets, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: i64, alive: (usize, usize)) -> Item {
        Item { bytes: bytes.into(), alive, guess: bytes as u64 }
    }

    #[test]
    fn a_chain_of_stages_needs_room_for_two() {
        let items: Vec<Item> = (0..10).map(|step| item(1000, (step, step + 1))).collect();
        let (offsets, end) = pools(&items);
        assert_eq!(end, room(&1000.into()).times_const(2));
        for pair in offsets.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn what_is_alive_at_the_same_time_is_kept_apart() {
        let (offsets, end) = pools(&[item(10, (0, 5)), item(20, (1, 2)), item(30, (3, 4)), item(40, (5, 5))]);
        assert_eq!(offsets[1], offsets[2]);
        assert_ne!(offsets[0], offsets[3]);
        assert_eq!(end.as_const(), Some(32 + 64));
    }
}
