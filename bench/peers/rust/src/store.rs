//! What happened before: the 24 windows of examples/cards/features.py, over all keys.
//!
//! Keys lie in shards, each under a lock of its own. A payment takes the locks of all its keys at once, in the order
//! of the shards, reads every window and enters itself before it lets go: two payments on one card are one after the
//! other, and no pair of payments sees half of each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use compact_str::CompactString;
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::key::{Key, KeyHasher, Keys};
use crate::payment::Payment;
use crate::values::values;
use crate::window::{Aggregate, Counts, DAY, Event, HOUR, Largest, Log, MAX_LATE, MINUTE, SECOND, Sum, Window};
use crate::windows;

const SHARDS: usize = 256;

values! {
    /// The windows' values, in the order of features.py. None: missing, or None in Python.
    #[derive(Default)]
    pub struct Before {
        pub card_payments_10m: Option<i64>,
        pub card_payments_24h: Option<i64>,
        pub card_payments_7d: Option<i64>,
        pub card_tiny_1h: Option<i64>,
        pub card_spend_24h: Option<f64>,
        pub card_usual: Option<f64>,
        pub card_largest_90d: Option<f64>,
        pub card_at_merchant_90d: Option<i64>,
        pub card_countries_7d: Option<i64>,
        pub card_devices_30d: Option<i64>,
        pub card_last_country: Option<CompactString>,
        pub card_idle: Option<f64>,
        pub known_device: Option<bool>,
        pub known_country: Option<bool>,
        pub device_payments_1h: Option<i64>,
        pub device_cards_24h: Option<i64>,
        pub device_spend_24h: Option<f64>,
        pub ip_payments_1h: Option<i64>,
        pub network_payments_10m: Option<i64>,
        pub network_cards_24h: Option<i64>,
        pub merchant_usual: Option<f64>,
        pub merchant_payments_1h: Option<i64>,
        pub merchant_cards_1h: Option<i64>,
        pub merchant_tiny_1h: Option<i64>,
    }
}

// --- the card ---

struct CardEvent {
    at: i64,
    amount: f64,
    country: CompactString,
    country_key: Key,
    device: Option<Key>,
    tiny: bool,
}

windows! {
    /// The windows of a card, one for each span.
    CardWindows of CardEvent, span 90 * DAY, {
        minutes: Window<(), { 10 * MINUTE }>,
        hour: Window<Tiny, HOUR>,
        day: Window<Sum, DAY>,
        week: Window<Countries, { 7 * DAY }>,
        month: Window<Devices, { 30 * DAY }>,
        usual: Window<Sum, { 30 * DAY }, HOUR>,
        quarter: Window<Known, { 90 * DAY }>,
    }
}

#[derive(Default)]
pub struct Countries(Counts);

#[derive(Default)]
pub struct Devices(Counts);

#[derive(Default)]
pub struct Known {
    largest: Largest,
    devices: Counts,
    countries: Counts,
}

impl Aggregate<CardEvent> for Countries {
    fn add(&mut self, event: &CardEvent) {
        self.0.add(event.country_key);
    }
    fn remove(&mut self, event: &CardEvent) {
        self.0.remove(event.country_key);
    }
}

impl Aggregate<CardEvent> for Devices {
    fn add(&mut self, event: &CardEvent) {
        event.device.into_iter().for_each(|device| self.0.add(device));
    }
    fn remove(&mut self, event: &CardEvent) {
        event.device.into_iter().for_each(|device| self.0.remove(device));
    }
}

impl Known {
    fn add_keys(&mut self, event: &CardEvent) {
        event.device.into_iter().for_each(|device| self.devices.add(device));
        self.countries.add(event.country_key);
    }
}

