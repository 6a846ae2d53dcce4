//! A source read no faster, and by no more readers at once, than its owner allows.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use residuum_source::{
    Apply, Batch, Check, Fetch, Flow, Leftover, Limits, Object, ObjectPath, Outcome, Part, Range, Record, Sink, Source,
    SourceError, SplitTarget, TableKey, Unit,
};

use super::{ConnectError, connect};
use crate::config::SourceConfig;

/// Hosts, each with how many readers it may have at a time.
#[derive(Default)]
pub struct Hosts(HashMap<String, Arc<Places>>);

impl Hosts {
    /// Of these sources; of two on one host the smaller [`SourceConfig::max_readers`] holds for both.
    pub fn new(sources: &[SourceConfig]) -> Self {
        let mut most = HashMap::<String, usize>::new();
        for source in sources {
            if let Some(readers) = source.max_readers {
                most.entry(host(source)).and_modify(|most| *most = readers.min(*most)).or_insert(readers);
            }
        }
        Self(most.into_iter().map(|(host, most)| (host, Arc::new(Places::new(most)))).collect())
    }

    /// Opens a source that keeps to the bounds of its configuration.
    ///
    /// # Errors
    /// As [`connect`].
    pub fn connect(&self, config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
        let source = connect(config)?;
        let manners = Manners {
            bytes_per_second: config.max_rate.map(|megabytes| megabytes * 1e6),
            records_per_second: config.max_rows,
            places: self.0.get(&host(config)).cloned(),
        };
        Ok(if manners.bind() { Box::new(Polite::new(source, &manners)) } else { source })
    }
}

/// The host of a source, whatever the port; this machine for a path.
fn host(config: &SourceConfig) -> String {
    let url = match (&config.endpoint, config.url.starts_with("s3://")) {
        (Some(endpoint), _) => endpoint,
        (None, true) => return "s3".to_owned(),
        (None, false) => &config.url,
    };
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let place = authority.rsplit('@').next().unwrap_or_default();
    let port = place.rfind(':').filter(|at| !place[*at..].contains(']'));
    place[..port.unwrap_or(place.len())].to_ascii_lowercase()
}

/// What a source may be asked for; without a bound it is read as fast as it gives.
#[derive(Clone, Default, Debug)]
struct Manners {
    /// Bytes a second, decompressed, averaged over a batch or a second, whichever is longer.
    bytes_per_second: Option<f64>,
    /// Records a second, averaged likewise.
    records_per_second: Option<f64>,
    /// Places for readers, shared by all sources of one host.
    places: Option<Arc<Places>>,
}

impl Manners {
    /// Whether there is any bound.
    fn bind(&self) -> bool {
        self.bytes_per_second.is_some() || self.records_per_second.is_some() || self.places.is_some()
    }
}

/// How many readers a host has at once, at most.
#[derive(Debug)]
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A source that keeps to [`Manners`].
///
/// A reader that is too fast is not answered until it is slow enough, so that whatever feeds it waits, too: a server
/// through its connection, a file by not being read.
struct Polite {
    source: Box<dyn Source>,
    bytes: Option<Rate>,
    records: Option<Rate>,
    places: Option<Arc<Places>>,
}

impl Places {
    /// So many; at least one.
    fn new(most: usize) -> Self {
        Self { free: Mutex::new(most.max(1)), freed: Condvar::new() }
    }

    /// Waits for a place and takes it.
    fn take(&self) -> Place<'_> {
        let mut free = self.lock();
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(self)
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken until dropped.
struct Place<'p>(&'p Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.freed.notify_one();
    }
}

/// So much a second, by all readers of a source together.
struct Rate {
    per_second: f64,
    /// When everything handed over so far is paid for.
    paid: Mutex<Option<Instant>>,
}

/// What may be handed over at once after a pause.
const BURST: Duration = Duration::from_secs(1);
/// How long a reader sleeps before it asks whether to go on.
const NAP: Duration = Duration::from_millis(100);
/// No debt is longer: it would be a bound nobody meant.
const LONGEST: Duration = Duration::from_secs(3600);

impl Rate {
    fn new(per_second: f64) -> Self {
        Self { per_second, paid: Mutex::new(None) }
    }

    /// Notes that so much was handed over at `now`; gives when the next may be.
    fn charge(&self, amount: u64, now: Instant) -> Instant {
        let takes = Duration::try_from_secs_f64(amount as f64 / self.per_second).unwrap_or(LONGEST).min(LONGEST);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let credit = now.checked_sub(BURST).unwrap_or(now);
        let due = paid.map_or(credit, |paid| paid.max(credit)) + takes;
        *paid = Some(due);
        due
    }
}

