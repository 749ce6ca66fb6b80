//! One payment's way: parse, features, windows, model, rules, reply. Each stage is a function of its own that is not
//! inlined, so that it can be timed and its instructions counted (stages.rs).

use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use crate::features::{Early, Features};
use crate::model::{Model, ROW, Row};
use crate::payment::{Payment, parse};
use crate::rules::{Outcome, Reason, decide};
use crate::store::{Before, Store};

pub struct Scorer {
    store: Store,
    model: Model,
}

/// Everything that was worked out for a payment.
pub struct Scored<'a> {
    pub payment: &'a Payment<'a>,
    pub early: Early<'a>,
    pub before: Before,
    pub features: Features,
    pub score: f64,
    pub decision: Outcome,
    pub reasons: Vec<Reason>,
}

#[derive(Serialize)]
struct Reply<'a> {
    id: &'a str,
    decision: Outcome,
    score: f64,
    reasons: &'a [Reason],
    errors: [(); 0],
    took_us: u64,
}

/// The stages that a clock or a counter stands between.
#[derive(Clone, Copy)]
pub enum Stage {
    Parse,
    Features,
    Windows,
    Model,
    Reply,
}

/// Is told when a stage ends.
pub trait Clock {
    fn ended(&mut self, stage: Stage);
}

/// No clock: what serves.
impl Clock for () {
    fn ended(&mut self, _: Stage) {}
}

// Where each value lies in the model's row: the payment's own numbers, then early features, windows, the others.
const OWN: &[(&str, bool)] = &[("amount", true), ("latitude", true), ("longitude", true), ("mcc", true)];
const EARLY: usize = OWN.len();
const BEFORE: usize = EARLY + Early::INPUTS.len();
const LATER: usize = BEFORE + Before::INPUTS.len();
const END: usize = LATER + Features::INPUTS.len();
const _: () = assert!(END <= ROW);

fn slot_of(name: &str) -> Option<usize> {
    let inputs = [OWN, Early::INPUTS, Before::INPUTS, Features::INPUTS].concat();
    inputs.iter().position(|&input| input == (name, true))
}

impl Scorer {
    /// Reads the model of a data folder and begins with empty history.
    pub fn open(data: &Path) -> Result<Scorer, String> {
        let file = data.join("risk.txt");
        let said = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| said(&error))?;
        let model = Model::read(&text, slot_of).map_err(|problem| said(&problem))?;
        Ok(Scorer { store: Store::new(), model })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The reply to a request's body, or what is wrong with the body.
    pub fn reply(&self, body: &[u8], clock: &mut impl Clock) -> Result<Vec<u8>, String> {
        let start = Instant::now();
        let payment = parse(body)?;
        clock.ended(Stage::Parse);
        let scored = self.score(&payment, clock);
        let reply = write_reply(&scored, start);
        clock.ended(Stage::Reply);
        Ok(reply)
    }

    pub fn score<'a>(&self, payment: &'a Payment<'a>, clock: &mut impl Clock) -> Scored<'a> {
        let early = Early::of(payment);
        clock.ended(Stage::Features);
        let before = self.store.read_and_enter(payment, early.tiny, early.network);
        clock.ended(Stage::Windows);
        let features = Features::of(payment, &early, &before);
        clock.ended(Stage::Features);
        let score = self.predict(payment, &early, &before, &features);
        clock.ended(Stage::Model);
        let (decision, reasons) = decide(payment, &early, &before, &features, score);
        Scored { payment, early, before, features, score, decision, reasons }
    }

    #[inline(never)]
    fn predict(&self, payment: &Payment, early: &Early, before: &Before, features: &Features) -> f64 {
        let mut row: Row = [0.0; ROW];
        row[0] = payment.amount;
        row[1] = payment.latitude.unwrap_or(f64::NAN);
        row[2] = payment.longitude.unwrap_or(f64::NAN);
        row[3] = payment.mcc.0 as f64;
        early.write_inputs(&mut row[EARLY..BEFORE]);
        before.write_inputs(&mut row[BEFORE..LATER]);
        features.write_inputs(&mut row[LATER..END]);
        self.model.predict(&row)
    }
}

#[inline(never)]
fn write_reply(scored: &Scored, start: Instant) -> Vec<u8> {
    let mut reply = Vec::with_capacity(512);
    let content = Reply {
        id: &scored.payment.id,
        decision: scored.decision,
        score: scored.score,
        reasons: &scored.reasons,
        errors: [],
        took_us: start.elapsed().as_micros() as u64,
    };
    serde_json::to_writer(&mut reply, &content).expect("a reply is always JSON");
    reply
}
