//! The features of examples/cards/features.py.
//!
//! `Option` is Python's None or a missing value. A function whose parameter may not be None is not called without it:
//! `?`, `map` and `zip` say so here.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::payment::{Channel, EntryMode, Payment};
use crate::python::{first, is_digit, len, lower, radians, split, squared};
use crate::store::Before;
use crate::values::values;

const EARTH_RADIUS_KM: f64 = 6371.0088;
const THROWAWAY_MAIL: [&str; 2] = ["quickbox.example", "tempmail.example"];
const FREE_MAIL: [&str; 2] = ["mail.example", "post.example"];

/// The middle of each country that there are customers in.
fn centre(country: &str) -> Option<(f64, f64)> {
    Some(match country {
        "DE" => (51.2, 10.4),
        "ES" => (40.2, -3.6),
        "FR" => (46.6, 2.5),
        "GB" => (52.8, -1.6),
        "PL" => (52.1, 19.4),
        "US" => (39.8, -98.6),
        _ => return None,
    })
}

fn currency_of(country: &str) -> Option<&'static str> {
    Some(match country {
        "DE" | "ES" | "FR" => "EUR",
        "GB" => "GBP",
        "PL" => "PLN",
        "US" => "USD",
        _ => return None,
    })
}

fn category_risk(mcc: i64) -> f64 {
    match mcc {
        5411 => 0.4,
        5541 => 0.6,
        5732 => 3.1,
        5815 => 1.2,
        5816 => 1.6,
        5944 => 2.8,
        6051 => 4.5,
        7995 => 2.2,
        _ => 1.0,
    }
}

// --- before the windows ---

values! {
    /// Features that windows read.
    pub struct Early<'a> {
        pub tiny: bool,
        pub network: Option<&'a str>,
        pub home: Option<&'a str>,
    }
}

