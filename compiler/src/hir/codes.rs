//! The diagnostic codes of the front end's second half, under short names.

use crate::diag::Code;

pub const UNKNOWN_NAME: Code = Code(201);
pub const DUPLICATE_NAME: Code = Code(202);
pub const NO_SUCH_MODULE: Code = Code(203);
pub const CYCLIC_USE: Code = Code(204);
pub const NOT_IN_MODULE: Code = Code(205);
pub const NO_SUCH_FIELD: Code = Code(206);
pub const NOT_A_VALUE: Code = Code(207);
pub const CYCLIC_CONST: Code = Code(208);
pub const RECURSION: Code = Code(209);
pub const NO_SUCH_FILE: Code = Code(210);
pub const UNKNOWN_TYPE: Code = Code(211);

pub const ELEMENT_TYPES: Code = Code(301);
pub const OPERAND_TYPE: Code = Code(302);
pub const LITERAL_RANGE: Code = Code(303);
pub const LITERAL_KIND: Code = Code(304);
pub const NOT_A_CONDITION: Code = Code(305);
pub const NOT_AN_INDEX: Code = Code(306);
pub const BRANCH_TYPES: Code = Code(307);
pub const RESULT_TYPE: Code = Code(308);
pub const TYPE_PARAMETER: Code = Code(309);
pub const CONSTRAINT: Code = Code(310);
pub const NARROW_SUM: Code = Code(311);
pub const UNUSED_VALUE: Code = Code(312);
pub const TUPLE_PARTS: Code = Code(313);
pub const NO_VALUE: Code = Code(314);
pub const STATIC_CONDITION: Code = Code(315);
pub const ARGUMENT_TYPE: Code = Code(316);
pub const ARGUMENT_COUNT: Code = Code(317);
pub const ARGUMENT_NAME: Code = Code(318);
pub const NOT_A_FUNCTION: Code = Code(319);
pub const FUNCTION_ARGUMENT: Code = Code(320);
pub const BAD_CAST: Code = Code(321);

pub const SHAPES_DIFFER: Code = Code(401);
pub const SHAPES_UNDECIDED: Code = Code(402);
pub const RANK: Code = Code(403);
pub const NO_RANGE: Code = Code(404);
pub const TWO_EXTENTS: Code = Code(405);
pub const NOT_A_SIZE: Code = Code(406);
pub const SIZE_UNBOUND: Code = Code(407);
pub const BAD_AXIS: Code = Code(408);
pub const FACT_VIOLATED: Code = Code(409);
pub const BAD_FACT: Code = Code(410);
pub const BAD_RANGE: Code = Code(411);

pub const OUT_OF_BOUNDS: Code = Code(501);
pub const DIVISION_BY_ZERO: Code = Code(502);

pub const NOT_YET_SEQUENTIAL: Code = Code(901);
pub const NOT_YET_HOST: Code = Code(902);
pub const NOT_YET_STRUCT: Code = Code(903);
pub const NOT_YET_DATA_SIZE: Code = Code(904);
pub const NOT_YET_STATIC: Code = Code(905);
pub const NOT_YET_EMBED: Code = Code(906);
