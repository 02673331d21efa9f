//! Examples in documentation as programs: fenced blocks marked `k` in the `///` comments of the standard library and
//! in Markdown files.
//!
//! An example in a `///` comment holds the statements of a test; it becomes a test that is named after the item
//! and has every std module in scope. A block in a Markdown file is a whole program.

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What it is an example of: `nn.softmax`, or a file and a line.
    pub name: String,
    /// The program.
    pub program: String,
}

/// The examples of a std module, each as a program with one test.
pub fn in_module(path: &str, text: &str) -> Vec<Example> {
    let module = path.trim_end_matches(".k");
    let uses: String = kcc_std::modules()
        .iter()
        .map(|(path, _)| path.trim_end_matches(".k"))
        .filter(|module| !matches!(*module, "math" | "tensor"))
        .map(|module| format!("use std.{module}\n"))
        .collect();
    let mut examples = Vec::new();
    let mut pending: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("///") else {
            if let Some(item) = item_name(line) {
                for body in pending.drain(..) {
                    let name = format!("{module}.{item}");
                    let program = format!("{uses}\ntest \"{name}\" {{\n{body}}}\n");
                    examples.push(Example { name, program });
                }
            }
            continue;
        };
        let comment = comment.strip_prefix(' ').unwrap_or(comment);
        match open.as_mut() {
            None if comment == "```k" => open = Some(String::new()),
            None => {}
            Some(_) if comment == "```" => pending.extend(open.take()),
            Some(body) => *body += &format!("    {comment}\n"),
        }
    }
    examples
}

/// The name of the item that a line begins.
fn item_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("const "))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

/// The blocks marked `k` of a Markdown file.
pub fn in_markdown(path: &str, text: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match open.as_mut() {
            None if line.trim_end() == "```k" => open = Some((number + 2, String::new())),
            None => {}
            Some(_) if line.trim_end() == "```" => {
                if let Some((line, program)) = open.take() {
                    examples.push(Example { name: format!("{path}:{line}"), program });
                }
            }
            Some((_, program)) => *program += &format!("{line}\n"),
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_becomes_a_test() {
        let text =
            "/// Twice x.\n///\n/// ```k\n/// assert double(2) == 4\n/// ```\nfn double(x: i32) -> i32 { 2 * x }\n";
        let examples = in_module("nn.k", text);
        assert_eq!(examples.len(), 1);
        assert_eq!(examples[0].name, "nn.double");
        assert!(examples[0].program.ends_with("test \"nn.double\" {\n    assert double(2) == 4\n}\n"));
    }

    #[test]
    fn markdown_blocks_are_found_by_line() {
        let examples = in_markdown("README.md", "# T\n\n```k\nconst A = 1\n```\n```sh\nls\n```\n");
        assert_eq!(examples, [Example { name: "README.md:4".into(), program: "const A = 1\n".into() }]);
    }

    /// What has a doc comment is for users and has an example; helpers have plain comments.
    #[test]
    fn every_documented_function_has_an_example() {
        for (path, text) in kcc_std::modules() {
            let names: Vec<String> = in_module(path, text).into_iter().map(|example| example.name).collect();
            let mut documented = false;
            for line in text.lines() {
                if let Some(item) = item_name(line).filter(|_| documented && line.starts_with("fn ")) {
                    let name = format!("{}.{item}", path.trim_end_matches(".k"));
                    assert!(names.contains(&name), "{name} has no example");
                }
                documented = line.starts_with("///");
            }
        }
    }

    #[test]
    fn modules_and_examples_parse() {
        use kcc_compiler::source::FileId;
        for (path, text) in kcc_std::modules() {
            let sources = in_module(path, text).into_iter().map(|example| (example.name, example.program));
            for (name, source) in [(path.to_string(), text.to_string())].into_iter().chain(sources) {
                let (_, diagnostics) = kcc_compiler::syntax::parse(&source, FileId(0));
                let messages: Vec<String> = diagnostics
                    .iter()
                    .map(|d| {
                        let at = d.labels.first().map_or(0, |label| label.span.start as usize);
                        format!("line {}: {}", source[..at].matches('\n').count() + 1, d.message)
                    })
                    .collect();
                assert_eq!(messages, Vec::<String>::new(), "{name}\n{source}");
            }
        }
    }
}
