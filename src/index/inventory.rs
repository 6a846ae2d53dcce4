//! The ledger and the statistics: what there is, what became of it, what was found in which field.

use std::collections::BTreeMap;
use std::sync::Arc;

use residuum_detect::Type;
use residuum_source::{Coverage, KeyKind, ObjectPath, TableKey};

use super::catalog::{BUILDING, LIVE, bulk};
use super::error::{IndexError, Result};
use super::scans::{coverage, digest};
use super::{DeclaredKey, FIELDS_LEFT_OUT, Reader, ScanRecord, ScanTotal, live};

/// What became of one data object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectInfo {
    /// Its number.
    pub object: u32,
    /// Name of the source.
    pub source: Arc<str>,
    /// Kind of the source.
    pub source_kind: Arc<str>,
    /// Its name; personal parts are sealed.
    pub path: Arc<str>,
    /// The listed object it is, or lies in.
    pub listed: u32,
    /// Version of the listed object.
    pub version: String,
    /// The state; the worst, if it was read in parts.
    pub coverage: Coverage,
    /// Why, unless it was simply read.
    pub reason: Option<String>,
    /// The format recognised.
    pub format: Option<String>,
    /// How its text is encoded.
    pub encoding: Option<String>,
    /// Bytes read.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Members, for a container.
    pub members: u64,
    /// Columns of the primary key.
    pub primary_key: Vec<String>,
    /// The scan that read it.
    pub scan: u32,
    /// The scan that saw it first.
    pub first_scan: u32,
    /// Only a sample of it was looked at.
    pub sampled: bool,
}

/// Objects by state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CoverageTotals {
    /// Read completely.
    pub read: u64,
    /// Holding nothing of their own.
    pub derived: u64,
    /// Left out by an approved policy.
    pub excluded: u64,
    /// Of a kind or format that cannot be read.
    pub unsupported: u64,
    /// Not readable, or not to their end.
    pub unreadable: u64,
    /// Cut off by a limit.
    pub limit: u64,
    /// Listed and begun, but not finished by any scan.
    pub unfinished: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
}

/// Objects of one source in one state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceState {
    /// Name of the source.
    pub source: Arc<str>,
    /// Kind of the source.
    pub source_kind: Arc<str>,
    /// The state; the worst, of what was read in parts.
    pub coverage: Coverage,
    /// How many objects.
    pub objects: u64,
    /// Records read.
    pub records: u64,
}

/// What stands in one field of one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldInfo {
    /// Name of the source.
    pub source: Arc<str>,
    /// Number of the object.
    pub object_id: u32,
    /// Name of the object; personal parts are sealed.
    pub object: Arc<str>,
    /// The field.
    pub field: Arc<str>,
    /// Values that are not null.
    pub n_values: u64,
    /// Records.
    pub n_records: u64,
    /// What was found in it, by type and rule.
    pub types: Vec<FieldType>,
}

/// One type in one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldType {
    /// The type.
    pub kind: Type,
    /// The rule that found it.
    pub rule: Arc<str>,
    /// Findings.
    pub n_values: u64,
    /// Records with at least one.
    pub n_records: u64,
}

/// How the fields of an object were treated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectPlan {
    /// Name of the source.
    pub source: Arc<str>,
    /// Number of the object.
    pub object_id: u32,
    /// Name of the object.
    pub object: Arc<str>,
    /// As JSON, as the scan gave it.
    pub plan: String,
}

/// An object of which some parts are read and others not yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfinished {
    /// Name of the source.
    pub source: Arc<str>,
    /// Name of the object.
    pub object: Arc<str>,
    /// Parts read.
    pub done: u32,
    /// All parts.
    pub parts: u32,
    /// Whether an older version of it is live.
    pub live: bool,
}

