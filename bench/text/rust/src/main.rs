//! text-peers SYSTEM TOKENIZER STRINGS PASSES IDS: nanoseconds a string of each pass, as a JSON list.
//!
//! STRINGS: each as its length (u32, little-endian) and its UTF-8. Each pass encodes all of them, one call a string, on one
//! thread; the pass that writes the ids warms up.
//! IDS gets the ids of each string on a line of its own. TOKENIZER is a tokenizer.json; the systems that bring their
//! own ranks ignore it.

use std::fmt::Write;
use std::{env, fs, process};

type Encode = Box<dyn Fn(&str) -> Vec<u32>>;

fn of_tokenizers(file: &str, fast: bool) -> Encode {
    let tokenizer = tokenizers::Tokenizer::from_file(file).expect("a tokenizer.json");
    if fast {
        return Box::new(move |text| tokenizer.encode_fast(text, true).expect("ids").get_ids().to_vec());
    }
    Box::new(move |text| tokenizer.encode(text, true).expect("ids").get_ids().to_vec())
}

fn system(name: &str, file: &str) -> Encode {
    match name {
        "tokenizers" => of_tokenizers(file, false),
        "tokenizers-fast" => of_tokenizers(file, true),
        "tiktoken" => {
            let ranks = tiktoken_rs::cl100k_base().expect("ranks");
            Box::new(move |text| ranks.encode_ordinary(text))
        }
        "bpe-openai" => Box::new(|text| bpe_openai::cl100k_base().encode(text)),
        _ => {
            eprintln!("text-peers: {name}: expected tokenizers, tokenizers-fast, tiktoken or bpe-openai");
            process::exit(2)
        }
    }
}

/// Of this thread: others share the machine.
fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(done, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn strings_of(mut data: &[u8]) -> Vec<&str> {
    let mut found = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk() {
        let (text, after) = rest.split_at(u32::from_le_bytes(*length) as usize);
        found.push(std::str::from_utf8(text).expect("UTF-8"));
        data = after;
    }
    found
}

fn main() {
    let given: Vec<String> = env::args().collect();
    let [_, name, file, strings, passes, out] = &given[..] else {
        eprintln!("usage: text-peers SYSTEM TOKENIZER STRINGS PASSES IDS");
        process::exit(2)
    };
    let encode = system(name, file);
    let data = fs::read(strings).expect("the strings");
    let lines = strings_of(&data);
    let mut ids = String::new();
    for line in &lines {
        for id in encode(line) {
            write!(ids, "{id} ").expect("memory");
        }
        ids.push('\n');
    }
    fs::write(out, ids).expect("the ids");
    let passes: usize = passes.parse().expect("a number of passes");
    let mut kept = 0;
    let measured: Vec<String> = (0..passes)
        .map(|_| {
            let start = cpu_ns();
            for line in &lines {
                kept += encode(line).len();
            }
            format!("{:.1}", (cpu_ns() - start) as f64 / lines.len() as f64)
        })
        .collect();
    assert!(kept > 0);
    println!("[{}]", measured.join(", "));
}
