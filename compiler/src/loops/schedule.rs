//! Naive Loop IR → scheduled Loop IR: decides for each loop how it runs, as plain data, and carries it out.
//!
//! A loop with independent iterations may get lanes; a loop that folds gets lanes if its order allows; other loops are
//! jammed around a vectorised one, so that several rows share what they load. Decisions compare rough costs
//! (`loops/cost.rs`); the result is printed on one line in `Kernel::schedule`.

use super::cost::Costs;
use super::depends::{Definitions, Varying, defined, is_parallel, trip_count};
use super::lanes::{Class, Lanes};
use super::rename::copy_mapped;
use super::vectorise::{Context, folded, held, main_end, narrow, reorderable, rest, vectorise};
use super::{Loop, Program, Stmt, VarId, build, collapse, fold16, jam};
use std::collections::{BTreeMap, BTreeSet};

/// Vectors of accumulators that fit the registers beside what is loaded.
const ACCUMULATORS: i64 = 8;

/// How a loop runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Independent iterations in lanes, this many vectors side by side.
    Vector {
        /// Lanes of a vector.
        lanes: u8,
        /// Vectors side by side.
        unroll: i64,
    },
    /// All iterations, fewer than lanes, in one vector.
    Narrow {
        /// Lanes of the vector.
        lanes: u8,
    },
    /// Sixteen partial results in lanes.
    Partials {
        /// Lanes of a vector.
        lanes: u8,
    },
    /// Partial results in any order.
    Fold {
        /// Lanes of a vector.
        lanes: u8,
        /// Vectors side by side.
        unroll: i64,
    },
    /// This many iterations side by side inside the loops within.
    Jam(i64),
}

/// Decisions by loop index. Loops without one run as they are.
pub type Schedule = BTreeMap<VarId, Choice>;

/// Gives every kernel lanes where that pays.
pub fn schedule(program: &mut Program) {
    collapse::collapse(program);
    for n in 0..program.kernels.len() {
        let kernel = program.kernels[n].clone();
        let definitions = Definitions::of(&kernel);
        let mut context = Context { program, definitions: &definitions, vars: kernel.vars.clone() };
        let mut choices = Schedule::new();
        choose(&mut context, &kernel.body, &mut choices);
        // What only the comparison needed.
        context.vars.truncate(kernel.vars.len());
        let chosen = reached(&kernel.body, &choices);
        choices.retain(|var, _| chosen.contains(var));
        tile(&context, &kernel.body, &mut Vec::new(), &mut choices);
        let text = show(&context, &kernel.body, &choices);

        let body = carry_out_jams(&mut context, kernel.body, &mut choices);
        let mut kernel = super::Kernel { body, vars: context.vars, schedule: text, ..kernel };
        let definitions = Definitions::of(&kernel);
        let mut context = Context { program, definitions: &definitions, vars: std::mem::take(&mut kernel.vars) };
        let body = carry_out(&mut context, std::mem::take(&mut kernel.body), &choices);
        kernel.vars = context.vars;
        program.kernels[n] = super::Kernel { body, ..kernel };
    }
}

/// The cheapest way to run statements: notes the choices and gives the cost.
fn choose(context: &mut Context<'_>, stmts: &[Stmt], choices: &mut Schedule) -> f64 {
    let folds = fold16::find(context, stmts);
    let mut total = 0.0;
    for (at, stmt) in stmts.iter().enumerate() {
        match stmt {
            // These go with the loop over partials.
            Stmt::For(_) if folds.iter().any(|fold| fold.around.contains(&at)) => {}
            Stmt::For(nest) => {
                let fold = folds.iter().find(|fold| fold.at == at);
                total += choose_loop(context, nest, fold, choices);
            }
            Stmt::If(_, then, other) => {
                total += choose(context, then, choices).max(choose(context, other, choices));
            }
            Stmt::Let(..) | Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Store { .. } | Stmt::Fail(..) => {
                let costs = Costs { program: context.program, vars: &context.vars, definitions: context.definitions };
                total += costs.scalar(std::slice::from_ref(stmt));
            }
        }
    }
    total
}

