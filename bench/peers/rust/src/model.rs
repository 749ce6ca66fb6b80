//! LightGBM's trees, read from its text file and evaluated here: `predict`'s own bits.
//!
//! A row is normalized as LightGBM does (magnitudes up to 1e-35f are zero), every decision is
//! `value <= threshold` with the node's treatment of missing values, and leaves are added as
//! doubles in tree order.
//!
//! Missing values cost nothing in a walk: for each treatment of them there is a copy of the row in which they are -inf
//! (always left) or NaN (always right), and a node's place says which copy it looks at. A leaf looks at a -inf and
//! leads to itself, so trees of different depth walk together: `GROUP` at a time, which hides the latency of the loads.

use std::fmt::Display;

/// Room for a row's values. A power of two, so that an index can be masked instead of checked.
pub const ROW: usize = 128;
pub type Row = [f64; ROW];

/// How many trees walk together.
const GROUP: usize = 16;
/// LightGBM's kZeroThreshold: a float constant, widened.
const ZERO: f64 = 1e-35_f32 as f64;

/// Treatments of missing values, each with its copy of the row.
const NAN_IS_ZERO: usize = 0;
const NAN_RIGHT: usize = 1;
const NAN_LEFT: usize = 2;
const ZERO_RIGHT: usize = 3; // zero and NaN are missing
const ZERO_LEFT: usize = 4;
/// Where the copies lie; after them comes the -inf that leaves look at.
const PLACES: usize = 1024;
const BELOW_ALL: usize = 5 * ROW;
const _: () = assert!(BELOW_ALL < PLACES && PLACES.is_power_of_two());

/// A split, or a leaf: then `child` is the node itself and `threshold` the value.
#[derive(Clone, Copy)]
struct Node {
    threshold: f64,
    child: u32, // the left one; the right one follows it
    place: u32,
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
    treatments: [bool; 5], // those that some node has
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
            treatments: [false; 5],
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
        let treatment = match (decision >> 2, default_left) {
            (0, _) => NAN_IS_ZERO,
            (1, false) => ZERO_RIGHT,
            (1, true) => ZERO_LEFT,
            (2, false) => NAN_RIGHT,
            (2, true) => NAN_LEFT,
            (other, _) => return Err(format!("missing type {other}")),
        };
        self.treatments[treatment] = true;
        let slot = *slots.get(tree.feature[split]).ok_or("a feature that is not there")?;
        Ok(Node { threshold, child: child as u32, place: (treatment * ROW + slot) as u32 })
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
        let raw = self.sum(&self.places(row));
        match self.output {
            Output::Raw => raw,
            Output::Sigmoid(sigmoid) => 1.0 / (1.0 + (-sigmoid * raw).exp()),
        }
    }

    /// The row's copies, one for each treatment of missing values that the model has.
    #[inline(always)]
    fn places(&self, row: &Row) -> [f64; PLACES] {
        let mut places = [f64::NEG_INFINITY; PLACES];
        for (treatment, copy) in places.as_chunks_mut::<ROW>().0.iter_mut().enumerate().take(self.treatments.len()) {
            if !self.treatments[treatment] {
                continue;
            }
            for (place, &value) in copy.iter_mut().zip(row) {
                let missing = value.is_nan() || (treatment >= ZERO_RIGHT && value.abs() <= ZERO);
                *place = match treatment {
                    NAN_IS_ZERO if missing => 0.0,
                    NAN_RIGHT | ZERO_RIGHT if missing => f64::NAN,
                    NAN_LEFT | ZERO_LEFT if missing => f64::NEG_INFINITY,
                    _ if value.abs() <= ZERO => 0.0,
                    _ => value,
                };
            }
        }
        places
    }

    #[inline(always)]
    fn sum(&self, places: &[f64; PLACES]) -> f64 {
        let mut sum = 0.0;
        for (group, (roots, &depth)) in self.roots.as_chunks::<GROUP>().0.iter().zip(&self.depths).enumerate() {
            let mut at = *roots;
            for _ in 0..depth {
                for at in &mut at {
                    let node = self.node(*at);
                    // `!(a <= b)`, not `a > b`: NaN goes right.
                    #[allow(clippy::neg_cmp_op_on_partial_ord)]
                    let right = !(places[node.place as usize % PLACES] <= node.threshold);
                    *at = node.child + u32::from(right);
                }
            }
            for at in at.iter().take(self.trees - group * GROUP) {
                sum += self.node(*at).threshold;
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

fn leaf(value: f64, at: usize) -> Node {
    Node { threshold: value, child: at as u32, place: BELOW_ALL as u32 }
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
