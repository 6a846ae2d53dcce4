//! The one who reads: one state of the index, whatever a writer does meanwhile.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use globset::GlobBuilder;
use hashbrown::HashMap;
use residuum_detect::{Fingerprint, Scheme, Type};
use residuum_source::Record;

use super::catalog::{Catalog, LIVE, bulk};
use super::error::{IndexError, Result};
use super::merge::Merge;
use super::names::ranked;
use super::ranges::{joined, without};
use super::segment::{Cursor, Prints, Ranks, Records, Selection};
use super::sums::Sums;
use super::{Findings, Index, Place, lookup, rest};

/// A consistent view of an index; shared by reference among threads.
pub struct Reader {
    pub(super) catalog: Mutex<Catalog>,
    pub(super) segments: Vec<Segment>,
    small: OnceLock<SmallNames>,
}

/// A segment open for reading.
pub(super) struct Segment {
    pub(super) id: u64,
    pub(super) records: Records,
    pub(super) prints: Prints,
    /// Rows of versions that are not live.
    pub(super) dead: Selection,
}

/// Which findings are asked for; empty means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Name of the source.
    pub source: Option<String>,
    /// Pattern over the object's name as stored: `*` and `?` also match `/`.
    pub object: Option<String>,
    /// The type.
    pub kind: Option<Type>,
}

/// A finding with its names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Name of the source.
    pub source: Arc<str>,
    /// Number of the object, for [`Reader::record_findings`].
    pub object_id: u32,
    /// Name of the object; personal parts are sealed.
    pub object: Arc<str>,
    /// Columns of the primary key by which the object's records are identified, for `Record::key_json`.
    pub primary_key: Arc<[String]>,
    /// The record; what is personal in it is sealed.
    pub record: Record,
    /// The field.
    pub field: Arc<str>,
    /// Where the value stands.
    pub place: Place,
    /// The type.
    pub kind: Type,
    /// The rule.
    pub rule: Arc<str>,
    /// How sure, in thousandths.
    pub confidence: u16,
    /// The canonical fingerprint.
    pub fp: Fingerprint,
}

/// A finding that a look-up met.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// Which of the given fingerprints, by its position.
    pub probe: usize,
    /// The scheme under which the two are equal.
    pub scheme: Scheme,
    /// The finding.
    pub finding: &'a Finding,
}

/// Names of fields and rules, which are few.
#[derive(Debug)]
pub(super) struct SmallNames {
    fields: HashMap<u32, Arc<str>>,
    rules: HashMap<u16, Arc<str>>,
    field_ranks: HashMap<u32, u32>,
    rule_ranks: HashMap<u16, u32>,
}

/// Names of one object.
#[derive(Clone)]
pub(super) struct ObjectNames {
    pub(super) source: Arc<str>,
    pub(super) path: Arc<str>,
    pub(super) primary_key: Arc<[String]>,
}

impl Reader {
    pub(super) fn open(index: &Index) -> Result<Self> {
        // A segment may be merged away between the catalog's answer and the opening of its files: ask again.
        let mut result = Self::try_open(index);
        for _ in 0..4 {
            match &result {
                Err(IndexError::Damaged { file, .. }) if !file.exists() => result = Self::try_open(index),
                _ => break,
            }
        }
        result
    }

    fn try_open(index: &Index) -> Result<Self> {
        rest::check(&index.catalog_file())?;
        let mut catalog = Catalog::snapshot(&index.catalog_file())?;
        let rows: Vec<(u64, u64)> =
            catalog.rows("SELECT json_group_array(json_array(id, n_rows) ORDER BY id) FROM segment", &[])?;
        let mut dead = dead_rows(&mut catalog)?;
        let sums = Sums::load(&mut catalog)?;
        let dir = index.segments();
        let open = |(id, n_rows): (u64, u64)| {
            let (records, prints) = sums.open(&dir, id)?;
            if records.rows() != n_rows {
                return Err(IndexError::damaged(records.path(), "has another number of rows than the catalog says"));
            }
            Ok(Segment { id, records, prints, dead: dead.remove(&id).unwrap_or_default() })
        };
        let segments = rows.into_iter().map(open).collect::<Result<_>>()?;
        Ok(Self { catalog: Mutex::new(catalog), segments, small: OnceLock::new() })
    }

