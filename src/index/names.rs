//! Names and the numbers that stand for them while a writer is at work.
//!
//! Numbers are given at once and kept by the next commit that succeeds; numbers of a process that was killed
//! before are given again. Of objects known from before only a digest of the name is held in memory, the name
//! itself only while findings of the object are on their way.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::Findings;
use super::catalog::{Arg, Catalog, bulk, parsed};
use super::error::Result;
use super::segment::Ranks;

/// The names a writer knows.
#[derive(Default)]
pub(super) struct Names {
    sources: HashMap<String, u32>,
    source_names: HashMap<u32, Arc<str>>,
    objects: HashMap<[u8; 16], u32>,
    fields: HashMap<Arc<str>, u32>,
    field_names: HashMap<u32, Arc<str>>,
    rules: HashMap<Arc<str>, u16>,
    rule_names: HashMap<u16, Arc<str>>,
    next_object: u32,
    next_field: u32,
    /// Names of objects that findings may be on their way of.
    active: HashMap<u32, (u32, Arc<str>)>,
    /// Listed objects that this scan has seen.
    pub(super) seen: Numbers,
    fresh: Fresh,
}

/// Objects that are read from the catalog together.
const TOGETHER: u32 = 50_000;

/// A set of numbers that stand close together.
#[derive(Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    pub(super) fn insert(&mut self, number: u32) {
        let word = number as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word & 1 << (number % 64) != 0)
    }
}

/// What the catalog does not know yet.
#[derive(Default, Clone)]
pub(super) struct Fresh {
    sources: Vec<(u32, String, String)>,
    objects: Vec<(u32, u32, Arc<str>)>,
    fields: Vec<(u32, Arc<str>)>,
    rules: Vec<(u16, Arc<str>)>,
}

impl Names {
    pub(super) fn load(catalog: &mut Catalog) -> Result<Self> {
        let mut names = Self { next_object: 1, next_field: 1, ..Self::default() };
        for (id, name) in
            catalog.rows::<(u32, String)>("SELECT json_group_array(json_array(id, name)) FROM source", &[])?
        {
            names.source_names.insert(id, name.as_str().into());
            names.sources.insert(name, id);
        }
        for (id, name) in
            catalog.rows::<(u16, String)>("SELECT json_group_array(json_array(id, name)) FROM rule", &[])?
        {
            let name: Arc<str> = name.into();
            names.rule_names.insert(id, name.clone());
            names.rules.insert(name, id);
        }
        for (id, path) in
            catalog.rows::<(u32, String)>("SELECT json_group_array(json_array(id, path)) FROM field", &[])?
        {
            let path: Arc<str> = path.into();
            names.next_field = names.next_field.max(id + 1);
            names.field_names.insert(id, path.clone());
            names.fields.insert(path, id);
        }
        names.load_objects(catalog)?;
        Ok(names)
    }

    /// The catalog reads the next objects while those before are taken.
    fn load_objects(&mut self, catalog: &mut Catalog) -> Result<()> {
        let last: u32 = catalog.one("SELECT ifnull(max(id), 0) FROM object", &[])?;
        self.next_object = last + 1;
        self.objects.reserve(last as usize);
        let file = catalog.file().to_owned();
        let (read, to_take) = crossbeam_channel::bounded(1);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let sql = "SELECT json_group_array(json_array(id, source, path)) FROM object WHERE id BETWEEN ? AND ?";
                for first in (1..=last).step_by(TOGETHER as usize) {
                    let stretch = [first.into(), (i64::from(first) + i64::from(TOGETHER) - 1).into()];
                    if read.send(catalog.one::<String>(sql, &stretch)).is_err() {
                        return; // those before could not be taken
                    }
                }
            });
            for rows in to_take {
                let rows: Vec<(u32, u32, String)> = parsed(&file, &rows?)?;
                self.objects.extend(rows.iter().map(|(id, source, path)| (digest(*source, path), *id)));
            }
            Ok(())
        })
    }

    pub(super) fn source(&mut self, name: &str, kind: &str) -> u32 {
        if let Some(&id) = self.sources.get(name) {
            return id;
        }
        let id = self.sources.values().max().map_or(1, |max| max + 1);
        self.sources.insert(name.to_owned(), id);
        self.source_names.insert(id, name.into());
        self.fresh.sources.push((id, name.to_owned(), kind.to_owned()));
        id
    }

    pub(super) fn object(&mut self, source: u32, path: &str) -> u32 {
        let known = *self.objects.entry(digest(source, path)).or_insert(self.next_object);
        if let Some((_, path)) = self.active.get(&known) {
            debug_assert!(!path.is_empty());
            return known;
        }
        let path: Arc<str> = path.into();
        if known == self.next_object {
            self.next_object += 1;
            self.fresh.objects.push((known, source, path.clone()));
        }
        self.active.insert(known, (source, path));
        known
    }

    /// The number of an object if it has one.
    pub(super) fn known_object(&self, source: u32, path: &str) -> Option<u32> {
        self.objects.get(&digest(source, path)).copied()
    }

    pub(super) fn field(&mut self, path: &str) -> u32 {
        if let Some(&id) = self.fields.get(path) {
            return id;
        }
        let (id, path) = (self.next_field, Arc::<str>::from(path));
        self.next_field += 1;
        self.fields.insert(path.clone(), id);
        self.field_names.insert(id, path.clone());
        self.fresh.fields.push((id, path));
        id
    }

    pub(super) fn rule(&mut self, name: &str) -> u16 {
        if let Some(&id) = self.rules.get(name) {
            return id;
        }
        let (id, name) = (self.rules.len() as u16 + 1, Arc::<str>::from(name));
        self.rules.insert(name.clone(), id);
        self.rule_names.insert(id, name.clone());
        self.fresh.rules.push((id, name));
        id
    }

    /// Ranks of all names that a buffer uses; objects whose names are not at hand are given back instead.
    pub(super) fn ranks(&self, findings: &Findings, loaded: &HashMap<u32, (u32, Arc<str>)>) -> Result<Ranks, Vec<u32>> {
        let objects = distinct(&findings.object);
        let name = |id: &u32| self.active.get(id).or_else(|| loaded.get(id));
        let missing: Vec<_> = objects.iter().filter(|id| name(id).is_none()).copied().collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let object = |id: &u32| name(id).map(|(source, path)| (self.source_names.get(source), path));
        let mut rules: Vec<u16> = findings.rule.clone();
        rules.sort_unstable();
        rules.dedup();
        Ok(Ranks {
            objects: ranked(objects, object),
            fields: ranked(distinct(&findings.field), |id| self.field_names.get(id)),
            rules: ranked(rules, |id| self.rule_names.get(id)),
        })
    }

    /// What the next commit has to keep.
    pub(super) fn fresh(&self) -> Fresh {
        self.fresh.clone()
    }

    /// A commit has kept these, and the findings of these objects are written.
    pub(super) fn kept(&mut self, fresh: &Fresh, objects: impl Iterator<Item = u32>) {
        self.fresh.sources.drain(..fresh.sources.len());
        self.fresh.objects.drain(..fresh.objects.len());
        self.fresh.fields.drain(..fresh.fields.len());
        self.fresh.rules.drain(..fresh.rules.len());
        let unkept: HashSet<u32> = self.fresh.objects.iter().map(|(id, ..)| *id).collect();
        for object in objects.filter(|object| !unkept.contains(object)) {
            self.active.remove(&object);
        }
    }
}

