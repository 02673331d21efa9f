//! How long windows are found to be, and what `verify` holds of rings.

use crate::ops::Op;
use crate::size::Size;
use crate::tensor::eval::tests::build::Build;
use crate::tensor::*;

/// `rows[r, x] = a[r, x]` and a reader that adds up its elements `index(y)[n]` for all `n`. Gives the rows kept, if a ring
/// is made.
fn kept(indices: impl Fn(&mut Build, ExprId, &Size) -> Vec<ExprId>) -> (Build, Option<Size>) {
    let mut b = Build::new();
    let [h, w] = ["H", "W"].map(|name| Size::from(b.size(name)));
    let dims = [h.clone(), w.clone()];
    let (a, rows, out) =
        (b.param("a", Scalar::F32, &dims), b.local("rows", Scalar::F32, &dims), b.local("out", Scalar::F32, &dims));
    let (r, x) = (b.axis(h.clone()), b.axis(w.clone()));
    let (er, ex) = (b.at(r), b.at(x));
    let load = b.load(a, &[er, ex]);
    b.map(rows, &[r, x], load);
    let (y, i) = (b.axis(h.clone()), b.axis(w));
    let (ey, ei) = (b.at(y), b.at(i));
    let all: Vec<ExprId> = indices(&mut b, ey, &h).into_iter().map(|row| b.load(rows, &[row, ei])).collect();
    let sum = all.into_iter().reduce(|left, right| b.op(Op::Add, &[left, right])).expect("there are loads");
    b.map(out, &[y, i], sum);
    b.result(out);
    group::group(&mut b.program);
    verify::verify(&b.program, "group");
    let rows = match &b.program.pipelines[0].body.stmts[..] {
        [Stmt::Group(group)] => group.rings.first().map(|ring| ring.rows.clone()),
        _ => None,
    };
    (b, rows)
}

fn row(b: &mut Build, y: ExprId, offset: i32) -> ExprId {
    let offset = b.int(offset);
    b.op(Op::Add, &[y, offset])
}

/// `y + offset`, no less than 0 and no more than the last row.
fn clamped(b: &mut Build, y: ExprId, offset: i32, height: &Size) -> ExprId {
    let (row, zero, last) = (row(b, y, offset), b.int(0), b.size_value(height.minus(&Size::constant(1))));
    let low = b.op(Op::Max, &[row, zero]);
    b.op(Op::Min, &[low, last])
}

#[test]
fn windows_are_as_long_as_their_rows_are_apart() {
    let rows = |length: i64| Some(Size::constant(length + length.max(16)));
    assert_eq!(kept(|b, y, _| [-1, 0, 1].map(|k| row(b, y, k)).to_vec()).1, rows(3));
    assert_eq!(kept(|b, y, h| [-20, 5].map(|k| clamped(b, y, k, h)).to_vec()).1, rows(26));
    // A border beside none.
    assert_eq!(kept(|b, y, h| vec![y, clamped(b, y, -1, h)]).1, rows(2));
    let twice = |b: &mut Build, y, k| {
        let two = b.int(2);
        let double = b.op(Op::Mul, &[y, two]);
        row(b, double, k)
    };
    assert_eq!(kept(|b, y, _| vec![twice(b, y, 0), twice(b, y, 1)]).1, rows(2));
    // Rows that move apart, and rows that do not move.
    assert_eq!(kept(|b, y, _| vec![y, twice(b, y, 0)]).1, None);
    assert_eq!(kept(|b, _, _| vec![b.int(0), b.int(1)]).1, None);
}

/// The only group of a program, to be broken.
fn broken(b: &Build, change: impl Fn(&mut Pipeline, &mut Group)) -> Result<(), String> {
    let mut program = b.program.clone();
    let pipeline = &mut program.pipelines[0];
    let Stmt::Group(mut group) = pipeline.body.stmts[0].clone() else { panic!("a group was made") };
    change(pipeline, &mut group);
    pipeline.body.stmts[0] = Stmt::Group(group);
    verify::check(&program)
}

#[test]
fn verify_holds_rings_to_their_rules() {
    let (b, _) = kept(|b, y, _| [-1, 0, 1].map(|k| row(b, y, k)).to_vec());
    assert_eq!(broken(&b, |_, _| {}), Ok(()));
    let complaint = |change: fn(&mut Pipeline, &mut Group)| broken(&b, change).expect_err("the change breaks a rule");
    // As many rows as the buffer has.
    assert!(complaint(|_, group| group.rings[0].rows = Size::constant(3)).contains("extents"));
    // The window depends on the group's axes only.
    assert!(
        complaint(|p, group| group.rings[0].first = p.axis(group.stages[0].axes[1], group.origin)).contains("axes")
    );
    // One time, one guard.
    assert!(complaint(|_, group| group.rings[0].group.binding = Binding::Plan).contains("another time"));
    let guard = |p: &mut Pipeline, group: &mut Group| {
        group.rings[0].group.stages[0].guard = Some(p.constant(crate::types::Const::bool(true), group.origin));
    };
    assert!(complaint(guard).contains("another guard"));
    // Rows move with the last axis: the others are the group's.
    assert!(complaint(|_, group| group.rings[0].group.axes.insert(0, group.axes[0])).contains("last axis"));
    // Nobody else reads what a ring keeps.
    let read_outside = |p: &mut Pipeline, group: &mut Group| {
        let rows = group.rings[0].group.stages[0].tensors[0];
        p.results.push(("rows".to_string(), rows));
    };
    assert!(complaint(read_outside).contains("never written"));
}
