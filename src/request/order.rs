//! The order in which tables are written: what refers to others first, so that no reference is left without its end.

use std::collections::{BTreeMap, BTreeSet};

use residuum_source::{KeyKind, ObjectPath, TableKey};

/// Sorts objects so that each comes before those it refers to, as far as references form no circle; in order of names
/// otherwise.
pub(super) fn referring_first(objects: &mut [ObjectPath], keys: &[TableKey]) {
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
    // What nothing that is left refers to can go; of a circle, the first by name.
    let mut left: BTreeSet<&ObjectPath> = there.clone();
    let mut place: BTreeMap<ObjectPath, usize> = BTreeMap::new();
    while let Some(&first) = left.first() {
        let is_referred_to = |object: &ObjectPath| {
            left.iter().any(|from| **from != *object && refers_to.get(from).is_some_and(|to| to.contains(object)))
        };
        let next = left.iter().copied().find(|object| !is_referred_to(object)).unwrap_or(first);
        place.insert(next.clone(), place.len());
        left.remove(next);
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
