//! What a business keeps of every request for at least 24 months: when it came, what it asked for, how it was made, when and
//! how it was answered, and on what basis it was denied, wholly or in part (11 CCR § 7101(b)). Nothing else: whom it was
//! about is not among the six.

use serde::Serialize;

use super::RequestError;
use super::register::Register;
use crate::clock::utc;
use crate::config::{CalendarSpan, Day};

/// How long a request is kept at least (11 CCR § 7101(a)).
const KEPT: CalendarSpan = CalendarSpan { months: 24, days: 0 };

/// How a request was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Response {
    /// It was complied with.
    Complied,
    /// It was complied with in part.
    InPart,
    /// It was denied.
    Denied,
    /// There was nothing of the person by what they gave.
    NothingFound,
    /// It is not answered yet: something is left to do.
    Open,
}

impl Response {
    /// The name in outputs and on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complied => "complied",
            Self::InPart => "complied in part",
            Self::Denied => "denied",
            Self::NothingFound => "nothing found",
            Self::Open => "open",
        }
    }
}

/// What is learnt of a request by one command.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// Its id.
    pub request: &'a str,
    /// What it asks for: `know`, `delete`, `correct`, `opt out`, `limit`.
    pub nature: &'a str,
    /// The day it was received.
    pub received: Option<Day>,
    /// How it was made: web form, telephone, mail.
    pub manner: Option<&'a str>,
    /// How it was answered.
    pub response: Response,
    /// Why it was denied, wholly or in part.
    pub basis: Vec<String>,
}

/// A request as it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LoggedRequest {
    /// Its id.
    pub request: String,
    /// What it asks for.
    pub nature: String,
    /// The day it was received.
    pub received: Option<String>,
    /// How it was made.
    pub manner: Option<String>,
    /// When it was last answered, UTC.
    pub responded: Option<String>,
    /// How it was answered.
    pub response: Option<String>,
    /// Why it was denied, wholly or in part.
    pub basis: Vec<String>,
    /// Which of the six things nobody has said.
    pub missing: Vec<&'static str>,
}

/// A request as it is read.
type Row = (String, String, Option<String>, Option<String>, Option<String>, Option<String>, Vec<String>);

impl Register {
    /// Notes what was learnt of a request; what was known and is not said again stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn log(&mut self, outcome: &Outcome<'_>) -> Result<(), RequestError> {
        let Outcome { request, nature, received, manner, response, basis } = outcome;
        let now = utc(std::time::SystemTime::now());
        let text = |text: Option<&str>| text.unwrap_or_default().into();
        let is_open = *response == Response::Open;
        self.catalog.run(
            "INSERT INTO request VALUES (?1, ?2, nullif(?3, ''), nullif(?4, ''), nullif(?5, ''), ?6, ?7) \
             ON CONFLICT DO UPDATE SET received = coalesce(excluded.received, received), \
             manner = coalesce(excluded.manner, manner), responded = coalesce(excluded.responded, responded), \
             response = excluded.response, basis = excluded.basis",
            &[
                (*request).into(),
                (*nature).into(),
                text(received.map(|day| day.to_string()).as_deref()),
                text(*manner),
                text(Some(now.as_str()).filter(|_| !is_open)),
                response.name().into(),
                serde_json::to_string(basis).expect("texts are JSON").as_str().into(),
            ],
        )?;
        Ok(())
    }

    /// Every request, the first answered first, those without an answer last.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn requests(&mut self) -> Result<Vec<LoggedRequest>, RequestError> {
        let rows: Vec<Row> = self.catalog.rows(
            "SELECT json_group_array(json_array(id, nature, received, manner, responded, response, json(basis)) \
             ORDER BY responded IS NULL, responded, id, nature) FROM request",
            &[],
        )?;
        Ok(rows.into_iter().map(LoggedRequest::of).collect())
    }

    /// Forgets the requests answered more than 24 months before a day, with their notices; how many there were.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn purge(&mut self, today: Day) -> Result<u64, RequestError> {
        let limit = today.before(KEPT).to_string();
        self.catalog.begin()?;
        let purged = (|| {
            // A notice that nobody has confirmed is still to be followed up.
            for sql in [
                "DELETE FROM reminder WHERE notice IN (SELECT n.id FROM notice n JOIN request r ON r.id = n.request \
                 WHERE r.responded < ?1 AND (n.acknowledged IS NOT NULL OR n.excuse IS NOT NULL))",
                "DELETE FROM notice_field WHERE notice IN (SELECT n.id FROM notice n JOIN request r ON r.id = n.request \
                 WHERE r.responded < ?1 AND (n.acknowledged IS NOT NULL OR n.excuse IS NOT NULL))",
                "DELETE FROM notice WHERE (acknowledged IS NOT NULL OR excuse IS NOT NULL) AND request IN \
                 (SELECT id FROM request WHERE responded < ?1)",
            ] {
                self.catalog.run(sql, &[limit.as_str().into()])?;
            }
            let purged = self.catalog.run(
                "DELETE FROM request WHERE responded < ?1 AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.request = request.id)",
                &[limit.as_str().into()],
            )?;
            self.forget_whose()?;
            Ok(purged)
        })();
        Ok(self.catalog.end(purged)?)
    }
}

impl LoggedRequest {
    fn of((request, nature, received, manner, responded, response, basis): Row) -> Self {
        let is_denied = response
            .as_deref()
            .is_some_and(|of| [Response::InPart, Response::Denied].map(Response::name).contains(&of));
        let wanted = [
            ("date of request", received.is_some()),
            ("manner made", manner.is_some()),
            ("date of response", responded.is_some()),
            ("nature of response", response.is_some()),
            ("basis for denial", !is_denied || !basis.is_empty()),
        ];
        let missing = wanted.into_iter().filter(|(_, is_there)| !is_there).map(|(name, _)| name).collect();
        Self { request, nature, received, manner, responded, response, basis, missing }
    }

    /// Whether it was answered.
    pub fn is_closed(&self) -> bool {
        self.responded.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-1: the six things of § 7101(b), for 24 months, and no longer than anybody asks for.
    #[test]
    fn a_request_is_kept_with_its_six_fields_for_two_years() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut register = Register::open(directory.path()).expect("a register");
        let day = |text: &str| text.parse::<Day>().expect("a day");
        let outcome = |request, received, manner, response, basis: &[&str]| Outcome {
            request,
            nature: "delete",
            received,
            manner,
            response,
            basis: basis.iter().map(|text| (*text).to_owned()).collect(),
        };
        let six = (Some(day("2026-11-02")), Some("web form"));
        register.log(&outcome("R-1", six.0, six.1, Response::Open, &[])).expect("noted");
        let missing = |register: &mut Register| register.requests().expect("a list")[0].missing.clone();
        assert_eq!(missing(&mut register), ["date of response"]);
        register.log(&outcome("R-1", None, None, Response::InPart, &[])).expect("noted");
        assert_eq!(missing(&mut register), ["basis for denial"], "what was said of it before is known still");
        register.log(&outcome("R-1", None, None, Response::InPart, &["105d8_legal"])).expect("noted");
        assert!(missing(&mut register).is_empty());
        let today = Day::today();
        assert_eq!(register.purge(today.after(KEPT)).expect("purged"), 0, "24 months are not over");
        let later = today.after(CalendarSpan { months: 24, days: 1 });
        assert_eq!(register.purge(later).expect("purged"), 1);
        register.log(&outcome("R-2", six.0, None, Response::Open, &[])).expect("noted");
        assert_eq!(register.purge(later).expect("purged"), 0, "what was never answered is not old");
    }
}