impl Aggregate<CardEvent> for Known {
    fn add(&mut self, event: &CardEvent) {
        self.largest.add(event.at, event.amount);
        self.add_keys(event);
    }
    fn remove(&mut self, event: &CardEvent) {
        self.largest.remove(event.at, event.amount);
        event.device.into_iter().for_each(|device| self.devices.remove(device));
        self.countries.remove(event.country_key);
    }
    fn insert(&mut self, event: &CardEvent) {
        self.largest.insert(event.at, event.amount);
        self.add_keys(event);
    }
}

// --- what the keys have in common ---

/// How many tiny payments.
#[derive(Default)]
pub struct Tiny(i64);

/// Which cards.
#[derive(Default)]
pub struct Cards(Counts);

/// Which cards, and how many tiny payments.
#[derive(Default)]
pub struct Tried {
    cards: Counts,
    tiny: i64,
}

/// Which cards, and how much.
#[derive(Default)]
pub struct Spent {
    cards: Counts,
    sum: Sum,
}

/// A payment as the windows of its device, network and merchant keep it.
struct SideEvent {
    at: i64,
    amount: f64,
    card: Key,
    tiny: bool,
}

impl Event for CardEvent {
    fn time(&self) -> i64 {
        self.at
    }
}

impl Event for SideEvent {
    fn time(&self) -> i64 {
        self.at
    }
}

impl Aggregate<CardEvent> for Tiny {
    fn add(&mut self, event: &CardEvent) {
        self.0 += i64::from(event.tiny);
    }
    fn remove(&mut self, event: &CardEvent) {
        self.0 -= i64::from(event.tiny);
    }
}

impl Aggregate<CardEvent> for Sum {
    fn add(&mut self, event: &CardEvent) {
        Sum::add(self, event.amount);
    }
    fn remove(&mut self, event: &CardEvent) {
        Sum::remove(self, event.amount);
    }
}

impl Aggregate<SideEvent> for Sum {
    fn add(&mut self, event: &SideEvent) {
        Sum::add(self, event.amount);
    }
    fn remove(&mut self, event: &SideEvent) {
        Sum::remove(self, event.amount);
    }
}

impl Aggregate<SideEvent> for Cards {
    fn add(&mut self, event: &SideEvent) {
        self.0.add(event.card);
    }
    fn remove(&mut self, event: &SideEvent) {
        self.0.remove(event.card);
    }
}

impl Aggregate<SideEvent> for Tried {
    fn add(&mut self, event: &SideEvent) {
        self.cards.add(event.card);
        self.tiny += i64::from(event.tiny);
    }
    fn remove(&mut self, event: &SideEvent) {
        self.cards.remove(event.card);
        self.tiny -= i64::from(event.tiny);
    }
}

impl Aggregate<SideEvent> for Spent {
    fn add(&mut self, event: &SideEvent) {
        self.cards.add(event.card);
        self.sum.add(event.amount);
    }
    fn remove(&mut self, event: &SideEvent) {
        self.cards.remove(event.card);
        self.sum.remove(event.amount);
    }
}

windows! { PairWindows of i64, span 90 * DAY, { quarter: Window<(), { 90 * DAY }>, } }
windows! { DeviceWindows of SideEvent, span DAY, { hour: Window<(), HOUR>, day: Window<Spent, DAY>, } }
windows! { IpWindows of i64, span HOUR, { hour: Window<(), HOUR>, } }
windows! { NetworkWindows of SideEvent, span DAY, { minutes: Window<(), { 10 * MINUTE }>, day: Window<Cards, DAY>, } }
windows! { MerchantWindows of SideEvent, span 7 * DAY, { hour: Window<Tried, HOUR>, week: Window<Sum, { 7 * DAY }>, } }

fn amounts<'a>(events: impl Iterator<Item = &'a SideEvent>) -> impl Iterator<Item = f64> {
    events.map(|event| event.amount)
}

fn card_amounts<'a>(events: impl Iterator<Item = &'a CardEvent>) -> impl Iterator<Item = f64> {
    events.map(|event| event.amount)
}

