//! Exact sliding windows over one key's events, kept up as time goes on.
//!
//! A `Log` holds a key's events in the order of their times and, beside them, windows: each is a span
//! `(at - delay - over, at - delay]` of the log and what it adds up to. A payment in the order of time moves the
//! spans forward. One that comes late is answered from spans built for it alone, and entered at its own time.

use std::collections::VecDeque;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use smallvec::SmallVec;

use crate::key::{Key, KeyHasher};

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// How late a payment may come and still find all it needs.
pub const MAX_LATE: i64 = DAY;

pub trait Event {
    fn time(&self) -> i64;
}

impl Event for i64 {
    fn time(&self) -> i64 {
        *self
    }
}

/// What a window adds up to. Events are added and removed in the order of time; `insert` adds one within.
pub trait Aggregate<E>: Default {
    fn add(&mut self, event: &E);
    fn remove(&mut self, event: &E);
    fn insert(&mut self, event: &E) {
        self.add(event);
    }
}

/// Nothing but the span: its length is the count.
impl<E> Aggregate<E> for () {
    fn add(&mut self, _: &E) {}
    fn remove(&mut self, _: &E) {}
}

pub struct Window<A, const OVER: i64, const DELAY: i64 = 0> {
    lo: usize,
    hi: usize,
    /// Of the last move: events in `(after, until]` are in.
    after: i64,
    until: i64,
    pub value: A,
}

impl<A: Default, const OVER: i64, const DELAY: i64> Default for Window<A, OVER, DELAY> {
    fn default() -> Self {
        Window { lo: 0, hi: 0, after: i64::MIN, until: i64::MIN, value: A::default() }
    }
}

impl<A, const OVER: i64, const DELAY: i64> Window<A, OVER, DELAY> {
    pub fn count(&self) -> i64 {
        (self.hi - self.lo) as i64
    }

    pub fn events<'a, E>(&self, events: &'a VecDeque<E>) -> impl Iterator<Item = &'a E> + Clone {
        events.range(self.lo..self.hi)
    }

    pub fn last<'a, E>(&self, events: &'a VecDeque<E>) -> Option<&'a E> {
        (self.lo < self.hi).then(|| &events[self.hi - 1])
    }

    /// Moves on to what an event at `at` sees, which is not before the last move.
    pub fn advance<E: Event>(&mut self, events: &VecDeque<E>, at: i64)
    where
        A: Aggregate<E>,
    {
        self.until = at.saturating_sub(DELAY);
        self.after = self.until.saturating_sub(OVER);
        if self.lo == self.hi && events.get(self.hi).is_some_and(|event| event.time() <= self.after) {
            self.lo = events.partition_point(|event| event.time() <= self.after);
            self.hi = self.lo;
        }
        while let Some(event) = events.get(self.hi).filter(|event| event.time() <= self.until) {
            self.value.add(event);
            self.hi += 1;
        }
        while self.lo < self.hi && events[self.lo].time() <= self.after {
            self.value.remove(&events[self.lo]);
            self.lo += 1;
        }
    }

    /// An event has been put into the log, where its time belongs.
    pub fn entered<E: Event>(&mut self, event: &E)
    where
        A: Aggregate<E>,
    {
        if event.time() <= self.after {
            self.lo += 1;
            self.hi += 1;
        } else if event.time() <= self.until {
            self.value.insert(event);
            self.hi += 1;
        }
    }

    /// How many events at the log's beginning this window is past.
    pub fn passed(&self) -> usize {
        self.lo
    }

    pub fn forget(&mut self, count: usize) {
        self.lo -= count;
        self.hi -= count;
    }
}

/// The windows of one kind of key.
pub trait Windows<E>: Default {
    /// What must be kept of a log: the longest window, with its delay.
    const SPAN: i64;
    fn advance(&mut self, events: &VecDeque<E>, at: i64);
    fn entered(&mut self, event: &E);
    fn passed(&self) -> usize;
    fn forget(&mut self, count: usize);
}