impl<'a> Early<'a> {
    #[inline(never)]
    pub fn of(payment: &'a Payment) -> Early<'a> {
        let ip = payment.ip.as_deref().filter(|ip| !ip.is_empty());
        let postal = payment.billing_postal.as_deref().filter(|postal| !postal.is_empty());
        Early {
            tiny: payment.amount < 2.0,
            network: ip.map(|ip| ip.rsplit_once('.').map_or("", |(network, _)| network)),
            home: postal.map(|postal| postal.split_once('-').map_or(postal, |(country, _)| country)),
        }
    }
}

// --- after them ---

values! {
    /// All the others, in the order of features.py.
    pub struct Features {
        pub amount_log: f64,
        pub amount_round: bool,
        pub amount_vs_usual: f64,
        pub amount_vs_merchant: f64,
        pub amount_vs_largest: f64,
        pub amount_cents: Option<i64>,
        pub spend_share: Option<f64>,
        pub card_pace: Option<f64>,
        pub idle_log: Option<f64>,
        pub country_hop: bool,
        pub impossible_trip: bool,
        pub device_shared: Option<bool>,
        pub device_spend_share: Option<f64>,
        pub cards_per_network_payment: Option<f64>,
        pub crowd_at_merchant: Option<f64>,
        pub merchant_tried_out: Option<f64>,
        pub hour: i64,
        pub hour_sine: f64,
        pub hour_cosine: f64,
        pub night: bool,
        pub weekend: bool,
        pub abroad: bool,
        pub foreign_currency: bool,
        pub km_from_home: Option<f64>,
        pub new_device: bool,
        pub new_country: Option<bool>,
        pub new_merchant: Option<bool>,
        pub ships_elsewhere: bool,
        pub postal_in_common: Option<i64>,
        pub card_absent: bool,
        pub keyed_in: bool,
        pub stripe: bool,
        pub category_risk: f64,
        pub resale: bool,
        pub throwaway_email: bool,
        pub email_domain: Option<String>,
        pub free_email: bool,
        pub email_vowel_share: f64,
        pub private_address: bool,
        pub email_number: i64,
        pub memo_words: i64,
        pub memo_length: i64,
        pub memo_longest_word: i64,
        pub memo_digit_share: f64,
        pub memo_capitals: i64,
        pub merchant_words: i64,
        pub memo_names_merchant: bool,
        pub memo_urgent: bool,
        pub memo_card_number: bool,
        pub corridor: String,
    }
}

impl Features {
    #[inline(never)]
    pub fn of(payment: &Payment, early: &Early, before: &Before) -> Features {
        let amount = payment.amount;
        let (country, home) = (&*payment.country, early.home);
        let billing = payment.billing_postal.as_deref();
        let shipping = payment.shipping_postal.as_deref();
        let hour = payment.at.hour();
        let turn = payment.at.minute_of_day() as f64 / 1440.0 * 2.0 * std::f64::consts::PI;
        let entry_mode = payment.entry_mode;
        let card_absent = matches!(entry_mode, EntryMode::Manual | EntryMode::Ecommerce);
        let country_hop = before.card_last_country.as_deref().is_some_and(|last| last != country);
        let mail = Mail::of(payment.email.as_deref());
        let memo = Memo::of(&payment.memo, &payment.merchant_name);
        Features {
            amount_log: (if 0.0 > amount { 0.0 } else { amount }).ln_1p(),
            amount_round: amount >= 50.0 && amount % 50.0 == 0.0,
            amount_vs_usual: ratio_to(amount, before.card_usual),
            amount_vs_merchant: ratio_to(amount, before.merchant_usual),
            amount_vs_largest: ratio_to(amount, before.card_largest_90d),
            amount_cents: amount_cents(amount),
            spend_share: before.card_spend_24h.map(|spend| if spend > 0.0 { amount / spend } else { 1.0 }),
            card_pace: share(before.card_payments_24h, before.card_payments_7d, 0.0),
            idle_log: before.card_idle.map(|idle| (idle / 60.0).ln_1p()),
            country_hop,
            impossible_trip: country_hop && !card_absent && before.card_idle.is_some_and(|idle| idle < 2.0 * 3600.0),
            device_shared: before.device_cards_24h.map(|cards| cards >= 3),
            device_spend_share: device_spend_share(amount, before.device_spend_24h),
            cards_per_network_payment: (before.network_cards_24h.zip(before.network_payments_10m))
                .map(|(cards, payments)| cards as f64 / payments.max(1) as f64),
            crowd_at_merchant: share(before.merchant_cards_1h, before.merchant_payments_1h, 1.0),
            merchant_tried_out: share(before.merchant_tiny_1h, before.merchant_payments_1h, 0.0),
            hour,
            hour_sine: turn.sin(),
            hour_cosine: turn.cos(),
            night: hour < 5,
            weekend: payment.at.weekday() >= 5,
            abroad: home.is_some_and(|home| country != home),
            foreign_currency: home.and_then(currency_of).is_some_and(|currency| currency != &*payment.currency),
            km_from_home: km_from_home(payment.latitude, payment.longitude, home),
            new_device: before.known_device == Some(false),
            new_country: before.known_country.map(|known| !known),
            new_merchant: before.card_at_merchant_90d.map(|payments| payments == 0),
            ships_elsewhere: ships_elsewhere(billing, shipping),
            postal_in_common: (billing.zip(shipping))
                .map(|(ours, theirs)| ours.chars().zip(theirs.chars()).take_while(|(a, b)| a == b).count() as i64),
            card_absent,
            keyed_in: entry_mode == EntryMode::Manual && payment.channel != Channel::Phone,
            stripe: entry_mode == EntryMode::Swipe,
            category_risk: category_risk(payment.mcc.0),
            resale: matches!(payment.mcc.0, 5732 | 5944 | 6051),
            throwaway_email: mail.throwaway,
            free_email: mail.domain.as_deref().is_some_and(|domain| FREE_MAIL.contains(&domain)),
            email_domain: mail.domain,
            email_vowel_share: mail.vowel_share,
            private_address: (payment.ip.as_deref())
                .is_some_and(|ip| ["10.", "192.168.", "127."].iter().any(|start| ip.starts_with(start))),
            email_number: mail.number,
            memo_words: memo.words,
            memo_length: memo.length,
            memo_longest_word: memo.longest_word,
            memo_digit_share: memo.digit_share,
            memo_capitals: memo.capitals,
            merchant_words: split(&payment.merchant_name).count() as i64,
            memo_names_merchant: memo.names_merchant,
            memo_urgent: memo.urgent,
            memo_card_number: memo.card_number,
            corridor: [home.filter(|home| !home.is_empty()).unwrap_or("unknown"), "-", country].concat(),
        }
    }
}

/// `amount / usual if usual else 1.0`
fn ratio_to(amount: f64, usual: Option<f64>) -> f64 {
    usual.filter(|&usual| usual != 0.0).map_or(1.0, |usual| amount / usual)
}

/// `part / whole if whole else none`
fn share(part: Option<i64>, whole: Option<i64>, none: f64) -> Option<f64> {
    let (part, whole) = part.zip(whole)?;
    Some(if whole != 0 { part as f64 / whole as f64 } else { none })
}

/// `round(amount * 100) % 100`: halves go to even, and the remainder is never negative. Infinity is an error.
fn amount_cents(amount: f64) -> Option<i64> {
    let cents = (amount * 100.0).round_ties_even();
    cents.is_finite().then(|| (cents % 100.0 + 100.0) as i64 % 100)
}

fn device_spend_share(amount: f64, spend: Option<f64>) -> Option<f64> {
    let whole = spend? + amount;
    match amount > 0.0 {
        true if whole == 0.0 => None, // ZeroDivisionError
        true => Some(amount / whole),
        false => Some(0.0),
    }
}

fn km_from_home(latitude: Option<f64>, longitude: Option<f64>, home: Option<&str>) -> Option<f64> {
    let (latitude, longitude, centre) = (latitude?, longitude?, centre(home?)?);
    distance_km(latitude, longitude, centre.0, centre.1)
}

/// Over the sphere, by the haversine formula. None where Python raises a ValueError.
fn distance_km(latitude1: f64, longitude1: f64, latitude2: f64, longitude2: f64) -> Option<f64> {
    let north = radians(latitude2 - latitude1);
    let east = radians(longitude2 - longitude1);
    let across = radians(latitude1).cos() * radians(latitude2).cos() * squared((east / 2.0).sin());
    let half = (squared((north / 2.0).sin()) + across).sqrt();
    (half <= 1.0).then(|| 2.0 * EARTH_RADIUS_KM * half.asin())
}

fn ships_elsewhere(billing: Option<&str>, shipping: Option<&str>) -> bool {
    match (billing, shipping) {
        (Some(ours), Some(theirs)) if !ours.is_empty() && !theirs.is_empty() => first(ours, 5) != first(theirs, 5),
        _ => false,
    }
}

// --- texts: what several features ask of one is worked out together ---

#[derive(Default)]
struct Mail {
    throwaway: bool,
    domain: Option<String>,
    vowel_share: f64,
    number: i64,
}

impl Mail {
    fn of(email: Option<&str>) -> Mail {
        let Some(email) = email.filter(|email| !email.is_empty()) else {
            return Mail::default();
        };
        let (name, domain) = email.split_once('@').unwrap_or((email, ""));
        let (small, small_email) = (lower(name), lower(email));
        let vowels = small.bytes().filter(|byte| b"aeiou".contains(byte)).count();
        Mail {
            throwaway: THROWAWAY_MAIL.iter().any(|end| small_email.ends_with(end)),
            domain: Some(lower(domain).into_owned()),
            vowel_share: if small.is_empty() { 0.0 } else { vowels as f64 / len(&small) as f64 },
            number: name.bytes().rev().take_while(u8::is_ascii_digit).count() as i64,
        }
    }
}

struct Memo {
    words: i64,
    length: i64,
    longest_word: i64,
    digit_share: f64,
    capitals: i64,
    names_merchant: bool,
    urgent: bool,
    card_number: bool,
}

static URGENT: LazyLock<[Finder; 3]> = LazyLock::new(|| ["urgent", "gift card", "no callback"].map(Finder::new));
static MASKED: LazyLock<Finder> = LazyLock::new(|| Finder::new("******"));

impl Memo {
    fn of(memo: &str, merchant_name: &str) -> Memo {
        let length = len(memo);
        let (mut words, mut longest_word) = (0, 0);
        for word in split(memo) {
            words += 1;
            longest_word = longest_word.max(len(word));
        }
        let (mut digits, mut capitals) = (0, 0);
        for c in memo.chars() {
            digits += usize::from(is_digit(c));
            capitals += i64::from(c.is_uppercase());
        }
        let small = lower(memo);
        Memo {
            words,
            length: length as i64,
            longest_word: longest_word as i64,
            digit_share: if length == 0 { 0.0 } else { digits as f64 / length as f64 },
            capitals,
            names_merchant: split(&lower(merchant_name)).any(|word| small.contains(word)),
            urgent: URGENT.iter().any(|words| words.find(small.as_bytes()).is_some()),
            card_number: MASKED.find(memo.as_bytes()).is_some(),
        }
    }
}

// A tokenizer over `memo` (the `tokenizers` crate, its ids counted into inputs of the model) would stand here, and its
// own stage in score.rs: examples/cards has none yet.
