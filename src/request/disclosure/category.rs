//! Which category of Cal. Civ. Code § 1798.140(v)(1) a value is of in which nothing was detected: what its object or its
//! field is called says so, or it is other data in the record.

use residuum_detect::Category;

/// The category that the name of a field, or else of an object, suggests.
pub(super) fn of_name(object: &str, field: &str) -> Option<Category> {
    let table = object.rsplit(['!', '/']).next().unwrap_or(object);
    let words = |name: &str| -> Vec<String> {
        let word = |word: &str| word.to_lowercase();
        name.split(|c: char| !c.is_alphabetic()).filter(|part| !part.is_empty()).map(word).collect()
    };
    let of = |name: &str| {
        let words = words(name);
        let has = |list: &[&str]| {
            words.iter().any(|word| list.iter().any(|of| word == of || word.strip_suffix('s') == Some(of)))
        };
        WORDS.iter().find(|(_, list)| has(list)).map(|(category, _)| *category)
    };
    of(field).or_else(|| of(table))
}

/// Words in names, in the singular; the first list that has one counts.
const WORDS: [(Category, &[&str]); 9] = [
    (Category::K, &["segment", "score", "propensity", "inference", "persona", "affinity", "prediction", "lookalike"]),
    (Category::E, &["biometric", "fingerprint", "faceprint", "voiceprint"]),
    (Category::G, &["location", "geolocation", "gps", "latitude", "longitude", "lat", "lon", "lng", "trip"]),
    (Category::H, &["photo", "picture", "image", "recording", "audio", "video", "voicemail", "call"]),
    (Category::J, &["student", "course", "grade", "transcript", "enrollment", "education", "degree", "school"]),
    (Category::I, &["employee", "employment", "payroll", "salary", "job", "occupation", "hire", "position", "staff"]),
    (
        Category::F,
        &[
            "session", "click", "event", "visit", "pageview", "page", "browser", "search", "cookie", "referrer",
            "agent", "log",
        ],
    ),
    (
        Category::D,
        &[
            "order",
            "purchase",
            "invoice",
            "payment",
            "transaction",
            "cart",
            "basket",
            "subscription",
            "booking",
            "product",
            "item",
            "sku",
            "quantity",
            "total",
            "amount",
            "price",
            "wishlist",
            "return",
            "refund",
            "loyalty",
            "coupon",
        ],
    ),
    (
        Category::C,
        &["gender", "sex", "ethnicity", "race", "religion", "marital", "veteran", "disability", "citizenship"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suggest_categories() {
        let cases = [
            ("main.orders", "shipped", Some(Category::D)),
            ("exports/2026.zip!purchases.csv", "x", Some(Category::D)),
            ("main.customers", "loyalty_points", Some(Category::D)),
            ("main.customers", "shoe", None),
            ("hr.employees", "desk", Some(Category::I)),
            ("web.sessions", "ua", Some(Category::F)),
        ];
        for (object, field, expected) in cases {
            assert_eq!(of_name(object, field), expected, "{object} {field}");
        }
    }
}
