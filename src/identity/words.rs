//! The words of the names of fields and tables that say who is meant.

/// The words of a name: `shipTo_email2` is ship, to, email.
pub(crate) fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for c in name.chars() {
        if !c.is_alphabetic() || (was_lower && c.is_uppercase()) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A noun as it stands for one: `people` is person, `companies` is company.
pub(crate) fn singular(word: &str) -> String {
    match word {
        "people" => "person".to_owned(),
        word => match word.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => word.strip_suffix('s').unwrap_or(word).to_owned(),
        },
    }
}

/// Whether a word says that a field holds a key, and not of what.
pub(super) fn is_of_key(word: &str) -> bool {
    ["id", "ids", "uid", "key", "no", "number", "num", "nr", "uuid", "guid", "fk", "ref", "pk"].contains(&word)
}

/// Whether a name says that somebody does something with what is others' or nobody's: `agent_id`, `handled_by`.
pub(super) fn act(words: &[String]) -> bool {
    let is_by = |word: &String| word == "by" || word.strip_suffix("by").is_some_and(|verb| verb.ends_with("ed"));
    let by = words.iter().position(is_by);
    // What somebody ordered is theirs.
    let verb = |at: usize| match words[at].strip_suffix("by") {
        Some(verb) if !verb.is_empty() => Some(verb),
        _ => at.checked_sub(1).map(|before| words[before].as_str()),
    };
    let acts = |word: &String| {
        let bare = word.strip_suffix("id").filter(|bare| bare.len() > 3).unwrap_or(word);
        ACTING.contains(&word.as_str()) || ACTING.contains(&bare)
    };
    by.is_some_and(|at| !verb(at).is_some_and(|verb| OWN_DEEDS.contains(&verb))) || words.iter().any(acts)
}

/// Whether a table is named after people of whom records are kept: `customers`, `app_users`.
pub(super) fn is_named_after_people(table: &str) -> bool {
    let words = words(table);
    let Some(last) = words.last().map(|last| singular(last)) else { return false };
    [&SERVED[..], &EMPLOYEES, &THEMSELVES].iter().any(|list| list.contains(&last.as_str()))
        || ACTING.contains(&last.as_str())
}

/// What somebody does for themselves.
const OWN_DEEDS: [&str; 6] = ["ordered", "placed", "bought", "purchased", "booked", "rented"];

/// Words for those for whom a record is made.
pub(super) const SERVED: [&str; 36] = [
    "customer",
    "cust",
    "client",
    "consumer",
    "patient",
    "subscriber",
    "applicant",
    "guest",
    "visitor",
    "buyer",
    "cardholder",
    "student",
    "pupil",
    "requester",
    "requestor",
    "candidate",
    "tenant",
    "passenger",
    "borrower",
    "policyholder",
    "insured",
    "shopper",
    "purchaser",
    "donor",
    "claimant",
    "complainant",
    "resident",
    "renter",
    "lessee",
    "participant",
    "attendee",
    "learner",
    "kunde",
    "kunden",
    "cliente",
    "patiente",
];

/// Words for whom a record is about, whatever they are.
pub(super) const THEMSELVES: [&str; 12] = [
    "user",
    "usr",
    "member",
    "account",
    "acct",
    "person",
    "subject",
    "holder",
    "individual",
    "profile",
    "lead",
    "personen",
];

/// Words for those who work for the owner of the data.
pub(super) const EMPLOYEES: [&str; 7] = ["employee", "emp", "staff", "worker", "personnel", "associate", "mitarbeiter"];

/// Words for those who act upon what is others' or the owner's.
const ACTING: [&str; 96] = [
    "agent",
    "rep",
    "representative",
    "handler",
    "assigned",
    "assignee",
    "assignor",
    "approver",
    "approved",
    "reviewer",
    "reviewed",
    "manager",
    "mgr",
    "supervisor",
    "superior",
    "boss",
    "head",
    "chief",
    "lead",
    "leader",
    "director",
    "president",
    "chair",
    "chairman",
    "responsible",
    "coordinator",
    "administrator",
    "admin",
    "moderator",
    "editor",
    "creator",
    "updater",
    "modifier",
    "operator",
    "officer",
    "advisor",
    "adviser",
    "consultant",
    "specialist",
    "technician",
    "engineer",
    "mechanic",
    "doctor",
    "physician",
    "nurse",
    "therapist",
    "dentist",
    "practitioner",
    "clinician",
    "provider",
    "teacher",
    "instructor",
    "tutor",
    "coach",
    "trainer",
    "mentor",
    "professor",
    "driver",
    "courier",
    "picker",
    "packer",
    "cashier",
    "clerk",
    "teller",
    "inspector",
    "auditor",
    "investigator",
    "interviewer",
    "recruiter",
    "seller",
    "salesperson",
    "salesman",
    "broker",
    "dealer",
    "attorney",
    "lawyer",
    "counsel",
    "judge",
    "caseworker",
    "examiner",
    "processor",
    "verifier",
    "signer",
    "signatory",
    "witness",
    "watcher",
    "planner",
    "dispatcher",
    "organizer",
    "organiser",
    "host",
    "bearbeiter",
    "sachbearbeiter",
    "betreuer",
    "leiter",
    "berater",
];

/// Words for somebody else than the one a record is about.
pub(super) const RELATED: [&str; 55] = [
    "owner",
    "author",
    "writer",
    "poster",
    "sender",
    "recipient",
    "receiver",
    "from",
    "to",
    "referrer",
    "referer",
    "referred",
    "referral",
    "referee",
    "inviter",
    "invitee",
    "invited",
    "friend",
    "follower",
    "followee",
    "followed",
    "following",
    "sponsor",
    "beneficiary",
    "spouse",
    "partner",
    "wife",
    "husband",
    "child",
    "kid",
    "son",
    "daughter",
    "parent",
    "mother",
    "father",
    "guardian",
    "sibling",
    "brother",
    "sister",
    "emergency",
    "dependent",
    "relative",
    "neighbor",
    "neighbour",
    "colleague",
    "roommate",
    "contact",
    "reporter",
    "actor",
    "performer",
    "target",
    "blocked",
    "blocker",
    "shipping",
    "delivery",
];