fn choose_loop(context: &mut Context<'_>, nest: &Loop, fold: Option<&fold16::Fold>, choices: &mut Schedule) -> f64 {
    let inside = choose(context, &nest.body, choices);
    let summing = fold.map(|fold| fold16::for_costs(context, nest, fold));
    let costs = Costs { program: context.program, vars: &context.vars, definitions: context.definitions };
    let trips = costs.trips(nest);
    let serial = trips * (inside + 1.5);
    let mut best = serial;
    let mut offer = |cost: f64, choice: Choice| {
        if cost < best {
            best = cost;
            choices.insert(nest.var, choice);
        }
    };
    let step_is_one = build::as_int(&nest.step) == Some(1);
    if let Some((summing, names)) = summing {
        if let Some(lanes) = Lanes::of(context.program, context.definitions, &context.vars, &summing, &names) {
            let vectors = trips / f64::from(lanes.lanes);
            let cost = vectors * (costs.vector(&lanes, &summing.body, lanes.lanes) + 0.5) + 12.0;
            offer(cost, Choice::Partials { lanes: lanes.lanes });
        }
    } else if step_is_one && is_parallel(context.program, nest) {
        if let Some(lanes) = Lanes::of(context.program, context.definitions, &context.vars, nest, &[]) {
            let n = lanes.lanes;
            match trip_count(nest) {
                Some(count) if count < i64::from(n) => {
                    if count > 1 && over_read_is_safe(&lanes, nest) {
                        let cost = costs.vector(&lanes, &nest.body, count as u8);
                        offer(cost, Choice::Narrow { lanes: n });
                    }
                }
                _ => {
                    // The tail and the set-up cost a little, too.
                    let cost = trips / f64::from(n) * (costs.vector(&lanes, &nest.body, n) + 1.5) + 4.0;
                    offer(cost, Choice::Vector { lanes: n, unroll: 1 });
                }
            }
        }
    } else if let Some(accumulators) = reorderable(nest, &context.vars) {
        let names: Vec<VarId> = accumulators.iter().map(|(var, _)| *var).collect();
        if let Some(lanes) = Lanes::of(context.program, context.definitions, &context.vars, nest, &names) {
            let n = lanes.lanes;
            let unroll = if accumulators.len() == 1 { 2 } else { 1 };
            let cost = trips / f64::from(n) * (costs.vector(&lanes, &nest.body, n) + 1.0) + 12.0;
            if trips > f64::from(n) * 2.0 {
                offer(cost, Choice::Fold { lanes: n, unroll });
            }
        }
    }
    best
}

/// Whether lanes beyond the loop's range may load: only what lies next to elements that are loaded anyhow.
fn over_read_is_safe(lanes: &Lanes<'_>, nest: &Loop) -> bool {
    super::depends::accesses(&nest.body).iter().all(|(buffer, index, is_store)| {
        *is_store || matches!(lanes.class(*buffer, index), Class::Splat | Class::Contiguous)
    })
}

/// The loops whose choices count: those not inside another loop that got lanes.
fn reached(stmts: &[Stmt], choices: &Schedule) -> BTreeSet<VarId> {
    let mut all = BTreeSet::new();
    for stmt in stmts {
        if let Stmt::For(nest) = stmt
            && choices.contains_key(&nest.var)
        {
            all.insert(nest.var);
            continue;
        }
        for block in stmt.blocks() {
            all.extend(reached(block, choices));
        }
    }
    all
}