impl Reader {
    /// How many objects are in which state.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn coverage(&self) -> Result<CoverageTotals> {
        let mut totals = CoverageTotals::default();
        for object in self.objects()? {
            *totals.of(object.coverage) += 1;
            totals.bytes += object.bytes;
            totals.records += object.records;
        }
        totals.unfinished = self.unfinished()?.iter().filter(|object| !object.live).count() as u64;
        Ok(totals)
    }

    /// The ledger: every data object, in order of names.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn objects(&self) -> Result<Vec<ObjectInfo>> {
        let mut objects: Vec<ObjectInfo> = Vec::new();
        self.each_object(&mut |object| objects.push(object))?;
        objects.sort_by(|a, b| (&a.source, &a.path).cmp(&(&b.source, &b.path)));
        Ok(objects)
    }

    /// How many objects of each source are in which state, with the records read: a fraction of the cost of looking
    /// at every object.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn states(&self) -> Result<Vec<SourceState>> {
        live::source_states(&mut self.catalog())
    }

    /// The objects in which something was left unseen, in the order of their numbers.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn incomplete(&self) -> Result<Vec<ObjectInfo>> {
        let ids: Vec<u32> = self.catalog().rows(
            "SELECT json_group_array(object) FROM (SELECT DISTINCT c.object FROM coverage c \
             JOIN generation g ON g.id = c.generation AND g.state = ?1 \
             WHERE c.state IN ('unsupported', 'unreadable', 'limit') ORDER BY c.object)",
            &[LIVE.into()],
        )?;
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(20_000) {
            self.objects_of(ids, &mut |object| found.push(object))?;
        }
        Ok(found)
    }

    /// The same objects one after the other, in the order of their numbers: there may be millions.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn each_object(&self, each: &mut dyn FnMut(ObjectInfo)) -> Result<()> {
        let mut from = 0u32;
        loop {
            let sql = "SELECT json_group_array(id) FROM (SELECT id FROM object WHERE id > ? ORDER BY id LIMIT 20000)";
            let ids: Vec<u32> = self.catalog().rows(sql, &[from.into()])?;
            let Some(&last) = ids.last() else { return Ok(()) };
            self.objects_of(&ids, each)?;
            from = last;
        }
    }

    /// The objects with these numbers, which ascend.
    pub(super) fn objects_of(&self, ids: &[u32], each: &mut dyn FnMut(ObjectInfo)) -> Result<()> {
        let rows: Vec<(Where, What)> = self.catalog().rows(
            "SELECT json_group_array(json_array(json_array(o.id, s.name, s.kind, o.path, g.object, g.version, g.scan, \
             ifnull(o.first_scan, 0), json(iif(n.sample IS NULL, 'false', 'true'))), json_array(c.state, c.reason, \
             c.format, c.encoding, c.bytes, c.records, c.members, c.primary_key)) ORDER BY o.id, c.part) \
             FROM (SELECT id, source, path, first_scan FROM object WHERE id IN (SELECT value FROM json_each(?1))) o \
             JOIN source s ON s.id = o.source JOIN coverage c ON c.object = o.id \
             JOIN generation g ON g.id = c.generation AND g.state = ?2 JOIN scan n ON n.id = g.scan",
            &[bulk(&ids), LIVE.into()],
        )?;
        let mut last: Option<ObjectInfo> = None;
        for (place, what) in rows {
            let info = object_info(place, what)?;
            match &mut last {
                Some(last) if last.object == info.object => last.add(info),
                _ => drop(last.replace(info).map(&mut *each)),
            }
        }
        last.into_iter().for_each(each);
        Ok(())
    }

    /// Names of the sources, as stored.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn sources(&self) -> Result<Vec<String>> {
        self.catalog().rows("SELECT json_group_array(name ORDER BY name) FROM source", &[])
    }

    /// Names of the rules that have found anything, those of keys included.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn rules(&self) -> Result<Vec<String>> {
        self.catalog().rows("SELECT json_group_array(name ORDER BY name) FROM rule", &[])
    }

    /// What stands in which field, in order of names.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn fields(&self) -> Result<Vec<FieldInfo>> {
        let totals: Vec<(u32, u32, u64, u64)> = self.catalog().rows(
            "SELECT json_group_array(json_array(object, field, v, r)) FROM (SELECT t.object, t.field, \
             sum(t.n_values) AS v, sum(t.n_records) AS r FROM field_total t \
             JOIN generation g ON g.id = t.generation AND g.state = ? GROUP BY t.object, t.field)",
            &[LIVE.into()],
        )?;
        let stats: Vec<(u32, u32, u8, u16, u64, u64)> = self.catalog().rows(
            "SELECT json_group_array(json_array(object, field, kind, rule, v, r) ORDER BY kind, rule) FROM \
             (SELECT t.object, t.field, t.kind, t.rule, sum(t.n_values) AS v, sum(t.n_records) AS r FROM field_stat t \
             JOIN generation g ON g.id = t.generation AND g.state = ? GROUP BY t.object, t.field, t.kind, t.rule)",
            &[LIVE.into()],
        )?;
        let mut found: BTreeMap<(u32, u32), (u64, u64, Vec<FieldType>)> = BTreeMap::new();
        for (object, field, values, records) in totals {
            found.insert((object, field), (values, records, Vec::new()));
        }
        for (object, field, kind, rule, n_values, n_records) in stats.into_iter().filter(|row| row.4 > 0) {
            let unknown =
                || IndexError::Misuse(format!("the catalog holds a type {kind} that this program does not know"));
            let kind = Type::from_number(kind).ok_or_else(unknown)?;
            let rule = self.small()?.rule(rule);
            let of = found.entry((object, field)).or_default();
            of.2.push(FieldType { kind, rule, n_values, n_records });
        }
        let objects: Vec<u32> = found.keys().map(|(object, _)| *object).collect();
        let names = self.object_names(&objects)?;
        let mut fields: Vec<FieldInfo> = Vec::with_capacity(found.len());
        for ((object, field), (n_values, n_records, types)) in found {
            let ((source, path), field) = ((&names[&object].source, &names[&object].path), self.small()?.field(field));
            let (source, object_id, object) = (source.clone(), object, path.clone());
            fields.push(FieldInfo { source, object_id, object, field, n_values, n_records, types });
        }
        fields.sort_by(|a, b| (&a.source, &a.object, &a.field).cmp(&(&b.source, &b.object, &b.field)));
        Ok(fields)
    }

    /// All scans, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn scans(&self) -> Result<Vec<ScanRecord>> {
        type Row = (u32, u64, Option<u64>, String, i64, Option<u64>, i64, Vec<(String, u8, u64)>);
        let rows: Vec<Row> = self.catalog().rows(
            "SELECT json_group_array(json_array(id, started, ended, digest, full_scan, sample, interrupted, json(totals)) \
             ORDER BY id) FROM scan",
            &[],
        )?;
        let total = |(source, kind, findings)| Some(ScanTotal { source, kind: Type::from_number(kind)?, findings });
        let record = |(id, started, ended, text, full, sample, interrupted, totals): Row| ScanRecord {
            id,
            started,
            ended,
            digest: digest(&text),
            full: full != 0,
            sample,
            interrupted: interrupted != 0,
            totals: totals.into_iter().filter_map(total).collect(),
        };
        Ok(rows.into_iter().map(record).collect())
    }

    /// How fields were treated, by object in order of names.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn plans(&self) -> Result<Vec<ObjectPlan>> {
        let rows: Vec<(u32, String, String, String)> = self.catalog().rows(
            "SELECT json_group_array(json_array(o.id, s.name, o.path, c.plan) ORDER BY s.name, o.path, c.part) \
             FROM coverage c JOIN generation g ON g.id = c.generation AND g.state = ? \
             JOIN object o ON o.id = c.object JOIN source s ON s.id = o.source WHERE c.plan IS NOT NULL",
            &[LIVE.into()],
        )?;
        let mut plans: Vec<ObjectPlan> = rows
            .into_iter()
            .map(|(object_id, source, object, plan)| ObjectPlan {
                source: source.into(),
                object_id,
                object: object.into(),
                plan,
            })
            .collect();
        // All parts of an object are read under one plan.
        plans.dedup_by(|next, last| next.object_id == last.object_id);
        Ok(plans)
    }

    /// Keys declared by schemas and owners.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn declared_keys(&self) -> Result<Vec<DeclaredKey>> {
        type Row = (String, String, Vec<String>, String, Option<String>, Option<Vec<String>>);
        let rows: Vec<Row> = self.catalog().rows(
            "SELECT json_group_array(json_array(s.name, k.object, json(k.columns), k.kind, k.to_object, \
             json(k.to_columns)) ORDER BY s.name, k.object, k.kind, k.columns) \
             FROM declared_key k JOIN source s ON s.id = k.source",
            &[],
        )?;
        let path = |text: &str| {
            ObjectPath::from_escaped(text).map_err(|error| IndexError::Misuse(format!("a declared key: {error}")))
        };
        let key = |(source, object, columns, kind, to_object, to_columns): Row| {
            let kind = match (kind.as_str(), to_object) {
                ("foreign", Some(to)) => {
                    KeyKind::Foreign { object: path(&to)?, columns: to_columns.unwrap_or_default() }
                }
                ("unique", _) => KeyKind::Unique,
                _ => KeyKind::Primary,
            };
            Ok(DeclaredKey { source, key: TableKey { object: path(&object)?, columns, kind } })
        };
        rows.into_iter().map(key).collect()
    }

    /// Objects of which a scan left fields out, as `--exclude` said: read, but not wholly.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn with_fields_left_out(&self) -> Result<u64> {
        let counts: Vec<u64> = self.catalog().rows(
            "SELECT json_array(count(DISTINCT c.object)) FROM coverage c \
             JOIN generation g ON g.id = c.generation AND g.state = ?1 WHERE instr(c.reason, ?2) > 0",
            &[LIVE.into(), FIELDS_LEFT_OUT.into()],
        )?;
        Ok(counts.first().copied().unwrap_or_default())
    }

    /// Objects that scans began and none finished.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let rows: Vec<(String, String, u32, u32, i64)> = self.catalog().rows(
            "SELECT json_group_array(json_array(s.name, o.path, (SELECT count(*) FROM unit u WHERE u.generation = g.id), \
             g.parts, EXISTS (SELECT 1 FROM generation l WHERE l.object = g.object AND l.state = ?2)) \
             ORDER BY s.name, o.path) \
             FROM generation g JOIN object o ON o.id = g.object JOIN source s ON s.id = o.source WHERE g.state = ?1",
            &[BUILDING.into(), LIVE.into()],
        )?;
        let unfinished = |(source, object, done, parts, live): (String, String, _, _, i64)| Unfinished {
            source: source.into(),
            object: object.into(),
            done,
            parts,
            live: live != 0,
        };
        Ok(rows.into_iter().map(unfinished).collect())
    }

    /// Names of the keys that findings are under, with how many findings each.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn keys_in_use(&self) -> Result<Vec<(String, u64)>> {
        self.catalog().rows(
            "SELECT json_group_array(json_array(key, n) ORDER BY key) FROM \
             (SELECT key, sum(n_rows) AS n FROM segment GROUP BY key)",
            &[],
        )
    }
}

