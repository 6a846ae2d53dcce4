//! What a disclosure never shows: the identifiers of 11 CCR § 7024(d), and credentials. The person is told that they
//! are held, with enough particularity to know which; not what they are.

use residuum_detect::{Category, Detector, FieldPlan, Treatment, Type};

/// A kind of information that is named and not shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Withheld {
    /// A Social Security number.
    SocialSecurity,
    /// A driver's license number.
    DriversLicense,
    /// A passport number.
    Passport,
    /// An individual or employer taxpayer number.
    Taxpayer,
    /// The number of a medical or DEA license, which a government issues.
    MedicalLicense,
    /// Another number that a government issued.
    GovernmentId,
    /// A credit or debit card number.
    Card,
    /// The code that proves a card is at hand: CVV, CVC.
    CardCode,
    /// A bank account number, IBANs and routing numbers included.
    BankAccount,
    /// A medical record or health insurance number.
    MedicalId,
    /// A password, a PIN, or a digest of one.
    Password,
    /// A security question or the answer to one.
    SecurityQuestion,
    /// Biometric data that measurement or analysis made.
    Biometric,
    /// A credential of a program.
    Credential,
}

impl Withheld {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::SocialSecurity,
        Self::DriversLicense,
        Self::Passport,
        Self::Taxpayer,
        Self::MedicalLicense,
        Self::GovernmentId,
        Self::Card,
        Self::CardCode,
        Self::BankAccount,
        Self::MedicalId,
        Self::Password,
        Self::SecurityQuestion,
        Self::Biometric,
        Self::Credential,
    ];

    /// What the person is told is held.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SocialSecurity => "Social Security number",
            Self::DriversLicense => "driver's license number",
            Self::Passport => "passport number",
            Self::Taxpayer => "taxpayer identification number",
            Self::MedicalLicense => "medical or DEA license number",
            Self::GovernmentId => "government-issued identification number",
            Self::Card => "payment card number",
            Self::CardCode => "payment card verification code",
            Self::BankAccount => "bank account number",
            Self::MedicalId => "medical or health insurance identification number",
            Self::Password => "account password",
            Self::SecurityQuestion => "security question or answer",
            Self::Biometric => "unique biometric data",
            Self::Credential => "access credential",
        }
    }

    /// Which of the seven types of § 7024(d) it is; credentials are withheld for the security that § 7024(f) asks for.
    pub const fn provision(self) -> &'static str {
        match self {
            Self::SocialSecurity => "Social Security number, 11 CCR § 7024(d)",
            Self::DriversLicense | Self::Passport | Self::Taxpayer | Self::MedicalLicense | Self::GovernmentId => {
                "driver's license or other government-issued identification number, 11 CCR § 7024(d)"
            }
            Self::Card | Self::CardCode | Self::BankAccount => "financial account number, 11 CCR § 7024(d)",
            Self::MedicalId => "health insurance or medical identification number, 11 CCR § 7024(d)",
            Self::Password => "account password, 11 CCR § 7024(d)",
            Self::SecurityQuestion => "security questions and answers, 11 CCR § 7024(d)",
            Self::Biometric => "unique biometric data, 11 CCR § 7024(d)",
            Self::Credential => "reasonable security, 11 CCR § 7024(f)",
        }
    }

    /// The categories that it falls into, Cal. Civ. Code § 1798.140(v)(1): of what is withheld the person is told that it is
    /// held.
    pub const fn categories(self) -> &'static [Category] {
        match self {
            Self::SocialSecurity => Type::UsSsn.categories(),
            Self::DriversLicense => Type::UsDriverLicense.categories(),
            Self::Passport => Type::UsPassport.categories(),
            Self::Taxpayer => Type::UsItin.categories(),
            Self::MedicalLicense => Type::MedicalLicense.categories(),
            Self::GovernmentId => Type::NationalId.categories(),
            Self::Card | Self::CardCode => Type::CreditCard.categories(),
            Self::BankAccount => Type::UsBankAccount.categories(),
            Self::MedicalId => Type::Mrn.categories(),
            Self::Password | Self::SecurityQuestion => Type::Password.categories(),
            Self::Biometric => Type::Biometric.categories(),
            Self::Credential => Type::ApiKey.categories(),
        }
    }

    /// What stands in its place.
    pub fn mark(self) -> String {
        format!("[withheld: {}]", self.title())
    }

    /// Whether values of a type are withheld.
    ///
    /// A provider's NPI is not: it is published, and identifies whoever treats rather than the patient. Nor is a number
    /// plate, or an address of a cryptocurrency, which everybody sees who sees a payment.
    pub const fn of_type(kind: Type) -> Option<Self> {
        Some(match kind {
            Type::UsSsn => Self::SocialSecurity,
            Type::UsDriverLicense => Self::DriversLicense,
            Type::UsPassport => Self::Passport,
            Type::UsItin | Type::UsEin => Self::Taxpayer,
            Type::MedicalLicense => Self::MedicalLicense,
            Type::NationalId => Self::GovernmentId,
            Type::CreditCard => Self::Card,
            Type::Iban | Type::UsBankAccount | Type::UsRouting => Self::BankAccount,
            Type::Mrn => Self::MedicalId,
            Type::Password => Self::Password,
            Type::Biometric => Self::Biometric,
            Type::ApiKey => Self::Credential,
            _ => return None,
        })
    }

    /// Whether everything in a field is withheld, because the scan took it for one of these, or its name does. Where a
    /// name alone says so, by words that mean other things as well, a value is withheld only if it may be one.
    pub fn of_field(detector: &Detector, plan: &FieldPlan, value: &[u8]) -> Option<Self> {
        let of_rule = |id: &str| detector.rules().iter().find(|rule| rule.id == id).and_then(|r| Self::of_type(r.kind));
        if let Treatment::Typed(rule) = &plan.treatment
            && let Some(found) = of_rule(rule)
        {
            return Some(found);
        }
        let hinted = of_rule(plan.hint.as_deref()?)?;
        let is_secret = matches!(hinted, Self::Password | Self::Biometric | Self::Credential);
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        (is_secret || digits >= 4).then_some(hinted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_seven_types_of_the_regulation_is_covered() {
        let provisions: std::collections::BTreeSet<_> = Withheld::ALL.map(Withheld::provision).into();
        assert_eq!(provisions.iter().filter(|text| text.contains("7024(d)")).count(), 7, "{provisions:?}");
        assert!(Withheld::of_type(Type::Email).is_none() && Withheld::of_type(Type::Npi).is_none());
    }
}
