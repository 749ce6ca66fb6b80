//! Writes, for every code point, what the crates behind the `tokenizers` package say of it: one line a table, ranges of
//! code points or mappings. pack.py makes python/assay/_tokenizers/characters.bin of it.
use onig::{Regex, RegexOptions, Syntax};
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char as normal;

fn points() -> impl Iterator<Item = char> {
    (0..0x110000u32).filter_map(char::from_u32)
}

fn ranges(name: &str, holds: impl Fn(char) -> bool) {
    let mut text = String::new();
    let mut start: Option<u32> = None;
    let mut last = 0;
    for c in points() {
        let code = c as u32;
        if holds(c) {
            if start.is_none() {
                start = Some(code);
            }
            last = code;
        } else if let Some(first) = start.take() {
            text += &format!(" {first:x}-{last:x}");
        }
    }
    if let Some(first) = start {
        text += &format!(" {first:x}-{last:x}");
    }
    println!("class {name}{text}");
}

fn mapping(name: &str, map: impl Fn(char) -> Vec<char>) {
    let mut text = String::new();
    for c in points() {
        let to = map(c);
        if to != [c] {
            let codes: Vec<String> = to.iter().map(|d| format!("{:x}", *d as u32)).collect();
            text += &format!(" {:x}={}", c as u32, codes.join("+"));
        }
    }
    println!("map {name}{text}");
}

fn oniguruma(name: &str, pattern: &str) {
    let Ok(regex) = Regex::with_options(pattern, RegexOptions::REGEX_OPTION_NONE, Syntax::default()) else {
        eprintln!("not an Oniguruma pattern: {pattern}");
        return;
    };
    ranges(name, |c| {
        let mut buffer = [0u8; 4];
        let text: &str = c.encode_utf8(&mut buffer);
        regex.find(text) == Some((0, text.len()))
    });
}

fn main() {
    ranges("rust_whitespace", char::is_whitespace);
    ranges("rust_numeric", char::is_numeric);
    mapping("rust_lowercase", |c| c.to_lowercase().collect());
    ranges("categories_other", |c| c.is_other());
    ranges("categories_mark_nonspacing", |c| c.is_mark_nonspacing());
    ranges("categories_punctuation", |c| c.is_punctuation());
    ranges("normal_combining_mark", normal::is_combining_mark);
    mapping("normal_canonical", |c| {
        let mut to = vec![];
        normal::decompose_canonical(c, |d| to.push(d));
        to
    });
    mapping("normal_compatible", |c| {
        let mut to = vec![];
        normal::decompose_compatible(c, |d| to.push(d));
        to
    });
    let mut classes = String::new();
    for c in points() {
        let class = normal::canonical_combining_class(c);
        if class != 0 {
            classes += &format!(" {:x}={:x}", c as u32, class);
        }
    }
    println!("map normal_class{classes}");
    let (mut firsts, mut seconds) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for c in points() {
        let mut to = vec![];
        normal::decompose_canonical(c, |d| to.push(d));
        if to.len() < 2 || (0xac00..0xd7a4).contains(&(c as u32)) {
            continue; // Hangul is composed by arithmetic
        }
        firsts.insert(c);
        for d in to {
            firsts.insert(d);
            seconds.insert(d);
        }
    }
    let mut pairs = String::new();
    for a in &firsts {
        for b in &seconds {
            if let Some(c) = normal::compose(*a, *b) {
                if !(0xac00..0xd7a4).contains(&(c as u32)) {
                    pairs += &format!(" {:x}+{:x}={:x}", *a as u32, *b as u32, c as u32);
                }
            }
        }
    }
    println!("pairs normal_compose{pairs}");
    let word = regex::Regex::new(r"^\w$").unwrap();
    let space = regex::Regex::new(r"^\s$").unwrap();
    ranges("regex_word", |c| word.is_match(&c.to_string()));
    ranges("regex_space", |c| space.is_match(&c.to_string()));
    for (name, pattern) in [("word", r"\w"), ("space", r"\s"), ("digit", r"\d"), ("hex", r"\h"), ("any", r".")] {
        oniguruma(&format!("onig_{name}"), pattern);
    }
    // Inside of [...] Oniguruma looks into other tables than outside.
    for (name, pattern) in [("word", r"[\w]"), ("space", r"[\s]"), ("digit", r"[\d]"), ("hex", r"[\h]")] {
        oniguruma(&format!("onig_class_{name}"), pattern);
    }
    for (name, pattern) in [("word", r"\W"), ("space", r"\S"), ("digit", r"\D"), ("hex", r"\H")] {
        oniguruma(&format!("onig_not_{name}"), pattern);
    }
    for name in ["alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"] {
        oniguruma(&format!("onig_posix_{name}"), &format!("[[:{name}:]]"));
    }
    for name in "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cn Co \
                 Alphabetic Uppercase Lowercase White_Space Emoji Extended_Pictographic Ideographic Han Hiragana Katakana \
                 Hangul Latin Greek Cyrillic Arabic Hebrew Thai Lao Khmer Myanmar Devanagari Bengali Tamil Telugu Kannada \
                 Malayalam Gujarati Gurmukhi Oriya Sinhala Tibetan Georgian Armenian Ethiopic Mongolian Bopomofo Common Inherited"
        .split_whitespace()
    {
        oniguruma(&format!("onig_property_{}", name.to_lowercase()), &format!(r"\p{{{name}}}"));
    }
    for letter in 'a'..='z' {
        oniguruma(&format!("onig_fold_{letter}"), &format!("(?i:{letter})"));
    }
}
