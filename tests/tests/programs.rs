//! A thousand random programs on every back end; `cargo run --release -p kcc-tests --bin programs` runs more.

use kcc_tests::engines::Engine;
use kcc_tests::programs::campaign::Campaign;
use std::sync::Mutex;

#[test]
fn a_thousand_programs_agree() {
    let campaign = Campaign { seed: 1, count: 1000, engines: Engine::ALL.to_vec(), jobs: 2, faults: 3, attempts: 1500 };
    let reports = Mutex::new(Vec::new());
    let (stats, faults) = campaign.run(&|fault| reports.lock().expect("no thread panics").push(fault));
    let reports = reports.into_inner().expect("no thread panics");
    assert_eq!(faults, 0, "{}", reports.join("\n"));
    // What is generated is worth running.
    assert!(stats.median() >= 15, "{stats}");
    let ended: usize = stats.outcomes.values().sum();
    assert!(stats.outcomes.get("results").is_some_and(|good| 2 * good > ended), "{stats}");
}