    /// Gives the live findings in canonical order: source, object, record, field, place, type, rule. Memory is
    /// bounded whatever their number.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if a segment cannot be read; [`IndexError::Misuse`] for a pattern that is none.
    pub fn findings(&self, filter: &Filter, each: &mut dyn FnMut(&Finding) -> ControlFlow<()>) -> Result<()> {
        let selections = self.select(filter)?;
        let order: Vec<u32> = self.catalog().rows(
            "SELECT json_group_array(o.id ORDER BY s.name, o.path) FROM object o JOIN source s ON s.id = o.source \
             WHERE o.id IN (SELECT object FROM segment_object)",
            &[],
        )?;
        let ranks = self.ranks(order.iter().copied().zip(0..).collect())?;
        let wanted = |finding: &Finding| filter.kind.is_none_or(|kind| kind == finding.kind);
        self.walk(selections, &ranks, Some(&order), &mut |_, _, finding| {
            if wanted(finding) { each(finding) } else { ControlFlow::Continue(()) }
        })
    }

    /// Gives every live finding that has one of these fingerprints under any scheme, in one sorted pass: by
    /// ascending fingerprint, equal ones in the order given, the findings of each in canonical order. To meet
    /// everything, give each fingerprint under every key of [`Keyring::all`](super::Keyring::all).
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if a segment cannot be read.
    pub fn lookup(&self, probes: &[Fingerprint], each: &mut dyn FnMut(Match<'_>) -> ControlFlow<()>) -> Result<()> {
        lookup::lookup(self, probes, each)
    }

    /// Gives the live findings of one record in canonical order: what else stands beside a finding?
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if a segment cannot be read.
    pub fn record_findings(
        &self,
        object: u32,
        record: &Record,
        each: &mut dyn FnMut(&Finding) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut selections = self.rows_of(&[object])?;
        for (segment, selection) in selections.iter_mut().enumerate() {
            if let [rows] = selection.as_mut_slice() {
                *rows = self.segments[segment].records.of_record(rows.clone(), record)?;
            }
        }
        let ranks = self.ranks(HashMap::from([(object, 0)]))?;
        self.walk(selections, &ranks, None, &mut |_, _, finding| each(finding))
    }

    /// Gives the live findings of one object in canonical order.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if a segment cannot be read.
    pub fn findings_of_object(&self, object: u32, each: &mut dyn FnMut(&Finding) -> ControlFlow<()>) -> Result<()> {
        let ranks = self.ranks(HashMap::from([(object, 0)]))?;
        self.walk(self.rows_of(&[object])?, &ranks, None, &mut |_, _, finding| each(finding))
    }

    /// How many live findings there are.
    pub fn len(&self) -> u64 {
        let dead = |segment: &Segment| segment.dead.iter().map(|rows| u64::from(rows.end - rows.start)).sum::<u64>();
        self.segments.iter().map(|segment| segment.records.rows() - dead(segment)).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many segments there are.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        // A read that was broken off leaves the connection as it was.
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Emits chosen rows of each segment in canonical order, with the segment and the row each comes from.
    pub(super) fn walk(
        &self,
        selections: Vec<Selection>,
        ranks: &Ranks,
        order: Option<&[u32]>,
        each: &mut dyn FnMut(usize, u32, &Finding) -> ControlFlow<()>,
    ) -> Result<()> {
        let chosen = selections.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
        let (numbers, cursors): (Vec<_>, Vec<_>) =
            chosen.map(|(i, rows)| (i, Cursor::new(self.segments[i].records.clone(), rows))).unzip();
        let mut merge = Merge::new(cursors, ranks)?;
        let mut names = HashMap::new();
        while let Some((number, cursor)) = merge.peek() {
            let object = cursor.block.object[cursor.at];
            if !names.contains_key(&object) {
                names = self.names_from(object, ranks, order)?;
            }
            let segment = &self.segments[numbers[number]];
            let finding = self.finding(segment, &cursor.block, cursor.at, &names[&object])?;
            if each(numbers[number], cursor.row(), &finding).is_break() {
                break;
            }
            merge.advance()?;
        }
        Ok(())
    }

    /// Names of an object and of those that follow it.
    fn names_from(&self, object: u32, ranks: &Ranks, order: Option<&[u32]>) -> Result<HashMap<u32, ObjectNames>> {
        let next = order.zip(ranks.objects.get(&object)).map(|(order, &rank)| {
            let rank = rank as usize;
            &order[rank..order.len().min(rank + 256)]
        });
        self.object_names(next.unwrap_or(&[object]))
    }

    /// Names of these objects.
    pub(super) fn object_names(&self, objects: &[u32]) -> Result<HashMap<u32, ObjectNames>> {
        let rows: Vec<(u32, String, String, Option<String>)> = self.catalog().rows(
            "SELECT json_group_array(json_array(o.id, s.name, o.path, (SELECT c.primary_key FROM coverage c \
             JOIN generation g ON g.id = c.generation AND g.state = ?2 WHERE c.object = o.id LIMIT 1))) \
             FROM object o JOIN source s ON s.id = o.source WHERE o.id IN (SELECT value FROM json_each(?1))",
            &[bulk(&objects), LIVE.into()],
        )?;
        let none: Arc<[String]> = Arc::new([]);
        let columns = |text: Option<String>| match text.as_deref() {
            None | Some("[]") => none.clone(),
            Some(text) => serde_json::from_str::<Vec<String>>(text).unwrap_or_default().into(),
        };
        let mut names: HashMap<_, _> = rows
            .into_iter()
            .map(|(id, source, path, key)| {
                (id, ObjectNames { source: source.into(), path: path.into(), primary_key: columns(key) })
            })
            .collect();
        for &object in objects {
            // A name can only be missing if the catalog was tampered with; the finding is still shown.
            names.entry(object).or_insert_with(|| {
                let (source, path) = ("?".into(), format!("object {object}").into());
                ObjectNames { source, path, primary_key: none.clone() }
            });
        }
        Ok(names)
    }

    /// A row with its names.
    pub(super) fn finding(&self, from: &Segment, rows: &Findings, i: usize, names: &ObjectNames) -> Result<Finding> {
        let damaged = |what: &str| IndexError::damaged(from.records.path(), format!("holds an unknown {what}"));
        let small = self.small()?;
        let end = rows.start[i].saturating_add(u64::from(rows.length[i]));
        Ok(Finding {
            source: names.source.clone(),
            object_id: rows.object[i],
            object: names.path.clone(),
            primary_key: names.primary_key.clone(),
            record: rows.record(i).ok_or_else(|| damaged("record kind"))?,
            field: small.fields.get(&rows.field[i]).ok_or_else(|| damaged("field"))?.clone(),
            place: Place::from_code(rows.place[i], rows.start[i], end).ok_or_else(|| damaged("place"))?,
            kind: Type::from_number(rows.kind[i]).ok_or_else(|| damaged("type"))?,
            rule: small.rules.get(&rows.rule[i]).ok_or_else(|| damaged("rule"))?.clone(),
            confidence: rows.confidence[i],
            fp: rows.fp[i],
        })
    }

    pub(super) fn ranks(&self, objects: HashMap<u32, u32>) -> Result<Ranks> {
        let small = self.small()?;
        Ok(Ranks { objects, fields: small.field_ranks.clone(), rules: small.rule_ranks.clone() })
    }

    pub(super) fn small(&self) -> Result<&SmallNames> {
        if let Some(small) = self.small.get() {
            return Ok(small);
        }
        let small = SmallNames::load(&mut self.catalog())?;
        Ok(self.small.get_or_init(|| small))
    }

    /// The live rows of each segment that a filter chooses, types aside.
    fn select(&self, filter: &Filter) -> Result<Vec<Selection>> {
        if filter.source.is_none() && filter.object.is_none() {
            let all = |segment: &Segment| without(0..segment.records.rows() as u32, &segment.dead);
            return Ok(self.segments.iter().map(all).collect());
        }
        let pattern = filter.object.as_deref().map(|pattern| {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|error| IndexError::Misuse(format!("no such pattern: {error}")))
        });
        let pattern = pattern.transpose()?;
        let mut objects = Vec::new();
        let mut from = 0i64;
        loop {
            let rows: Vec<(u32, String, String)> = self.catalog().rows(
                "SELECT json_group_array(json_array(id, source, path)) FROM (SELECT o.id, s.name AS source, o.path \
                 FROM object o JOIN source s ON s.id = o.source WHERE o.id > ? ORDER BY o.id LIMIT 50000)",
                &[from.into()],
            )?;
            let Some(last) = rows.iter().map(|(id, ..)| *id).max() else { break };
            from = last.into();
            let wanted = |(id, source, path): (u32, String, String)| {
                let source = filter.source.as_ref().is_none_or(|wanted| *wanted == source);
                (source && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&path))).then_some(id)
            };
            objects.extend(rows.into_iter().filter_map(wanted));
        }
        self.rows_of(&objects)
    }

    /// The live rows of these objects in each segment.
    fn rows_of(&self, objects: &[u32]) -> Result<Vec<Selection>> {
        let mut selections = vec![Selection::new(); self.segments.len()];
        let numbers: HashMap<u64, usize> = self.segments.iter().enumerate().map(|(i, s)| (s.id, i)).collect();
        for objects in objects.chunks(50_000) {
            let rows: Vec<(u64, u32, u32)> = self.catalog().rows(
                "SELECT json_group_array(json_array(so.segment, so.first, so.n_rows)) FROM segment_object so \
                 JOIN generation g ON g.id = so.generation AND g.state = ?2 \
                 WHERE so.object IN (SELECT value FROM json_each(?1))",
                &[bulk(&objects), LIVE.into()],
            )?;
            for (segment, first, count) in rows {
                if let Some(&number) = numbers.get(&segment) {
                    selections[number].push(first..first + count);
                }
            }
        }
        selections.iter_mut().for_each(joined);
        Ok(selections)
    }
}

