//! Stored runs: what is written is read back, whole files only, and errors that name the file.

use super::super::fixture::Scene;
use super::super::run::Timing;
use super::*;

fn small() -> Scene {
    Scene { seconds: 200, rps: 300.0, ..Scene::default() }
}

#[test]
fn a_run_is_read_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    for replications in [1, 3] {
        let mut run = small().replicate(replications);
        let (wall_s, requests_per_wall_second) = (0.5, 2e6);
        run.timing =
            Some(Timing { wall_s, requests_per_wall_second, peak_rss_bytes: 1 << 20, threads: 2 });
        let files = write(dir.path(), &run).unwrap();
        assert_eq!(files.len(), 5);
        assert_eq!(read(dir.path()).unwrap(), run);
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 5, "no temporary file stays: {left:?}");
}

#[test]
fn equal_runs_have_equal_bytes() {
    let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = write(left.path(), &small().run()).unwrap();
    write(right.path(), &small().run()).unwrap();
    for file in files {
        let other = right.path().join(file.file_name().unwrap());
        assert_eq!(fs::read(&file).unwrap(), fs::read(other).unwrap(), "{}", file.display());
    }
}

#[test]
fn a_summary_validates_against_the_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(&Summary::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let calm = Scene { faults: Vec::new(), ..small() };
    let silent = Scene { rps: 0.0, ..small() };
    for run in [small().run(), small().replicate(3), calm.run(), silent.run()] {
        let value = serde_json::to_value(&run.summary).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut broken = serde_json::to_value(small().run().summary).unwrap();
    broken["goodput_rps"] = serde_json::json!("fast");
    assert!(!validator.is_valid(&broken));
}

#[test]
fn errors_name_the_file_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let error = |dir: &Path| read(dir).unwrap_err().to_string();
    assert!(error(dir.path()).contains("summary.json") && error(dir.path()).contains("--out"));

    write(dir.path(), &small().run()).unwrap();
    let series = dir.path().join(SERIES);
    let text = fs::read_to_string(&series).unwrap();
    fs::write(&series, text.replacen("healthy", "ill", 1)).unwrap();
    assert!(error(dir.path()).contains("line 2 has state `ill`"), "{}", error(dir.path()));
    fs::write(&series, text.replacen("azure:chat/key-1", "azure:chat/key-9", 1)).unwrap();
    assert!(error(dir.path()).contains("route `azure:chat/key-9`"));

    let summary = dir.path().join(SUMMARY);
    let newer = fs::read_to_string(&summary).unwrap();
    fs::write(&summary, newer.replacen("\"schema_version\": 1", "\"schema_version\": 99", 1))
        .unwrap();
    assert!(error(dir.path()).contains("schema version 99"));
}

#[test]
fn a_file_where_a_folder_should_be_is_a_write_error_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("results");
    fs::write(&file, "mine").unwrap();
    let error = write(&file, &small().run()).unwrap_err();
    assert!(matches!(error, StoreError::Write { .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn without_bins_of_routes_only_changed_views_are_rows() {
    let scene = small();
    let mut tape = scene.tape();
    tape.routes = vec![Vec::new(); tape.routes.len()];
    for (_, views) in &mut tape.views {
        for view in &mut views[4..] {
            view.weight = 1.0;
            view.expected = 0.125;
        }
    }
    let series = super::super::series::series(&tape, &scene.pool());
    assert_eq!(series[5].len(), 1);
    assert!(series[0].len() > 5 && series[0].iter().all(|sample| sample.counts.is_none()));
}
