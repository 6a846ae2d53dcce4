//! The people of the invented company, made from a fixed seed.
//!
//! No real person is meant. Addresses are at example.com, example.org and example.net; American telephone numbers
//! are from 555-0100 to 555-0199, German ones from the numbers the Bundesnetzagentur keeps for films; network
//! addresses are those of RFC 5737; cards are published test numbers. Social Security numbers have no reserved
//! range that looks valid, so those are drawn by chance.

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers on every machine.
pub(super) struct Chance(u64);

impl Chance {
    /// Numbers from a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }

    /// Yes about once in `n` times.
    pub(super) const fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    /// A random UUID, version 4.
    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let (third, fourth) = (high & 0xfff, (low >> 48) & 0x3fff | 0x8000);
        format!(
            "{:08x}-{:04x}-4{third:03x}-{fourth:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            low & 0xffff_ffff_ffff
        )
    }
}

/// Somebody invented.
pub(super) struct Person {
    /// Customer number, `customers.id`.
    pub id: u32,
    pub first: &'static str,
    pub last: &'static str,
    pub email: String,
    /// As a person writes it.
    pub phone: String,
    /// `YYYY-MM-DD`.
    pub born: String,
    pub street: String,
    pub city: &'static str,
    /// A US state, or `DE`.
    pub state: &'static str,
    pub postcode: String,
    /// Where their browser comes from.
    pub ip: String,
    /// Their device.
    pub device: String,
}

/// How many customers the company has.
pub(super) const CUSTOMERS: usize = 240;
/// How many of them live in Germany: the last ones.
pub(super) const GERMANS: usize = 40;
/// Position of the customer whom the demonstration looks for.
pub(super) const SUBJECT: usize = 41;

/// The customers, in order of their numbers.
pub(super) fn customers(chance: &mut Chance) -> Vec<Person> {
    let mut people: Vec<_> = (0..CUSTOMERS).map(|i| customer(i, chance)).collect();
    // A couple with one telephone: an identifier that stands with several people never links them.
    people[SUBJECT + 1].last = people[SUBJECT].last;
    people[SUBJECT + 1].first = "Daniel";
    people[SUBJECT + 1].email = "daniel.okafor@example.com".to_owned();
    people[SUBJECT + 1].phone = people[SUBJECT].phone.clone();
    people
}

fn customer(i: usize, chance: &mut Chance) -> Person {
    let german = i >= CUSTOMERS - GERMANS;
    let (first, last) = match (i, german) {
        (SUBJECT, _) => ("Amelia", "Okafor"),
        (_, true) => (chance.pick(GERMAN_FIRST), chance.pick(GERMAN_LAST)),
        (_, false) => (chance.pick(FIRST), chance.pick(LAST)),
    };
    let local = format!("{}.{}", ascii(first), ascii(last));
    let email = match i {
        SUBJECT => format!("{local}@example.com"),
        _ => format!("{local}{}@{}", i + 1, chance.pick(&["example.com", "example.org", "example.net"])),
    };
    let (city, state, area, zip) = if german { chance.pick(GERMAN_CITIES) } else { chance.pick(CITIES) };
    let (phone, street, postcode) = if german {
        let house = chance.between(1, 120);
        (
            format!("+49 30 23125 {:03}", i % 1000),
            format!("{} {house}", chance.pick(GERMAN_STREETS)),
            format!("{:05}", zip),
        )
    } else {
        let house = chance.between(10, 9800);
        let street = format!("{house} {}", chance.pick(STREETS));
        (format!("({area}) 555-{:04}", 100 + i % 100), street, format!("{:05}", zip + chance.between(0, 20) as u32))
    };
    Person {
        id: 1001 + i as u32,
        first,
        last,
        email,
        phone,
        born: format!("{}-{:02}-{:02}", chance.between(1948, 2004), chance.between(1, 12), chance.between(1, 28)),
        street,
        city,
        state,
        postcode,
        ip: format!("{}.{}", chance.pick(&["192.0.2", "198.51.100", "203.0.113"]), 1 + i % 254),
        device: chance.uuid(),
    }
}

/// Somebody on the payroll.
pub(super) struct Employee {
    pub id: u32,
    pub name: String,
    pub email: String,
    pub title: &'static str,
    /// Drawn by chance, no real one is meant.
    pub ssn: String,
    pub phone: String,
}

/// How many people work there.
pub(super) const EMPLOYEES: usize = 18;

