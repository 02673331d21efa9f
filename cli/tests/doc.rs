//! `kcc doc`: the pages of a small module, links that lead somewhere, and a whole standard library.

mod common;

use common::Folder;
use std::collections::{BTreeMap, BTreeSet};

const MAIN: &str = "// Scaling of signals.
//
// More about `twice`, <b>and</b> [a page](javascript:alert(1)).
use \"./lib/boxes.k\"

// ---- Signals

/// Twice the `x`; see `boxes.area`.
///
/// ```k
/// assert twice([1.0, 2.0])[1] == 4.0
/// ```
fn twice(x: f32[N])->f32[N] where N >= 1 { 2.0*x }

/// Exported.
pipeline p(x: f32[N]) -> f32[N] where N <= 9, N >= 1 { twice(x) }

pipeline q(x: f32) -> f32 { boxes.area(x, x) }
";

const BOXES: &str = "/// Area.
///
/// ```k
/// assert area(2.0, 3.0) == 6.0
/// ```
fn area(height: f32, width: f32) -> f32 { height * width }
";

fn folder() -> Folder {
    Folder::new(&[("main.k", MAIN), ("lib/boxes.k", BOXES)])
}

fn text(folder: &Folder, name: &str) -> String {
    String::from_utf8(folder.read(name)).expect("UTF-8")
}

#[test]
fn markdown_of_a_small_module() {
    let folder = folder();
    assert_eq!(folder.good(&["doc", "main.k", "--format", "md"]), "doc/README.md: 2 modules, 4 items\n");
    let expected = "# main

Scaling of signals.

More about `twice`, <b>and</b> [a page](javascript:alert(1)).

## Signals

### twice

```k
fn twice(x: f32[N]) -> f32[N] where N >= 1
```

Twice the `x`; see `boxes.area`.

Example (it passes):

```k
assert twice([1.0, 2.0])[1] == 4.0
```

- `N` is a size of `x`
- `N >= 1` must hold

*main.k:13*

### p

```k
pipeline p(x: f32[N]) -> f32[N] where N <= 9, N >= 1
```

Exported.

- `N` is a size of `x`
- `N <= 9` must hold
- `N >= 1` must hold

*main.k:16*

### q

```k
pipeline q(x: f32) -> f32
```

*main.k:18*
";
    assert_eq!(text(&folder, "doc/main.md"), expected);
    let index = text(&folder, "doc/README.md");
    assert!(index.contains("## [boxes](boxes.md)\n\n[area](boxes.md#area)"), "{index}");
}

#[test]
fn html_of_a_small_module() {
    let folder = folder();
    folder.good(&["doc", "main.k", "-o", "site"]);
    let page = text(&folder, "site/main.html");
    for part in [
        "<title>main – main</title>",
        "<article id=\"twice\">",
        "<pre class=\"signature\"><code><span class=\"k\">fn</span> <span class=\"f\">twice</span>(x: <span class=\"t\">f32</span>[N])",
        "<p>Twice the <code>x</code>; see <a href=\"boxes.html#area\"><code>area</code></a>.</p>"
            .replace(">area<", ">boxes.area<")
            .as_str(),
        "<figcaption class=\"passes\">passes</figcaption>",
        "<li><code>N &gt;= 1</code> must hold</li>",
        "<p class=\"source\">main.k:13</p>",
        // HTML in comments is text, links with scripts lead nowhere.
        "&lt;b&gt;and&lt;/b&gt; <a href=\"#\">a page</a>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("javascript:"), "{page}");
    links_resolve(&folder, "site");
}

#[test]
fn what_is_missing_is_listed() {
    let folder = folder();
    let ran = folder.kcc(&["doc", "--check", "main.k"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "main.k:18: pipeline q\n"));
    assert!(ran.err.contains("4 items on pages, 1 without documentation, 1 of them seen by hosts"), "{ran:?}");
    assert!(!folder.path("doc").exists());
    folder.write("main.k", MAIN.replace("\npipeline q", "\n/// Area.\npipeline q").as_bytes());
    assert_eq!(folder.good(&["doc", "--check", "main.k"]), "");
}

#[test]
fn an_example_that_fails_is_shown_and_fails() {
    let folder = folder();
    folder.write("lib/boxes.k", BOXES.replace("== 6.0", "== 7.0").as_bytes());
    folder.bad(&["doc", "main.k"], 1, "lib/boxes.k:6: the example of `area` fails: ");
    assert!(text(&folder, "doc/boxes.html").contains("class=\"fails\">fails: "));
    folder.write("lib/boxes.k", BOXES.replace("area(2.0", "aera(2.0").as_bytes());
    folder.bad(&["doc", "main.k", "--check"], 1, "the example of `area` fails: ");
    folder.bad(&["doc", "none.k"], 1, "no such file");
    folder.write("bad.k", b"fn f(");
    folder.bad(&["doc", "bad.k"], 1, "bad.k:1");
}

#[test]
fn the_standard_library_is_documented_and_its_links_resolve() {
    let folder = Folder::new(&[]);
    folder.good(&["doc"]);
    let pages = links_resolve(&folder, "doc");
    for (path, source) in kcc_std::modules() {
        let name = path.trim_end_matches(".k");
        let documented: Vec<&str> = documented(source).collect();
        let Some(page) = pages.get(&format!("{name}.html")) else {
            assert_eq!(documented, [""; 0], "{path} has no page");
            continue;
        };
        for item in documented {
            assert!(page.contains(&format!("<article id=\"{item}\">")), "{name}.{item}");
        }
        assert!(!page.contains("class=\"fails\""), "{name}");
    }
    assert!(pages.len() > 5);
}

/// Names of what stands directly under a doc comment.
fn documented(source: &str) -> impl Iterator<Item = &str> {
    let pairs = source.lines().zip(source.lines().skip(1));
    let items = pairs.filter(|(doc, item)| doc.starts_with("///") && !item.starts_with("///"));
    items.filter_map(|(_, item)| item.split([' ', '(', ':']).nth(1))
}

/// Every link of every page leads to an anchor of a page, or out. Gives the pages.
fn links_resolve(folder: &Folder, site: &str) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for entry in std::fs::read_dir(folder.path(site)).expect("folder") {
        let name = entry.expect("entry").file_name().into_string().expect("UTF-8");
        pages.insert(name.clone(), text(folder, &format!("{site}/{name}")));
    }
    let attributes = |page: &str, name: &str| -> Vec<String> {
        let before = format!(" {name}=\"");
        page.split(&before).skip(1).map(|rest| rest.split('"').next().unwrap_or("").to_string()).collect()
    };
    let mut links = 0;
    for (name, page) in &pages {
        let ids: Vec<String> = attributes(page, "id");
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "anchors of {name} are unique");
        for link in attributes(page, "href").iter().filter(|link| !link.starts_with("http")) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = pages.get(if target.is_empty() { name.as_str() } else { target });
            let target = target.unwrap_or_else(|| panic!("{name}: {link} leads nowhere"));
            assert!(anchor.is_empty() || attributes(target, "id").iter().any(|id| id == anchor), "{name}: {link}");
            links += 1;
        }
    }
    assert!(links > 5);
    pages
}