impl CoverageTotals {
    /// The number of objects in a state.
    pub fn get(&self, state: Coverage) -> u64 {
        let mut copy = *self;
        *copy.of(state)
    }

    /// Whether something that was listed was left unseen.
    pub fn is_incomplete(&self) -> bool {
        self.unsupported + self.unreadable + self.limit + self.unfinished > 0
    }

    fn of(&mut self, state: Coverage) -> &mut u64 {
        match state {
            Coverage::Read => &mut self.read,
            Coverage::Derived => &mut self.derived,
            Coverage::Excluded => &mut self.excluded,
            Coverage::Unsupported => &mut self.unsupported,
            Coverage::Unreadable => &mut self.unreadable,
            Coverage::Limit => &mut self.limit,
        }
    }
}

impl ObjectInfo {
    /// Adds another part of the object.
    fn add(&mut self, part: Self) {
        if part.coverage > self.coverage {
            self.coverage = part.coverage;
            self.reason = part.reason;
        }
        self.bytes += part.bytes;
        self.records += part.records;
        self.members += part.members;
    }
}

/// Columns that say which object: number, source and its kind, path, listed object, version, scan, first scan, sampled.
type Where = (u32, String, String, String, u32, String, u32, u32, bool);
/// Columns that say what became of it: state, reason, format, encoding, bytes, records, members, primary key.
type What = (String, Option<String>, Option<String>, Option<String>, u64, u64, u64, String);

fn object_info(place: Where, what: What) -> Result<ObjectInfo> {
    let (object, source, source_kind, path, listed, version, scan, first_scan, sampled) = place;
    let (state, reason, format, encoding, bytes, records, members, key) = what;
    Ok(ObjectInfo {
        object,
        source: source.into(),
        source_kind: source_kind.into(),
        path: path.into(),
        listed,
        version,
        coverage: coverage(&state)?,
        reason,
        format,
        encoding,
        bytes,
        records,
        members,
        primary_key: serde_json::from_str(&key).unwrap_or_default(),
        scan,
        first_scan,
        sampled,
    })
}
