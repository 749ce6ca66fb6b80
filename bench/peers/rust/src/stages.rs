//! Where a payment's time goes: the path that serves, in process, with a clock between its stages.

use std::path::Path;
use std::time::Instant;

use crate::score::{Clock, Scorer, Stage};

const STAGES: usize = 5;
/// Passes over the payments, each from empty history; the one with the median sum is shown.
const PASSES: usize = 5;

struct Times {
    last: Instant,
    ns: [u64; STAGES],
}

impl Clock for Times {
    fn ended(&mut self, stage: Stage) {
        let now = Instant::now();
        self.ns[stage as usize] += (now - self.last).as_nanos() as u64;
        self.last = now;
    }
}

/// Prints the stages' times. The first fifth of the payments is the warm-up: empty windows are no measure.
pub fn times(data: &Path, payments: &[&[u8]]) -> Result<(), String> {
    let (warm, timed) = payments.split_at(payments.len() / 5);
    let mut passes = Vec::new();
    for _ in 0..PASSES {
        let scorer = Scorer::open(data)?;
        for body in warm {
            scorer.reply(body, &mut ())?;
        }
        let mut times = Times { last: Instant::now(), ns: [0; STAGES] };
        for body in timed {
            times.last = Instant::now();
            std::hint::black_box(scorer.reply(body, &mut times)?);
        }
        passes.push(times.ns);
    }
    passes.sort_by_key(|ns| ns.iter().sum::<u64>());
    let count = timed.len();
    let [parse, features, windows, model, reply] = passes[PASSES / 2].map(|ns| ns as f64 / count as f64);
    let total = parse + features + windows + model + reply;
    let ns = serde_json::json!({
        "parse": parse, "features": features, "windows": windows, "tokenization": null, "table": null,
        "model": model, "rules and reply": reply, "journal": null,
    });
    println!("{}", serde_json::json!({"payments": count, "ns": ns, "total_ns": total}));
    Ok(())
}

/// One pass for a program that counts instructions: it counts in `counted` only, after the same warm-up.
pub fn count(data: &Path, payments: &[&[u8]]) -> Result<(), String> {
    let scorer = Scorer::open(data)?;
    let (warm, timed) = payments.split_at(payments.len() / 5);
    for body in warm {
        scorer.reply(body, &mut ())?;
    }
    cards_counted(&scorer, timed)?;
    println!("{}", timed.len());
    Ok(())
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn cards_counted(scorer: &Scorer, payments: &[&[u8]]) -> Result<(), String> {
    for body in payments {
        std::hint::black_box(scorer.reply(body, &mut ())?);
    }
    Ok(())
}