/// Finds vectorised loops around inner loops that accumulate, and decides how many vectors and rows go side by side.
fn tile<'a>(context: &Context<'_>, stmts: &'a [Stmt], outer: &mut Vec<&'a Loop>, choices: &mut Schedule) {
    for stmt in stmts {
        match stmt {
            Stmt::For(nest) => match choices.get(&nest.var) {
                Some(Choice::Vector { .. } | Choice::Narrow { .. }) => {
                    outer.push(nest);
                    tile_one(context, nest, outer, choices);
                    outer.pop();
                }
                Some(Choice::Partials { .. } | Choice::Fold { .. } | Choice::Jam(_)) => {}
                None => {
                    outer.push(nest);
                    tile(context, &nest.body, outer, choices);
                    outer.pop();
                }
            },
            _ => {
                for block in stmt.blocks() {
                    tile(context, block, outer, choices);
                }
            }
        }
    }
}

/// The innermost loop, and the loops on the way to it, if there is just one way.
fn innermost<'a>(nest: &'a Loop, path: &mut Vec<&'a Loop>) -> Option<&'a Loop> {
    path.push(nest);
    let loops: Vec<&Loop> =
        nest.body.iter().filter_map(|stmt| if let Stmt::For(nest) = stmt { Some(nest) } else { None }).collect();
    let ifs = nest.body.iter().any(|stmt| matches!(stmt, Stmt::If(..)));
    match loops.as_slice() {
        [] if !ifs => Some(nest),
        [one] if !ifs => innermost(one, path),
        _ => None,
    }
}

fn tile_one(context: &Context<'_>, vector: &Loop, outer: &[&Loop], choices: &mut Schedule) {
    let mut path: Vec<&Loop> = outer[..outer.len() - 1].to_vec();
    let Some(reduction) = innermost(vector, &mut path) else { return };
    let accumulators =
        reduction.body.iter().filter(|stmt| matches!(stmt, Stmt::Accumulate(..) | Stmt::Set(..))).count();
    if accumulators == 0 || reduction.var == vector.var {
        return;
    }
    let room = (ACCUMULATORS / accumulators as i64).max(1);
    let count = context.vars.len();
    let shares = |nest: &Loop| {
        let varying = Varying::on(nest.var, &nest.body, count);
        let inside = super::depends::accesses(&reduction.body);
        inside.iter().any(|(_, index, _)| !index.iter().any(|index| varying.mentions(index)))
    };
    // The innermost other loop whose iterations can share loads inside the reduction.
    let uniform = |nest: &Loop| {
        let varying = Varying::on(nest.var, &nest.body, count);
        let mut same = true;
        build::visit(&nest.body, &mut |stmt| match stmt {
            Stmt::For(inner) => same &= !varying.has(inner.var),
            Stmt::If(cond, ..) => same &= !varying.mentions(cond),
            _ => {}
        });
        same
    };
    let fit = |nest: &Loop, most: i64| match trip_count(nest) {
        Some(trips) if trips <= most => trips.max(1),
        _ => most,
    };
    let rows = path.iter().rev().find(|nest| {
        nest.var != vector.var
            && nest.var != reduction.var
            && build::as_int(&nest.step) == Some(1)
            && is_parallel(context.program, nest)
            && uniform(nest)
            && shares(nest)
    });
    let copies = rows.map_or(1, |nest| fit(nest, 4.min(room)));
    if let Some(nest) = rows
        && copies > 1
    {
        choices.insert(nest.var, Choice::Jam(copies));
    }
    if let Some(Choice::Vector { lanes, unroll }) = choices.get_mut(&vector.var)
        && shares(vector)
    {
        let mut vectors = (room / copies).clamp(1, 4);
        while vectors > 1
            && (vectors & (vectors - 1) != 0
                || trip_count(vector).is_some_and(|trips| trips < i64::from(*lanes) * vectors))
        {
            vectors -= 1;
        }
        *unroll = vectors;
    }
}