/// The employees, in order of their numbers.
pub(super) fn employees(chance: &mut Chance) -> Vec<Employee> {
    let employee = |i: usize| {
        let (first, last) = (FIRST[i * 2 % FIRST.len()], LAST[(i * 5 + 3) % LAST.len()]);
        Employee {
            id: 1 + i as u32,
            name: format!("{first} {last}"),
            email: format!("{}.{}@larkspur.example.com", ascii(first), ascii(last)),
            title: chance.pick(&["buyer", "warehouse lead", "support agent", "accountant", "store manager"]),
            ssn: format!(
                "{:03}-{:02}-{:04}",
                chance.between(101, 599),
                chance.between(11, 88),
                chance.between(1000, 9899)
            ),
            phone: format!("(503) 555-{:04}", 180 + i),
        }
    };
    (0..EMPLOYEES).map(employee).collect()
}

/// A name as it stands in an address: `Müller` is `mueller`.
fn ascii(name: &str) -> String {
    let spell = |c: char| match c {
        'ä' | 'Ä' => "ae".to_owned(),
        'ö' | 'Ö' => "oe".to_owned(),
        'ü' | 'Ü' => "ue".to_owned(),
        'ß' => "ss".to_owned(),
        'ë' => "e".to_owned(),
        c => c.to_lowercase().to_string(),
    };
    name.chars().map(spell).collect()
}

/// Published test numbers of payment processors.
pub(super) const TEST_CARDS: &[&str] =
    &["4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881", "5105 1051 0510 5100", "3782 822463 10005"];

const FIRST: &[&str] = &[
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "William",
    "Barbara",
    "Richard",
    "Susan",
    "Joseph",
    "Jessica",
    "Thomas",
    "Sarah",
    "Carlos",
    "Karen",
    "Priya",
    "Nancy",
    "Wei",
    "Lisa",
    "Omar",
    "Margaret",
    "Hiroshi",
    "Sandra",
    "Kwame",
    "Ashley",
    "Diego",
    "Emily",
    "Steven",
    "Maria",
    "Andrew",
    "Michelle",
    "Paul",
    "Laura",
    "Joshua",
    "Olivia",
];

const LAST: &[&str] = &[
    "Smith",
    "Johnson",
    "Williams",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Rodriguez",
    "Martinez",
    "Hernandez",
    "Lopez",
    "Gonzalez",
    "Wilson",
    "Anderson",
    "Taylor",
    "Moore",
    "Jackson",
    "Martin",
    "Lee",
    "Perez",
    "Thompson",
    "Harris",
    "Sanchez",
    "Clark",
    "Ramirez",
    "Lewis",
    "Robinson",
    "Walker",
    "Young",
    "Nguyen",
    "Patel",
    "Kim",
    "Cohen",
    "Mensah",
];

const GERMAN_FIRST: &[&str] = &[
    "Jürgen", "Jörg", "Käthe", "Björn", "Günther", "Sören", "Zoë", "Anna", "Lukas", "Hannah", "Jonas", "Mia", "Felix",
];

const GERMAN_LAST: &[&str] =
    &["Müller", "Schäfer", "Köhler", "Krüger", "Jäger", "Böhm", "Weiß", "Schröder", "Becker", "Hoffmann", "Vogel"];

const STREETS: &[&str] = &[
    "Maple Street",
    "Oak Avenue",
    "Cedar Lane",
    "Pine Street",
    "Elm Drive",
    "Washington Boulevard",
    "Lakeview Road",
    "Hillcrest Drive",
    "Sunset Avenue",
    "River Road",
    "Park Place",
    "Main Street",
];

const GERMAN_STREETS: &[&str] =
    &["Lindenstraße", "Gartenweg", "Schloßallee", "Kölner Straße", "Mühlengasse", "Bahnhofstraße"];

/// City, state, area code, the lowest of its ZIP codes used.
const CITIES: &[(&str, &str, u32, u32)] = &[
    ("Portland", "OR", 503, 97201),
    ("Sacramento", "CA", 916, 95814),
    ("Oakland", "CA", 510, 94601),
    ("Fresno", "CA", 559, 93701),
    ("Seattle", "WA", 206, 98101),
    ("Boise", "ID", 208, 83702),
    ("Denver", "CO", 303, 80202),
    ("San Diego", "CA", 619, 92101),
];

const GERMAN_CITIES: &[(&str, &str, u32, u32)] = &[
    ("Berlin", "DE", 30, 10115),
    ("Köln", "DE", 221, 50667),
    ("München", "DE", 89, 80331),
    ("Nürnberg", "DE", 911, 90402),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_people_every_time_and_all_different() {
        let people = customers(&mut Chance::new(1));
        let again = customers(&mut Chance::new(1));
        assert!(people.iter().zip(&again).all(|(a, b)| a.email == b.email && a.device == b.device));
        let emails: std::collections::BTreeSet<_> = people.iter().map(|p| &p.email).collect();
        assert_eq!(emails.len(), CUSTOMERS);
        assert!(emails.iter().all(|e| e.is_ascii()));
        assert_eq!(people[SUBJECT].email, "amelia.okafor@example.com");
        assert_eq!(people[SUBJECT].phone, people[SUBJECT + 1].phone);
    }
}
