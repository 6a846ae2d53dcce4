//! The types of personal information, with the statute's categories.

/// A category of personal information, Cal. Civ. Code §1798.140(v)(1)(A) to (L).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Category {
    /// Identifiers.
    A,
    /// Customer records, §1798.80(e).
    B,
    /// Characteristics of protected classifications.
    C,
    /// Commercial information.
    D,
    /// Biometric information.
    E,
    /// Internet or other network activity.
    F,
    /// Geolocation data.
    G,
    /// Audio, electronic, visual, thermal, olfactory or similar information.
    H,
    /// Professional or employment-related information.
    I,
    /// Education information.
    J,
    /// Inferences.
    K,
    /// Sensitive personal information, §1798.140(ae).
    L,
}

impl Category {
    /// All, in order.
    pub const ALL: [Self; 12] =
        [Self::A, Self::B, Self::C, Self::D, Self::E, Self::F, Self::G, Self::H, Self::I, Self::J, Self::K, Self::L];

    /// The letter.
    pub const fn letter(self) -> &'static str {
        ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"][self as usize]
    }

    /// The category with this letter.
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.letter() == letter)
    }

    /// What the statute calls it, shortened.
    pub const fn title(self) -> &'static str {
        match self {
            Self::A => "Identifiers",
            Self::B => "Customer records",
            Self::C => "Protected characteristics",
            Self::D => "Commercial information",
            Self::E => "Biometric information",
            Self::F => "Network activity",
            Self::G => "Geolocation",
            Self::H => "Audio, visual and similar",
            Self::I => "Employment",
            Self::J => "Education",
            Self::K => "Inferences",
            Self::L => "Sensitive personal information",
        }
    }
}

macro_rules! types {
    ($($variant:ident $name:literal [$($category:ident)*] $doc:literal,)*) => {
        /// What a value is. The numbers are stored in indexes: add at the end only.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Type { $(#[doc = $doc] $variant,)* }

        impl Type {
            /// Every type, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name used in rules, commands and outputs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The categories such a value usually falls into; a rule may name others.
            pub const fn categories(self) -> &'static [Category] {
                match self { $(Self::$variant => &[$(Category::$category,)*],)* }
            }
        }
    };
}

types! {
    Email "EMAIL" [A] "An e-mail address.",
    Phone "PHONE" [A B] "A telephone number.",
    UsSsn "US_SSN" [A B L] "A US Social Security number.",
    UsItin "US_ITIN" [A B L] "A US individual taxpayer identification number.",
    UsEin "US_EIN" [A] "A US employer identification number.",
    CreditCard "CREDIT_CARD" [B L] "A payment card number.",
    Iban "IBAN" [B L] "An international bank account number.",
    UsBankAccount "US_BANK_ACCOUNT" [B L] "A US bank account number.",
    UsRouting "US_ROUTING" [B] "An ABA routing transit number.",
    UsDriverLicense "US_DRIVER_LICENSE" [A B L] "A US driver's licence number.",
    UsPassport "US_PASSPORT" [A B L] "A US passport number.",
    NationalId "NATIONAL_ID" [A B L] "Another government's identity number.",
    PersonName "PERSON_NAME" [A B] "A person's name or a part of it.",
    StreetAddress "STREET_ADDRESS" [A B] "A street address.",
    PostalCode "POSTAL_CODE" [A B] "A postal code.",
    City "CITY" [A B] "A city as part of an address.",
    DateOfBirth "DATE_OF_BIRTH" [B C] "A date of birth.",
    Date "DATE" [] "Another date.",
    Age "AGE" [C] "An age.",
    Gender "GENDER" [C] "A gender.",
    Nationality "NATIONALITY" [C L] "Citizenship or immigration status.",
    Ethnicity "ETHNICITY" [C L] "Racial or ethnic origin.",
    Religion "RELIGION" [C L] "Religious or philosophical beliefs.",
    UnionMembership "UNION_MEMBERSHIP" [C L] "Union membership.",
    SexualOrientation "SEXUAL_ORIENTATION" [C L] "Sex life or sexual orientation.",
    Health "HEALTH" [B C L] "Information about health.",
    Biometric "BIOMETRIC" [E L] "Biometric information.",
    Genetic "GENETIC" [C L] "Genetic data.",
    Occupation "OCCUPATION" [I] "An occupation or title.",
    Organization "ORGANIZATION" [I] "An employer or other organisation.",
    Username "USERNAME" [A] "An account name.",
    Password "PASSWORD" [L] "A password.",
    ApiKey "API_KEY" [L] "A credential of a program.",
    IpAddress "IP_ADDRESS" [A F] "An Internet Protocol address.",
    MacAddress "MAC_ADDRESS" [A F] "A hardware address.",
    Url "URL" [F] "A web address.",
    Maid "MAID" [A F] "A mobile advertising identifier.",
    CookieId "COOKIE_ID" [A F] "A cookie or browser identifier.",
    DeviceId "DEVICE_ID" [A F] "A device identifier.",
    GeoCoordinate "GEO_COORDINATE" [G L] "A precise position.",
    Vin "VIN" [A D] "A vehicle identification number.",
    LicensePlate "LICENSE_PLATE" [A] "A number plate.",
    MedicalLicense "MEDICAL_LICENSE" [A I] "A medical licence or DEA number.",
    Npi "NPI" [A I] "A US national provider identifier.",
    Mrn "MRN" [A B L] "A medical record or health insurance number.",
    CryptoAddress "CRYPTO_ADDRESS" [B] "A cryptocurrency address.",
    Digest "DIGEST" [A] "A digest that stands for an identifier.",
    Key "KEY" [A] "A key of a table of people.",
    Other "OTHER" [B] "Other personal information.",
}

impl Type {
    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }

    /// The type with this number, as stored in an index.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether it is sensitive personal information, §1798.140(ae).
    pub fn is_sensitive(self) -> bool {
        self.categories().contains(&Category::L)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_round_trip() {
        for (number, &kind) in Type::ALL.iter().enumerate() {
            assert_eq!(Type::from_name(kind.name()), Some(kind));
            assert_eq!(Type::from_number(number as u8), Some(kind));
        }
        assert_eq!(Type::ALL.len(), 49);
        assert!(Type::UsSsn.is_sensitive() && !Type::Email.is_sensitive());
    }
}
