//! Whom an erasure or a correction makes us tell: recipients by notices, made before anything is changed; the register of
//! requests; and the person, by a reply.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::audit;
use super::common::Common;
use super::failure::Failure;
use super::rules;
use crate::audit::Act;
use crate::config::{Config, Day};
use crate::identity::{self, FindOptions, Subject};
use crate::index::Index;
use crate::map::{Map, holdings};
use crate::report::human::counted;
use crate::request::{
    About, Nature, Notice, NoticeField, Occasion, Outcome, Plan, Register, Response, drafts, fields, holder,
};

/// The flags that say how a request came.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Received {
    /// The day the request was received, from which its time runs; for the register of requests
    #[arg(long, value_name = "DATE", value_parser = day, requires = "request")]
    pub received: Option<Day>,
    /// How the request was made, such as `web form`; for the register of requests
    #[arg(long, value_name = "TEXT", requires = "request")]
    pub manner: Option<String>,
}

/// A day that has been.
pub(super) fn day(text: &str) -> Result<Day, String> {
    let day: Day = text.parse().map_err(|_| "a day is written `YYYY-MM-DD`".to_owned())?;
    if day > Day::today() { Err(format!("{day} is still to come")) } else { Ok(day) }
}

/// What is told, and on what occasion.
pub(super) struct Telling<'a> {
    pub config: &'a Config,
    pub common: &'a Common,
    pub index: &'a Index,
    pub map: Map,
    pub request: Option<&'a str>,
    pub received: &'a Received,
    pub nature: Nature,
    pub about: About<'a>,
}

impl Telling<'_> {
    /// Makes the notices that a plan calls for, before it is carried out; those that there are stay as they are.
    pub(super) fn make(&self, plan: &Plan) -> Result<(), Failure> {
        if self.map.is_empty() || plan.is_empty() && plan.left.is_empty() {
            return Ok(());
        }
        let holdings = holdings(&self.index.reader()?, &rules::load(self.config)?)?;
        self.make_of(fields(&self.map, &holdings, plan))
    }

    /// The same of certain fields.
    pub(super) fn make_of(&self, fields: BTreeSet<NoticeField>) -> Result<(), Failure> {
        let drafts = drafts(&self.map, fields, self.nature);
        if drafts.is_empty() {
            return Ok(());
        }
        let Some(request) = self.request else {
            let names: Vec<String> = drafts.iter().map(|draft| format!("`{}`", draft.recipient)).collect();
            self.common.say(format_args!(
                "warning: {} to be told of it, and no notice is made without `--request`: {}",
                counted(names.len() as u64, "recipient"),
                names.join(", ")
            ));
            return Ok(());
        };
        let occasion = Occasion { request, nature: self.nature, received: self.received.received };
        let mut register = Register::open(&self.config.index)?;
        let ids = register.ids(self.index.keys(), &occasion, self.about, &drafts)?;
        let new = drafts.iter().zip(&ids).filter(|(_, (_, is_known))| !is_known);
        let new: Vec<Value> = new.map(|(of, (id, _))| json!({ "notice": id, "recipient": of.recipient })).collect();
        if !new.is_empty() {
            let details = json!({ "notices": new });
            self.note("make notices", details)?;
        }
        Ok(register.give(&occasion, self.about.subjects.len(), &drafts, &ids)?)
    }

    fn note(&self, action: &str, details: Value) -> Result<(), Failure> {
        let request = self.request.map(str::to_owned);
        audit::note(self.config, self.common, Act { action: action.to_owned(), purpose: None, request, details })
    }

    /// The notices of the request that are about these people.
    pub(super) fn notices(&self) -> Result<Vec<Notice>, Failure> {
        let Some(request) = self.request else { return Ok(Vec::new()) };
        let Some(mut register) = Register::existing(&self.config.index)? else { return Ok(Vec::new()) };
        let mut notices = register.notices(Some(request))?;
        notices.retain(|notice| self.about.is_of(self.index.keys(), notice));
        Ok(notices)
    }

    /// Whether the register says that something was done for the request before.
    pub(super) fn was_done(&self) -> Result<bool, Failure> {
        let Some(request) = self.request else { return Ok(false) };
        let Some(mut register) = Register::existing(&self.config.index)? else { return Ok(false) };
        let done = [Response::Complied, Response::InPart].map(Response::name);
        let is_done = |of: &str| done.contains(&of);
        let all = register.requests()?;
        let mut of = all.iter().filter(|of| of.request == request && of.nature == self.nature.name());
        Ok(of.any(|of| of.response.as_deref().is_some_and(is_done)))
    }

    /// Notes in the register how the request was answered.
    pub(super) fn answered(&self, response: Response, basis: Vec<String>) -> Result<(), Failure> {
        let nature = self.nature.name();
        log(self.config, self.request, nature, self.received, response, basis)
    }
}

