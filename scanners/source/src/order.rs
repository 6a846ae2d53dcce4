//! The order in which tables are written: what refers to others first, so that no reference is left without its end.

use std::collections::{BTreeMap, BTreeSet};

use crate::{KeyKind, ObjectPath, TableKey};

/// Sorts objects so that each comes before those it refers to, as far as references form no circle; in order of names
/// otherwise. Time is that of sorting the objects and the keys.
pub fn referring_first(objects: &mut [ObjectPath], keys: &[TableKey]) {
    let there: BTreeSet<&ObjectPath> = objects.iter().collect();
    let mut refers_to: BTreeMap<&ObjectPath, BTreeSet<&ObjectPath>> = BTreeMap::new();
    for key in keys {
        if let KeyKind::Foreign { object, .. } = &key.kind
            && key.object != *object
            && there.contains(&key.object)
            && there.contains(object)
        {
            refers_to.entry(&key.object).or_default().insert(object);
        }
    }
    let mut referring: BTreeMap<&ObjectPath, usize> = BTreeMap::new();
    refers_to.values().flatten().for_each(|object| *referring.entry(object).or_default() += 1);
    // What nothing that is left refers to can go; of a circle, the first by name.
    let mut left: BTreeSet<&ObjectPath> = there.clone();
    let mut free: BTreeSet<&ObjectPath> = there.iter().copied().filter(|of| !referring.contains_key(of)).collect();
    let mut place: BTreeMap<ObjectPath, usize> = BTreeMap::new();
    while let Some(next) = free.pop_first().or_else(|| left.first().copied()) {
        place.insert(next.clone(), place.len());
        left.remove(next);
        for to in refers_to.get(next).into_iter().flatten() {
            let from = referring.get_mut(to).expect("counted above");
            *from -= 1;
            if *from == 0 && left.contains(to) {
                free.insert(to);
            }
        }
    }
    objects.sort_by_key(|object| place.get(object).copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_go_before_their_parents() {
        let path = |name: &str| ObjectPath::from_parts([name]);
        let key = |from: &str, to: &str| TableKey {
            object: path(from),
            columns: vec!["x".to_owned()],
            kind: KeyKind::Foreign { object: path(to), columns: vec!["id".to_owned()] },
        };
        let keys = [
            key("orders", "customers"),
            key("items", "orders"),
            key("customers", "customers"),
            key("a", "b"),
            key("b", "a"),
            key("orders", "elsewhere"),
        ];
        let mut objects: Vec<_> = ["customers", "a", "orders", "b", "items", "zoo"].map(path).into();
        referring_first(&mut objects, &keys);
        let at = |name: &str| objects.iter().position(|object| *object == path(name)).expect("none is lost");
        assert!(at("items") < at("orders") && at("orders") < at("customers"));
        assert_eq!(objects.len(), 6);
    }
}
