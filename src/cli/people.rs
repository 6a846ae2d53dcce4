//! Identifiers on the command line, or people in a file: whom a command is about.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use residuum_detect::Type;

use super::common::Common;
use super::failure::{Explain as _, Failure};
use crate::identity::{self, Identifier, Subject};
use crate::report::human::counted;

/// The flags that say whom a command is about.
#[derive(clap::Args)]
pub(super) struct People {
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// A telephone number; without a country code it is taken as American
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
    /// A full name; weak: it counts only together with others, or as a possible namesake
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// A date of birth, best as `YYYY-MM-DD`; weak
    #[arg(long, value_name = "DATE")]
    dob: Vec<String>,
    /// A postal code; weak
    #[arg(long, value_name = "CODE")]
    zip: Vec<String>,
    /// Another identifier by its type, such as `US_SSN=…` or `IBAN=…`
    #[arg(long = "value", value_name = "TYPE=VALUE")]
    values: Vec<String>,
    /// The key of a record, such as `crm.customers.id=1042`
    #[arg(long, value_name = "DOMAIN=VALUE")]
    id: Vec<String>,
    /// The SHA-256 of an identifier, in hexadecimal or Base64, such as `EMAIL=8c87b4…`
    #[arg(long, value_name = "TYPE=DIGEST")]
    sha256: Vec<String>,
    /// An identifier that `find --expand` gave, accepted as the person's
    #[arg(long, value_name = "TYPE:FINGERPRINT")]
    accept: Vec<String>,
    /// A CSV file of people, one a line; `-` is standard input
    #[arg(long, value_name = "FILE.csv")]
    identifiers: Option<PathBuf>,
    /// Which keys the file's column `user_id` holds
    #[arg(long, value_name = "DOMAIN", requires = "identifiers")]
    id_domain: Option<String>,
}

impl People {
    /// The people asked for: one from the flags, those of the file, or both.
    pub(super) fn subjects(&self, common: &Common) -> Result<Vec<Subject>, Failure> {
        self.read(&mut |what| {
            common.say(format_args!("warning: {what}, which was left out"));
            Ok(())
        })
    }

    /// The same where somebody is to be certified: an identifier that is none, or a person without one, is refused.
    pub(super) fn subjects_in_full(&self) -> Result<Vec<Subject>, Failure> {
        let cure = "nothing could be said of whom they identify: mend the file, or remove the cells";
        let subjects = self.read(&mut |what| Err(Failure::new(what).hint(cure)))?;
        match subjects.iter().find(|subject| subject.identifiers.is_empty()) {
            Some(subject) => Err(Failure::new(format_args!("subject `{}` has no identifier", subject.id))
                .hint("give one, or remove the line")),
            None => Ok(subjects),
        }
    }

    /// Whether anybody is named at all.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [
            &self.email,
            &self.phone,
            &self.name,
            &self.dob,
            &self.zip,
            &self.values,
            &self.id,
            &self.sha256,
            &self.accept,
        ];
        lists.iter().all(|list| list.is_empty()) && self.identifiers.is_none()
    }

    fn read(&self, left_out: &mut dyn FnMut(String) -> Result<(), Failure>) -> Result<Vec<Subject>, Failure> {
        let mut given = Vec::new();
        let typed = [
            (Type::Email, "--email", &self.email),
            (Type::Phone, "--phone", &self.phone),
            (Type::PersonName, "--name", &self.name),
            (Type::DateOfBirth, "--dob", &self.dob),
            (Type::PostalCode, "--zip", &self.zip),
        ];
        for (kind, flag, values) in typed {
            for value in values {
                given.push(Identifier::value(kind, flag, value)?);
            }
        }
        for pair in &self.values {
            // Nothing of the pair is repeated: somebody may have given the value alone.
            let wrong = || {
                Failure::new("`--value` takes TYPE=VALUE")
                    .hint("such as `--value US_SSN=…`; `residuum rules list` shows the types")
            };
            let (kind, value) = pair.split_once('=').ok_or_else(wrong)?;
            let kind = kind.trim().to_uppercase();
            let known = Type::from_name(&kind);
            let is_a_name = kind.len() <= 24 && kind.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            let kind = known.ok_or_else(|| match is_a_name {
                true => Failure::new(format_args!("`{kind}` is no type")).hint("`residuum rules list` shows the types"),
                false => wrong(),
            })?;
            given.push(Identifier::value(kind, "--value", value)?);
        }
        for pair in &self.id {
            given.push(Identifier::key(pair)?);
        }
        for pair in &self.sha256 {
            given.push(Identifier::sha256(pair)?);
        }
        for text in &self.accept {
            given.push(Identifier::accepted(text)?);
        }
        let mut subjects = Vec::new();
        if !given.is_empty() {
            subjects.push(Subject { id: "1".to_owned(), identifiers: given });
        }
        if let Some(path) = &self.identifiers {
            let file: Box<dyn Read> = if path.as_os_str() == "-" {
                Box::new(io::stdin().lock())
            } else {
                Box::new(File::open(path).doing(format_args!("`{}` cannot be read", path.display()))?)
            };
            let doing = format!("`{}` cannot be used", path.display());
            let (people, cells) = identity::read_subjects(file, self.id_domain.as_deref()).doing(doing)?;
            if cells > 0 {
                let what = counted(cells, "cell");
                left_out(format!("{what} of `{}` did not parse as their column's type", path.display()))?;
            }
            subjects.extend(people);
        }
        if subjects.is_empty() {
            let hint = "give `--email`, `--phone`, `--name`, `--dob`, `--zip`, `--value`, `--id`, `--sha256` or `--identifiers`";
            return Err(Failure::new("nobody to look for").hint(hint));
        }
        Ok(subjects)
    }
}

/// How many identifiers of which type were given: all that the audit log learns of them.
pub(super) fn kinds(subjects: &[Subject]) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for identifier in subjects.iter().flat_map(|subject| &subject.identifiers) {
        *kinds.entry(identifier.kind().name()).or_default() += 1;
    }
    kinds
}