/// `statistics.fmean`: the sum, rounded, by the count.
fn mean(sum: Option<f64>, count: i64) -> Option<f64> {
    (count > 0).then_some(sum? / count as f64)
}

// --- the keys ---

type Table<E, W> = HashMap<Key, Log<E, W>, KeyHasher>;

#[derive(Default)]
struct Shard {
    cards: Table<CardEvent, CardWindows>,
    pairs: Table<i64, PairWindows>,
    devices: Table<SideEvent, DeviceWindows>,
    ips: Table<i64, IpWindows>,
    networks: Table<SideEvent, NetworkWindows>,
    merchants: Table<SideEvent, MerchantWindows>,
}

pub struct Store {
    keys: Keys,
    shards: Vec<Mutex<Shard>>,
    /// The latest time that any payment had.
    latest: AtomicI64,
    swept: AtomicU64,
}

/// A payment's keys, hashed.
struct KeysOf {
    card: Key,
    pair: Key,
    device: Option<Key>,
    ip: Option<Key>,
    network: Option<Key>,
    merchant: Key,
    country: Key,
}

/// The shards of a payment's keys, locked in their order.
struct Locked<'a> {
    shards: SmallVec<[(usize, MutexGuard<'a, Shard>); 6]>,
}

impl Locked<'_> {
    fn of(&mut self, key: Key) -> &mut Shard {
        let number = shard_of(key);
        let held = self.shards.iter_mut().find(|(held, _)| *held == number);
        &mut held.expect("every key's shard is locked").1
    }
}

/// The table inside a shard uses the lower half of a key.
fn shard_of(key: Key) -> usize {
    (key >> 64) as usize % SHARDS
}

impl Store {
    pub fn new() -> Store {
        Store {
            keys: Keys::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            latest: AtomicI64::new(i64::MIN),
            swept: AtomicU64::new(0),
        }
    }

    /// Reads the windows of a payment and enters it: one step over all its keys.
    #[inline(never)]
    pub fn read_and_enter(&self, payment: &Payment, tiny: bool, network: Option<&str>) -> Before {
        let keys = self.keys_of(payment, network);
        let at = payment.at.0;
        let latest = self.latest.fetch_max(at, Relaxed).max(at);
        let late = latest - at > MAX_LATE;
        let mut before = Before::default();
        let mut locked = self.lock(&keys);
        let side = || SideEvent { at, amount: payment.amount, card: keys.card, tiny };

        let log = locked.of(keys.card).cards.entry(keys.card).or_default();
        if !late {
            log.read(at, |windows, events| read_card(&mut before, windows, events, payment, &keys));
        }
        let country = CompactString::from(&*payment.country);
        let (country_key, device) = (keys.country, keys.device);
        log.enter(CardEvent { at, amount: payment.amount, country, country_key, device, tiny }, latest);

        let log = locked.of(keys.pair).pairs.entry(keys.pair).or_default();
        if !late {
            before.card_at_merchant_90d = Some(log.read(at, |windows, _| windows.quarter.count()));
        }
        log.enter(at, latest);

        if let Some(key) = keys.device {
            let log = locked.of(key).devices.entry(key).or_default();
            if !late {
                log.read(at, |windows, events| read_device(&mut before, windows, events));
            }
            log.enter(side(), latest);
        }
        if let Some(key) = keys.ip {
            let log = locked.of(key).ips.entry(key).or_default();
            if !late {
                before.ip_payments_1h = Some(log.read(at, |windows, _| windows.hour.count()));
            }
            log.enter(at, latest);
        }
        if let Some(key) = keys.network {
            let log = locked.of(key).networks.entry(key).or_default();
            if !late {
                log.read(at, |windows, _| {
                    before.network_payments_10m = Some(windows.minutes.count());
                    before.network_cards_24h = Some(windows.day.value.0.different());
                });
            }
            log.enter(side(), latest);
        }
        let log = locked.of(keys.merchant).merchants.entry(keys.merchant).or_default();
        if !late {
            log.read(at, |windows, events| read_merchant(&mut before, windows, events));
        }
        log.enter(side(), latest);
        before
    }

