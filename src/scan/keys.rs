//! Key domains: which fields hold the keys of which records.
//!
//! Primary and foreign keys from the schemas, and joins the owner declared, form domains named after the
//! table that owns the key, such as `crm.customers.id`. A key value is fingerprinted in its domain, so that a
//! consumer's orders are found though they hold nothing but `customer_id`.

use std::collections::HashMap;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};
use residuum_source::{KeyKind, ObjectPath, TableKey};

use crate::config::{FieldName, Join};

/// What the values of some fields mean in a domain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// They identify the record they stand in.
    Own,
    /// They say whose record this is: followed from the owner to here.
    Belongs,
    /// They name another record in some role (a manager, a support agent): indexed, not followed,
    /// because the record belongs to somebody else.
    Mentions,
    /// As [`Role::Mentions`] in records in which nobody else stands: those are found, and whose they are the key does not
    /// say.
    Refers,
}

impl Role {
    /// The rule name under which such a key is indexed, followed by the domain.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Own => "key:",
            Self::Belongs => "belongs:",
            Self::Mentions => "mentions:",
            Self::Refers => "refers:",
        }
    }

    /// The role and domain of a rule name made with [`Role::prefix`].
    pub fn of_rule(rule: &str) -> Option<(Self, &str)> {
        [Self::Own, Self::Belongs, Self::Mentions, Self::Refers]
            .into_iter()
            .find_map(|role| Some((role, rule.strip_prefix(role.prefix())?)))
    }
}

/// Fields of one object that hold a key of a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFields {
    /// The domain's name.
    pub domain: Arc<str>,
    /// The fields, in key order.
    pub fields: Vec<String>,
    /// What they mean.
    pub role: Role,
    /// Whether the owner declared it rather than a schema.
    pub declared: bool,
}

/// All domains of the sources of a scan.
#[derive(Default, Debug)]
pub struct KeyDomains {
    by_object: HashMap<(String, String), Vec<KeyFields>>,
    by_glob: Vec<(String, GlobMatcher, KeyFields)>,
}

type KeyId = (String, String, Vec<String>);

impl KeyDomains {
    /// Forms the domains of what schemas and owner declare: `schemas` is each source's name with its keys.
    pub fn new(schemas: &[(String, Vec<TableKey>)], joins: &[Join]) -> Self {
        let mut owners: HashMap<KeyId, KeyId> = HashMap::new(); // a referring key and the key it refers to
        for (source, keys) in schemas {
            for key in keys {
                if let KeyKind::Foreign { object, columns } = &key.kind {
                    let from = id(source, &key.object, &key.columns);
                    owners.entry(from).or_insert_with(|| id(source, object, columns));
                }
            }
        }
        let root = |key: &KeyId| {
            let mut key = key;
            for _ in 0..64 {
                match owners.get(key) {
                    Some(owner) if owner != key => key = owner,
                    _ => break,
                }
            }
            domain_name(key)
        };
        let mut domains = Self::default();
        for (source, keys) in schemas {
            for key in keys {
                let own = id(source, &key.object, &key.columns);
                let (target, role) = match &key.kind {
                    KeyKind::Primary => (&own, Role::Own),
                    KeyKind::Unique if owners.values().any(|owner| *owner == own) => (&own, Role::Own),
                    KeyKind::Unique => continue,
                    KeyKind::Foreign { object, columns } => {
                        let is_own = keys
                            .iter()
                            .any(|k| k.kind == KeyKind::Primary && k.object == key.object && k.columns == key.columns);
                        if is_own {
                            continue; // the primary key says the same, in the same domain
                        }
                        (&id(source, object, columns), reference_role(&key.columns, object))
                    }
                };
                let fields =
                    KeyFields { domain: root(target).into(), fields: key.columns.clone(), role, declared: false };
                domains.add(source, key.object.as_str(), fields);
            }
        }
        for join in joins {
            domains.join(join, &root);
        }
        domains
    }

    /// The key fields of an object.
    pub fn of(&self, source: &str, object: &str) -> Vec<KeyFields> {
        let mut found = self.by_object.get(&(source.to_owned(), object.to_owned())).cloned().unwrap_or_default();
        for (of, glob, fields) in &self.by_glob {
            if of == source
                && glob.is_match(object)
                && !found.iter().any(|f| f.fields == fields.fields && f.domain == fields.domain)
            {
                found.push(fields.clone());
            }
        }
        found
    }

    fn add(&mut self, source: &str, object: &str, fields: KeyFields) {
        let held = self.by_object.entry((source.to_owned(), object.to_owned())).or_default();
        match held.iter_mut().find(|h| h.fields == fields.fields && h.domain == fields.domain) {
            Some(same) if fields.declared => *same = fields,
            Some(_) => {}
            None => held.push(fields),
        }
    }

    /// A declared join: the key it refers to is a domain of its own if no schema made it one.
    fn join(&mut self, join: &Join, root: &dyn Fn(&KeyId) -> String) {
        let target = (join.to.source.clone(), join.to.object.clone(), vec![join.to.field.clone()]);
        let domain: Arc<str> = root(&target).into();
        let fields = |name: &FieldName, role| KeyFields {
            domain: domain.clone(),
            fields: vec![name.field.clone()],
            role,
            declared: true,
        };
        let own = fields(&join.to, Role::Own);
        let known = self.of(&join.to.source, &join.to.object);
        if !known.iter().any(|k| k.role == Role::Own && k.fields == own.fields) {
            self.add(&join.to.source, &join.to.object, own);
        }
        let from = fields(&join.from, Role::Belongs);
        match Glob::new(&join.from.object) {
            Ok(glob) if join.from.object.contains(['*', '?', '[', '{']) => {
                self.by_glob.push((join.from.source.clone(), glob.compile_matcher(), from));
            }
            _ => self.add(&join.from.source, &join.from.object, from),
        }
    }
}