impl SmallNames {
    pub(super) fn field(&self, id: u32) -> Arc<str> {
        self.fields.get(&id).cloned().unwrap_or_else(|| format!("field {id}").into())
    }

    pub(super) fn rule(&self, id: u16) -> Arc<str> {
        self.rules.get(&id).cloned().unwrap_or_else(|| format!("rule {id}").into())
    }

    fn load(catalog: &mut Catalog) -> Result<Self> {
        let fields: Vec<(u32, String)> =
            catalog.rows("SELECT json_group_array(json_array(id, path)) FROM field", &[])?;
        let rules: Vec<(u16, String)> = catalog.rows("SELECT json_group_array(json_array(id, name)) FROM rule", &[])?;
        let fields: HashMap<u32, Arc<str>> = fields.into_iter().map(|(id, path)| (id, path.into())).collect();
        let rules: HashMap<u16, Arc<str>> = rules.into_iter().map(|(id, name)| (id, name.into())).collect();
        let field_ranks = ranked(fields.keys().copied().collect(), |id| &fields[id]);
        let rule_ranks = ranked(rules.keys().copied().collect(), |id| &rules[id]);
        Ok(Self { fields, rules, field_ranks, rule_ranks })
    }
}

/// Rows of each segment whose generation is not live.
pub(super) fn dead_rows(catalog: &mut Catalog) -> Result<HashMap<u64, Selection>> {
    let rows: Vec<(u64, u32, u32)> = catalog.rows(
        "SELECT json_group_array(json_array(segment, first, n_rows)) FROM segment_object \
         WHERE generation = 0 OR generation IN (SELECT id FROM generation WHERE state <> 1)",
        &[],
    )?;
    let mut dead: HashMap<u64, Selection> = HashMap::new();
    for (segment, first, count) in rows {
        dead.entry(segment).or_default().push(first..first + count);
    }
    dead.values_mut().for_each(joined);
    Ok(dead)
}
