//! What a scenario becomes. Policies are a stand-in registry, so that these tests need no real one.

use std::path::Path;

use crate::engine::{Param, Span, Time, Unit};
use crate::policy::registry::PolicySpec;
use crate::sim::fault::{Effect, Failure, InFlight, Shape, Start};
use crate::sim::spec::{Arrivals, Gaps, LimitRules, Place, Tokens};

use super::*;

const PARAMS: &[Param] = &[
    Param {
        id: "error.weight",
        unit: Unit::Ratio,
        default: 0.5,
        min: 0.0,
        max: 1.0,
        source: "test",
        doc: "Weight of errors.",
    },
    Param {
        id: "tick",
        unit: Unit::Seconds,
        default: 5.0,
        min: 0.1,
        max: 60.0,
        source: "test",
        doc: "Time between looks.",
    },
];

/// A registry with the one name that shipped scenarios use.
pub(super) static REGISTRY: &[PolicySpec] = &[PolicySpec {
    name: "bifrost-published",
    product: "test",
    source: "test",
    doc: "test",
    family: crate::policy::Family::Own,
    grade: crate::policy::Grade::Own,
    left_out: "",
    process: crate::policy::Process::ONE,
    params: PARAMS,
    preset: &[&[("tick", 2.0)]],
    build: |_, pool, _, _| Ok(Box::new(crate::policy::classic::random::Random::new(pool))),
}];

/// The example that every document shows.
pub(super) const EXAMPLE: &str = include_str!("../../scenarios/error-burst.toml");

pub(super) fn read(text: &str, sets: &[&str]) -> Result<Scenario, ScenarioError> {
    let sets: Vec<_> = sets.iter().map(|&set| set.to_owned()).collect();
    parse_with("test.toml", text, Path::new("scenarios"), &sets, REGISTRY)
}

