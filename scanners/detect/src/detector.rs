//! The detector: rules compiled once, shared by reference, with a worker for each thread.

use std::cell::OnceCell;
use std::ops::Range;

use residuum_source::Batch;
use sha2::{Digest as _, Sha256};

use crate::field::{self, Fields, Reading, Refusal};
use crate::text::{Engine, Scratch, Texts};
use crate::{FieldPlan, Hit, Literals, Rule, RuleError, RuleId, RuleSet, Treatment, Type};

/// A compiled set of rules. Build it once and share it.
pub struct Detector {
    pub(crate) engine: Engine,
    fields: Fields,
    rules: Vec<Rule>,
    digest: [u8; 32],
}

/// What one thread needs to detect with a [`Detector`]: its scratch memory.
pub struct Worker<'d> {
    detector: &'d Detector,
    scratch: Scratch,
    form: Vec<u8>,
    literals: Option<&'d dyn Literals>,
}

/// Version of the recognisers: a change of what they find or of how they write it raises it, so that what was
/// scanned before is scanned again.
const RECOGNISERS: u32 = 4;

impl Detector {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`RuleError::Uncompilable`] naming the rule.
    pub fn new(rules: &RuleSet) -> Result<Self, RuleError> {
        let engine = Engine::new(rules.rules())?;
        let mut hash = Sha256::new().chain_update(b"residuum rules\0").chain_update(RECOGNISERS.to_le_bytes());
        for rule in rules.rules() {
            let text = format!("{rule:?}");
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        let fields = Fields::new(rules.rules())?;
        Ok(Self { engine, fields, rules: rules.rules().to_vec(), digest: hash.finalize().into() })
    }

    /// Identifies the rules as compiled and the version of the recognisers: equal digests find the same.
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The rule with this number.
    ///
    /// # Panics
    /// If the number is not from a hit of this detector.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[usize::from(id.0)]
    }

    /// The rules, in the order of their numbers.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Plans how each column of a batch is treated; see [`FieldPlan`].
    pub fn plan(&self, object: &str, batch: &Batch) -> Vec<FieldPlan> {
        self.fields.plan(&self.rules, object, batch)
    }

    /// A worker for one thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker { detector: self, scratch: Scratch::default(), form: Vec::new(), literals: None }
    }
}

impl<'d> Worker<'d> {
    /// Looks for these values, too, whatever the rules and plans say; hits on them are of [`RuleId::LITERAL`], and may
    /// stand where a rule's hit does.
    #[must_use]
    pub fn with_literals(mut self, literals: Option<&'d dyn Literals>) -> Self {
        self.literals = literals;
        self
    }

    /// Searches running text and reports, in order, the hits that start within `core`, with their standard forms;
    /// bytes around the core are context.
    pub fn text(&mut self, text: &[u8], core: Range<usize>, out: &mut dyn FnMut(&Hit, &[u8])) {
        let offsets = [0, text.len() as u32];
        let texts = Texts { bytes: text, offsets: &offsets, hint: None, depth: 0, literals: self.literals };
        self.detector.engine.search(&mut self.scratch, texts, core);
        self.scratch.each(|hit, form| out(hit, form));
    }

    /// How many pieces of encoded or compressed content inside values were not searched to their end since this was
    /// asked last: larger than 8 MiB or a thousand times their size when decoded, deeper than three encodings, or cut
    /// off.
    pub fn take_cut(&mut self) -> u64 {
        self.scratch.take_cut()
    }

    /// Treats the values of a field by its plan and reports the hits of each, in order, with their standard forms.
    ///
    /// Value `i` is `bytes[offsets[i]..offsets[i + 1]]`; places of hits count in `bytes`.
    pub fn values(&mut self, plan: &FieldPlan, bytes: &[u8], offsets: &[u32], out: &mut dyn FnMut(usize, &Hit, &[u8])) {
        match &plan.treatment {
            Treatment::Search => self.search_values(plan, bytes, offsets, out),
            Treatment::Typed(_) | Treatment::Skip(_) => {
                self.read_values(plan, bytes, offsets, out);
                if self.literals.is_some() {
                    self.literals_of_values(bytes, offsets, out);
                }
            }
        }
    }