/// Refuses the id of a request that is about somebody else; if something is done for it, it is about these people from now on.
pub(super) fn is_theirs(
    config: &Config,
    index: &Index,
    request: Option<&str>,
    subjects: &[Subject],
    is_done: bool,
) -> Result<(), Failure> {
    let Some(request) = request else { return Ok(()) };
    let mut found = Vec::new();
    if let [_] = subjects {
        // Of many people their identifiers have to do: those of a file are the same the next time.
        identity::find(&index.reader()?, index.keys(), subjects, &FindOptions::default(), &mut |location| {
            found.push(location.clone());
            ControlFlow::Continue(())
        })?;
    }
    let people: Vec<_> = subjects.iter().map(|of| holder(index.keys(), request, of, found.iter())).collect();
    let mut register = match Register::existing(&config.index)? {
        Some(register) => register,
        None if is_done => Register::open(&config.index)?,
        None => return Ok(()),
    };
    let strangers = register.strangers(request, &people)?;
    if strangers > 0 {
        let what = match subjects.len() {
            1 => format!("request `{request}` is about somebody else"),
            of => format!("request `{request}` is not about {strangers} of the {of} people who are named"),
        };
        return Err(Failure::new(what).hint(
            "give each request an id of its own, or its answer would stand in the place of the other's; the same person is \
             known by an identifier that was named for it before",
        ));
    }
    // Of whom there is nothing may have been named with a slip, which is mended under the same id.
    if is_done && (subjects.len() > 1 || !found.is_empty()) {
        register.is_about(request, &people)?;
    }
    Ok(())
}

/// Says who has what a minimisation erases as well: a notice names people, and records that are past their time do not.
pub(super) fn say_untold(
    config: &Config,
    common: &Common,
    index: &Index,
    map: &Map,
    plan: &Plan,
) -> Result<(), Failure> {
    if map.is_empty() || plan.is_empty() {
        return Ok(());
    }
    let holdings = holdings(&index.reader()?, &rules::load(config)?)?;
    let drafts = drafts(map, fields(map, &holdings, plan), Nature::Delete);
    if !drafts.is_empty() {
        let names: Vec<String> = drafts.iter().map(|draft| format!("`{}`", draft.recipient)).collect();
        common.say(format_args!(
            "warning: {} may hold the same records, and no notice is made, for none of the records was asked for by a \
             person: tell them what is past its time: {}",
            counted(names.len() as u64, "recipient"),
            names.join(", ")
        ));
    }
    Ok(())
}

/// Notes in the register how a request was answered; nothing without its id.
pub(super) fn log(
    config: &Config,
    request: Option<&str>,
    nature: &str,
    received: &Received,
    response: Response,
    basis: Vec<String>,
) -> Result<(), Failure> {
    let Some(request) = request else { return Ok(()) };
    let manner = received.manner.as_deref();
    let outcome = Outcome { request, nature, received: received.received, manner, response, basis };
    Ok(Register::open(&config.index)?.log(&outcome)?)
}
