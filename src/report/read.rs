//! An inventory from an index.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use residuum_detect::{Category, FieldPlan, RuleSet, Treatment, Type};
use residuum_source::Coverage;

use super::{Allowed, Changes, FieldLine, Inventory, LedgerLine, ScanLine, SourceLine, TotalChange, TypeLine};
use crate::clock::utc;
use crate::index::{FieldInfo, Index, IndexError, ObjectInfo, ScanRecord, display};
use crate::scan::keys::Role;

impl Inventory {
    /// Reads everything an inventory shows; categories are those of the rules that found something.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn read(index: &Index, rules: &RuleSet) -> Result<Self, IndexError> {
        Self::read_without(index, rules, &Allowed::default())
    }

    /// As [`Inventory::read`], without what the owner allows, which is counted. What is different since the scan before
    /// is of all that is there.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn read_without(index: &Index, rules: &RuleSet, allowed: &Allowed) -> Result<Self, IndexError> {
        let reader = index.reader()?;
        let objects = reader.objects()?;
        let mut scans = reader.scans()?;
        scans.sort_by_key(|scan| std::cmp::Reverse(scan.id));
        let plans = plans(&reader.plans()?);
        let mut infos = reader.fields()?;
        let allowed = allowed.leave_out(&reader, &mut infos)?;
        let keys = infos.iter().flat_map(keys);
        let keys: BTreeMap<_, BTreeSet<String>> = keys.fold(BTreeMap::new(), |mut all, (field, domain)| {
            all.entry(field).or_default().insert(domain);
            all
        });
        let mut fields: Vec<_> = infos.iter().filter_map(|info| field(info, &plans, &keys, rules)).collect();
        fields.sort_by(|a, b| (&a.source, &a.object, &a.field).cmp(&(&b.source, &b.object, &b.field)));
        let mut coverage = BTreeMap::new();
        for object in &objects {
            *coverage.entry(object.coverage).or_default() += 1;
        }
        let mut inventory = Self {
            index: index.dir().display().to_string(),
            made: utc(SystemTime::now()),
            sources: sources(&objects, &fields),
            ledger: ledger(&objects),
            changes: changes(&objects, &scans),
            scans: scans.iter().map(scan).collect(),
            fields,
            coverage,
            allowed,
        };
        let names = inventory.sources.iter_mut().map(|line| &mut line.name);
        let names = names.chain(inventory.fields.iter_mut().map(|line| &mut line.source));
        let names = names.chain(inventory.ledger.iter_mut().map(|line| &mut line.source));
        let names = names.chain(inventory.changes.totals.iter_mut().map(|line| &mut line.source));
        for name in names.chain(inventory.scans.iter_mut().flat_map(|line| &mut line.sources)) {
            *name = display(name);
        }
        Ok(inventory)
    }
}

type FieldId = (u32, String);

/// How fields were examined, by source, object and field.
type Plans = BTreeMap<(String, String, String), FieldPlan>;

fn plans(stored: &[crate::index::ObjectPlan]) -> Plans {
    let mut plans = Plans::new();
    for object in stored {
        // A plan that a later version wrote differently is left out of the picture, not of the inventory.
        let of_fields: Vec<FieldPlan> = serde_json::from_str(&object.plan).unwrap_or_default();
        for plan in of_fields {
            plans.insert((object.source.to_string(), object.object.to_string(), plan.field.clone()), plan);
        }
    }
    plans
}

/// The key domains that fields of an object belong to.
fn keys(info: &FieldInfo) -> impl Iterator<Item = (FieldId, String)> {
    let domains = info.types.iter().filter(|found| found.kind == Type::Key).map(|found| {
        let domain = Role::of_rule(&found.rule).map_or(&*found.rule, |(_, domain)| domain);
        domain.to_owned()
    });
    domains.map(|domain| ((info.object_id, info.field.to_string()), domain)).collect::<Vec<_>>().into_iter()
}