/// Implements `Windows<$event>` for a struct of nothing but windows.
#[macro_export]
macro_rules! windows {
    ($(#[$about:meta])* $name:ident of $event:ty, span $span:expr, { $($field:ident: $window:ty,)+ }) => {
        $(#[$about])*
        #[derive(Default)]
        pub struct $name { $(pub $field: $window,)+ }

        impl $crate::window::Windows<$event> for $name {
            const SPAN: i64 = $span;
            fn advance(&mut self, events: &std::collections::VecDeque<$event>, at: i64) {
                $(self.$field.advance(events, at);)+
            }
            fn entered(&mut self, event: &$event) {
                $(self.$field.entered(event);)+
            }
            fn passed(&self) -> usize {
                usize::MAX$(.min(self.$field.passed()))+
            }
            fn forget(&mut self, count: usize) {
                $(self.$field.forget(count);)+
            }
        }
    };
}

pub struct Log<E, W> {
    events: VecDeque<E>,
    windows: W,
    read_at: i64,
}

impl<E, W: Default> Default for Log<E, W> {
    fn default() -> Self {
        Log { events: VecDeque::new(), windows: W::default(), read_at: i64::MIN }
    }
}

impl<E: Event, W: Windows<E>> Log<E, W> {
    /// Reads the windows as of `at`.
    pub fn read<T>(&mut self, at: i64, value: impl FnOnce(&W, &VecDeque<E>) -> T) -> T {
        if at >= self.read_at {
            self.read_at = at;
            self.windows.advance(&self.events, at);
            return value(&self.windows, &self.events);
        }
        let mut windows = W::default();
        windows.advance(&self.events, at);
        value(&windows, &self.events)
    }

    /// Enters an event, after those of the same time, and lets go of events that nobody can ask for any more.
    /// `latest` is the latest time that any payment had.
    pub fn enter(&mut self, event: E, latest: i64) {
        let old = self.events.front().is_some_and(|event| event.time() <= Self::horizon(latest));
        if old && self.windows.passed() > 0 {
            let gone = self.events.partition_point(|event| event.time() <= Self::horizon(latest));
            let gone = gone.min(self.windows.passed());
            self.events.drain(..gone);
            self.windows.forget(gone);
        }
        self.windows.entered(&event);
        if self.events.back().is_none_or(|last| last.time() <= event.time()) {
            self.events.push_back(event);
        } else {
            let place = self.events.partition_point(|earlier| earlier.time() <= event.time());
            self.events.insert(place, event);
        }
    }

    /// Whether nobody can ask for any of it any more.
    pub fn is_over(&self, latest: i64) -> bool {
        self.events.back().is_none_or(|event| event.time() <= Self::horizon(latest))
    }

    fn horizon(latest: i64) -> i64 {
        latest.saturating_sub(W::SPAN + MAX_LATE)
    }
}

// --- sums ---

/// A sum of floats with `math.fsum`'s bits.
///
/// Amounts of money are multiples of 2^-64 of ordinary size, so their sum is an exact integer, rounded once. Where a
/// window holds another value, it is summed anew.
#[derive(Default)]
pub struct Sum {
    total: i128, // in steps of 2^-64
    others: u32, // values that are no such multiple
}

const STEPS: f64 = 18_446_744_073_709_551_616.0; // 2^64

/// A value in steps, if it is a multiple of one and small enough for four million of them to fit.
fn in_steps(value: f64) -> Option<i128> {
    let steps = value * STEPS;
    (value.abs() < 1_099_511_627_776.0 && steps.trunc() == steps).then_some(steps as i128)
}

impl Sum {
    pub fn add(&mut self, value: f64) {
        match in_steps(value) {
            Some(steps) => self.total += steps,
            None => self.others += 1,
        }
    }

    pub fn remove(&mut self, value: f64) {
        match in_steps(value) {
            Some(steps) => self.total -= steps,
            None => self.others -= 1,
        }
    }

    /// The sum, of which `values` are the values; with one more if there is a `current`. None: beyond what is summed.
    pub fn total(&self, values: impl Iterator<Item = f64>, current: Option<f64>) -> Option<f64> {
        let more = current.map_or(Some(0), in_steps);
        match more {
            Some(more) if self.others == 0 => Some((self.total + more) as f64 / STEPS),
            _ => fsum(values.chain(current)),
        }
    }
}

/// `math.fsum` of the values, each taken to a multiple of 2^-96. None: one is 2^63 or beyond.
#[cold]
fn fsum(values: impl Iterator<Item = f64>) -> Option<f64> {
    const FINE: f64 = 79_228_162_514_264_337_593_543_950_336.0; // 2^96
    let mut partials: SmallVec<[f64; 32]> = SmallVec::new();
    for value in values {
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            return None;
        }
        let small = value.abs() < 2.0_f64.powi(-43);
        let mut x = if small { (value * FINE).round_ties_even() / FINE } else { value };
        let mut kept = 0;
        for i in 0..partials.len() {
            let (big, little) = if x.abs() < partials[i].abs() { (partials[i], x) } else { (x, partials[i]) };
            let high = big + little;
            let low = little - (high - big);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        partials.truncate(kept);
        if x != 0.0 {
            partials.push(x);
        }
    }
    Some(rounded(&partials))
}

/// The sum of partials that do not overlap, smallest first, rounded once (half to even).
fn rounded(partials: &[f64]) -> f64 {
    let Some((&last, mut rest)) = partials.split_last() else {
        return 0.0;
    };
    let (mut high, mut low) = (last, 0.0);
    while let Some((&next, before)) = rest.split_last() {
        rest = before;
        let before = high;
        high = before + next;
        low = next - (high - before);
        if low != 0.0 {
            break;
        }
    }
    if let Some(&next) = rest.last()
        && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
    {
        let twice = low * 2.0;
        let further = high + twice;
        if twice == further - high {
            high = further;
        }
    }
    high
}

// --- the largest ---

/// The largest value: those that may yet be it, in order of time, each smaller than those before it.
#[derive(Default)]
pub struct Largest {
    candidates: VecDeque<(i64, f64)>,
}

impl Largest {
    pub fn get(&self) -> Option<f64> {
        self.candidates.front().map(|&(_, value)| value)
    }

    pub fn add(&mut self, time: i64, value: f64) {
        while self.candidates.back().is_some_and(|&(_, last)| last < value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((time, value));
    }

    pub fn remove(&mut self, time: i64, value: f64) {
        if self.candidates.front().is_some_and(|&(first, largest)| first == time && largest == value) {
            self.candidates.pop_front();
        }
    }

    pub fn insert(&mut self, time: i64, value: f64) {
        let place = self.candidates.partition_point(|&(earlier, _)| earlier <= time);
        if self.candidates.get(place).is_some_and(|&(_, later)| later > value) {
            return;
        }
        let smaller = self.candidates.range(..place).rev().take_while(|&&(_, earlier)| earlier < value).count();
        self.candidates.drain(place - smaller..place);
        self.candidates.insert(place - smaller, (time, value));
    }
}

// --- different values ---

/// Which values there are, and how often.
#[derive(Default)]
pub struct Counts {
    counts: HashMap<Key, u32, KeyHasher>,
}

impl Counts {
    pub fn different(&self) -> i64 {
        self.counts.len() as i64
    }

    pub fn has(&self, key: Key) -> bool {
        self.counts.contains_key(&key)
    }

    pub fn add(&mut self, key: Key) {
        *self.counts.entry(key).or_insert(0) += 1;
    }

    pub fn remove(&mut self, key: Key) {
        if let Entry::Occupied(mut count) = self.counts.entry(key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
