//! Keys as 128-bit keyed hashes: fixed in size, cheap to compare, and no card number lies in memory for ninety days.

use std::hash::{BuildHasher, Hasher, RandomState};

use siphasher::sip128::{Hasher128, SipHasher13};

pub type Key = u128;

/// Makes keys, with a secret of this process's own.
pub struct Keys {
    hasher: SipHasher13,
}

impl Keys {
    pub fn new() -> Keys {
        let random = RandomState::new();
        Keys { hasher: SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)) }
    }

    pub fn of(&self, text: &str) -> Key {
        self.hasher.hash(text.as_bytes()).as_u128()
    }

    /// The key of two texts. No text in UTF-8 holds the byte between them.
    pub fn of_pair(&self, first: &str, second: &str) -> Key {
        let mut hasher = self.hasher;
        hasher.write(first.as_bytes());
        hasher.write(&[0xff]);
        hasher.write(second.as_bytes());
        hasher.finish128().as_u128()
    }
}

/// A key is a hash already: its lower half serves.
#[derive(Clone, Copy, Default)]
pub struct KeyHasher;

pub struct Lower(u64);

impl BuildHasher for KeyHasher {
    type Hasher = Lower;
    fn build_hasher(&self) -> Lower {
        Lower(0)
    }
}

impl Hasher for Lower {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u128");
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}
