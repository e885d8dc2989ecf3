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

fn bytes(run: &StoredRun) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let files = write_all(dir.path(), run).unwrap();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn equal_runs_have_equal_pictures() {
    let scene = Scene { seconds: 200, rps: 500.0, ..Scene::default() };
    let first = bytes(&scene.run());
    assert_eq!(first.len(), 12);
    assert!(first == bytes(&scene.run()));
}

#[test]
fn a_figure_with_nothing_to_show_is_not_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let calm = Scene { faults: Vec::new(), seconds: 100, rps: 500.0, ..Scene::default() };
    let mut run = calm.run();
    for sample in run.series.iter_mut().flatten() {
        sample.view = crate::policy::RouteView::default();
    }
    let files = write_all(dir.path(), &run).unwrap();
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    let expected =
        ["share.svg", "share.png", "goodput.svg", "goodput.png", "latency.svg", "latency.png"];
    assert_eq!(names, expected);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 6, "no temporary file stays");
    assert!(write_overhead(dir.path(), &[]).unwrap().is_empty());
}

#[test]
fn lines_are_thinned_and_text_stays_on_the_page() {
    for (name, run) in scenes() {
        for (_, page) in pages(&run) {
            for panel in &page.panels {
                let super::super::page::Panel::Plot(plot) = panel else { continue };
                let longest = plot.lines.iter().flat_map(|line| &line.pieces).map(Vec::len).max();
                assert!(longest.unwrap_or(0) <= 1_000, "{name}: {longest:?}");
            }
            let text = svg(&page).unwrap();
            assert!(text.starts_with("<svg width=\"860\""), "{}", &text[..80]);
            for y in text.split("<text x=\"").skip(1) {
                let x: i32 = y[..y.find('"').unwrap()].parse().unwrap();
                assert!((0..1_720).contains(&x), "{name}: text at {x}");
            }
        }
    }
}

#[test]
fn a_png_is_twice_the_layout() {
    let dir = tempfile::tempdir().unwrap();
    let run = Scene { seconds: 200, rps: 500.0, ..Scene::default() }.run();
    write_all(dir.path(), &run).unwrap();
    let png = std::fs::read(dir.path().join("share.png")).unwrap();
    assert_eq!(&png[1..4], b"PNG");
    assert_eq!(u32::from_be_bytes([png[16], png[17], png[18], png[19]]), 1_720);
}