/// The decisions on one line, outer loops first.
fn show(context: &Context<'_>, stmts: &[Stmt], choices: &Schedule) -> String {
    let mut parts = Vec::new();
    for var in defined(stmts) {
        let Some(choice) = choices.get(&var) else { continue };
        let name = &context.vars[var.0 as usize].name;
        let times = |unroll: &i64| if *unroll > 1 { format!(" x{unroll}") } else { String::new() };
        parts.push(match choice {
            Choice::Vector { lanes, unroll } => format!("{name} vector {lanes}{}", times(unroll)),
            Choice::Narrow { lanes } => format!("{name} in one vector of {lanes}"),
            Choice::Partials { lanes } => format!("{name} sixteen partials, vector {lanes}"),
            Choice::Fold { lanes, unroll } => format!("{name} fold, vector {lanes}{}", times(unroll)),
            Choice::Jam(copies) => format!("{name} jam {copies}"),
        });
    }
    parts.join("; ")
}

/// Unrolls and jams loops. Copies of loops get the choices of the loops they are copies of.
fn carry_out_jams(context: &mut Context<'_>, stmts: Vec<Stmt>, choices: &mut Schedule) -> Vec<Stmt> {
    let mut out = Vec::new();
    for mut stmt in stmts {
        for block in stmt.blocks_mut() {
            *block = carry_out_jams(context, std::mem::take(block), choices);
        }
        match stmt {
            Stmt::For(nest) if matches!(choices.get(&nest.var), Some(Choice::Jam(_))) => {
                let Some(Choice::Jam(copies)) = choices.get(&nest.var).copied() else { continue };
                let (main_nest, rest_nest) = (nest.clone(), nest);
                let end = main_end(&main_nest.lo, &main_nest.hi, copies);
                let end = held(context, end, &mut out);
                let body = jam::jam(&main_nest.body, main_nest.var, 1, copies, &mut context.vars);
                out.push(Stmt::For(Loop { hi: end.clone(), step: build::int(copies), body, ..main_nest }));
                if let Some(rest) = rest(&rest_nest, end) {
                    let (rest, names) = copy_mapped(&[rest], &mut context.vars);
                    for (old, new) in names {
                        if let Some(choice) = choices.get(&old).copied() {
                            choices.insert(new, choice);
                        }
                    }
                    out.extend(rest);
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// Gives loops their lanes.
fn carry_out(context: &mut Context<'_>, stmts: Vec<Stmt>, choices: &Schedule) -> Vec<Stmt> {
    let mut stmts = stmts;
    let mut done: BTreeSet<VarId> = BTreeSet::new();
    // Loops over partial results are replaced together with the loops around them.
    loop {
        let next = fold16::find(context, &stmts).into_iter().find(|fold| match &stmts[fold.at] {
            Stmt::For(nest) => {
                matches!(choices.get(&nest.var), Some(Choice::Partials { .. })) && !done.contains(&nest.var)
            }
            _ => false,
        });
        let Some(fold) = next else { break };
        if let Stmt::For(nest) = &stmts[fold.at] {
            done.insert(nest.var);
        }
        if let Some(replaced) = fold16::vectorise(context, &stmts, &fold) {
            stmts = replaced;
        }
    }
    let mut out = Vec::new();
    for mut stmt in stmts {
        let replaced = match &stmt {
            Stmt::For(nest) if done.contains(&nest.var) => Some(vec![stmt.clone()]),
            Stmt::For(nest) => match choices.get(&nest.var) {
                Some(Choice::Vector { unroll, .. }) => vectorise(context, nest, *unroll),
                Some(Choice::Narrow { .. }) => narrow(context, nest),
                Some(Choice::Fold { unroll, .. }) => folded(context, nest, *unroll),
                Some(Choice::Partials { .. } | Choice::Jam(_)) | None => None,
            },
            _ => None,
        };
        match replaced {
            Some(replaced) => out.extend(replaced),
            None => {
                for block in stmt.blocks_mut() {
                    *block = carry_out(context, std::mem::take(block), choices);
                }
                out.push(stmt);
            }
        }
    }
    out
}
