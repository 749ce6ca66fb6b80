//! LightGBM's trees, read from its text file and evaluated here: `predict`'s own bits.
//!
//! A row is normalized as LightGBM does (magnitudes up to 1e-35f are zero), every decision is
//! `value <= threshold` with the node's treatment of missing values, and leaves are added as
//! doubles in tree order. A leaf is a node that leads to itself, so trees of different depth
//! walk together: `GROUP` of them at a time, which hides the latency of the loads.

use std::fmt::Display;

/// Room for a row's values. A power of two, so that an index can be masked instead of checked.
pub const ROW: usize = 128;
pub type Row = [f64; ROW];

/// How many trees walk together.
const GROUP: usize = 8;
/// LightGBM's kZeroThreshold: a float constant, widened.
const ZERO: f64 = 1e-35_f32 as f64;

const NAN_LEFT: u16 = 1;
const ZERO_MISSING: u16 = 2;
const ZERO_LEFT: u16 = 4;

/// A split, or a leaf: then `step` is 0, `child` is the node itself and `threshold` the value.
#[derive(Clone, Copy)]
struct Node {
    threshold: f64,
    child: u32, // the left one; the right one follows it
    feature: u8,
    step: u8,
    flags: u16,
}

#[derive(Clone, Copy)]
enum Output {
    Raw,
    Sigmoid(f64),
}

pub struct Model {
    nodes: Vec<Node>,
    roots: Vec<u32>,
    depths: Vec<u32>, // of each group: its deepest tree
    trees: usize,
    zero_missing: bool,
    output: Output,
}

/// The lines of one tree that are read.
struct Tree<'a> {
    feature: Vec<usize>,
    threshold: Vec<f64>,
    decision: Vec<u32>,
    left: Vec<i64>,
    right: Vec<i64>,
    leaf: Vec<f64>,
    name: &'a str,
}

impl Model {
    /// Reads a model file. `slot_of` says where in a row the value of an input lies.
    pub fn read(text: &str, slot_of: impl Fn(&str) -> Option<usize>) -> Result<Model, String> {
        let (head, rest) = text.split_once("\nTree=").ok_or("no tree in the model file")?;
        let (trees, _) = rest.split_once("end of trees").ok_or("no \"end of trees\" in the model file")?;
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        if field("num_tree_per_iteration") != Some("1") || head.lines().any(|line| line == "average_output") {
            return Err("one boosted tree an iteration was expected".into());
        }
        let slots = (field("feature_names").ok_or("no feature_names")?.split(' '))
            .map(|name| slot_of(name).filter(|&slot| slot < ROW).ok_or(format!("no value named {name}, or no number")))
            .collect::<Result<Vec<_>, _>>()?;
        let mut model = Model {
            nodes: Vec::new(),
            roots: Vec::new(),
            depths: Vec::new(),
            trees: 0,
            zero_missing: false,
            output: output_of(field("objective").unwrap_or("regression"))?,
        };
        for part in trees.split("\nTree=") {
            let tree = Tree::read(part)?;
            model.add(&tree, &slots).map_err(|problem| format!("tree {}: {problem}", tree.name))?;
        }
        model.finish();
        Ok(model)
    }

    fn add(&mut self, tree: &Tree, slots: &[usize]) -> Result<(), String> {
        let root = self.nodes.len();
        self.roots.push(root as u32);
        self.nodes.push(leaf(0.0, root));
        let first = if tree.leaf.len() == 1 { -1 } else { 0 };
        // Breadth first: the upper levels of a tree share cache lines.
        let mut pending = vec![(first, root, 0)];
        let (mut next, mut depth) = (0, 0);
        while next < pending.len() {
            let (child, at, level): (i64, usize, u32) = pending[next];
            next += 1;
            depth = depth.max(level);
            if pending.len() > 2 * tree.leaf.len() {
                return Err("its nodes do not form a tree".into());
            }
            if child < 0 {
                let value = *tree.leaf.get(!child as usize).ok_or("a child that is not there")?;
                self.nodes[at] = leaf(value, at);
                continue;
            }
            let split = child as usize;
            let (Some(&left), Some(&right)) = (tree.left.get(split), tree.right.get(split)) else {
                return Err("a child that is not there".into());
            };
            let child = self.nodes.len();
            self.nodes[at] = self.split(tree, split, slots, child)?;
            self.nodes.extend([leaf(0.0, child), leaf(0.0, child + 1)]);
            pending.extend([(left, child, level + 1), (right, child + 1, level + 1)]);
        }
        self.depths.push(depth);
        Ok(())
    }

    fn split(&mut self, tree: &Tree, split: usize, slots: &[usize], child: usize) -> Result<Node, String> {
        let (threshold, decision) = (tree.threshold[split], tree.decision[split]);
        if decision & 1 != 0 {
            return Err("a categorical split, which is not read here".into());
        }
        let default_left = decision & 2 != 0;
        let flags = match decision >> 2 {
            0 if 0.0 <= threshold => NAN_LEFT, // no missing type: NaN is zero
            0 => 0,
            1 => {
                self.zero_missing = true;
                let left = if default_left { NAN_LEFT | ZERO_LEFT } else { 0 };
                // NaN is zero here too, and so missing
                left | ZERO_MISSING
            }
            2 if default_left => NAN_LEFT,
            2 => 0,
            other => return Err(format!("missing type {other}")),
        };
        let feature = *slots.get(tree.feature[split]).ok_or("a feature that is not there")? as u8;
        Ok(Node { threshold, child: child as u32, feature, step: 1, flags })
    }

