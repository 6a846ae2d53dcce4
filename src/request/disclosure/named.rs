//! What the name of a field says that it holds, of what is never shown: then nothing in it is shown, well-formed or not.
//!
//! A number that is one digit short is a Social Security number with a slip, the last four digits of one are a part of
//! it, and `zz` under `dl_number` may be all of it. English and Spanish, in the usual spellings.

use super::withheld::Withheld;

impl Withheld {
    /// What everything in a field is withheld as, whatever stands there: its name says what it holds.
    pub fn of_name(field: &str) -> Option<Self> {
        let words = telling(field);
        let is_empty = |word: &&String| EMPTY.contains(&word.as_str());
        let kept = words.len() - words.iter().rev().take_while(is_empty).count();
        let core = &words[..kept];
        let last = core.last()?.as_str();
        let is_state = STATES.contains(&last) && !words.iter().any(|word| word == "maiden");
        if is_state || ["is", "has", "needs"].contains(&words[0].as_str()) {
            return None;
        }
        let (glued, alone) = (words.concat(), core.concat());
        let is_said = |of: &&Named| {
            of.within.iter().any(|part| glued.contains(part))
                || of.words.iter().any(|phrase| stands_in(&words, phrase))
                || of.last.contains(&last)
                || of.alone.contains(&alone.as_str())
        };
        NAMED.iter().find(is_said).map(|of| of.what)
    }
}

/// How names of fields say one kind.
struct Named {
    what: Withheld,
    /// Letters that say it wherever they stand in the name.
    within: &'static [&'static str],
    /// Letters that say it as words of their own, written apart or in one.
    words: &'static [&'static str],
    /// Words that say it as the last one, `number` and its like left off.
    last: &'static [&'static str],
    /// Letters that say it as the whole name, numbers and `number` left off: in a longer one they mean other things.
    alone: &'static [&'static str],
}

/// The words of the last part of a path; of the part before as well where that says nothing by itself, as in
/// `passport.number`.
fn telling(field: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in field.rsplit(['.', '/', '@']) {
        let mut here = words(part);
        here.append(&mut all);
        all = here;
        if all.iter().any(|word| !EMPTY.contains(&word.as_str())) {
            break;
        }
    }
    all
}

/// Words in small letters without accents: `SSNLast4` is ssn, last; digits only part them.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let (mut words, mut word) = (Vec::new(), String::new());
    for (at, &c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || before.is_uppercase() && next_is_lower);
        if !c.is_alphabetic() || begins {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase().map(plain));
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A letter of Spanish without its accent.
fn plain(c: char) -> char {
    match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        c => c,
    }
}

/// Whether words that stand side by side are a phrase, written apart or in one.
fn stands_in(words: &[String], phrase: &str) -> bool {
    (0..words.len()).any(|from| {
        let mut rest = phrase;
        for word in &words[from..] {
            match rest.strip_prefix(word.as_str()) {
                Some("") => return true,
                Some(left) => rest = left,
                None => return false,
            }
        }
        false
    })
}

/// Words that say nothing of what a number is.
const EMPTY: [&str; 30] = [
    "number",
    "numbers",
    "no",
    "nr",
    "num",
    "value",
    "val",
    "text",
    "raw",
    "full",
    "plain",
    "last",
    "first",
    "digits",
    "part",
    "suffix",
    "prefix",
    "partial",
    "masked",
    "hash",
    "hashed",
    "encrypted",
    "enc",
    "sha",
    "md",
    "bcrypt",
    "numero",
    "ultimos",
    "digitos",
    "four",
];

/// Last words of fields that tell something about such a thing rather than the thing.
const STATES: [&str; 58] = [
    "enabled",
    "disabled",
    "status",
    "state",
    "type",
    "kind",
    "brand",
    "count",
    "at",
    "on",
    "date",
    "day",
    "expires",
    "expiry",
    "expiration",
    "expired",
    "exp",
    "country",
    "issuer",
    "verified",
    "valid",
    "validated",
    "match",
    "matched",
    "matches",
    "result",
    "required",
    "present",
    "provided",
    "flag",
    "attempts",
    "retries",
    "policy",
    "strength",
    "version",
    "algorithm",
    "limit",
    "category",
    "changed",
    "updated",
    "reset",
    "confirmed",
    "reason",
    "name",
    "nombre",
    "holder",
    "owner",
    "bank",
    "balance",
    "currency",
    "amount",
    "benefits",
    "city",
    "place",
    "titular",
    "estado",
    "tipo",
    "fecha",
];