fn field(
    info: &FieldInfo,
    plans: &Plans,
    keys: &BTreeMap<FieldId, BTreeSet<String>>,
    rules: &RuleSet,
) -> Option<FieldLine> {
    let mut types = BTreeMap::<Type, TypeLine>::new();
    let mut categories = BTreeSet::<Category>::new();
    for found in info.types.iter().filter(|found| found.kind != Type::Key && found.n_values > 0) {
        let rule = rules.get(&found.rule);
        let of_rule = rule.map_or(found.kind.categories(), |rule| &rule.categories);
        categories.extend(of_rule);
        let line = types.entry(found.kind).or_insert_with(|| TypeLine {
            kind: found.kind,
            rules: Vec::new(),
            categories: Vec::new(),
            values: 0,
            records: 0,
            rate: 0.0,
        });
        line.rules.push(found.rule.to_string());
        line.categories.extend(of_rule);
        line.categories.sort_unstable();
        line.categories.dedup();
        line.values += found.n_values;
        // Records in which two rules found the same type are counted once for each, up to all there are.
        line.records = (line.records + found.n_records).min(info.n_records.max(found.n_records));
        line.rate = line.records as f64 / info.n_records.max(line.records).max(1) as f64;
    }
    if types.is_empty() {
        return None;
    }
    let mut types: Vec<_> = types.into_values().collect();
    types.sort_by_key(|found| (std::cmp::Reverse(found.values), found.kind.name()));
    let plan = plans.get(&(info.source.to_string(), info.object.to_string(), info.field.to_string()));
    Some(FieldLine {
        source: info.source.to_string(),
        object: display(&info.object),
        field: display(&info.field),
        values: info.n_values,
        records: info.n_records,
        sensitive: categories.contains(&Category::L),
        categories: categories.into_iter().collect(),
        keys: keys.get(&(info.object_id, info.field.to_string())).into_iter().flatten().cloned().collect(),
        plan: plan.map_or_else(|| "searched".to_owned(), treatment),
        evidence: plan.map(|plan| plan.evidence.clone()).unwrap_or_default(),
        types,
    })
}

/// How a field was examined, in a few words.
fn treatment(plan: &FieldPlan) -> String {
    match &plan.treatment {
        Treatment::Typed(rule) => format!("typed {rule}"),
        Treatment::Search => "searched".to_owned(),
        Treatment::Skip(reason) => format!("skipped: {reason}"),
    }
}

fn sources(objects: &[ObjectInfo], fields: &[FieldLine]) -> Vec<SourceLine> {
    let mut sources = BTreeMap::<&str, SourceLine>::new();
    for object in objects {
        let line = sources.entry(&object.source).or_insert_with(|| SourceLine {
            name: object.source.to_string(),
            kind: object.source_kind.to_string(),
            ..SourceLine::default()
        });
        line.objects += u64::from(object.coverage == Coverage::Read);
        line.bytes += object.bytes;
        line.records += object.records;
    }
    for field in fields {
        if let Some(line) = sources.get_mut(field.source.as_str()) {
            line.findings += field.types.iter().map(|found| found.values).sum::<u64>();
        }
    }
    sources.into_values().collect()
}

fn ledger(objects: &[ObjectInfo]) -> Vec<LedgerLine> {
    let mut ledger: Vec<_> = objects
        .iter()
        .filter(|object| object.coverage != Coverage::Read)
        .map(|object| LedgerLine {
            source: object.source.to_string(),
            object: display(&object.path),
            state: object.coverage,
            reason: object.reason.clone().unwrap_or_default(),
        })
        .collect();
    // What blocks a certificate comes first.
    ledger.sort_by(|a, b| {
        let key = |l: &LedgerLine| (!l.state.is_incomplete(), l.state, l.source.clone(), l.object.clone());
        key(a).cmp(&key(b))
    });
    ledger
}

fn scan(scan: &ScanRecord) -> ScanLine {
    let time = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
    let sources: BTreeSet<_> = scan.totals.iter().map(|total| total.source.clone()).collect();
    ScanLine {
        started: time(scan.started),
        ended: scan.ended.filter(|_| !scan.interrupted).map(time),
        sources: sources.into_iter().collect(),
        sampled: scan.sample.is_some(),
    }
}

/// What the last scan saw that the one before had not, and totals that differ.
fn changes(objects: &[ObjectInfo], scans: &[ScanRecord]) -> Changes {
    let [last, before, ..] = scans else { return Changes::default() };
    let name = |object: &ObjectInfo| format!("{}: {}", display(&object.source), display(&object.path));
    let read_last = || objects.iter().filter(|object| object.scan == last.id);
    let mut totals = BTreeMap::<(String, Type), (u64, u64)>::new();
    for total in before.totals.iter().filter(|total| total.kind != Type::Key) {
        totals.entry((total.source.clone(), total.kind)).or_default().0 += total.findings;
    }
    for total in last.totals.iter().filter(|total| total.kind != Type::Key) {
        totals.entry((total.source.clone(), total.kind)).or_default().1 += total.findings;
    }
    let differ = totals.into_iter().filter(|(_, (before, after))| before != after);
    Changes {
        new: read_last().filter(|object| object.first_scan == last.id).map(name).collect(),
        read_again: read_last().filter(|object| object.first_scan != last.id).map(name).collect(),
        totals: differ.map(|((source, kind), (before, after))| TotalChange { source, kind, before, after }).collect(),
    }
}