    /// Reads values as their plan's rule says, and searches those that are something else.
    fn read_values(
        &mut self,
        plan: &FieldPlan,
        bytes: &[u8],
        offsets: &[u32],
        out: &mut dyn FnMut(usize, &Hit, &[u8]),
    ) {
        let detector = self.detector;
        let rule = match &plan.treatment {
            Treatment::Typed(id) => detector.rules.iter().position(|rule| rule.id == *id),
            _ => None,
        };
        let typed = rule.map(|number| (RuleId(number as u16), detector.fields.reader(number)));
        let refusals = Refusals::new(plan);
        let mut form = std::mem::take(&mut self.form);
        field::read(plan, typed, bytes, offsets, &mut form, &mut |i, reading| match reading {
            Reading::Hit(hit, form) => out(i, &hit, form),
            Reading::Search(range) => {
                let ends = [0, range.len() as u32];
                let texts =
                    Texts { bytes: &bytes[range.clone()], offsets: &ends, hint: None, depth: 0, literals: None };
                detector.engine.search(&mut self.scratch, texts, 0..range.len());
                self.scratch.each(|hit, form| {
                    let hit = moved(hit, range.start);
                    if !refusals.refuse(&hit, &bytes[range.clone()], range.start) {
                        out(i, &hit, form);
                    }
                });
            }
            Reading::Surer(hit, form, range, instead) => {
                let ends = [0, range.len() as u32];
                let texts =
                    Texts { bytes: &bytes[range.clone()], offsets: &ends, hint: None, depth: 0, literals: None };
                detector.engine.search(&mut self.scratch, texts, 0..range.len());
                let is_surer = |other: &Hit| {
                    let whole = (other.start, other.end) == (0, range.len() as u32);
                    whole
                        && other.kind != hit.kind
                        && !refusals.refuse(&moved(other, range.start), &bytes[range.clone()], range.start)
                };
                let mut any = false;
                self.scratch.each(|other, _| any |= is_surer(other));
                if !(any && instead) {
                    out(i, &hit, form);
                }
                self.scratch.each(|other, form| {
                    if is_surer(other) {
                        out(i, &moved(other, range.start), form);
                    }
                });
            }
        });
        self.form = form;
    }

    /// The literals in the values of a field that is not searched for anything else, and in what is encoded there.
    fn literals_of_values(&mut self, bytes: &[u8], offsets: &[u32], out: &mut dyn FnMut(usize, &Hit, &[u8])) {
        if offsets.len() < 2 {
            return;
        }
        let texts = Texts { bytes, offsets, hint: None, depth: 0, literals: self.literals };
        self.detector.engine.search(&mut self.scratch, texts, 0..bytes.len());
        let mut value = 0;
        self.scratch.each(|hit, form| {
            while offsets[value + 1] <= hit.start {
                value += 1;
            }
            if hit.rule == RuleId::LITERAL {
                out(value, hit, form);
            }
        });
    }

    fn search_values(
        &mut self,
        plan: &FieldPlan,
        bytes: &[u8],
        offsets: &[u32],
        out: &mut dyn FnMut(usize, &Hit, &[u8]),
    ) {
        if offsets.len() < 2 {
            return;
        }
        let hint = plan.hint.as_ref().and_then(|id| self.detector.rules.iter().position(|r| r.id == *id));
        let texts = Texts { bytes, offsets, hint: hint.map(|n| n as u16), depth: 0, literals: self.literals };
        self.detector.engine.search(&mut self.scratch, texts, 0..bytes.len());
        let mut value = 0;
        let refusals = Refusals::new(plan);
        self.scratch.each(|hit, form| {
            while offsets[value + 1] <= hit.start {
                value += 1;
            }
            let range = offsets[value] as usize..offsets[value + 1] as usize;
            if refusals.refuse(hit, &bytes[range.clone()], range.start) {
                return;
            }
            // In a field that no name types, a month of some year is when something happened, and hardly to a person, and
            // the name of an organisation is a supplier's or a kind of school.
            let of_no_one = hit.kind == Type::Date && hit.confidence < A_DAY || hit.kind == Type::Organization;
            if plan.field.is_empty() || !of_no_one {
                out(value, hit, form);
            }
        });
    }
}

/// A hit in bytes that begin at `start`.
fn moved(hit: &Hit, start: usize) -> Hit {
    Hit { start: hit.start + start as u32, end: hit.end + start as u32, ..*hit }
}

/// What the name of a field says its values are not, asked only where something is found.
struct Refusals<'a> {
    field: &'a str,
    refusal: OnceCell<Option<Refusal>>,
}

impl<'a> Refusals<'a> {
    fn new(plan: &'a FieldPlan) -> Self {
        Self { field: &plan.field, refusal: OnceCell::new() }
    }

    /// Whether a hit is all of a `value`, which begins at `start`, and of a kind that the field's name refuses.
    fn refuse(&self, hit: &Hit, value: &[u8], start: usize) -> bool {
        let refused = |refusal: &Option<Refusal>| refusal.is_some_and(|refusal| refusal.refuses(hit.kind));
        let whole = || {
            let (start, end) = (hit.start as usize - start, hit.end as usize - start);
            value[..start].trim_ascii().is_empty() && value[end..].trim_ascii().is_empty()
        };
        hit.rule != RuleId::LITERAL
            && !self.field.is_empty()
            && refused(self.refusal.get_or_init(|| Refusal::of(self.field)))
            && whole()
    }
}

/// How sure a date is, in thousandths, that names a day.
const A_DAY: u16 = 700;
