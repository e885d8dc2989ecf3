//! Pictures: same bytes twice, nothing outside the page, every scene drawn.

use super::*;
use crate::record::fixture::Scene;

fn scenes() -> Vec<(&'static str, StoredRun)> {
    let two = Scene { providers: 2, keys: 1, ..Scene::default() };
    let many = Scene { providers: 10, keys: 10, ..Scene::default() };
    let three = Scene {
        seconds: 270,
        faults: vec![
            ("azure error burst", 60.0, 90.0, 0),
            ("openai token limit cut to a quarter", 95.0, 120.0, 1),
            ("bedrock brownout", 200.0, 270.0, 2),
        ],
        ..Scene::default()
    };
    let hour = Scene {
        seconds: 3_600,
        faults: vec![("azure error burst", 1_200.5, 1_500.5, 0)],
        ..Scene::default()
    };
    let calm = Scene { faults: Vec::new(), ..Scene::default() };
    let silent = Scene { rps: 0.0, ..Scene::default() };
    vec![
        ("default", Scene::default().run()),
        ("two", two.run()),
        ("many", many.run()),
        ("three", three.run()),
        ("three-replicated", three.replicate(12)),
        ("hour", hour.run()),
        ("calm", calm.run()),
        ("silent", silent.run()),
    ]
}

#[test]
#[ignore = "for the eye: draws every scene into target/pictures"]
fn draw_every_scene() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    for (name, run) in scenes() {
        write_all(&dir.join(name), &run).unwrap();
    }
    let sample = |i: u64, mean: f64| {
        let noise = crate::engine::luck::unit(crate::engine::luck::mix(7, i));
        mean * (0.9 + 0.1 * noise + 0.3 * noise * noise * noise * noise)
    };
    let bench = |name: &str, mean| {
        let samples: Vec<f64> = (0..1_000).map(|i| sample(i, mean)).collect();
        Bench::from_samples(name, "ns per decision", &samples).unwrap()
    };
    let benches =
        [bench("bifrost-published, 12 routes", 62.0), bench("round-robin, 12 routes", 14.0)];
    write_overhead(&dir, &benches).unwrap();
}