fn example(sets: &[&str]) -> Scenario {
    read(EXAMPLE, sets).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

const SMALL: &str = "rps = 600\nduration = \"60s\"\npolicy = \"bifrost-published\"\n";

#[test]
fn the_example_becomes_the_world_it_describes() {
    let scenario = example(&[]);
    let spec = &scenario.spec;
    assert_eq!(spec.name, "test");
    assert_eq!((spec.horizon, spec.history), (Span::from_secs(270), Span::from_secs(3_600)));
    assert_eq!(spec.pool.providers, ["azure", "openai", "bedrock"]);
    assert_eq!(spec.pool.models, ["chat", "small"]);
    // 4 keys × 2 models, twice; and bedrock in two regions.
    assert_eq!(spec.pool.routes.len(), 8 + 8 + 16);
    assert_eq!(spec.pool.routes[0].name, "azure:chat/key-1");
    assert_eq!(spec.pool.routes[31].name, "bedrock:small/key-4@us-west-2");
    let Arrivals::Open { gaps, rate } = &spec.classes[0].arrivals else { panic!() };
    assert_eq!(*gaps, Gaps::Gamma { cv: 2.0 });
    assert_eq!(rate.0, [(Span::ZERO, 5_000.0)]);
    assert_eq!(spec.classes[0].models, [(0, 0.8), (1, 0.2)]);
    assert_eq!(spec.classes[0].max_tokens, 1_024);
    let fault = &spec.faults[0];
    assert_eq!(fault.routes, (0..8).collect::<Vec<u32>>());
    assert_eq!(
        fault.effect,
        Effect::Errors { rate: 1.0, error: Failure::Status(503), after: Span::from_millis(80) }
    );
    let (from, period) = (Time::from_secs(60), Span::from_secs(60));
    assert_eq!(fault.start, Start::Phase { from, period });
    assert_eq!((fault.shape, fault.in_flight), (Shape::Block, InFlight::Finish));
    assert_eq!(scenario.expects[0].max, Some(12.0));
    assert_eq!(scenario.policy.settings.get("tick"), 2.0);
    assert_eq!(scenario.seed_default, 1);
}

#[test]
fn keys_have_buckets_of_their_own_and_pools_share_one_per_model() {
    let spec = example(&[]).spec;
    let names: Vec<_> = spec.limits.iter().map(|limit| limit.name.as_str()).collect();
    // azure: 4 keys × 2 models; openai: one pool × 2 models; bedrock: 4 keys × 2 models × 2
    // regions.
    assert_eq!(names.len(), 8 + 2 + 16);
    assert_eq!(names[0], "azure/key-1:chat");
    assert_eq!(names[8], "org-a:chat");
    assert_eq!(names[10], "bedrock/key-1:chat@us-east-1");
    let openai: Vec<_> = spec.places[8..12].iter().map(|place| place.limit).collect();
    assert_eq!(openai, [Some(8); 4]);
    assert_eq!(spec.pool.routes[8].pool, "org-a");
    assert_eq!(spec.pool.routes[0].pool, "azure/key-1");
}

#[test]
fn relative_limits_are_of_the_fair_share_as_each_vendor_charges_it() {
    let providers = "[provider]\n\
        a = { profile = \"azure/gpt-4o\", keys = 2, tpm = \"200%\" }\n\
        o = { profile = \"openai/gpt-4o\", keys = 2, tpm = \"200%\" }\n\
        s = { profile = \"anthropic/sonnet\", keys = 2, tpm = \"200%\" }\n\
        b = { profile = \"bedrock/sonnet\", keys = 2, tpm = \"200%\" }\n\
        v = { profile = \"vertex/gemini-flash\", keys = 2, tpm = \"200%\" }\n\
        [workload]\n\
        prompt = { constant = 1_000 }\n\
        output = { constant = 100, max_tokens = 400 }\n";
    let spec = read(&format!("{SMALL}{providers}"), &[]).unwrap().spec;
    // 600 rps over 5 providers and 2 keys: 3,600 requests per minute and key, doubled.
    let tpm: Vec<_> =
        spec.limits.iter().step_by(2).map(|limit| limit.tpm.unwrap() / 7_200).collect();
    assert_eq!(tpm, [1_400, 1_000, 1_000, 1_500, 1_100]);
    let LimitRules::Anthropic { output_tpm, reserve: false } = spec.limits[4].rules else {
        panic!()
    };
    assert_eq!(output_tpm / 7_200, 100);
    // Azure ties 6 requests per minute to every 1,000 tokens per minute.
    assert_eq!(spec.limits[0].rpm, Some(7_200 * 1_400 * 6 / 1_000));
}

#[test]
fn an_absolute_limit_is_what_all_keys_have_together_and_a_key_may_have_its_own() {
    let providers = "[provider]\n\
        p.profile = \"plain\"\n\
        p.keys = [\"a\", \"b\", { name = \"c\", tpm = \"1M\" }]\n\
        p.tpm = \"30M\"\n\
        [workload]\nmodels = { chat = 3, small = 1 }\n";
    let spec = read(&format!("{SMALL}{providers}"), &[]).unwrap().spec;
    let tpm: Vec<_> = spec.limits.iter().map(|limit| limit.tpm.unwrap()).collect();
    // chat is three quarters of what is asked: 7.5M, 7.5M, 0.75M; small the rest.
    assert_eq!(tpm, [7_500_000, 7_500_000, 750_000, 2_500_000, 2_500_000, 250_000]);
}

#[test]
fn headroom_counts_shared_buckets_once_and_names_a_cascade() {
    let provider = |tpm| format!("{{ profile = \"plain\", keys = 3, tpm = \"{tpm}\" }}");
    let world = |tpm| {
        let one = provider(tpm);
        format!("{SMALL}[provider]\na = {one}\nb = {one}\nc = {one}\n")
    };
    let headroom = read(&world("130%"), &[]).unwrap().headroom;
    let model = &headroom.models[0];
    assert!((model.all.unwrap() - 1.3).abs() < 1e-6, "{model:?}");
    assert!((model.without_largest.unwrap() - 0.8667).abs() < 1e-3, "{model:?}");
    assert_eq!(
        headroom.line(),
        "headroom (capacity over demand): chat 1.30 with 3 providers, 0.87 without a \
         (below 1: losing it is a cascade)"
    );
    let pooled = format!(
        "{SMALL}[provider]\n\
         a = {{ profile = \"plain\", tpm = \"100%\", pool = \"x\" }}\n\
         b = {{ profile = \"plain\", tpm = \"100%\", pool = \"x\" }}\n"
    );
    let model = &read(&pooled, &[]).unwrap().headroom.models[0];
    assert!((model.all.unwrap() - 1.0).abs() < 1e-6, "{model:?}");
    assert!((model.without_largest.unwrap() - 1.0).abs() < 1e-6, "the pool outlives a provider");
}

#[test]
fn overrides_change_what_is_run_and_what_is_stored() {
    let sets =
        ["rps=8000", "policy.error.weight=0.4", "fault.0.lasts=30s", "provider.azure.tpm=110%"];
    let scenario = example(&sets);
    assert_eq!(scenario.policy.settings.get("error.weight"), 0.4);
    assert_eq!(scenario.spec.faults[0].lasts, Span::from_secs(30));
    let again = read(&scenario.source, &[]).unwrap();
    assert_eq!(format!("{:?}", again.spec), format!("{:?}", scenario.spec));
}

#[test]
fn an_override_that_is_wrong_says_that_it_came_from_the_command_line() {
    let error = read(EXAMPLE, &["fault.0.lasts=30"]).unwrap_err();
    assert!(error.help().unwrap().contains("--set fault.0.lasts=30"), "{error:?}");
}

#[test]
fn a_class_is_the_workload_with_changes() {
    let text = format!(
        "{SMALL}[workload]\nclient = {{ deadline = \"5s\", sdk_retries = 2 }}\n\
         prompt = {{ constant = 10 }}\n\
         [[class]]\nname = \"web\"\nshare = 2\n\
         [[class]]\nname = \"batch\"\nclient = {{ deadline = \"60s\" }}\nmodels = {{ big = 1 }}\n\
         [[class]]\nname = \"probe\"\nrps = 1\narrivals = {{ kind = \"even\" }}\n\
         [provider]\np = {{ profile = \"plain\" }}\n"
    );
    let spec = read(&text, &[]).unwrap().spec;
    let rates: Vec<f64> = spec
        .classes
        .iter()
        .map(|class| match &class.arrivals {
            Arrivals::Open { rate, .. } => rate.0[0].1,
            _ => panic!(),
        })
        .collect();
    assert_eq!(rates, [400.0, 200.0, 1.0]);
    assert_eq!(spec.pool.models, ["chat", "big"]);
    let batch = &spec.classes[1];
    assert_eq!(batch.client.deadline, Span::from_secs(60));
    assert_eq!(batch.client.sdk_retries, 2);
    assert_eq!(batch.prompt, Tokens::Constant(10));
    assert_eq!(batch.models, [(1, 1.0)]);
}

#[test]
fn every_kind_of_fault_parses_with_its_defaults() {
    for kind in fault::FAULTS {
        let on = match kind.id {
            "F6" => "azure:chat",
            "F7" => "bedrock@us-east-1",
            "F17" => "azure/key-2",
            _ => "azure",
        };
        let fault = format!(
            "{}\n[[fault]]\nkind = \"{}\"\nname = \"this\"\non = \"{on}\"\nstart = \"10s\"\n",
            EXAMPLE, kind.name
        );
        let spec =
            read(&fault, &[]).unwrap_or_else(|error| panic!("{}: {error:?}", kind.name)).spec;
        let own: Vec<_> =
            spec.faults.iter().filter(|fault| fault.name.starts_with("this")).collect();
        assert!(!own.is_empty(), "{}", kind.name);
        assert!(own.iter().all(|fault| !fault.routes.is_empty() && fault.lasts > Span::ZERO));
        assert!(!kind.doc.is_empty() && !kind.anchor.is_empty());
    }
}

#[test]
fn a_tpm_wall_puts_demand_where_it_was_asked_for() {
    let wall = "[[fault]]\nkind = \"tpm-wall\"\non = \"*\"\nstart = \"10s\"\ndemand = \"130%\"\n";
    let spec = read(&format!("{EXAMPLE}\n{wall}"), &[]).unwrap().spec;
    let cuts = spec.faults.iter().filter(|fault| fault.name.starts_with("tpm-wall"));
    for fault in cuts {
        // All have 200 % of their fair share: 1 / (1.3 × 2).
        let Effect::LimitCut { factor } = fault.effect else { panic!() };
        assert!((factor - 1.0 / 2.6).abs() < 1e-4, "{factor}");
    }
    assert_eq!(spec.faults.len(), 1 + 3);
}

#[test]
fn selectors_choose_by_provider_model_key_and_region() {
    let chosen = |on: &str| {
        let text = format!(
            "{EXAMPLE}\n[[fault]]\nname = \"x\"\nkind = \"stall\"\nstart = \"1s\"\non = {on}\n"
        );
        let spec = read(&text, &[]).unwrap_or_else(|error| panic!("{on}: {error}")).spec;
        let names: Vec<_> = spec.faults[1]
            .routes
            .iter()
            .map(|&r| spec.pool.routes[r as usize].name.clone())
            .collect();
        names
    };
    assert_eq!(chosen("\"*\"").len(), 32);
    assert_eq!(chosen("\"azure/key-2\""), ["azure:chat/key-2", "azure:small/key-2"]);
    assert_eq!(chosen("\"*:small/key-1@us-east-1\""), ["bedrock:small/key-1@us-east-1"]);
    assert_eq!(chosen("[\"azure:chat/key-1\", \"azure:chat\"]").len(), 4);
}

#[test]
fn the_starter_is_a_scenario() {
    let text = starter("first-try");
    assert_eq!(question(&text).unwrap().split(':').next(), Some("first-try"));
    read(&text, &[]).unwrap();
}

/// The real registry once it has the policy that the files name; the stand-in until then.
fn registry() -> &'static [PolicySpec] {
    let known = POLICIES.iter().any(|spec| spec.name == REGISTRY[0].name);
    if known { POLICIES } else { REGISTRY }
}