impl Fresh {
    /// Writes the names, inside a transaction.
    pub(super) fn write(&self, catalog: &mut Catalog, scan: u32) -> Result<()> {
        if !self.sources.is_empty() {
            let sql = "INSERT INTO source SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)";
            catalog.run(sql, &[bulk(&self.sources)])?;
        }
        for rows in self.objects.chunks(50_000) {
            let rows: Vec<_> = rows.iter().map(|(id, source, path)| (id, source, &**path)).collect();
            let sql = "INSERT INTO object (id, source, path, first_scan) \
                       SELECT value ->> 0, value ->> 1, value ->> 2, ?2 FROM json_each(?1)";
            catalog.run(sql, &[bulk(&rows), scan.into()])?;
        }
        if !self.fields.is_empty() {
            let rows: Vec<_> = self.fields.iter().map(|(id, path)| (id, &**path)).collect();
            catalog.run("INSERT INTO field SELECT value ->> 0, value ->> 1 FROM json_each(?)", &[bulk(&rows)])?;
        }
        if !self.rules.is_empty() {
            let rows: Vec<_> = self.rules.iter().map(|(id, name)| (id, &**name)).collect();
            catalog.run("INSERT INTO rule SELECT value ->> 0, value ->> 1 FROM json_each(?)", &[bulk(&rows)])?;
        }
        Ok(())
    }
}

/// Sources and names of objects by their numbers.
pub(super) fn load_objects(catalog: &mut Catalog, ids: &[u32]) -> Result<HashMap<u32, (u32, Arc<str>)>> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(50_000) {
        let sql = "SELECT json_group_array(json_array(id, source, path)) FROM object \
                   WHERE id IN (SELECT value FROM json_each(?))";
        let args: [Arg; 1] = [bulk(&ids)];
        let rows: Vec<(u32, u32, String)> = catalog.rows(sql, &args)?;
        found.extend(rows.into_iter().map(|(id, source, path)| (id, (source, path.into()))));
    }
    Ok(found)
}

fn digest(source: u32, path: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&source.to_le_bytes()).update(path.as_bytes());
    hasher.finalize().as_bytes()[..16].try_into().expect("16 of 32 bytes")
}

fn distinct(numbers: &[u32]) -> Vec<u32> {
    let mut seen = HashSet::new();
    let mut last = None;
    for &number in numbers {
        if last != Some(number) {
            seen.insert(number);
            last = Some(number);
        }
    }
    seen.into_iter().collect()
}

/// Ranks of numbers by their names.
pub(super) fn ranked<N, K>(mut numbers: Vec<N>, name: impl Fn(&N) -> K) -> HashMap<N, u32>
where
    N: Copy + Eq + std::hash::Hash + Ord,
    K: Ord,
{
    numbers.sort_by(|a, b| name(a).cmp(&name(b)).then_with(|| a.cmp(b)));
    numbers.into_iter().zip(0..).collect()
}