/// What names say; the first that fits counts.
const NAMED: [Named; 12] = [
    Named {
        what: Withheld::SecurityQuestion,
        within: &[
            "securityquestion",
            "securityanswer",
            "secretquestion",
            "secretanswer",
            "challengequestion",
            "challengeanswer",
            "recoveryquestion",
            "recoveryanswer",
            "passwordhint",
            "mothersmaiden",
            "mothermaiden",
            "preguntaseguridad",
            "preguntadeseguridad",
            "preguntasecreta",
            "respuestaseguridad",
            "respuestadeseguridad",
            "respuestasecreta",
            "apellidodesoltera",
            "nombredesoltera",
        ],
        words: &["securityq", "securitya", "kba"],
        last: &[],
        alone: &[],
    },
    Named {
        what: Withheld::Password,
        within: &["password", "passwd", "passcode", "passphrase", "pincode", "contrasena", "pwdhash", "claveacceso"],
        words: &["pwd", "clavedeacceso", "clavesecreta", "codigopin"],
        last: &["pin", "pins", "nip"],
        alone: &["pass"],
    },
    Named {
        what: Withheld::CardCode,
        within: &["cardverification", "cardsecuritycode", "securitycode", "codigoseguridad", "codigodeseguridad"],
        words: &["cvv", "cvvs", "cvc", "cardcvv", "cardcvc", "cvvcode", "cvccode", "cardcid"],
        last: &[],
        alone: &["csc"],
    },
    Named {
        what: Withheld::SocialSecurity,
        within: &["socialsecurity", "segurosocial", "seguridadsocial"],
        words: &["ssn", "ssns", "ssnlast", "socsec", "socsecnum", "ssnumber", "ssno", "ssnum", "nss"],
        last: &[],
        alone: &[],
    },
    Named {
        what: Withheld::DriversLicense,
        within: &[
            "driverlicense",
            "driverslicense",
            "driverlicence",
            "driverslicence",
            "drivinglicense",
            "drivinglicence",
            "driverlic",
            "driverslic",
            "licenciaconducir",
            "licenciadeconducir",
            "licenciademanejo",
            "permisoconducir",
            "permisodeconducir",
            "carnetdeconducir",
        ],
        words: &["dln", "dlnumber", "dlno", "dlnum", "dlid", "licensenumber", "licencenumber", "licencia"],
        last: &[],
        alone: &["dl"],
    },
    Named {
        what: Withheld::Passport,
        within: &["passportno", "passportnum", "passportid", "pasaporte"],
        words: &["passport", "passports"],
        last: &[],
        alone: &[],
    },
    Named {
        what: Withheld::Taxpayer,
        within: &["taxpayerid", "taxpayern", "taxidentification", "identificacionfiscal"],
        words: &["itin", "taxid", "taxnumber", "taxno", "fein", "ptin", "atin"],
        last: &[],
        alone: &["tin", "ein"],
    },
    Named {
        what: Withheld::GovernmentId,
        within: &[
            "nationalid",
            "nationalinsurance",
            "governmentid",
            "governmentissued",
            "identitynumber",
            "idcardnumber",
            "stateidnumber",
            "stateidno",
            "militaryid",
            "tribalid",
            "aliennumber",
            "alienregistration",
            "visanumber",
            "greencard",
            "voterid",
            "socialinsurance",
            "documentoidentidad",
            "documentodeidentidad",
            "cedulaidentidad",
            "ceduladeidentidad",
            "aadhaar",
            "matriculaconsular",
        ],
        words: &["govid", "curp", "dni", "cpf", "cedula"],
        last: &[],
        alone: &["rfc", "nie"],
    },
    Named {
        what: Withheld::Card,
        within: &[
            "creditcard",
            "debitcard",
            "cardnumber",
            "cardsnumber",
            "cardnum",
            "ccnumber",
            "ccnum",
            "primaryaccountnumber",
            "numerotarjeta",
            "numerodetarjeta",
            "tarjetacredito",
            "tarjetadecredito",
            "tarjetadebito",
            "tarjetadedebito",
        ],
        words: &["cardno", "cardlast", "cclast", "cardpan"],
        last: &[],
        alone: &[],
    },
    Named {
        what: Withheld::BankAccount,
        within: &["bankaccount", "bankacct", "routingnumber", "cuentabancaria", "numerocuenta", "numerodecuenta"],
        words: &["iban", "clabe", "sortcode", "abanumber", "routingno"],
        last: &[],
        alone: &["routing", "aba"],
    },
    Named {
        what: Withheld::MedicalId,
        within: &[
            "medicalrecordn",
            "medicalrecordid",
            "medicalid",
            "healthinsurancen",
            "healthinsuranceid",
            "healthplanid",
            "healthid",
            "insuranceid",
            "insurancenumber",
            "medicaid",
            "medicareid",
            "medicarenumber",
            "medicareno",
            "seguromedico",
            "expedientemedico",
            "historiaclinican",
        ],
        words: &["mrn", "mbi", "hicn"],
        last: &[],
        alone: &["medicare"],
    },
    Named {
        what: Withheld::Biometric,
        within: &[
            "biometric",
            "fingerprinttemplate",
            "fingerprintdata",
            "fingerprintscan",
            "facetemplate",
            "faceencoding",
            "faceembedding",
            "faceprint",
            "voiceprint",
            "irisscan",
            "iristemplate",
            "retinascan",
            "huelladactilar",
            "palmprint",
        ],
        words: &[],
        last: &[],
        alone: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_say_what_is_never_shown() {
        let cases = [
            ("security_question", Some(Withheld::SecurityQuestion)),
            ("profile.securityAnswer2", Some(Withheld::SecurityQuestion)),
            ("mothers_maiden_name", Some(Withheld::SecurityQuestion)),
            ("password_hint", Some(Withheld::SecurityQuestion)),
            ("respuesta_de_seguridad", Some(Withheld::SecurityQuestion)),
            ("password_hash", Some(Withheld::Password)),
            ("login.Password", Some(Withheld::Password)),
            ("contraseña", Some(Withheld::Password)),
            ("atm_pin", Some(Withheld::Password)),
            ("PIN", Some(Withheld::Password)),
            ("card.cvv", Some(Withheld::CardCode)),
            ("CVC2", Some(Withheld::CardCode)),
            ("cvvCode", Some(Withheld::CardCode)),
            ("ssn", Some(Withheld::SocialSecurity)),
            ("ssn_last4", Some(Withheld::SocialSecurity)),
            ("SSNLast4", Some(Withheld::SocialSecurity)),
            ("last4_ssn", Some(Withheld::SocialSecurity)),
            ("ssn.last4", Some(Withheld::SocialSecurity)),
            ("customerSsn", Some(Withheld::SocialSecurity)),
            ("social_security_number", Some(Withheld::SocialSecurity)),
            ("número_de_seguro_social", Some(Withheld::SocialSecurity)),
            ("dl_number", Some(Withheld::DriversLicense)),
            ("driversLicense", Some(Withheld::DriversLicense)),
            ("licencia_de_conducir", Some(Withheld::DriversLicense)),
            ("passport_no", Some(Withheld::Passport)),
            ("passport.number", Some(Withheld::Passport)),
            ("pasaporte", Some(Withheld::Passport)),
            ("tax_id", Some(Withheld::Taxpayer)),
            ("curp", Some(Withheld::GovernmentId)),
            ("cards[].card_number", Some(Withheld::Card)),
            ("card_last4", Some(Withheld::Card)),
            ("iban", Some(Withheld::BankAccount)),
            ("health_insurance_no", Some(Withheld::MedicalId)),
            ("mrn", Some(Withheld::MedicalId)),
            ("face_template", Some(Withheld::Biometric)),
            ("password_changed_at", None),
            ("ssn_verified", None),
            ("has_passport", None),
            ("passport_country", None),
            ("dl_state", None),
            ("cvv_result", None),
            ("biometric_enabled", None),
            ("browser_fingerprint", None),
            ("compass", None),
            ("business_name", None),
            ("pinned", None),
            ("shipping", None),
            ("map_pin_label", None),
            ("nombre_niño", None),
            ("credit_card_holder", None),
            ("number", None),
            ("last4", None),
            ("medical_record", None),
            ("email", None),
        ];
        for (field, expected) in cases {
            assert_eq!(Withheld::of_name(field), expected, "{field}");
        }
    }
}
