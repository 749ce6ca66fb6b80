//! What CPython's str and math do where Rust's own are not the same.

use std::borrow::Cow;
use std::hint::black_box;

use crate::digits::DIGITS;

unsafe extern "C" {
    safe fn pow(base: f64, exponent: f64) -> f64;
}

/// `x ** 2`: the C library's `pow`, which a compiler would make `x * x`.
pub fn squared(x: f64) -> f64 {
    pow(x, black_box(2.0))
}

/// `math.radians`.
pub fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

/// `str.lower()`.
pub fn lower(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        Cow::Owned(text.to_lowercase())
    } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// `len(text)`: in code points.
pub fn len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// `text[:count]`.
pub fn first(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

/// `text.split()`: Python takes the four separators of ASCII as white space too.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\x1c'..='\x1f')).filter(|word| !word.is_empty())
}

/// `c.isdigit()`.
pub fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    let after = DIGITS.partition_point(|&(first, _)| first <= c as u32);
    after > 0 && c as u32 <= DIGITS[after - 1].1
}