fn id(source: &str, object: &ObjectPath, columns: &[String]) -> KeyId {
    (source.to_owned(), object.as_str().to_owned(), columns.to_vec())
}

/// `crm`, `public.customers`, `id` make `crm.customers.id`: the default schema's name adds nothing.
fn domain_name((source, object, columns): &KeyId) -> String {
    format!("{}.{}", table_of_domain(source, object), columns.join("+"))
}

/// How the domains of a table's keys begin.
pub(crate) fn table_of_domain(source: &str, object: &str) -> String {
    let table = object.strip_prefix("public.").or_else(|| object.strip_prefix("main.")).unwrap_or(object);
    format!("{source}.{table}")
}

/// Whether a reference says whose record this is or merely mentions somebody.
///
/// `orders.customer_id → customers` belongs; `customers.support_rep_id → employees` mentions. The name of the
/// field decides: it belongs if it is named after the table it refers to, be it in short (`cust`), or after nothing but a
/// key. In a table that holds no person of its own what mentions becomes [`Role::Refers`], in the reader of a unit.
fn reference_role(columns: &[String], target: &ObjectPath) -> Role {
    let table = target.parts().pop().unwrap_or_default();
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let table = letters(&table);
    let singular =
        table.strip_suffix("ies").map(|s| format!("{s}y")).or_else(|| table.strip_suffix('s').map(str::to_owned));
    let stem = singular.unwrap_or_else(|| table.clone());
    let named_after = |column: &String| {
        let mut column = letters(column);
        for suffix in ["uuid", "guid", "id", "key", "no", "number", "fk", "ref"] {
            column = column.strip_suffix(suffix).map_or(column.clone(), str::to_owned);
        }
        column.is_empty() || column == table || stem.starts_with(&column) || stem.ends_with(&column)
    };
    if columns.iter().any(named_after) { Role::Belongs } else { Role::Mentions }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(object: &str, columns: &[&str], kind: KeyKind) -> TableKey {
        let columns = columns.iter().map(|&c| c.to_owned()).collect();
        TableKey { object: ObjectPath::from_escaped(object).expect("valid"), columns, kind }
    }

    fn refers(object: &str, column: &str) -> KeyKind {
        KeyKind::Foreign { object: ObjectPath::from_escaped(object).expect("valid"), columns: vec![column.to_owned()] }
    }

    #[test]
    fn schemas_and_joins_form_domains() {
        let schema = vec![
            key("main.customers", &["id"], KeyKind::Primary),
            key("main.customers", &["support_rep_id"], refers("main.employees", "id")),
            key("main.orders", &["id"], KeyKind::Primary),
            key("main.orders", &["customer_id"], refers("main.customers", "id")),
            key("main.profiles", &["customer_id"], KeyKind::Primary),
            key("main.profiles", &["customer_id"], refers("main.customers", "id")),
            key("main.order_items", &["order_id", "line"], KeyKind::Primary),
            key("main.order_items", &["order_id"], refers("main.orders", "id")),
        ];
        let name = |source: &str, object: &str, field: &str| FieldName {
            source: source.to_owned(),
            object: object.to_owned(),
            field: field.to_owned(),
        };
        let joins = [Join { from: name("files", "orders*.csv", "cust"), to: name("crm", "main.customers", "id") }];
        let domains = KeyDomains::new(&[("crm".to_owned(), schema)], &joins);
        let of = |source: &str, object: &str| -> Vec<(String, String, Role)> {
            let found = domains.of(source, object);
            found.iter().map(|k| (k.fields.join("+"), k.domain.to_string(), k.role)).collect()
        };
        let row = |fields: &str, domain: &str, role| (fields.to_owned(), domain.to_owned(), role);
        assert_eq!(
            of("crm", "main.customers"),
            [row("id", "crm.customers.id", Role::Own), row("support_rep_id", "crm.employees.id", Role::Mentions)]
        );
        assert_eq!(
            of("crm", "main.orders"),
            [row("id", "crm.orders.id", Role::Own), row("customer_id", "crm.customers.id", Role::Belongs)]
        );
        assert_eq!(of("crm", "main.profiles"), [row("customer_id", "crm.customers.id", Role::Own)]);
        assert_eq!(
            of("crm", "main.order_items"),
            [
                row("order_id+line", "crm.order_items.order_id+line", Role::Own),
                row("order_id", "crm.orders.id", Role::Belongs)
            ]
        );
        assert_eq!(of("files", "orders-2026.csv"), [row("cust", "crm.customers.id", Role::Belongs)]);
        assert!(of("files", "other.csv").is_empty());
    }

    #[test]
    fn rule_names_round_trip() {
        for role in [Role::Own, Role::Belongs, Role::Mentions, Role::Refers] {
            let rule = format!("{}crm.customers.id", role.prefix());
            assert_eq!(Role::of_rule(&rule), Some((role, "crm.customers.id")));
        }
        assert_eq!(Role::of_rule("email"), None);
    }
}
