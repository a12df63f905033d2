//! Primal network simplex for one connected part of a plan (up to 450 lines: one algorithm, read from top to bottom).
//!
//! It is a transportation problem. Sources are the classes of identical people and one *idle* source; sinks are the
//! bins (pool-days) and one *lapse* sink. A class sends people to the bins of its spans or to the lapse sink; the idle
//! source takes, at no cost, the seats that nobody takes. Everything balances, so no arc needs a capacity, and an arc
//! outside the spanning tree carries no flow. Flow is stored for the arc between each node and its parent, and the arcs
//! from classes to bins are never stored. The direction of a tree arc follows from its ends: from the source to the
//! sink.
//!
//! Trees are *strongly feasible* (Cunningham 1976): from every node one more unit could be sent to the root, so an
//! empty tree arc leads from a source up to its parent. The initial tree has this property, and the choice of the
//! leaving arc preserves it. This is why the method terminates, although many steps move nobody. Each step takes the
//! most negative reduced cost in a block of about half the square root of the number of arcs.

use convoke_instance::Day;

const NONE: u32 = u32::MAX;

/// A pool-day, or a week of extra seats. It has at least one seat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bin {
    pub day: Day,
    pub seats: u32,
    /// Cost of a seat; negative if it should be filled.
    pub base: i128,
}

/// Consecutive bins that a class may take, all at the same distance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub first: u32,
    pub end: u32,
    /// Cost of the distance.
    pub cost: i128,
}

/// People who are identical to the planner.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub size: u32,
    pub spans: Vec<Span>,
    pub release: Day,
    pub pref_end: Day,
    /// Cost of a day beyond the preferred end.
    pub late: i128,
    /// Cost of a lapse.
    pub lapse: i128,
}

impl Source {
    /// Cost of a day, at any place.
    pub(super) fn day_cost(&self, day: Day) -> i128 {
        let late = (day - self.pref_end).max(0);
        let since_release = i128::from((day - self.release).max(0));
        if late == 0 { since_release } else { since_release + self.late * i128::from(late) }
    }
}

/// People of a class placed in a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    pub source: u32,
    pub bin: u32,
    pub people: u32,
}

/// An optimal solution and the prices that prove it.
#[derive(Clone, Debug, Default)]
pub(super) struct Solution {
    /// By source, then bin.
    pub flows: Vec<Flow>,
    /// People of each source without a bin.
    pub lapses: Vec<u32>,
    /// Price of a seat in each bin: 0 if one is free.
    pub prices: Vec<i128>,
}

/// Solves exactly. Sources should be sorted by deadline: the initial solution serves them in that order.
pub(super) fn solve(bins: &[Bin], sources: &[Source]) -> Solution {
    let mut tree = Tree::start(bins, sources);
    let arcs: usize = sources.iter().flat_map(|s| &s.spans).map(|s| (s.end - s.first) as usize).sum();
    let block = (arcs + sources.len() + bins.len()).isqrt() / 2;
    let mut from = 0;
    while let Some((entering, next)) = tree.entering_arc(from, block) {
        from = next;
        tree.pivot(entering);
    }
    tree.solution()
}

/// An arc that would lower the cost, and by how much per person.
#[derive(Clone, Copy)]
struct Entering {
    source: u32,
    sink: u32,
    reduced: i128,
}

/// A spanning tree, rooted at the idle source. Nodes: the classes, the idle source, the bins, the lapse sink.
struct Tree<'a> {
    bins: &'a [Bin],
    sources: &'a [Source],
    parent: Vec<u32>,
    depth: Vec<u32>,
    first_child: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    /// Flow on the arc between node and parent.
    flow: Vec<u32>,
    /// An arc's reduced cost is its cost + the potential of its source − that of its sink.
    potential: Vec<i128>,
    /// Base − potential of each bin, stored contiguously for pricing.
    pull: Vec<i128>,
}

