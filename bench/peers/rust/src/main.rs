//! The serving layer of examples/cards as a Rust team would write it. README.md says what it is compared for.

mod digits;
mod features;
mod key;
mod model;
mod payment;
mod python;
mod rules;
mod score;
mod serve;
mod stages;
mod store;
mod values;
mod window;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use model::{Model, ROW};
use payment::parse;
use score::Scorer;
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage:
  cards serve DATA_DIR PORT WORKERS           serves on 127.0.0.1
  cards score DATA_DIR PAYMENTS [--values]    a JSON line per payment, from empty history
  cards stages DATA_DIR PAYMENTS              ns per payment and stage
  cards count DATA_DIR PAYMENTS               one pass, for a program that counts instructions
  cards predict MODEL ROWS                    the model's output per JSON line (an array; null is NaN)
  cards characters                            what is_digit, is_uppercase and split say of every character";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["serve", data, port, workers] => {
            let port = port.parse().map_err(|_| format!("PORT {port}: 0 to 65535"))?;
            let count = workers.parse().ok().filter(|count| (1..=1024).contains(count));
            serve::serve(Scorer::open(Path::new(data))?, port, count.ok_or(format!("WORKERS {workers}: 1 to 1024"))?)
        }
        ["score", data, payments] => score(data, payments, false),
        ["score", data, payments, "--values"] => score(data, payments, true),
        ["stages", data, payments] => stages::times(Path::new(data), &lines(&read(payments)?)),
        ["count", data, payments] => stages::count(Path::new(data), &lines(&read(payments)?)),
        ["predict", model, rows] => predict(model, rows),
        ["characters"] => characters(),
        _ => Err(USAGE.into()),
    }
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}"))
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect()
}

/// A payment's line; with `values`, every window and feature by name.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    decision: rules::Outcome,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Values<'a>>,
}

#[derive(Serialize)]
struct Values<'a> {
    #[serde(flatten)]
    early: &'a features::Early<'a>,
    #[serde(flatten)]
    before: &'a store::Before,
    #[serde(flatten)]
    features: &'a features::Features,
}

fn score(data: &str, payments: &str, with_values: bool) -> Result<(), String> {
    let scorer = Scorer::open(Path::new(data))?;
    let text = read(payments)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, body) in lines(&text).into_iter().enumerate() {
        let payment = parse(body).map_err(|problem| format!("{payments}:{}: {problem}", number + 1))?;
        let scored = scorer.score(&payment, &mut ());
        let values = Values { early: &scored.early, before: &scored.before, features: &scored.features };
        let line = Line {
            id: &payment.id,
            decision: scored.decision,
            score: scored.score,
            values: with_values.then_some(values),
        };
        serde_json::to_writer(&mut out, &line).map_err(|error| error.to_string())?;
        writeln!(out).map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())
}

fn predict(model: &str, rows: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(model).map_err(|error| format!("{model}: {error}"))?;
    let names = text.lines().find_map(|line| line.strip_prefix("feature_names=")).unwrap_or_default();
    let names: Vec<&str> = names.split(' ').collect();
    let model = Model::read(&text, |name| names.iter().position(|known| *known == name))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in lines(&read(rows)?) {
        let given: Vec<Option<f64>> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let mut row = [0.0; ROW];
        for (value, given) in row.iter_mut().zip(given) {
            *value = given.unwrap_or(f64::NAN);
        }
        let score = serde_json::to_string(&model.predict(&row)).map_err(|error| error.to_string())?;
        writeln!(out, "{score}").map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())
}

/// A line per character: its number, then 0 or 1 for each of isdigit, isupper, isspace.
fn characters() -> Result<(), String> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let mut utf8 = [0; 4];
        let space = python::split(c.encode_utf8(&mut utf8)).next().is_none();
        let (digit, upper) = (python::is_digit(c), c.is_uppercase());
        let flags = [digit, upper, space].map(u8::from);
        writeln!(out, "{} {} {} {}", c as u32, flags[0], flags[1], flags[2]).map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())
}