#[test]
fn every_shipped_scenario_loads_and_validates_against_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    assert!(files.len() >= 18);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(question(&text).is_some_and(|line| line.contains('?')), "{name} asks nothing");
        let json: serde_json::Value = toml_edit::de::from_str(&text).unwrap();
        let wrong: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        let traced = json.get("trace").map(|trace| folder.join(trace["file"].as_str().unwrap()));
        if traced.is_some_and(|file| !file.exists()) {
            continue; // The trace comes from another part of the program.
        }
        let read = parse_with(&name, &text, &folder, &[], registry());
        let scenario = read.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let requests = scenario.spec.pool.offered_rps * scenario.spec.horizon.as_secs_f64();
        assert!(requests <= 5_000.0 * 270.0 * 1.5, "{name} is too long: {requests} requests");
    }
}

#[test]
fn an_error_prints_with_file_line_and_the_value_underlined() {
    let error = read(&EXAMPLE.replace("keys = 4, tpm = \"200%\" }", "keys = 4, tpm = 2.0 }"), &[]);
    let handler =
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    let mut page = String::new();
    handler.render_report(&mut page, &error.unwrap_err()).unwrap();
    for part in
        ["test.toml:14:55", "`provider.azure.tpm`: cannot be", "expected a limit per minute"]
    {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

#[test]
fn the_committed_schema_is_that_of_the_program() {
    let committed = include_str!("../../docs/scenario.schema.json");
    let committed: serde_json::Value = serde_json::from_str(committed).unwrap();
    assert!(committed == schema(), "write it again: windtunnel schema > docs/scenario.schema.json");
}

const CRIS: &str = "[provider]\n\
    open = { profile = \"plain\" }\n\
    cris = { kind = \"bedrock-cris\", profile = \"bedrock/sonnet\", keys = 2, tpm = \"150%\", \
    regions = [\"east\", \"west\", \"north\"] }\n\
    [workload]\n\
    prompt = { constant = 1_000 }\n\
    output = { constant = 100, max_tokens = 400 }\n";

#[test]
fn a_cross_region_profile_is_one_route_per_key_over_the_limits_of_its_regions() {
    let spec = read(&format!("{SMALL}{CRIS}"), &[]).unwrap().spec;
    let routes = &spec.pool.routes;
    assert_eq!(routes.len(), 3);
    assert_eq!((routes[1].name.as_str(), routes[1].region.as_str()), ("cris:chat/key-1", ""));
    let limits: Vec<_> = spec.places.iter().map(Place::limits).collect();
    assert_eq!(limits, [0..0, 0..3, 3..6]);
    assert_eq!(spec.limits[4].name, "cris/key-2:chat@cris-west");
    // 600 rps over 2 providers, at 1,500 tokens: 27M a minute. One and a half of it over 2 keys and 3
    // regions; the gateway is told of a key's three together.
    assert!(spec.limits.iter().all(|limit| limit.tpm == Some(6_750_000)));
    assert_eq!(routes[1].tpm, Some(20_250_000));
    assert_eq!(routes[1].rpm, None);
    assert_eq!(spec.providers[1].services.len(), 1);
}

#[test]
fn headroom_counts_every_region_of_a_cross_region_profile() {
    let scenario = read(&format!("{SMALL}{CRIS}"), &[]).unwrap();
    assert!((scenario.headroom.providers[1].unwrap() - 1.5).abs() < 1e-4);
}

#[test]
fn keys_of_one_pool_share_the_limits_of_their_regions() {
    let spec = read(&format!("{SMALL}{CRIS}"), &["provider.cris.pool=org"]).unwrap().spec;
    let limits: Vec<_> = spec.places.iter().map(Place::limits).collect();
    assert_eq!(limits, [0..0, 0..3, 0..3]);
    assert_eq!(spec.limits[0].tpm, Some(13_500_000));
}

#[test]
fn a_cross_region_profile_says_what_it_lacks() {
    let other = "provider.open={ kind = \"bedrock-cris\", profile = \"bedrock/sonnet\", \
        tpm = \"100%\", pool = \"org\", regions = [\"west\", \"east\"] }";
    let cases: [(&[&str], &str); 5] = [
        (&["provider.cris.regions=[\"east\"]"], "cannot have 1 regions"),
        (&["provider.cris.regions=[\"a\", \"b\", \"c\", \"d\", \"e\"]"], "cannot have 5 regions"),
        (&["provider.cris.profile=azure/gpt-4o"], "is not of Bedrock"),
        (
            &[
                "provider.cris={ kind = \"bedrock-cris\", profile = \"bedrock/sonnet\", regions = [\"a\", \"b\"] }",
            ],
            "no effect without a limit",
        ),
        (&[other, "provider.cris.pool=org"], "of other regions"),
    ];
    for (sets, message) in cases {
        let error = read(&format!("{SMALL}{CRIS}"), sets).unwrap_err();
        assert!(error.message().contains(message), "{message}: {error:?}");
    }
    let four = &["provider.cris.regions=[\"a\", \"b\", \"c\", \"d\"]"];
    assert_eq!(read(&format!("{SMALL}{CRIS}"), four).unwrap().spec.limits.len(), 8);
}
