//! Memory that does not grow for ever: a server runs for weeks.

use std::collections::BTreeMap;

/// How many tokens of a kind a vendor remembers. Decision: no test needs more.
const MOST: usize = 100_000;

/// Forgets the oldest half of a map that has become too large. What `begins` returns tells the age.
pub(crate) fn trim<K: Ord, V, A: Ord + Copy>(map: &mut BTreeMap<K, V>, begins: impl Fn(&V) -> A) {
    if map.len() <= MOST {
        return;
    }
    let mut ages: Vec<A> = map.values().map(&begins).collect();
    let (_, &mut median, newer) = ages.select_nth_unstable(map.len() - MOST / 2 - 1);
    // On a clock that stands still, all have the same age.
    let mut equal = MOST / 2 - newer.iter().filter(|age| **age > median).count();
    map.retain(|_, value| {
        let age = begins(value);
        let is_kept = age > median || (age == median && equal > 0);
        equal -= usize::from(is_kept && age == median);
        is_kept
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_half_is_forgotten_and_nothing_before() {
        let mut map: BTreeMap<usize, usize> = (0..MOST).map(|at| (at, at)).collect();
        trim(&mut map, |at| *at);
        assert_eq!(map.len(), MOST);
        map.insert(MOST, MOST);
        trim(&mut map, |at| *at);
        assert_eq!(map.len(), MOST / 2);
        assert_eq!(
            map.first_key_value(),
            Some((&(MOST / 2 + 1), &(MOST / 2 + 1)))
        );
    }
}
