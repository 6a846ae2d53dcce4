//! Invented people from a seed: some to be erased, and those who are easily taken for them.
//!
//! Nobody is meant: names are common ones put together at random, addresses are of reserved domains, telephone numbers
//! from 555-0100 to 555-0199, and social security numbers random ones.

use std::fmt::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// People of each seed.
pub const PEOPLE: usize = 14;

/// The mailbox of a role: nobody's own.
pub const ROLE: &str = "sales@example.com";

const FIRST: [&str; 10] = ["Omar", "Jane", "Maria", "Thomas", "Aisha", "Peter", "Linda", "Carlos", "Susan", "David"];
const LAST: [&str; 10] = ["Diaz", "Nguyen", "Smith", "Kowalski", "Brown", "Okafor", "Larsen", "Moreno", "Baker", "Roe"];
const AREAS: [&str; 6] = ["202", "212", "303", "415", "512", "650"];
const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];

/// Numbers that follow from a seed (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % end as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn shuffle<T>(&mut self, of: &mut [T]) {
        for at in (1..of.len()).rev() {
            of.swap(at, self.below(at + 1));
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Person {
    /// From 1 on: the key of their records in every store.
    pub id: usize,
    pub first: &'static str,
    pub last: &'static str,
    pub email: String,
    /// Ten digits.
    pub phone: String,
    /// Nine digits.
    pub ssn: String,
    pub dob: String,
    /// The number of their office, which colleagues have as well.
    pub office: String,
    /// A number that they had once and that is somebody else's now.
    pub former: Option<String>,
    pub street: String,
    pub is_erased: bool,
}

/// What may stand somewhere of a person, by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Email,
    Phone,
    Ssn,
}

/// The people of a seed, in any order: those who are erased have a namesake, a colleague on the same telephone, somebody
/// in the same household, and one who has their old number.
pub fn people(chance: &mut Chance) -> Vec<Person> {
    let mut serial: Vec<usize> = (0..100).collect();
    chance.shuffle(&mut serial);
    let mut ids: Vec<usize> = (1..=PEOPLE).collect();
    chance.shuffle(&mut ids);
    let area = chance.pick(&AREAS);
    let mut people: Vec<Person> = Vec::new();
    for (n, id) in ids.into_iter().enumerate() {
        let (first, last) = (chance.pick(&FIRST), chance.pick(&LAST));
        people.push(Person {
            id,
            first,
            last,
            email: String::new(),
            phone: format!("{area}55501{:02}", serial[n]),
            ssn: format!("{}{:02}{:04}", 773 + chance.below(127), 1 + chance.below(99), 1 + chance.below(9999)),
            dob: format!("19{:02}-{:02}-{:02}", 50 + chance.below(50), 1 + chance.below(12), 13 + chance.below(15)),
            office: format!("{area}55501{:02}", serial[PEOPLE + n % 3]),
            former: None,
            street: format!("{} Oak Street", 10 + 3 * n),
            is_erased: false,
        });
    }
    // In fours: who is erased, a namesake in the same office, their household, and who has their old number.
    for group in people.chunks_exact_mut(4).take(2) {
        let [erased, namesake, household, heir] = group else { unreachable!("a chunk has four") };
        erased.is_erased = true;
        (namesake.first, namesake.last) = (erased.first, erased.last);
        namesake.office.clone_from(&erased.office);
        household.last = erased.last;
        household.street.clone_from(&erased.street);
        erased.former = Some(heir.phone.clone());
    }
    for person in &mut people {
        let mark = chance.pick(&[".", "_", "-"]);
        let (first, last) = (person.first.to_lowercase(), person.last.to_lowercase());
        person.email = format!("{first}{mark}{last}{}@{}", person.id, chance.pick(&DOMAINS));
    }
    chance.shuffle(&mut people);
    people
}

/// A record of somebody, as it is to be written: each value in one of the ways in which people write it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: usize,
    pub first: &'static str,
    pub last: &'static str,
    /// Empty where it does not stand there.
    pub email: String,
    pub phone: String,
    pub ssn: String,
    /// One of the three, for where there is place for one only.
    pub one: String,
    /// The address in its normal form, for digests.
    pub plain: String,
}

impl Row {
    /// A row with everything; `kind` is what stands where there is place for one.
    pub fn new(person: &Person, kind: Kind, chance: &mut Chance) -> Self {
        let (email, phone, ssn) = (spelled(&person.email, chance), dialled(&person.phone, chance), &person.ssn);
        let ssn = format!("{}-{}-{}", &ssn[..3], &ssn[3..5], &ssn[5..]);
        let one = match kind {
            Kind::Email => &email,
            Kind::Phone => &phone,
            Kind::Ssn => &ssn,
        };
        let (one, plain) = (one.clone(), person.email.clone());
        Self { id: person.id, first: person.first, last: person.last, email, phone, ssn, one, plain }
    }

    /// The same with one identifier only, and no name.
    pub fn with_only(mut self, kind: Kind) -> Self {
        (self.first, self.last) = ("", "");
        let clear = |of: Kind, value: &mut String| {
            if of != kind {
                value.clear();
            }
        };
        clear(Kind::Email, &mut self.email);
        clear(Kind::Phone, &mut self.phone);
        clear(Kind::Ssn, &mut self.ssn);
        self
    }

    /// What tells a record of theirs from others' when nothing personal stands in it any more.
    pub fn tag(&self) -> String {
        tag(self.id)
    }

    /// A digest of the address: which one, follows from the number.
    pub fn digest(&self) -> String {
        let text = if self.id.is_multiple_of(2) { self.plain.clone() } else { self.plain.to_uppercase() };
        match self.id % 3 {
            0 => hex(&Md5::digest(text)),
            1 => hex(&Sha1::digest(text)),
            _ => hex(&Sha256::digest(text)),
        }
    }
}

/// A word that stands in every record of one person.
pub fn tag(id: usize) -> String {
    format!("r{id:03}r")
}

fn spelled(email: &str, chance: &mut Chance) -> String {
    match chance.below(3) {
        0 => email.to_owned(),
        1 => email.to_uppercase(),
        _ => email[..1].to_uppercase() + &email[1..],
    }
}

fn dialled(phone: &str, chance: &mut Chance) -> String {
    let (area, middle, line) = (&phone[..3], &phone[3..6], &phone[6..]);
    match chance.below(4) {
        0 => format!("({area}) {middle}-{line}"),
        1 => format!("{area}-{middle}-{line}"),
        2 => format!("+1{phone}"),
        _ => format!("{area}.{middle}.{line}"),
    }
}

/// In hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// Compressed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Compressed as zlib does.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Who is to be erased, as a file of identifiers.
pub fn identifiers(people: &[Person]) -> String {
    let mut csv = "subject_id,first,last,email,phone,dob,ssn\n".to_owned();
    for Person { id, first, last, email, phone, dob, ssn, .. } in people.iter().filter(|person| person.is_erased) {
        csv += &format!("s{id},{first},{last},{email},{phone},{dob},{ssn}\n");
    }
    csv
}
