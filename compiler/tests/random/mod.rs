//! A random tree from a seed: every construct of the language, small, without regard to meaning.

use kcc_compiler::ops::{Border, ReduceOp};
use kcc_compiler::source::{FileId, Span};
use kcc_compiler::syntax::ast::*;

const BLANK: Span = Span { file: FileId(0), start: 0, end: 0 };
const NAMES: [&str; 16] =
    ["x", "y", "H", "sum", "max", "count", "dim", "list", "state", "scan", "test", "std", "clamp", "_", "a1", "argmax"];

/// A generator of choices (splitmix64) with a budget that ends recursion.
pub struct Random {
    state: u64,
    budget: i32,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random { state: seed, budget: 60 }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        self.flip().then(|| make(self))
    }

    fn many<T>(&mut self, least: usize, make: impl std::ops::Fn(&mut Random) -> T) -> Vec<T> {
        (0..least + self.below(3)).map(|_| make(self)).collect()
    }

    fn name(&mut self) -> Name {
        Name { text: NAMES[self.below(NAMES.len())].to_string(), span: BLANK }
    }

    fn text(&mut self) -> String {
        ["", "a", "{", "}", "é\"'\\", "\n\t\u{85}\u{0}", "x{y}", "\u{feff}"][self.below(8)].to_string()
    }

    pub fn file(&mut self) -> File {
        File {
            items: self.many(1, |random| {
                random.budget = [2, 4, 8, 60][random.below(4)];
                random.item()
            }),
        }
    }

    fn item(&mut self) -> Item {
        let doc = ["", "One line.", "Two\n\nlines.", "  indented\nmore"][self.below(4)].to_string();
        let kind = match self.below(9) {
            0 => ItemKind::Use(Use {
                path: if self.flip() {
                    UsePath::Std(self.many(1, |random| random.name().text))
                } else {
                    UsePath::File(self.text())
                },
                path_span: BLANK,
                alias: self.some(Random::name),
                select: self.some(|random| random.many(0, |random| (random.name(), random.some(Random::name)))),
            }),
            1 => ItemKind::Const { name: self.name(), ty: self.some(Random::ty), value: self.expr() },
            2 => ItemKind::Pipeline(self.function()),
            3 => ItemKind::Test { name: self.text(), body: self.block() },
            4 => ItemKind::State { name: self.name(), ty: self.ty(), value: self.some(Random::expr) },
            5 => ItemKind::Weights { name: self.name(), ty: self.ty(), from: self.many(1, Random::text) },
            6 => {
                let mut signature = self.function();
                signature.facts.clear();
                signature.body.stmts.clear();
                ItemKind::Model { signature, from: self.text() }
            }
            7 => ItemKind::Struct {
                name: self.name(),
                sizes: self.many(0, Random::name),
                fields: self.many(0, |random| (random.name(), random.ty())),
            },
            _ => ItemKind::Fn(self.function()),
        };
        Item { doc, kind, span: BLANK }
    }

    fn function(&mut self) -> Fn {
        let results = if self.flip() {
            self.some(|random| ResultDecl { name: None, ty: random.ty() }).into_iter().collect()
        } else {
            self.many(1, |random| ResultDecl { name: Some(random.name()), ty: random.ty() })
        };
        Fn {
            name: self.name(),
            params: self.many(0, |random| Param {
                name: random.name(),
                is_var: random.flip(),
                ty: random.ty(),
                default: random.some(Random::expr),
            }),
            results,
            facts: self.many(0, |random| {
                if random.flip() {
                    Fact::Constraint(random.name(), random.name())
                } else {
                    Fact::Relation(random.expr())
                }
            }),
            body: self.block(),
        }
    }

    fn ty(&mut self) -> TypeExpr {
        self.budget -= 1;
        let kind = match self.below(if self.budget > 0 { 5 } else { 1 }) {
            1 | 2 => TypeKind::Tensor(
                self.name(),
                self.many(0, |random| {
                    if random.below(3) == 0 {
                        DimDecl::Bounded(random.name(), random.expr())
                    } else {
                        DimDecl::Size(Expr { kind: ExprKind::Name(random.name()), span: BLANK })
                    }
                }),
            ),
            3 => TypeKind::Fn(self.many(0, Random::ty), Box::new(self.ty())),
            4 => TypeKind::List(self.name(), self.expr()),
            _ => TypeKind::Name(self.name()),
        };
        TypeExpr { kind, span: BLANK }
    }

    fn block(&mut self) -> Block {
        Block { stmts: self.many(0, Random::stmt), span: BLANK }
    }

    fn stmt(&mut self) -> Stmt {
        self.budget -= 1;
        let kind = match self.below(if self.budget > 0 { 12 } else { 3 }) {
            0 => StmtKind::Break,
            1 => StmtKind::Continue,
            2 => StmtKind::Return(self.some(Random::expr)),
            3 => StmtKind::Let { names: self.many(1, Random::name), is_tuple: true, ty: None, value: self.expr() },
            4 => StmtKind::Let {
                names: vec![self.name()],
                is_tuple: false,
                ty: self.some(Random::ty),
                value: self.expr(),
            },
            5 => StmtKind::Var { name: self.name(), ty: self.some(Random::ty), value: self.some(Random::expr) },
            6 => {
                let name = self.boxed(|random| ExprKind::Name(random.name()));
                let target = if self.flip() {
                    *name
                } else {
                    Expr {
                        kind: ExprKind::Index { base: name, items: self.many(0, Random::index), default: None },
                        span: BLANK,
                    }
                };
                StmtKind::Assign { target, op: self.assign_op(), value: self.expr() }
            }
            7 => StmtKind::Assert { cond: self.expr(), message: self.message() },
            8 => {
                let range = Some(self.range());
                StmtKind::Loop { axis: Axis { name: self.name(), range }, body: self.block() }
            }
            9 => StmtKind::While { cond: self.expr(), body: self.block() },
            10 => StmtKind::StaticLoop { name: self.name(), over: self.over(), body: self.block() },
            _ => StmtKind::Expr(self.expr()),
        };
        Stmt { kind, span: BLANK }
    }

    fn assign_op(&mut self) -> Option<BinaryOp> {
        use BinaryOp::*;
        let ops =
            [None, Some(Add), Some(Sub), Some(Mul), Some(Div), Some(Rem), Some(BitAnd), Some(BitOr), Some(BitXor)];
        ops.into_iter().chain([Some(Shl), Some(Shr)]).nth(self.below(11)).unwrap()
    }

    /// Parts as the parser makes them: no two texts in a row, values that fit one line and hold no text.
    fn message(&mut self) -> Vec<MessagePart> {
        let mut parts = Vec::new();
        for _ in 0..self.below(3) {
            let text = self.text();
            if !text.is_empty() && !matches!(parts.last(), Some(MessagePart::Text(_))) {
                parts.push(MessagePart::Text(text));
            }
            let value = match self.below(4) {
                0 => ExprKind::Byte(b"'\"{}\\a\x00\xff"[self.below(8)]),
                1 => ExprKind::Block(Block {
                    stmts: vec![Stmt {
                        kind: StmtKind::Expr(*self.boxed(|random| ExprKind::Name(random.name()))),
                        span: BLANK,
                    }],
                    span: BLANK,
                }),
                2 => ExprKind::Unary(UnaryOp::Neg, self.boxed(|random| ExprKind::Name(random.name()))),
                _ => ExprKind::Index {
                    base: self.boxed(|random| ExprKind::Name(random.name())),
                    items: vec![IndexItem::At(Border::Wrap, *self.boxed(|random| ExprKind::Name(random.name())))],
                    default: None,
                },
            };
            parts.push(MessagePart::Value(Expr { kind: value, span: BLANK }));
        }
        parts
    }

    fn range(&mut self) -> Range {
        Range { lo: self.expr(), hi: self.expr(), step: self.some(Random::expr) }
    }

    fn over(&mut self) -> Over {
        if self.flip() { Over::Range(Box::new(self.range())) } else { Over::Values(self.expr()) }
    }

    fn axes(&mut self) -> Vec<Axis> {
        self.many(1, |random| Axis { name: random.name(), range: random.some(Random::range) })
    }

    fn index(&mut self) -> IndexItem {
        match self.below(4) {
            0 => {
                let border = [Border::Clamp, Border::Wrap, Border::Reflect][self.below(3)];
                IndexItem::At(border, self.expr())
            }
            1 => IndexItem::Slice(self.some(Random::expr), self.some(Random::expr), BLANK),
            _ => IndexItem::At(Border::None, self.expr()),
        }
    }

    fn boxed(&mut self, make: impl FnOnce(&mut Random) -> ExprKind) -> Box<Expr> {
        Box::new(Expr { kind: make(self), span: BLANK })
    }

    pub fn expr(&mut self) -> Expr {
        self.budget -= 1;
        let kind = match self.below(if self.budget > 0 { 26 } else { 7 }) {
            0 => ExprKind::Int([0, 7, 255, u64::MAX][self.below(4)]),
            1 => ExprKind::Float(["1.0", "0.5e-3", "1e10", "inf", "nan"][self.below(5)].to_string()),
            2 => ExprKind::Bool(self.flip()),
            3 => ExprKind::Text([self.text().into_bytes(), vec![0xff, b'\\', 0x80]].concat()),
            4 => ExprKind::Byte(self.below(256) as u8),
            7 => ExprKind::Field(Box::new(self.expr()), self.name()),
            8 | 9 => ExprKind::Call {
                callee: Box::new(self.expr()),
                args: self.many(0, |random| {
                    let is_var = random.below(4) == 0;
                    Arg { name: random.some(Random::name), is_var, value: random.expr() }
                }),
            },
            10 | 11 => ExprKind::Index {
                base: Box::new(self.expr()),
                items: self.many(0, Random::index),
                default: self.some(|random| Box::new(random.expr())),
            },
            12 | 13 => {
                let op = [UnaryOp::Neg, UnaryOp::Not, UnaryOp::BitNot][self.below(3)];
                ExprKind::Unary(op, Box::new(self.expr()))
            }
            14..=17 => {
                use BinaryOp::*;
                let ops = [Add, Sub, Mul, Div, Rem, And, Or, BitAnd, BitOr, BitXor, Shl, Shr, Eq, Ne, Lt, Le, Gt, Ge];
                ExprKind::Binary(ops[self.below(18)], Box::new(self.expr()), Box::new(self.expr()))
            }
            18 => ExprKind::Array(self.many(0, Random::expr)),
            19 => {
                let named = self.flip();
                let least = if named { 1 } else { 2 };
                ExprKind::Tuple(self.many(least, |random| (named.then(|| random.name()), random.expr())))
            }
            20 => ExprKind::If {
                is_static: self.flip(),
                cond: Box::new(self.expr()),
                then: self.block(),
                otherwise: self.some(Random::block),
            },
            21 => ExprKind::For { axes: self.axes(), body: self.block() },
            22 => ExprKind::Reduce {
                op: ReduceOp::ALL[self.below(ReduceOp::ALL.len())],
                scan: self.flip(),
                axes: self.axes(),
                body: self.block(),
            },
            23 => ExprKind::Lambda { params: self.many(1, Random::name), body: Box::new(self.expr()) },
            24 => ExprKind::Is(Box::new(self.expr()), self.name()),
            25 => ExprKind::Block(self.block()),
            _ => ExprKind::Name(self.name()),
        };
        Expr { kind, span: BLANK }
    }
}
