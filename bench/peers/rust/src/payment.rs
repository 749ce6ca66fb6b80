//! A payment as it comes in: JSON to typed fields, card numbers in texts masked on the way.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

const STRING_BYTES_MAX: usize = 32 * 1024;
const ID_BYTES_MAX: usize = 256;

/// Members that are not here are ignored.
#[derive(serde::Deserialize)]
pub struct Payment<'a> {
    #[serde(borrow)]
    pub id: Plain<'a>,
    pub at: Time,
    pub card: Plain<'a>,
    pub amount: f64,
    pub currency: Text<'a>,
    pub country: Text<'a>,
    #[allow(dead_code)] // checked, and read by nothing
    pub city: Text<'a>,
    #[serde(default)]
    pub latitude: Option<f64>,
    #[serde(default)]
    pub longitude: Option<f64>,
    #[serde(default)]
    pub device: Option<Text<'a>>,
    #[serde(default)]
    pub ip: Option<Text<'a>>,
    #[serde(default)]
    pub email: Option<Text<'a>>,
    pub channel: Channel,
    pub entry_mode: EntryMode,
    pub merchant: Text<'a>,
    pub merchant_name: Text<'a>,
    pub mcc: Int,
    #[serde(default)]
    pub memo: Text<'a>,
    #[serde(default)]
    pub billing_postal: Option<Text<'a>>,
    #[serde(default)]
    pub shipping_postal: Option<Plain<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Pos,
    Online,
    Phone,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryMode {
    Chip,
    Contactless,
    Swipe,
    Manual,
    Ecommerce,
}

#[inline(never)]
pub fn parse(body: &[u8]) -> Result<Payment<'_>, String> {
    let payment: Payment = serde_json::from_slice(body).map_err(|_| problem_of(body))?;
    if payment.id.is_empty() || payment.id.len() > ID_BYTES_MAX {
        return Err(format!("id: expected a string of 1 to {ID_BYTES_MAX} bytes"));
    }
    Ok(payment)
}

/// What is wrong with a body that was refused: read once more, with an eye on the place.
#[cold]
fn problem_of(body: &[u8]) -> String {
    let mut reader = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Payment>(&mut reader) {
        Err(error) if error.path().to_string() == "card" => "card: expected a string".into(),
        Err(error) => format!("{}: {}", error.path(), error.inner()),
        Ok(_) => "more than one JSON value".into(),
    }
}

// --- texts ---

/// A string that is taken as it is: an id, a secret, or one where digits are just digits.
#[derive(Default)]
pub struct Plain<'a>(Cow<'a, str>);

/// A string in which card numbers are masked.
#[derive(Default)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Plain<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Plain<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Plain)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(TextVisitor)?;
        Ok(Text(match masked(&text) {
            Some(masked) => Cow::Owned(masked),
            None => text,
        }))
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "a string of at most {STRING_BYTES_MAX} bytes")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        check_length(text, &self).map(|()| Cow::Borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        check_length(text, &self).map(|()| Cow::Owned(text.to_owned()))
    }
}

fn check_length<E: Error>(text: &str, expected: &TextVisitor) -> Result<(), E> {
    if text.len() > STRING_BYTES_MAX {
        return Err(E::invalid_length(text.len(), expected));
    }
    Ok(())
}

/// The text with every card number's middle digits as `*`; None if it holds none. A card number is a whole run of 13
/// to 19 digits that begins with 2 to 6 and passes Luhn.
fn masked(text: &str) -> Option<String> {
    if text.len() < 13 {
        return None;
    }
    let bytes = text.as_bytes();
    let mut masked: Option<Vec<u8>> = None;
    let mut start = 0;
    while start < bytes.len() {
        let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if (13..=19).contains(&digits) && is_card_number(&bytes[start..start + digits]) {
            let masked = masked.get_or_insert_with(|| bytes.to_vec());
            masked[start + 6..start + digits - 4].fill(b'*');
        }
        start += digits + 1;
    }
    masked.map(|bytes| String::from_utf8(bytes).expect("ASCII in the place of ASCII"))
}

fn is_card_number(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().map(|(place, digit)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
        if digit > 9 { digit - 9 } else { digit }
    });
    (b'2'..=b'6').contains(&digits[0]) && sum.sum::<u32>() % 10 == 0
}

// --- numbers and times ---

/// An integer of 64 bits; 3.0 and 3e2 are integers too.
#[derive(Clone, Copy)]
pub struct Int(pub i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(IntVisitor).map(Int)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = i64;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an integer of 64 bits")
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<i64, E> {
        let fits =
            value.trunc() == value && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
        if fits { Ok(value as i64) } else { Err(E::invalid_value(Unexpected::Float(value), &self)) }
    }
}

/// Microseconds since 1970, UTC.
#[derive(Clone, Copy)]
pub struct Time(pub i64);

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;

impl Time {
    pub fn minute_of_day(self) -> i64 {
        self.0.rem_euclid(DAY) / MINUTE
    }

    pub fn hour(self) -> i64 {
        self.minute_of_day() / 60
    }

    /// Monday is 0.
    pub fn weekday(self) -> i64 {
        (self.0.div_euclid(DAY) + 3).rem_euclid(7)
    }

    /// RFC 3339 with an offset; up to nine decimals, cut to microseconds.
    pub fn read(text: &str) -> Option<Time> {
        let bytes = text.as_bytes();
        let number = |from: usize, count: usize| {
            bytes
                .get(from..from + count)?
                .iter()
                .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
        };
        let is = |at: usize, choices: &[u8]| bytes.get(at).is_some_and(|byte| choices.contains(byte));
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        let marks = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
        let good = year >= 1 && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
        if !marks || !good || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (mut micros, mut place) = (0, 19);
        if is(19, b".") {
            let decimals = bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&decimals) {
                return None;
            }
            micros = number(20, decimals.min(6))? * 10_i64.pow(6 - decimals.min(6) as u32);
            place = 20 + decimals;
        }
        let offset = if is(place, b"Zz") && bytes.len() == place + 1 {
            0
        } else if is(place, b"+-") && is(place + 3, b":") && bytes.len() == place + 6 {
            let (hours, minutes) = (number(place + 1, 2)?, number(place + 4, 2)?);
            let ahead = (hours <= 23 && minutes <= 59).then_some(hours * 60 + minutes)?;
            if bytes[place] == b'-' { -ahead } else { ahead }
        } else {
            return None;
        };
        let minutes = (days_before(year, month, day) * 24 + hour) * 60 + minute - offset;
        let time = minutes * MINUTE + second * 1_000_000 + micros;
        (FIRST..=LAST).contains(&time).then_some(Time(time))
    }
}

/// The years 1 to 9999.
const FIRST: i64 = -719_162 * DAY;
const LAST: i64 = 2_932_897 * DAY - 1;

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, in the Gregorian calendar. The year is taken to begin in March.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a date and time with an offset")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        Time::read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
