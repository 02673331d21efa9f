//! `docs/errors.md` against the compiler: every code has a heading with its title, every failing program fails with
//! that code alone, every repair has no error.

use kcc_compiler::diag::{Severity, codes};
use kcc_tests::front::{flags, say};

/// A fenced block: what stands behind the backticks, its line, its text.
struct Block {
    info: String,
    line: usize,
    text: String,
}

struct Section {
    heading: String,
    blocks: Vec<Block>,
}

fn sections() -> Vec<Section> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
    let page = std::fs::read_to_string(path).expect("docs/errors.md");
    let mut sections: Vec<Section> = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        if let Some(block) = &mut open {
            if line == "```" {
                let section = sections.last_mut().expect("programs stand under a heading");
                section.blocks.extend(open.take());
            } else {
                block.text.push_str(line);
                block.text.push('\n');
            }
        } else if let Some(info) = line.strip_prefix("```") {
            open = Some(Block { info: info.to_string(), line: index + 1, text: String::new() });
        } else if let Some(heading) = line.strip_prefix("## ") {
            sections.push(Section { heading: heading.to_string(), blocks: Vec::new() });
        }
    }
    assert!(open.is_none(), "a program is not closed");
    sections
}

#[test]
fn every_code_has_its_heading_in_order() {
    let found: Vec<String> = sections().into_iter().map(|section| section.heading).collect();
    let wanted: Vec<String> = codes::TABLE.iter().map(|(code, title)| format!("{code}: {title}")).collect();
    assert_eq!(found, wanted);
}

#[test]
fn failing_programs_fail_and_repairs_do_not() {
    let mut wrong = String::new();
    for Section { heading, blocks } in sections() {
        let [failing, repair] = &blocks[..] else {
            wrong += &format!("{heading}: {} programs instead of a failing one and its repair\n", blocks.len());
            continue;
        };
        let options = |block: &Block, words: &str| {
            let rest = block.info.strip_prefix(words).unwrap_or_else(|| panic!("line {}: {}", block.line, block.info));
            flags(rest).unwrap_or_else(|why| panic!("line {}: {why}", block.line))
        };
        let said = say(&failing.text, &options(failing, "k refused"));
        let codes: Vec<String> = said.diagnostics.iter().map(|diagnostic| diagnostic.code.to_string()).collect();
        if codes != [&heading[..5]] {
            wrong += &format!("{heading}, line {}: gives {codes:?}\n{}\n", failing.line, said.render());
        }
        let said = say(&repair.text, &options(repair, "k"));
        if said.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            wrong += &format!("{heading}, line {}: the repair fails\n{}\n", repair.line, said.render());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
