//! What is done about a payment: the rules and the decision of examples/cards/fraud.py.

use serde::Serialize;

use crate::features::{Early, Features};
use crate::payment::Payment;
use crate::store::Before;

/// From mild to severe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Approve,
    Review,
    Decline,
}

/// A rule that fired, and the reason for people to read.
#[derive(Clone, Copy, Serialize)]
pub struct Reason {
    rule: &'static str,
    text: &'static str,
}

struct Rule {
    outcome: Outcome,
    name: &'static str,
    text: &'static str,
    /// None: it lacks an input, and does not fire.
    fires: fn(&Inputs) -> Option<bool>,
}

struct Inputs<'a> {
    payment: &'a Payment<'a>,
    early: &'a Early<'a>,
    before: &'a Before,
    features: &'a Features,
}

const RULES: [Rule; 5] = [
    Rule {
        outcome: Outcome::Decline,
        name: "card_testing",
        text: "The card is being tried out: more than two tiny payments in an hour.",
        fires: |of| Some(of.early.tiny && of.before.card_tiny_1h? >= 3),
    },
    Rule {
        outcome: Outcome::Decline,
        name: "card_burst",
        text: "More than five payments on one card in ten minutes.",
        fires: |of| Some(of.before.card_payments_10m? > 5),
    },
    Rule {
        outcome: Outcome::Decline,
        name: "resale_to_stranger",
        text: "Goods that sell again, typed in by hand, over 300, sent to an address that is not the card's.",
        fires: |of| {
            let features = of.features;
            Some(features.resale && features.keyed_in && features.ships_elsewhere && of.payment.amount > 300.0)
        },
    },
    Rule {
        outcome: Outcome::Review,
        name: "stranger_far_away",
        text: "A new device in a new country, for more than twice the usual amount.",
        fires: |of| {
            let features = of.features;
            Some(features.new_device && features.new_country? && features.abroad && features.amount_vs_usual > 2.0)
        },
    },
    Rule {
        outcome: Outcome::Review,
        name: "stripe_at_night",
        text: "A round amount from a magnetic stripe between midnight and five.",
        fires: |of| Some(of.features.stripe && of.features.night && of.features.amount_round),
    },
];

const REVIEW: f64 = 0.5;
const DECLINE: f64 = 0.9;

/// The more severe of what the score says and of the rules that fired.
#[inline(never)]
pub fn decide(
    payment: &Payment,
    early: &Early,
    before: &Before,
    features: &Features,
    score: f64,
) -> (Outcome, Vec<Reason>) {
    let inputs = Inputs { payment, early, before, features };
    let mut outcome = match score {
        _ if score >= DECLINE => Outcome::Decline,
        _ if score >= REVIEW => Outcome::Review,
        _ => Outcome::Approve,
    };
    let mut reasons = Vec::new();
    for rule in &RULES {
        if (rule.fires)(&inputs) == Some(true) {
            outcome = outcome.max(rule.outcome);
            reasons.push(Reason { rule: rule.name, text: rule.text });
        }
    }
    (outcome, reasons)
}
