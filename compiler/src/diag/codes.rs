//! Every diagnostic code with its short title. Each has a heading in `docs/errors.md` with the smallest failing
//! program and its repair. Codes are never reused.
//!
//! E01xx syntax, E02xx names, E03xx types, E04xx sizes and shapes, E05xx bounds, E06xx build-time evaluation,
//! E07xx limits, E09xx not yet available. To add one: a row here and a heading there; a test compares the two.

use super::Code;
use std::fmt;

macro_rules! table {
    ($($name:ident $number:literal $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Code = Code($number);
        )*

        /// Every code with its title, in the order of this file.
        pub const TABLE: &[(Code, &str)] = &[$(($name, $title),)*];
    };
}

table! {
    UNEXPECTED 101 "unexpected token";
    UNKNOWN_CHARACTER 102 "unknown character";
    UNBALANCED 103 "bracket that is not closed or not opened";
    MALFORMED_LITERAL 104 "malformed literal";
    LEADING_MINUS 105 "line that begins with `-`";
    TOO_DEEP 106 "program text nested too deeply";
    FOREIGN_SPELLING 107 "spelling of another language";
    CHAINED_COMPARISON 108 "chained comparison";
    DANGLING_DOC 109 "documentation of nothing";
    NOT_ASSIGNABLE 110 "assignment to something that is not a variable";
    UNNAMED_RESULTS 111 "several results without names";
    BAD_INTERPOLATION 112 "malformed message of an assert";
    BAD_BOUND 113 "bound of something that is not a name";

    UNKNOWN_NAME 201 "unknown name";
    DUPLICATE_NAME 202 "name defined twice";
    NO_SUCH_MODULE 203 "unknown module";
    CYCLIC_USE 204 "files that use each other in a circle";
    NOT_IN_MODULE 205 "item that a module does not have";
    NO_SUCH_FIELD 206 "unknown field";
    NOT_A_VALUE 207 "something that is not a value";
    CYCLIC_CONST 208 "constant that needs itself";
    RECURSION 209 "function that calls itself";
    NO_SUCH_FILE 210 "file that cannot be read";
    UNKNOWN_TYPE 211 "unknown type";
    NOT_A_VAR 212 "change of something that is not a `var`";
    BAD_FILE 213 "file that does not hold what is asked of it";

    ELEMENT_TYPES 301 "operands of different types";
    OPERAND_TYPE 302 "operation on a type that it does not take";
    LITERAL_RANGE 303 "literal outside the range of its type";
    LITERAL_KIND 304 "float literal where an integer is needed";
    NOT_A_CONDITION 305 "condition that is not a bool";
    NOT_AN_INDEX 306 "index that is not an i32";
    BRANCH_TYPES 307 "branches of different types";
    RESULT_TYPE 308 "value of another type than declared";
    TYPE_PARAMETER 309 "type parameter without one type";
    CONSTRAINT 310 "type that a constraint excludes";
    NARROW_SUM 311 "sum of narrow integers";
    UNUSED_VALUE 312 "value that is not used";
    TUPLE_PARTS 313 "wrong number of values";
    NO_VALUE 314 "value that is missing";
    STATIC_CONDITION 315 "condition that compilation cannot decide";
    ARGUMENT_TYPE 316 "argument of a wrong type";
    ARGUMENT_COUNT 317 "wrong number of arguments";
    ARGUMENT_NAME 318 "wrong name of an argument";
    NOT_A_FUNCTION 319 "call of something that is not a function";
    FUNCTION_ARGUMENT 320 "wrong function as an argument";
    BAD_CAST 321 "conversion that does not exist";
    IN_OUT 322 "wrong in-out argument";
    NESTED_CHANGE 323 "change of a variable inside an expression";
    OUTER_CHANGE 324 "change of a variable from parallel code";
    BAD_JUMP 325 "`break`, `continue` or `return` out of nothing";
    UNREACHABLE 326 "statement that is never reached";
    LIST 327 "list where no list can be";
    BAD_STRUCT 328 "malformed struct";

    SHAPES_DIFFER 401 "shapes that differ";
    SHAPES_UNDECIDED 402 "shapes whose equality is not known";
    RANK 403 "wrong rank";
    NO_RANGE 404 "index without a range";
    TWO_EXTENTS 405 "index with two extents";
    NOT_A_SIZE 406 "something that is not a size";
    SIZE_UNBOUND 407 "size that no argument decides";
    BAD_AXIS 408 "axis that does not exist";
    FACT_VIOLATED 409 "fact that does not hold";
    BAD_FACT 410 "malformed fact";
    BAD_RANGE 411 "malformed range";
    DATA_SIZE 412 "size that the data decides";

    OUT_OF_BOUNDS 501 "index out of bounds";
    DIVISION_BY_ZERO 502 "division by zero";

    CONST_FAILED 601 "constant that fails";

    BAD_SIZE_OPTION 701 "size that a build cannot fix";
    MEMORY_LIMIT 702 "more memory than allowed";
    TOO_LARGE 703 "more code than a program may become";

    DATA_RANGE 901 "sequential code in a reduction whose range the data decides";
    NOT_YET_HOST 902 "state, weights and models are not available yet";
}

impl Code {
    /// The short title, or an empty text for a number that is not in the table.
    pub fn title(self) -> &'static str {
        TABLE.iter().find(|(code, _)| *code == self).map_or("", |(_, title)| title)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_titles_are_lower_case() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, title) in TABLE {
            assert!(seen.insert(*code), "{code} stands twice in the table");
            assert!((100..1000).contains(&code.0), "{code} is outside every range");
            assert!(!title.is_empty() && !title.ends_with('.'), "{code}: {title}");
        }
    }
}
