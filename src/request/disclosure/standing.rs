//! How a person stands in a record: as the one it is about, in another role, or by a thing of theirs.

use std::collections::HashSet;
use std::ops::ControlFlow;

use residuum_detect::{Category, Fingerprint, Type};
use residuum_source::{Record, RecordKind};

use super::answer::Answer;
use super::category;
use super::gather::Discloser;
use super::held::Held;
use super::look::Looked;
use super::whose::names_a_person;
use crate::identity::Location;
use crate::identity::roles::{Roles, is_of_a_thing, is_of_another, is_of_staff, list_of};
use crate::index::{Finding, IndexError, display};
use crate::request::owners::Owners;
use crate::scan::keys::Role;

/// Hops along keys from a thing to what it belongs to, at most, as a look-up follows them.
const HOPS: usize = 16;

/// How a person stands in a record.
pub(super) struct Standing {
    pub roles: Roles,
    /// Whether the record is their own by what stands in it.
    pub is_own: bool,
    /// Keys of things by which it is theirs if the thing is.
    pub things: Vec<Fingerprint>,
}

impl Discloser<'_> {
    /// How the person stands in a record, and whether it is their own: a field of it is theirs or its key says so, and it
    /// is no running text. Of a record that was not read again the index tells.
    pub(super) fn standing(
        &self,
        (object, record, places): (&Held<'_>, &Record, &[usize]),
        (owners, all): (&Owners<'_>, &[Location]),
        findings: &[Finding],
        looked: Option<&Looked>,
    ) -> Result<Standing, IndexError> {
        let (mut fields, mut things) = (Vec::new(), Vec::new());
        for &at in places.iter().filter(|&&at| !all[at].shared && !all[at].weak) {
            let finding = &all[at].finding;
            let field = self.keys.reveal(&finding.field)?;
            let is_there = looked.is_none_or(|looked| looked.seen.iter().any(|seen| seen.is(finding.fp)));
            match Role::of_rule(&finding.rule) {
                _ if !is_there => {}
                Some((Role::Belongs, domain))
                    if domain.rsplit('.').nth(1).is_some_and(|of| is_of_a_thing(&field, of)) =>
                {
                    things.push(finding.fp);
                }
                Some((Role::Own | Role::Belongs, _)) => fields.push(field),
                _ if object.is_typed(&field) && !all[at].refers => fields.push(field),
                _ => {}
            }
        }
        let mut names = Vec::new();
        match looked {
            Some(looked) => names.extend(looked.fetched.fields.iter().map(|field| field.name.to_string())),
            None => names.extend(findings.iter().map(|of| self.keys.reveal(&of.field)).collect::<Result<Vec<_>, _>>()?),
        }
        let is_element = record.kind() == RecordKind::Row;
        let list = if is_element { list_of(names.iter().map(String::as_str)) } else { String::new() };
        let led = Roles::in_list(list.clone(), fields.iter().map(String::as_str));
        // A line of JSON Lines has fields, a line of a log has none.
        let is_running_text =
            looked.is_some_and(|looked| looked.fetched.fields.iter().all(|field| field.name.is_empty()));
        let is_text = is_running_text || matches!(record.kind(), RecordKind::Part | RecordKind::Page);
        let is_own = !is_text && led.is_own() && !self.serves_another(&led, findings)?;
        if is_text || !things.is_empty() && self.names_an_owner(owners, places, all, findings)? {
            things.clear();
        }
        let as_thing = if things.is_empty() { None } else { Some("") };
        let roles = Roles::in_list(list, fields.iter().map(String::as_str).chain(as_thing));
        Ok(Standing { roles, is_own, things })
    }

    /// Whether a key that did not lead to a record says that it is of somebody else.
    fn names_an_owner(
        &self,
        owners: &Owners<'_>,
        places: &[usize],
        all: &[Location],
        findings: &[Finding],
    ) -> Result<bool, IndexError> {
        for finding in findings.iter().filter(|of| places.iter().all(|&at| all[at].finding.fp != of.fp)) {
            if let Some((Role::Belongs | Role::Mentions, domain)) = Role::of_rule(&finding.rule)
                && !domain.rsplit('.').nth(1).is_some_and(is_of_staff)
                && owners.is_of_people(domain)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the person stands in a record as an employee, and a key says whom they serve there.
    fn serves_another(&self, roles: &Roles, findings: &[Finding]) -> Result<bool, IndexError> {
        let refers =
            |finding: &&Finding| matches!(Role::of_rule(&finding.rule), Some((Role::Belongs | Role::Mentions, _)));
        for finding in findings.iter().filter(|_| roles.is_employee()).filter(refers) {
            if roles.has_rival(&self.keys.reveal(&finding.field)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one of these keys is of a thing that is the person's own, by the index.
    fn is_a_thing_theirs(
        &self,
        held: &[Held<'_>],
        things: &[Fingerprint],
        (owners, all): (&Owners<'_>, &[Location]),
        hops: usize,
    ) -> Result<bool, IndexError> {
        let mut of = Vec::new();
        if hops > 0 && !things.is_empty() {
            self.reader.lookup(things, &mut |found| {
                if matches!(Role::of_rule(&found.finding.rule), Some((Role::Own, _))) {
                    of.push((found.finding.object_id, found.finding.record.whole()));
                }
                ControlFlow::Continue(())
            })?;
        }
        for (number, record) in of {
            let Some(object) = held.iter().find(|object| object.info.object == number) else { continue };
            let Some(places) = object.records.get(&record) else { continue };
            let here = self.findings(object, &record)?;
            let standing = self.standing((object, &record, places), (owners, all), &here, None)?;
            if standing.is_own || self.is_a_thing_theirs(held, &standing.things, (owners, all), hops - 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Which categories are held of the person in records that are not read, as the index has them: as if they were shown,
    /// but for the window.
    pub(super) fn answer_from_index(
        &self,
        held: &[Held<'_>],
        object: &Held<'_>,
        (owners, all): (&Owners<'_>, &[Location]),
        answer: &mut Answer,
    ) -> Result<(), IndexError> {
        let (source, name) = (display(&object.info.source), display(&object.info.path));
        answer.is_undated = true;
        for (record, places) in &object.records {
            let leads = places.iter().map(|&at| &all[at]).filter(|at| !at.shared && !at.weak);
            let theirs: HashSet<Fingerprint> = leads.map(|at| at.finding.fp).collect();
            let here = self.findings(object, record)?;
            let Standing { roles, is_own, things } =
                self.standing((object, record, places), (owners, all), &here, None)?;
            let is_own = is_own || self.is_a_thing_theirs(held, &things, (owners, all), HOPS)?;
            let mut findings = Vec::new();
            for finding in here.into_iter().filter(|finding| finding.kind != Type::Key) {
                findings.push((self.keys.reveal(&finding.field)?, finding));
            }
            let names_another = |finding: &Finding| names_a_person(finding.kind) && !theirs.contains(&finding.fp);
            let has_rival = findings
                .iter()
                .any(|(field, finding)| names_another(finding) && object.is_typed(field) && roles.has_rival(field));
            let is_whole = is_own && !has_rival;
            for (field, finding) in &findings {
                let is_anothers =
                    !roles.has(field) || is_of_another(field) || names_another(finding) && !object.is_typed(field);
                if theirs.contains(&finding.fp) || is_whole && !is_anothers {
                    let rule = self.detector.rules().iter().find(|rule| rule.id == *finding.rule);
                    let categories = rule.map_or(finding.kind.categories(), |rule| rule.categories.as_slice());
                    answer.add(&source, &name, &display(&finding.field), categories.iter().copied());
                }
            }
            if let Some(category) = category::of_name(&name, "").filter(|_| is_whole) {
                answer.add(&source, &name, "", std::iter::once::<Category>(category));
            }
        }
        Ok(())
    }
}