impl Polite {
    /// Reads `source` within `manners`.
    fn new(source: Box<dyn Source>, manners: &Manners) -> Self {
        let rate = |bound: Option<f64>| bound.filter(|bound| *bound > 0.0).map(Rate::new);
        Self {
            source,
            bytes: rate(manners.bytes_per_second),
            records: rate(manners.records_per_second),
            places: manners.places.clone(),
        }
    }
}

impl Source for Polite {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn kind(&self) -> &'static str {
        self.source.kind()
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        self.source.list(found)
    }

    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        self.source.keys()
    }

    fn split(&self, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
        self.source.split(object, target)
    }

    fn sample(&self, object: &Object, records: u64, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let _place = self.places.as_deref().map(Places::take);
        self.source.sample(object, records, &mut Slowed { sink, by: self })
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let _place = self.places.as_deref().map(Places::take);
        self.source.read(unit, limits, &mut Slowed { sink, by: self })
    }

    fn leftovers(&self, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> Result<(), SourceError> {
        self.source.leftovers(look)
    }

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        self.source.as_fetch().map(|_| self as &dyn Fetch)
    }

    /// What is written is little beside what is read, and locks are not held for longer than it takes.
    fn as_apply(&self) -> Option<&dyn Apply> {
        self.source.as_apply()
    }

    fn check(&self) -> Result<Check, SourceError> {
        self.source.check()
    }
}

impl Fetch for Polite {
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let Some(fetch) = self.source.as_fetch() else {
            return Err(SourceError::unreadable(part, "its source does not give single records"));
        };
        let _place = self.places.as_deref().map(Places::take);
        fetch.fetch(part, records, limits, &mut Slowed { sink, by: self })
    }
}

/// Hands on, and takes its time.
struct Slowed<'s> {
    sink: &'s mut dyn Sink,
    by: &'s Polite,
}

impl Sink for Slowed<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.sink.open(part)
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let now = Instant::now();
        let bytes = self.by.bytes.as_ref().map(|rate| rate.charge(batch.raw_bytes, now));
        let records = self.by.records.as_ref().map(|rate| rate.charge(batch.records.count(), now));
        self.sink.batch(batch)?;
        let Some(until) = bytes.max(records) else { return Flow::Continue(()) };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Flow::Continue(());
            }
            self.sink.go_on()?;
            std::thread::sleep(left.min(NAP));
        }
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.sink.close(outcome)
    }

    fn go_on(&mut self) -> Flow {
        self.sink.go_on()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_is_handed_over_has_to_be_paid_for() {
        let rate = Rate::new(1000.0);
        let start = Instant::now() + BURST; // an instant before which there are others
        let at = |ms: u64| start + Duration::from_millis(ms);
        let cases = [
            ("a burst is free", 0, 1000, 0),
            ("what follows is not", 0, 500, 500),
            ("the debt goes on", 100, 500, 1000),
            ("a pause is credited", 1400, 500, 1500),
            ("but no more than a burst of it", 60_000, 1500, 60_500),
        ];
        for (name, now, amount, due) in cases {
            assert_eq!(rate.charge(amount, at(now)).max(at(now)), at(now.max(due)), "{name}");
        }
        assert!(Rate::new(1e-9).charge(u64::MAX, start) <= start + LONGEST);
    }

    #[test]
    fn no_more_readers_than_places() {
        let places = Places::new(2);
        let (reading, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _place = places.take();
                        most.fetch_max(reading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        reading.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(*places.lock(), 2, "every place is given back");
    }

    #[test]
    fn sources_on_one_host_share_its_readers() {
        let source = |url: &str, max_readers| SourceConfig { max_readers, ..SourceConfig::from_url(url) };
        let hosts = Hosts::new(&[
            source("postgres://a@db.example.com:5433/crm", Some(3)),
            source("postgres://b:x@DB.example.com:5433/shop?sslmode=require", Some(2)),
            source("postgres://a@db.example.com/crm", Some(4)),
            source("mysql://a@[2001:db8::1]:3306/crm", Some(5)),
            source("exports", None),
        ]);
        let places = |url: &str| hosts.0.get(&host(&SourceConfig::from_url(url))).map(|places| format!("{places:?}"));
        assert_eq!(places("postgres://db.example.com:5433/other"), Some(format!("{:?}", Places::new(2))));
        assert_eq!(places("postgres://db.example.com/other"), Some(format!("{:?}", Places::new(2))));
        assert_eq!(places("postgres://[2001:db8::1]/crm"), Some(format!("{:?}", Places::new(5))));
        assert_eq!(places("postgres://db2.example.com/crm"), None);
        assert_eq!(places("exports"), None);
    }
}