impl<'a> Tree<'a> {
    /// A greedy solution: each class in turn, at its cheapest bins. Every step fills a bin, which then hangs from the
    /// class, or exhausts the class, which then hangs from the bin or from the lapse sink. The result is a strongly
    /// feasible tree.
    fn start(bins: &'a [Bin], sources: &'a [Source]) -> Self {
        let nodes = sources.len() + bins.len() + 2;
        let none = || vec![NONE; nodes];
        let mut tree = Self {
            bins,
            sources,
            parent: none(),
            depth: vec![0; nodes],
            first_child: none(),
            next: none(),
            previous: none(),
            flow: vec![0; nodes],
            potential: vec![0; nodes],
            pull: bins.iter().map(|b| b.base).collect(),
        };
        let mut left: Vec<u32> = bins.iter().map(|b| b.seats).collect();
        let mut seated = 0;
        for (c, source) in sources.iter().enumerate() {
            let mut rest = source.size;
            let (mut parent, mut ends_with) = (tree.lapse_sink(), 0);
            while rest > 0 {
                let open = source.spans.iter().flat_map(|s| (s.first..s.end).map(|b| (b, s.cost)));
                let cheapest = open
                    .filter(|(b, _)| left[*b as usize] > 0)
                    .min_by_key(|(b, cost)| bins[*b as usize].base + cost + source.day_cost(bins[*b as usize].day));
                let Some((bin, _)) = cheapest else {
                    ends_with = rest;
                    break;
                };
                let people = rest.min(left[bin as usize]);
                left[bin as usize] -= people;
                rest -= people;
                seated += people;
                let node = tree.bin_node(bin);
                if left[bin as usize] == 0 {
                    (tree.parent[node as usize], tree.flow[node as usize]) = (c as u32, people);
                } else {
                    (parent, ends_with) = (node, people);
                }
            }
            (tree.parent[c], tree.flow[c]) = (parent, ends_with);
        }
        for (b, left) in left.into_iter().enumerate().filter(|(_, left)| *left > 0) {
            let node = tree.bin_node(b as u32) as usize;
            (tree.parent[node], tree.flow[node]) = (tree.root(), left);
        }
        let sink = tree.lapse_sink() as usize;
        // One more than was seated, so that this downward arc is never empty.
        (tree.parent[sink], tree.flow[sink]) = (tree.root(), seated + 1);
        for node in 0..nodes as u32 {
            if node != tree.root() {
                tree.attach(node, tree.parent[node as usize]);
            }
        }
        tree.settle_potentials();
        tree
    }

    fn root(&self) -> u32 {
        self.sources.len() as u32
    }

    fn bin_node(&self, bin: u32) -> u32 {
        self.root() + 1 + bin
    }

    fn lapse_sink(&self) -> u32 {
        self.bin_node(self.bins.len() as u32)
    }

    fn is_source(&self, node: u32) -> bool {
        node <= self.root()
    }

    fn attach(&mut self, node: u32, parent: u32) {
        let (n, p) = (node as usize, parent as usize);
        self.parent[n] = parent;
        self.previous[n] = NONE;
        self.next[n] = self.first_child[p];
        if self.next[n] != NONE {
            self.previous[self.next[n] as usize] = node;
        }
        self.first_child[p] = node;
    }

    fn detach(&mut self, node: u32) {
        let (previous, next) = (self.previous[node as usize], self.next[node as usize]);
        if next != NONE {
            self.previous[next as usize] = previous;
        }
        if previous == NONE {
            self.first_child[self.parent[node as usize] as usize] = next;
        } else {
            self.next[previous as usize] = next;
        }
    }

    /// The node after `node` in a walk through the subtree of `top`.
    fn after(&self, mut node: u32, top: u32) -> Option<u32> {
        let child = self.first_child[node as usize];
        if child != NONE {
            return Some(child);
        }
        while node != top {
            let next = self.next[node as usize];
            if next != NONE {
                return Some(next);
            }
            node = self.parent[node as usize];
        }
        None
    }

    /// Cost of the arc from a source to a sink.
    fn cost(&self, source: u32, sink: u32) -> i128 {
        if source == self.root() {
            return 0;
        }
        let class = &self.sources[source as usize];
        if sink == self.lapse_sink() {
            return class.lapse;
        }
        let bin = sink - self.bin_node(0);
        let at = &self.bins[bin as usize];
        // Unwrap safety: only arcs of the class's spans enter the tree.
        let span = class.spans.iter().find(|s| s.first <= bin && bin < s.end).expect("an arc of the problem");
        at.base + span.cost + class.day_cost(at.day)
    }

    /// Sets every node's depth and potential from its tree arc.
    fn settle_potentials(&mut self) {
        let root = self.root();
        let mut node = root;
        while let Some(next) = self.after(node, root) {
            node = next;
            let (n, parent) = (node as usize, self.parent[node as usize]);
            self.depth[n] = self.depth[parent as usize] + 1;
            let at_parent = self.potential[parent as usize];
            if self.is_source(node) {
                self.potential[n] = at_parent - self.cost(node, parent);
            } else {
                self.move_potential(node, at_parent + self.cost(parent, node));
            }
        }
    }

    fn move_potential(&mut self, node: u32, by: i128) {
        self.potential[node as usize] += by;
        let first = self.bin_node(0);
        if first <= node && node < self.lapse_sink() {
            self.pull[(node - first) as usize] -= by;
        }
    }