    /// Fills the last group with leaves of value 0 and keeps each group's depth.
    fn finish(&mut self) {
        self.trees = self.roots.len();
        let idle = self.nodes.len();
        self.nodes.push(leaf(0.0, idle));
        self.roots.resize(self.trees.next_multiple_of(GROUP), idle as u32);
        self.depths = self.depths.chunks(GROUP).map(|group| *group.iter().max().unwrap()).collect();
    }

    /// The model's output for a row; None is NaN there.
    #[inline(never)]
    pub fn predict(&self, row: &Row) -> f64 {
        let mut values = *row;
        let mut nan = false;
        for value in &mut values {
            nan |= value.is_nan();
            *value = if value.abs() <= ZERO { 0.0 } else { *value };
        }
        let raw = match (nan, self.zero_missing) {
            (_, true) => self.sum::<true, true>(&values),
            (true, false) => self.sum::<true, false>(&values),
            (false, false) => self.sum::<false, false>(&values),
        };
        match self.output {
            Output::Raw => raw,
            Output::Sigmoid(sigmoid) => 1.0 / (1.0 + (-sigmoid * raw).exp()),
        }
    }

    #[inline(always)]
    fn sum<const NAN: bool, const ZEROS: bool>(&self, row: &Row) -> f64 {
        let mut sum = 0.0;
        for (group, (roots, &depth)) in self.roots.as_chunks::<GROUP>().0.iter().zip(&self.depths).enumerate() {
            let mut at = *roots;
            for _ in 0..depth {
                for place in &mut at {
                    let node = self.node(*place);
                    *place = node.child + goes_right::<NAN, ZEROS>(node, row[node.feature as usize % ROW]);
                }
            }
            for place in at.iter().take(self.trees - group * GROUP) {
                sum += self.node(*place).threshold;
            }
        }
        sum
    }

    #[inline(always)]
    fn node(&self, place: u32) -> &Node {
        debug_assert!((place as usize) < self.nodes.len());
        // SAFETY: roots and children are written by `add` and `finish` only, as indexes of nodes that are there.
        unsafe { self.nodes.get_unchecked(place as usize) }
    }
}

#[inline(always)]
fn goes_right<const NAN: bool, const ZEROS: bool>(node: &Node, value: f64) -> u32 {
    // `!(a <= b)`, not `a > b`: a NaN goes right where nothing else is said.
    #[allow(clippy::neg_cmp_op_on_partial_ord)]
    let mut right = !(value <= node.threshold);
    if NAN {
        right &= !(value.is_nan() & (node.flags & NAN_LEFT != 0));
    }
    if ZEROS && node.flags & ZERO_MISSING != 0 && value == 0.0 {
        right = node.flags & ZERO_LEFT == 0;
    }
    u32::from(right) & u32::from(node.step)
}

fn leaf(value: f64, at: usize) -> Node {
    Node { threshold: value, child: at as u32, feature: 0, step: 0, flags: 0 }
}

fn output_of(objective: &str) -> Result<Output, String> {
    let mut words = objective.split(' ');
    match words.next() {
        Some("regression") if words.next().is_none() => Ok(Output::Raw),
        Some("binary") => {
            let sigmoid = words.find_map(|word| word.strip_prefix("sigmoid:")).unwrap_or("1");
            Ok(Output::Sigmoid(sigmoid.parse().map_err(|_| format!("objective {objective}"))?))
        }
        _ => Err(format!("objective {objective}: binary or regression was expected")),
    }
}

impl<'a> Tree<'a> {
    fn read(part: &'a str) -> Result<Tree<'a>, String> {
        let name = part.lines().next().unwrap_or_default();
        let said = |problem: String| format!("tree {name}: {problem}");
        let tree = Tree {
            feature: numbers(part, "split_feature").map_err(said)?,
            threshold: numbers(part, "threshold").map_err(said)?,
            decision: numbers(part, "decision_type").map_err(said)?,
            left: numbers(part, "left_child").map_err(said)?,
            right: numbers(part, "right_child").map_err(said)?,
            leaf: numbers(part, "leaf_value").map_err(said)?,
            name,
        };
        let splits = tree.feature.len();
        let lengths = [tree.threshold.len(), tree.decision.len(), tree.left.len(), tree.right.len()];
        if tree.leaf.len() != splits + 1 || lengths != [splits; 4] {
            return Err(said("lines of different lengths".into()));
        }
        if part.lines().any(|line| line == "is_linear=1") {
            return Err(said("linear leaves, which are not read here".into()));
        }
        Ok(tree)
    }
}

/// The numbers of the line `name=...`; none where the line is not there (a tree of one leaf).
fn numbers<T: std::str::FromStr<Err: Display>>(part: &str, name: &str) -> Result<Vec<T>, String> {
    let line = part.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    (line.unwrap_or_default().split_ascii_whitespace())
        .map(|word| word.parse().map_err(|problem| format!("{name}: {word}: {problem}")))
        .collect()
}
