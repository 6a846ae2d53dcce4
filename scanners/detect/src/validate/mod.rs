//! Validators: is this candidate one, by the standard that defines it?
//!
//! Pure functions over bytes, without allocation. Unless they say otherwise they take a candidate stripped of its
//! separators, so that the caller who knows the separators decides about them. [`by_name`] is for rules, which
//! give a candidate as it stands: there separators are stripped first.

pub mod crypto;
pub mod date;
pub mod digest;
pub mod email;
pub mod finance;
pub mod geo;
pub mod national;
pub mod net;
pub mod phone;
pub mod plausible;
pub mod us;
pub mod vehicle;

/// A check by name, as rules use it.
pub type Validator = fn(&[u8]) -> bool;

macro_rules! validators {
    ($($name:literal => $check:expr,)*) => {
        /// The names that rules may use.
        pub const NAMES: &[&str] = &[$($name,)*];

        /// The validator with this name.
        pub fn by_name(name: &str) -> Option<Validator> {
            match name { $($name => Some($check),)* _ => None }
        }
    };
}

validators! {
    "aadhaar" => |v| stripped(v, national::aadhaar),
    "aba" => |v| stripped(v, us::aba),
    "account" => |v| stripped(v, plausible::account),
    "address" => plausible::address,
    "age" => plausible::age,
    "au_tfn" => |v| stripped(v, national::au_tfn),
    "be_rn" => |v| stripped(v, national::be_rn),
    "birth_date" => plausible::birth_date,
    "br_cpf" => |v| stripped(v, national::br_cpf),
    "ca_sin" => |v| stripped(v, national::ca_sin),
    "card" => |v| stripped(v, finance::card),
    "crypto" => |v| crypto::address(v).is_some(),
    "date" => |v| date::parse(v).is_some(),
    "de_steuer_id" => |v| stripped(v, national::de_steuer_id),
    "dea" => |v| stripped(v, us::dea),
    "degrees" => plausible::degrees,
    "driver_license" => |v| stripped(v, us::driver_license),
    "ein" => |v| stripped(v, us::ein),
    "email" => email::address,
    "es_dni" => |v| stripped(v, national::es_dni),
    "fr_nir" => |v| stripped(v, national::fr_nir),
    "iban" => |v| stripped(v, finance::iban),
    "identifier" => plausible::identifier,
    "imei" => |v| stripped(v, vehicle::imei),
    "ip" => plausible::ip,
    "it_codice_fiscale" => |v| stripped(v, national::it_codice_fiscale),
    "itin" => |v| stripped(v, us::itin),
    "job" => plausible::job,
    "luhn" => |v| stripped(v, luhn),
    "mac" => |v| net::mac(v).is_some(),
    "mbi" => |v| stripped(v, us::mbi),
    "mx_curp" => |v| stripped(v, national::mx_curp),
    "name" => plausible::name,
    "nl_bsn" => |v| stripped(v, national::nl_bsn),
    "npi" => |v| stripped(v, us::npi),
    "organization" => plausible::organization,
    "person_login" => plausible::person_login,
    "phone" => plausible::phone,
    "pl_pesel" => |v| stripped(v, national::pl_pesel),
    "place" => plausible::place,
    "plate" => plausible::plate,
    "proper_name" => plausible::proper_name,
    "se_personnummer" => |v| stripped(v, national::se_personnummer),
    "secret" => plausible::secret,
    "sg_nric" => |v| stripped(v, national::sg_nric),
    "ssn" => |v| stripped(v, us::ssn),
    "strong_secret" => plausible::strong_secret,
    "token" => plausible::token,
    "uk_nhs" => |v| stripped(v, national::uk_nhs),
    "uk_nino" => |v| stripped(v, national::uk_nino),
    "us_account" => |v| stripped(v, us::bank_account),
    "us_passport" => |v| stripped(v, us::passport),
    "username" => plausible::username,
    "uuid" => |v| net::uuid(v).is_some(),
    "vin" => |v| stripped(v, vehicle::vin),
    "vin_field" => plausible::vin,
    "words" => plausible::words,
    "words_or_code" => plausible::words_or_code,
    "written_secret" => plausible::written_secret,
}

/// Whether the validator with this name computes a check digit or sum, which few numbers pass by chance.
pub fn has_check_digit(name: &str) -> bool {
    const CHECKED: &[&str] = &[
        "aadhaar",
        "aba",
        "au_tfn",
        "be_rn",
        "br_cpf",
        "ca_sin",
        "card",
        "de_steuer_id",
        "dea",
        "es_dni",
        "fr_nir",
        "iban",
        "imei",
        "it_codice_fiscale",
        "luhn",
        "mx_curp",
        "nl_bsn",
        "npi",
        "pl_pesel",
        "se_personnummer",
        "sg_nric",
        "uk_nhs",
        "vin",
    ];
    CHECKED.contains(&name)
}

/// The longest candidate, separators stripped, that a named validator looks at.
const LONGEST: usize = 64;

/// Gives `check` the letters and digits of `value` in upper case; other characters than separators are refused.
pub fn stripped(value: &[u8], check: impl FnOnce(&[u8]) -> bool) -> bool {
    let mut buffer = [0; LONGEST];
    strip(value, &mut buffer).is_some_and(|len| check(&buffer[..len]))
}

/// Writes the letters and digits of `value` in upper case into `out` and gives their number.
///
/// `None` if there is anything but ASCII letters, digits and separators, or if `out` is too short.
pub fn strip(value: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut len = 0;
    for &byte in value {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                *out.get_mut(len)? = byte.to_ascii_uppercase();
                len += 1;
            }
            b' ' | b'-' | b'.' | b'/' | b'_' => {}
            _ => return None,
        }
    }
    Some(len)
}

/// Whether all bytes are ASCII digits and there is at least one.
#[inline]
pub fn all_digits(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// The value of up to 19 ASCII digits.
#[inline]
pub fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, d| n * 10 + u64::from(d & 15))
}

/// Whether digits end in the right check digit by ISO/IEC 7812-1 Annex B (Luhn).
#[inline]
pub fn luhn(digits: &[u8]) -> bool {
    all_digits(digits) && luhn_sum(digits, 0).is_multiple_of(10)
}

/// Luhn's sum, the last digit not doubled, beginning with `sum`.
#[inline]
pub(crate) fn luhn_sum(digits: &[u8], sum: u32) -> u32 {
    const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let weigh = |(i, d): (usize, &u8)| {
        let digit = d & 15;
        u32::from(if i % 2 == 1 { DOUBLED[usize::from(digit.min(9))] } else { digit })
    };
    sum + digits.iter().rev().enumerate().map(weigh).sum::<u32>()
}

/// Whether all bytes are the same: a filler, never a number given to someone.
#[inline]
pub(crate) fn repeated(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

/// The weighted sum of digits.
#[inline]
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| u32::from(d & 15) * w).sum()
}

#[cfg(test)]
mod tests;
