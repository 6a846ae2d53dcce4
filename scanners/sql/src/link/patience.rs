//! Waiting for a server that may have stopped to answer, without taking a slow reader for a silent server.
//!
//! A time-out around a whole reading would bound how long that may take, and one around each row would cost as much as
//! the row. So it is watched when the work was last woken: on a thread of its own it is woken by nothing but its
//! connection, and the time it spends between, such as on a batch or because it shall be slow, is not waiting.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Why it was waited no longer.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Silent {
    /// Nothing came for as long as was to be waited.
    TooLong,
    /// Nothing came, and somebody wants it to end.
    Stopped,
}

/// How often a wait looks whether it is to end.
const LOOKS: Duration = Duration::from_millis(200);

/// Who answers within this is not silent, and is let finish, whoever wants it to end.
const PROMPT: Duration = Duration::from_secs(1);

/// Does the work, unless it waits for longer than this at a stretch, or waits while it is to stop.
pub(super) async fn patient<T>(
    longest: Duration,
    work: impl Future<Output = T>,
    is_to_stop: impl Fn() -> bool,
) -> Result<T, Silent> {
    let mut work = pin!(work);
    let mut end = pin!(sleep_until(far(longest)));
    let mut look = pin!(sleep_until(far(LOOKS)));
    let mut since = Instant::now();
    let mut woken = None::<(Arc<Woken>, Waker)>;
    std::future::poll_fn(move |cx| {
        let (by_work, waker) = woken.get_or_insert_with(|| {
            let by_work = Arc::new(Woken { is_woken: AtomicBool::new(true), outer: cx.waker().clone() });
            (by_work.clone(), Waker::from(by_work))
        });
        if by_work.is_woken.swap(false, Ordering::AcqRel) {
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(waker)) {
                return Poll::Ready(Ok(done));
            }
            end.as_mut().reset(far(longest));
            since = Instant::now();
        }
        while look.as_mut().poll(cx).is_ready() {
            if since.elapsed() >= PROMPT && is_to_stop() {
                return Poll::Ready(Err(Silent::Stopped));
            }
            look.as_mut().reset(far(LOOKS));
        }
        end.as_mut().poll(cx).map(|()| Err(Silent::TooLong))
    })
    .await
}

/// When that will be; a time that no clock has is far enough off.
fn far(longest: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + longest.min(YEAR)
}

/// Notes that it was the work that is to go on, and not the clock.
struct Woken {
    is_woken: AtomicBool,
    outer: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.outer.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);
    const LONG: Duration = Duration::from_millis(80);

    fn run<T>(longest: Duration, work: impl Future<Output = T>) -> Result<T, Silent> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(patient(longest, work, || false))
    }

    #[test]
    fn a_silent_wait_ends_when_it_is_to_stop() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stopped = runtime.block_on(patient(Duration::MAX, std::future::pending::<()>(), || true));
        assert_eq!(stopped, Err(Silent::Stopped));
        let answers = async {
            for _ in 0..30 {
                sleep(LONG).await;
            }
        };
        assert_eq!(runtime.block_on(patient(Duration::MAX, answers, || true)), Ok(()), "who answers is let finish");
    }

    #[test]
    fn only_silence_ends_the_waiting() {
        assert_eq!(run(LONG, async { 7 }), Ok(7), "nothing to wait for");
        let many_pieces = async {
            for _ in 0..30 {
                sleep(SHORT).await;
            }
        };
        assert_eq!(run(LONG, many_pieces), Ok(()), "long in all, and never silent for long");
        let slow_reader = async {
            for _ in 0..3 {
                sleep(SHORT).await;
                std::thread::sleep(2 * LONG);
            }
        };
        assert_eq!(run(LONG, slow_reader), Ok(()), "it is the reader that takes its time");
        assert_eq!(run(SHORT, async { sleep(LONG).await }), Err(Silent::TooLong), "silent from the beginning");
        let stops = async {
            for _ in 0..5 {
                sleep(SHORT).await;
            }
            std::future::pending::<()>().await;
        };
        assert_eq!(run(LONG, stops), Err(Silent::TooLong), "silent in the middle");
        assert_eq!(run(Duration::MAX, async { sleep(SHORT).await }), Ok(()), "as long as it takes");
    }
}