    /// The best arc of the next block that has one, and the source at which to continue; `None` if the solution is
    /// optimal.
    fn entering_arc(&self, from: usize, block: usize) -> Option<(Entering, usize)> {
        let sources = self.sources.len() + 1;
        let mut best = Entering { source: NONE, sink: NONE, reduced: 0 };
        let mut seen = 0;
        for step in 0..sources {
            let source = (from + step) % sources;
            seen += match self.sources.get(source) {
                Some(class) => self.price_class(source as u32, class, &mut best),
                None => self.price_idle_seats(&mut best),
            };
            if seen >= block {
                if best.reduced < 0 {
                    return Some((best, (source + 1) % sources));
                }
                seen = 0;
            }
        }
        (best.reduced < 0).then_some((best, from))
    }

    fn price_class(&self, source: u32, class: &Source, best: &mut Entering) -> usize {
        let potential = self.potential[source as usize];
        let lapse = class.lapse + potential - self.potential[self.lapse_sink() as usize];
        if lapse < best.reduced {
            *best = Entering { source, sink: self.lapse_sink(), reduced: lapse };
        }
        let mut seen = 1;
        for span in &class.spans {
            let here = potential + span.cost;
            let range = span.first as usize..span.end as usize;
            seen += range.len();
            for (offset, (bin, pull)) in self.bins[range.clone()].iter().zip(&self.pull[range]).enumerate() {
                let reduced = here + pull + class.day_cost(bin.day);
                if reduced < best.reduced {
                    *best = Entering { source, sink: self.bin_node(span.first + offset as u32), reduced };
                }
            }
        }
        seen
    }

    fn price_idle_seats(&self, best: &mut Entering) -> usize {
        for bin in 0..self.bins.len() as u32 {
            let sink = self.bin_node(bin);
            let reduced = -self.potential[sink as usize];
            if reduced < best.reduced {
                *best = Entering { source: self.root(), sink, reduced };
            }
        }
        self.bins.len()
    }

    /// Sends as many people as possible round the cycle that the entering arc closes, and drops an arc that this
    /// empties.
    fn pivot(&mut self, entering: Entering) {
        let (source, sink) = (entering.source, entering.sink);
        let (mut u, mut v) = (source, sink);
        while u != v {
            if self.depth[u as usize] >= self.depth[v as usize] {
                u = self.parent[u as usize];
            } else {
                v = self.parent[v as usize];
            }
        }
        let join = u;
        // On the source's side arcs from sources lose people, on the sink's side arcs to sinks do. The leaving arc is
        // the last emptied one of the cycle, counted from the join in the direction of the entering arc: this keeps the
        // tree strongly feasible.
        let (mut people, mut leaving, mut on_source_side) = (u32::MAX, NONE, true);
        let mut node = source;
        while node != join {
            if self.is_source(node) && self.flow[node as usize] < people {
                (people, leaving) = (self.flow[node as usize], node);
            }
            node = self.parent[node as usize];
        }
        node = sink;
        while node != join {
            if !self.is_source(node) && self.flow[node as usize] <= people {
                (people, leaving, on_source_side) = (self.flow[node as usize], node, false);
            }
            node = self.parent[node as usize];
        }
        if people > 0 {
            for (end, loses) in [(source, true), (sink, false)] {
                let mut node = end;
                while node != join {
                    if self.is_source(node) == loses {
                        self.flow[node as usize] -= people;
                    } else {
                        self.flow[node as usize] += people;
                    }
                    node = self.parent[node as usize];
                }
            }
        }
        // The part below the leaving arc now hangs from the entering arc, so the path between them is reversed.
        let (top, new_parent, by) =
            if on_source_side { (source, sink, -entering.reduced) } else { (sink, source, entering.reduced) };
        let (mut node, mut parent, mut flow) = (top, new_parent, people);
        loop {
            let (old_parent, old_flow) = (self.parent[node as usize], self.flow[node as usize]);
            self.detach(node);
            self.attach(node, parent);
            self.flow[node as usize] = flow;
            if node == leaving {
                break;
            }
            (node, parent, flow) = (old_parent, node, old_flow);
        }
        let mut next = Some(top);
        while let Some(node) = next {
            self.depth[node as usize] = self.depth[self.parent[node as usize] as usize] + 1;
            self.move_potential(node, by);
            next = self.after(node, top);
        }
    }

    fn solution(&self) -> Solution {
        let mut flows = Vec::new();
        let mut lapses = vec![0; self.sources.len()];
        for node in 0..self.parent.len() as u32 {
            let (parent, people) = (self.parent[node as usize], self.flow[node as usize]);
            if parent == NONE || people == 0 {
                continue;
            }
            let (source, sink) = if self.is_source(node) { (node, parent) } else { (parent, node) };
            if source == self.root() {
                continue;
            }
            if sink == self.lapse_sink() {
                lapses[source as usize] = people;
            } else {
                flows.push(Flow { source, bin: sink - self.bin_node(0), people });
            }
        }
        flows.sort_unstable();
        let first = self.bin_node(0) as usize;
        let prices = self.potential[first..first + self.bins.len()].iter().map(|p| -p).collect();
        Solution { flows, lapses, prices }
    }
}
