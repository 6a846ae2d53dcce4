//! What a person is told of an erasure: whether it was complied with, what is kept and on what basis, that a record is
//! kept, and what they may ask for beside it (11 CCR § 7022(e)–(g)).
//!
//! It names nobody and holds no value: whoever answers puts it into a letter.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::log::Response;
use super::notice::Notice;
use super::plan::{LeftState, Plan};
use crate::map::Map;

/// What came of an erasure, as far as the reply depends on it.
pub struct Answered<'a> {
    /// What is left of the plan.
    pub left: &'a Plan,
    /// Whether anything was deleted or replaced, by this command or one before it.
    pub is_changed: bool,
    /// Whether all is done that can be done.
    pub is_done: bool,
    /// The notices made for it.
    pub notices: &'a [Notice],
    /// What the owner says of the data.
    pub map: &'a Map,
}

/// What is kept under one exception.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Denied {
    /// Its tag.
    pub exception: String,
    /// The law it rests on.
    pub law: &'static str,
    /// The facts, as the owner gives them.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
    /// Letters of the categories kept.
    pub categories: BTreeSet<&'static str>,
}

/// The reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reply {
    /// How the request is answered; `None` of its field while something is left to do.
    #[serde(serialize_with = "name")]
    pub response: Response,
    /// What is kept.
    pub denied: Vec<Denied>,
    /// Third parties that were not told, with the explanation owed (§ 7022(b)(3)).
    pub not_told: Vec<(String, String)>,
    /// Whether the person is to be offered to opt out of sale and sharing (§ 7022(g)).
    pub offers_opt_out: bool,
    /// All of it in sentences, one a paragraph.
    pub text: Vec<String>,
}

fn name<S: serde::Serializer>(response: &Response, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(response.name())
}

/// The law behind a tag.
fn law(exception: &str) -> &'static str {
    match exception {
        "105d1_transaction" => {
            "it is needed to complete a transaction, provide what was asked for or perform a contract, Cal. Civ. Code § 1798.105(d)(1)"
        }
        "105d2_security" => "it is needed for security and integrity, Cal. Civ. Code § 1798.105(d)(2)",
        "105d3_debug" => "it is needed to repair errors, Cal. Civ. Code § 1798.105(d)(3)",
        "105d4_speech" => "free speech or another right provided for by law, Cal. Civ. Code § 1798.105(d)(4)",
        "105d5_calecpa" => "the California Electronic Communications Privacy Act, Cal. Civ. Code § 1798.105(d)(5)",
        "105d6_research" => "research in the public interest, Cal. Civ. Code § 1798.105(d)(6)",
        "105d7_internal" => "internal uses that you can reasonably expect, Cal. Civ. Code § 1798.105(d)(7)",
        "105d8_legal" => "a legal obligation, Cal. Civ. Code § 1798.105(d)(8)",
        "145_exempt" => "an exemption of Cal. Civ. Code § 1798.145",
        "146_health" => "the exemption of medical information, Cal. Civ. Code § 1798.146",
        _ => "a legal hold, Cal. Civ. Code § 1798.145(a)",
    }
}

impl Reply {
    /// The reply to an erasure.
    pub fn new(answered: &Answered<'_>) -> Self {
        let mut by: BTreeMap<(&str, &str, &str), BTreeSet<&'static str>> = BTreeMap::new();
        for left in &answered.left.left {
            if let LeftState::Retained { exception, reason, approved_by } = &left.state {
                let letters = left.location.finding.kind.categories().iter().map(|of| of.letter());
                by.entry((exception, reason, approved_by)).or_default().extend(letters);
            }
        }
        let denied: Vec<Denied> = by
            .into_iter()
            .map(|((exception, reason, approved_by), categories)| Denied {
                exception: exception.to_owned(),
                law: law(exception),
                reason: reason.to_owned(),
                approved_by: approved_by.to_owned(),
                categories,
            })
            .collect();
        let response = match (answered.is_done, denied.is_empty(), answered.is_changed) {
            (false, ..) => Response::Open,
            (true, true, true) => Response::Complied,
            (true, true, false) => Response::NothingFound,
            (true, false, true) => Response::InPart,
            (true, false, false) => Response::Denied,
        };
        let excused = answered.notices.iter().filter_map(|of| Some((of.recipient.clone(), of.excuse.clone()?)));
        let not_told: Vec<(String, String)> = excused.collect();
        let offers_opt_out = !denied.is_empty() && answered.map.sells_or_shares();
        let mut reply = Self { response, denied, not_told, offers_opt_out, text: Vec::new() };
        reply.text = reply.sentences();
        reply
    }

    /// Why the request was denied, wholly or in part, in words that stand in the log.
    pub fn basis(&self) -> Vec<String> {
        self.denied.iter().map(|of| format!("{}: {}", of.exception, of.reason)).collect()
    }

    fn sentences(&self) -> Vec<String> {
        let mut text = vec![
            match self.response {
                Response::Complied => "We have complied with your request to delete your personal information.",
                Response::InPart => "We have complied with your request to delete your personal information in part.",
                Response::Denied => "We have denied your request to delete your personal information.",
                Response::NothingFound => {
                    "We have found no personal information of yours by what you have given us, and so have deleted none."
                }
                Response::Open => "Your request to delete your personal information is not carried out completely yet.",
            }
            .to_owned(),
        ];
        for Denied { law, reason, categories, .. } in &self.denied {
            let letters = categories.iter().copied().collect::<Vec<_>>().join(", ");
            let of = if letters.is_empty() { String::new() } else { format!(" of categories {letters}") };
            text.push(format!(
                "We keep information{of} because of {law}: {reason}. We use it for nothing else, and instruct those who process \
                 it for us to do the same."
            ));
        }
        for (recipient, why) in &self.not_told {
            text.push(format!("We have not told {recipient}, to whom it was sold or with whom it was shared: {why}."));
        }
        text.push(
            "We keep a record of your request for at least 24 months, as 11 CCR § 7101 asks, and what is needed to make sure \
             that your personal information stays deleted."
                .to_owned(),
        );
        if self.offers_opt_out {
            text.push(
                "We sell or share personal information. Unless you have done so before, you may opt out of the sale and the \
                 sharing of yours: answer this message, and we see to it (11 CCR § 7022(g))."
                    .to_owned(),
            );
        }
        text
    }
}
