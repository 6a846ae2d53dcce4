//! Every rule's proof, run through the real detector.

use residuum_source::{Batch, Column, RecordKind, Records};

use super::{Example, FieldExample, Rule, RuleSet};
use crate::{Detector, Treatment};

/// An example that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleProblem {
    /// The rule's id.
    pub rule: String,
    /// What was expected and what came instead.
    pub message: String,
}

impl std::fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rule `{}`: {}", self.rule, self.message)
    }
}

pub(super) fn check(rules: &RuleSet) -> Vec<RuleProblem> {
    let detector = match Detector::new(rules) {
        Ok(detector) => detector,
        Err(error) => return vec![RuleProblem { rule: "*".to_owned(), message: error.to_string() }],
    };
    let mut problems = Vec::new();
    for rule in rules.rules() {
        let mut problem = |message| problems.push(RuleProblem { rule: rule.id.clone(), message });
        if rule.description.is_empty() || rule.reference.is_empty() {
            problem("a rule has a `description` and a `reference`".to_owned());
        }
        for example in &rule.examples {
            check_example(&detector, rule, example, &mut problem);
        }
        for text in &rule.counterexamples {
            let found = finds(&detector, rule, text);
            if !found.is_empty() {
                let found: Vec<_> = found.into_iter().map(|(value, _)| value).collect();
                problem(format!("finds {found:?} in the counter-example {text:?}"));
            }
        }
        for example in &rule.field_examples {
            check_field(&detector, rule, example, &mut problem);
        }
    }
    problems
}

fn check_example(detector: &Detector, rule: &Rule, example: &Example, problem: &mut dyn FnMut(String)) {
    let found = finds(detector, rule, &example.text);
    let values: Vec<_> = found.iter().map(|(value, _)| value.as_str()).collect();
    if values != example.finds {
        problem(format!("finds {values:?} in {:?}, not {:?}", example.text, example.finds));
    }
    if let (Some(wanted), Some((_, form))) = (&example.standard, found.first())
        && wanted.as_bytes() != form
    {
        problem(format!("gives the standard form {:?}, not {wanted:?}", String::from_utf8_lossy(form)));
    }
}

/// What a rule finds in an example, with standard forms. Examples are invented, so they may be shown.
fn finds(detector: &Detector, rule: &Rule, text: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    detector.worker().text(text.as_bytes(), 0..text.len(), &mut |hit, form| {
        if detector.rule(hit.rule).id == rule.id {
            let value = &text.as_bytes()[hit.start as usize..hit.end as usize];
            found.push((String::from_utf8_lossy(value).into_owned(), form.to_vec()));
        }
    });
    found
}

fn check_field(detector: &Detector, rule: &Rule, example: &FieldExample, problem: &mut dyn FnMut(String)) {
    let count = example.values.len();
    let mut column = Column::new(example.field.as_str());
    example.values.iter().for_each(|value| column.push(value.as_bytes()));
    let mut columns = vec![column];
    for name in &example.beside {
        let mut other = Column::new(name.as_str());
        (0..count).for_each(|_| other.push(b""));
        columns.push(other);
    }
    let records = Records::Sequence { kind: RecordKind::Row, first: 0, count: count as u64 };
    let plans = detector.plan(&example.object, &Batch { records, columns, raw_bytes: 0 });
    let typed = plans[0].treatment == Treatment::Typed(rule.id.clone());
    if typed != example.typed {
        let wanted = if example.typed { "is not typed" } else { "is typed" };
        problem(format!("the field `{}` {wanted}: {:?}", example.field, plans[0]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_pack_proves_itself() {
        let problems = RuleSet::builtin().check();
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{} problems:\n{}", lines.len(), lines.join("\n"));
    }

    #[test]
    fn every_type_of_the_contract_has_a_rule() {
        let rules = RuleSet::builtin();
        let unruled = [crate::Type::Key, crate::Type::Other];
        for kind in crate::Type::ALL.iter().filter(|kind| !unruled.contains(kind)) {
            assert!(rules.rules().iter().any(|rule| rule.kind == *kind), "no rule for {}", kind.name());
        }
    }

    #[test]
    fn a_rule_that_does_not_hold_is_named() {
        let text = r#"
            [[rule]]
            id = "badge"
            type = "OTHER"
            description = "Badges."
            reference = "None"
            pattern = '\bB-\d{4}\b'
            counterexamples = ["badge B-1234"]
            [[rule.examples]]
            text = "badge B-1234 and B-99"
            finds = ["B-1234", "B-99"]
        "#;
        let rules = RuleSet::empty().extend_from_text("badge.toml", text, &|_| None).unwrap();
        let problems = rules.check();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().all(|p| p.rule == "badge"));
    }
}