    fn keys_of(&self, payment: &Payment, network: Option<&str>) -> KeysOf {
        let of = |text: &str| self.keys.of(text);
        KeysOf {
            card: of(&payment.card),
            pair: self.keys.of_pair(&payment.card, &payment.merchant),
            device: payment.device.as_deref().map(of),
            ip: payment.ip.as_deref().map(of),
            network: network.map(of),
            merchant: of(&payment.merchant),
            country: of(&payment.country),
        }
    }

    fn lock(&self, keys: &KeysOf) -> Locked<'_> {
        let mut numbers: SmallVec<[usize; 6]> = SmallVec::new();
        numbers.extend([keys.card, keys.pair, keys.merchant].map(shard_of));
        numbers.extend([keys.device, keys.ip, keys.network].into_iter().flatten().map(shard_of));
        numbers.sort_unstable();
        numbers.dedup();
        Locked { shards: numbers.into_iter().map(|number| (number, self.shards[number].lock())).collect() }
    }

    /// Drops the keys of the next shard of which nobody can ask for anything any more.
    pub fn sweep(&self) {
        let number = self.swept.fetch_add(1, Relaxed) as usize % SHARDS;
        let latest = self.latest.load(Relaxed);
        let shard = &mut *self.shards[number].lock();
        shard.cards.retain(|_, log| !log.is_over(latest));
        shard.pairs.retain(|_, log| !log.is_over(latest));
        shard.devices.retain(|_, log| !log.is_over(latest));
        shard.ips.retain(|_, log| !log.is_over(latest));
        shard.networks.retain(|_, log| !log.is_over(latest));
        shard.merchants.retain(|_, log| !log.is_over(latest));
    }
}

fn read_card(
    before: &mut Before,
    windows: &CardWindows,
    events: &VecDeque<CardEvent>,
    payment: &Payment,
    keys: &KeysOf,
) {
    let (day, usual, known) = (&windows.day, &windows.usual, &windows.quarter.value);
    let usual_sum = usual.value.total(card_amounts(usual.events(events)), None);
    before.card_payments_10m = Some(windows.minutes.count());
    before.card_payments_24h = Some(day.count());
    before.card_payments_7d = Some(windows.week.count());
    before.card_tiny_1h = Some(windows.hour.value.0);
    before.card_spend_24h = day.value.total(card_amounts(day.events(events)), Some(payment.amount));
    before.card_usual = mean(usual_sum, usual.count());
    before.card_largest_90d = known.largest.get();
    before.card_countries_7d = Some(windows.week.value.0.different());
    before.card_devices_30d = Some(windows.month.value.0.different());
    before.card_last_country = windows.week.last(events).map(|event| event.country.clone());
    before.card_idle = windows.month.last(events).map(|event| (payment.at.0 - event.at) as f64 / SECOND as f64);
    before.known_device = keys.device.map(|device| known.devices.has(device));
    before.known_country = Some(known.countries.has(keys.country));
}

fn read_device(before: &mut Before, windows: &DeviceWindows, events: &VecDeque<SideEvent>) {
    let day = &windows.day;
    before.device_payments_1h = Some(windows.hour.count());
    before.device_cards_24h = Some(day.value.cards.different());
    before.device_spend_24h = day.value.sum.total(amounts(day.events(events)), None);
}

fn read_merchant(before: &mut Before, windows: &MerchantWindows, events: &VecDeque<SideEvent>) {
    let (hour, week) = (&windows.hour, &windows.week);
    before.merchant_usual = mean(week.value.total(amounts(week.events(events)), None), week.count());
    before.merchant_payments_1h = Some(hour.count());
    before.merchant_cards_1h = Some(hour.value.cards.different());
    before.merchant_tiny_1h = Some(hour.value.tiny);
}
