//! Wrong scenarios, and what their authors read: the place, what is wrong, and what would be right.

use super::tests::read;

const BASE: &str = r#"rps = 5_000
duration = "4m"
policy = "bifrost-published"
[workload]
models = { chat = 80, small = 20 }
prompt = { median = 1_020, p90 = 2_734 }
[provider]
azure = { profile = "azure/gpt-4o", keys = 4, tpm = "200%" }
bedrock = { profile = "bedrock/sonnet", regions = ["us-east-1", "us-west-2"] }
[[fault]]
kind = "error-burst"
on = "azure"
start = "90s"
"#;

/// (text of the base, what stands there instead, line and column, message, remedy).
type Row = (&'static str, &'static str, (usize, usize), &'static str, &'static str);

const ROWS: &[Row] = &[
    // Prompts that begin alike.
    (
        "[provider]",
        "conversation = { turns = 6 }\n[provider]",
        (7, 16),
        "`workload.conversation`: 0 conversations at once",
        "every sessions / rps seconds",
    ),
    (
        "[provider]",
        "sessions = 5\nconversation = { turns = 0.5 }\n[provider]",
        (8, 26),
        "`workload.conversation.turns` cannot be 0.5",
        "from 1 to 1_000",
    ),
    (
        "[provider]",
        "sessions = 5\nconversation = { system = 9_000, window = 8_000 }\n[provider]",
        (8, 43),
        "`workload.conversation.window` = 8000 is full",
        "more tokens than the system prompt",
    ),
    (
        "keys = 4",
        "keys = 4, prompt_cache = { read = \"2000%\" }",
        (8, 71),
        "`provider.azure.prompt_cache.read` cannot be 2000%",
        "up to \"1000%\"",
    ),
    // Not TOML, or not this format.
    ("rps = 5_000", "rps = = 5", (1, 7), "not TOML", ""),
    ("[workload]", "rps = 1\n[workload]", (4, 1), "not TOML", ""),
    ("rps = 5_000", "rsp = 5_000", (1, 1), "unknown key `rsp`", "did you mean `rps`?"),
    ("[workload]", "[workloads]", (4, 2), "unknown key `workloads`", "did you mean `workload`?"),
    ("keys = 4", "kyes = 4", (8, 37), "`provider.azure", "did you mean `keys`?"),
    ("duration = \"4m\"\n", "", (1, 1), "`duration` is missing", "belongs in here"),
    ("kind = \"error-burst\"\n", "", (10, 1), "`kind` is missing", "belongs in here"),
    // Units.
    ("\"4m\"", "240", (2, 12), "`duration`: cannot be integer 240", "such as \"60s\""),
    ("\"4m\"", "\"4 minutes\"", (2, 12), "\"4 minutes\"", "\"4m\" or \"1h\""),
    ("5_000", "\"5K\"", (1, 7), "`rps`: cannot be string \"5K\"", "a number such as 5_000"),
    (
        "\"200%\"",
        "\"200 percent\"",
        (8, 53),
        "`provider.azure.tpm`",
        "such as \"30M\", 450_000, or \"200%\"",
    ),
    ("\"200%\"", "2.0", (8, 53), "`provider.azure.tpm`: cannot be floating point 2.0", "\"200%\""),
    ("start", "error = { rate = 1 }\nstart", (13, 18), "`fault.0.error.rate`", "\"25%\" or 0.25"),
    ("\"90s\"", "90", (13, 9), "`fault.0.start`: cannot be integer 90", "phase = \"random\""),
    // Impossible values.
    ("5_000", "-5", (1, 7), "`rps` cannot be -5", "above 0, at most 10_000_000"),
    ("5_000", "20_000_000", (1, 7), "`rps` cannot be 20000000", "at most 10_000_000"),
    ("\"4m\"", "\"0s\"", (2, 12), "a run cannot last 0s", "from \"1s\" to \"366d\""),
    ("\"4m\"", "\"400d\"", (2, 12), "a run cannot last", "from \"1s\" to \"366d\""),
    ("keys = 4", "keys = 0", (8, 44), "`provider.azure.keys` cannot be 0", "1 to 1_000_000"),
    ("keys = 4", "keys = 900_000", (8, 44), "1800004 routes are too many", "at most 1,000,000"),
    ("p90 = 2_734", "p90 = 100", (6, 34), "less than the median", "at least the median"),
    ("p90 = 2_734", "", (6, 10), "not a distribution", "{ median = 1_020, p90 = 2_734 }"),
    ("chat = 80", "chat = 0", (5, 19), "`workload.models.chat` cannot be 0", "a weight above 0"),
    ("keys = 4", "keys = 4, error_rate = \"150%\"", (8, 60), "cannot be 150%", "up to \"100%\""),
    (
        "keys = 4",
        "keys = 4, queue = 5",
        (8, 55),
        "no effect without `concurrency`",
        "concurrency = 2_000",
    ),
    ("keys = 4", "keys = [\"a\", \"a\"]", (8, 50), "key `a` comes twice", "another name"),
    (
        "[provider]",
        "arrivals = { kind = \"gamma\" }\n[provider]",
        (7, 12),
        "`cv` is missing",
        "gamma arrivals need",
    ),
    (
        "[provider]",
        "arrivals = { kind = \"gama\" }\n[provider]",
        (7, 21),
        "unknown word `gama`",
        "did you mean `gamma`?",
    ),
    (
        "[provider]",
        "rate = { steps = [[\"9s\", \"50%\"], [\"3s\", \"90%\"]] }\n[provider]",
        (7, 35),
        "3s comes after 9s",
        "ascending",
    ),
    (
        "[provider]",
        "rate = { steps = [[\"0s\", \"0%\"]] }\n[provider]",
        (7, 8),
        "zero all the time",
        "nobody",
    ),
    // Names that do not exist.
    (
        "azure/gpt-4o",
        "azure/gpt4o",
        (8, 21),
        "no profile `azure/gpt4o`",
        "did you mean `azure/gpt-4o`?",
    ),
    (
        "\"bifrost-published\"",
        "\"bifrost\"",
        (3, 10),
        "no policy `bifrost`",
        "did you mean `bifrost-published`?",
    ),
    (
        "\"bifrost-published\"",
        "{ name = \"bifrost-published\", tikc = 5 }",
        (3, 47),
        "no parameter `tikc`",
        "did you mean `tick`?",
    ),
    (
        "\"bifrost-published\"",
        "{ name = \"bifrost-published\", tick = \"2h\" }",
        (3, 47),
        "`tick`",
        "0.1s to 60s",
    ),
    (
        "\"error-burst\"",
        "\"eror-burst\"",
        (11, 8),
        "no kind of fault `eror-burst`",
        "did you mean `error-burst`?",
    ),
    ("on = \"azure\"", "on = \"azrue\"", (12, 6), "no provider `azrue`", "did you mean `azure`?"),
    (
        "on = \"azure\"",
        "on = [\"azure\", \"azure:smal\"]",
        (12, 16),
        "no model `smal`",
        "did you mean `small`?",
    ),
    ("on = \"azure\"", "on = \"azure/key-9\"", (12, 6), "no key `key-9`", "`key-1`, `key-2`"),
    (
        "on = \"azure\"",
        "on = \"bedrock@us-east\"",
        (12, 6),
        "no region `us-east`",
        "did you mean `us-east-1`?",
    ),
    ("on = \"azure\"", "on = []", (12, 6), "is on nothing", "such as \"azure\""),
    (
        "keys = 4",
        "keys = 4, models = [\"caht\"]",
        (8, 57),
        "asks for a model `caht`",
        "did you mean `chat`?",
    ),
    // Things that do not fit together.
    ("\"90s\"", "\"5m\"", (13, 9), "`fault.0.start` is 300s, after the run", "ends at 240s"),
    (
        "\"90s\"",
        "{ at = \"200s\", phase = \"random\" }",
        (13, 9),
        "as late as 260s",
        "ends at 240s",
    ),
    (
        "start",
        "decode = 4\nstart",
        (13, 10),
        "error-burst has no `decode`",
        "not a key of this kind",
    ),
    (
        "error-burst",
        "one-model",
        (12, 6),
        "`azure` does not name a model",
        "such as \"azure:chat\"",
    ),
    ("error-burst", "limit-cut\"\nfactor = \"0%", (12, 10), "nothing left", "above 0"),
    (
        "[workload]",
        "[workload]\nclosed = { clients = 50 }",
        (1, 7),
        "`rps` has no effect",
        "closed loop",
    ),
    (
        "rps = 5_000\nduration = \"4m\"\npolicy = \"bifrost-published\"\n[workload]",
        "duration = \"4m\"\npolicy = \"bifrost-published\"\n[workload]\nclosed = { clients = 50 }",
        (8, 53),
        "a closed loop has no rate",
        "such as \"30M\"",
    ),
    (
        "azure = { profile = \"azure/gpt-4o\", keys = 4, tpm = \"200%\" }\nbedrock = {",
        "bedrock = { weight = 0,",
        (7, 2),
        "sum to nothing",
        "at least one weight above 0",
    ),
    (
        "azure = { profile = \"azure/gpt-4o\", keys = 4, tpm = \"200%\" }\nbedrock = {",
        "bedrock = { models = [\"chat\"],",
        (7, 2),
        "no provider serves the model `small`",
        "add \"small\" to the models of a provider",
    ),
    (
        "error-burst\"\non = \"azure\"",
        "tpm-wall\"\non = \"bedrock\"",
        (12, 6),
        "`bedrock` has no limit",
        "provider.bedrock.tpm = \"200%\"",
    ),
    (
        "[workload]",
        "[trace]\nfile = \"x\"\nformat = \"azure\"\n[workload]",
        (1, 7),
        "`rps` has no effect with a trace",
        "scale = { to = 5_000 }",
    ),
    (
        "[[fault]]",
        "[[expect]]\nmetric = \"goodput\"\n[[fault]]",
        (10, 1),
        "expects nothing",
        "max = \"12s\"",
    ),
    (
        "[[fault]]",
        "[[expect]]\nmetric = \"goodput\"\nfault = \"x\"\nmin = 99\n[[fault]]",
        (12, 9),
        "no fault `x`",
        "only `error-burst`",
    ),
    (
        "[[fault]]",
        "[start]\nepoch = \"noon\"\n[[fault]]",
        (11, 9),
        "`start.epoch` cannot be \"noon\"",
        "2025-06-02T12:00:00Z",
    ),
    (
        "[[fault]]",
        "[incidents]\ncompress = 0.5\n[[fault]]",
        (11, 12),
        "cannot be 0.5",
        "such as 600",
    ),
    // Nodes, and what happens to them.
    ("[[fault]]", "[gateway]\nnodes = 0\n[[fault]]", (11, 9), "0 nodes", "such as nodes = 3"),
    (
        "[[fault]]",
        "[gateway]\nnodes = \"three\"\n[[fault]]",
        (11, 9),
        "three",
        "a number of nodes such as 3",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = [{ regoin = \"eu\" }]\n[[fault]]",
        (11, 12),
        "regoin",
        "did you mean `region`?",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = [{ weight = 0 }]\n[[fault]]",
        (11, 21),
        "a node cannot weigh 0",
        "such as 2",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = 64\nworkers = 5\n[[fault]]",
        (12, 11),
        "320 processes are too many",
        "at most 256",
    ),
    (
        "[[fault]]",
        "[gateway]\nshare = \"ful\"\n[[fault]]",
        (11, 9),
        "unknown word `ful`",
        "did you mean `full`?",
    ),
    (
        "[[fault]]",
        "[gateway]\nnetwork = { delay = { median = \"90ms\", p90 = \"50ms\" } }\n[[fault]]",
        (11, 46),
        "not a delay",
        "such as { median = \"50ms\", p90 = \"90ms\" }",
    ),
    (
        "[[fault]]",
        "[[node_event]]\nkind = \"crash\"\non = \"node-1\"\nstart = \"9s\"\n[[fault]]",
        (12, 6),
        "the gateway has one node",
        "such as gateway.nodes = 3",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = 3\n[[node_event]]\nkind = \"crash\"\non = \"node-4\"\nstart = \"9s\"\n[[fault]]",
        (14, 6),
        "no gateway node, and no region of one, is `node-4`",
        "did you mean `node-",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = 3\n[[node_event]]\nkind = \"leave\"\non = \"node-2\"\nstart = \"9s\"\nlasts = \"9s\"\n[[fault]]",
        (16, 9),
        "kind leave has no `lasts`",
        "not a key of this kind",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = 3\n[[node_event]]\nkind = \"restart\"\non = \"*\"\nstart = \"9s\"\nlasts = \"5s\"\n[[fault]]",
        (16, 9),
        "over before 10s of draining",
        "at least `drain`",
    ),
    (
        "[[fault]]",
        "[gateway]\nnodes = 3\n[[node_event]]\nkind = \"partition\"\non = \"*\"\nstart = \"9s\"\n[[fault]]",
        (14, 6),
        "a partition has two sides",
        "some of the nodes",
    ),
    (
        "start",
        "seen_from = \"eu\"\nstart",
        (13, 13),
        "no gateway node is in a region `eu`",
        "a region of `gateway.nodes`",
    ),
    (
        "[[fault]]",
        "[gateway]\nmax_in_flight = 0\n[[fault]]",
        (11, 17),
        "cannot be 0",
        "such as 100_000",
    ),
];

#[test]
fn every_mistake_is_shown_where_it_is_with_a_remedy() {
    let mut wrong = Vec::new();
    for (from, to, place, message, remedy) in ROWS {
        assert!(BASE.contains(from), "{from}");
        let error = match read(&BASE.replacen(from, to, 1), &[]) {
            Ok(_) => {
                wrong.push(format!("{to}: accepted"));
                continue;
            }
            Err(error) => error,
        };
        let remedies = format!("{}\n{}", error.expected(), error.help().unwrap_or_default());
        let is_right = error.line_column() == Some(*place)
            && error.message().contains(message)
            && remedies.contains(remedy);
        if !is_right {
            let at = error.line_column();
            wrong.push(format!("{to}\n  {at:?} {}\n  {remedies}", error.message()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}

#[test]
fn whatever_is_cut_out_of_a_file_the_answer_is_a_scenario_or_a_place_in_it() {
    for length in [1, 3, 8, 20] {
        for start in 0..BASE.len() - length {
            let text = format!("{}{}", &BASE[..start], &BASE[start + length..]);
            if let Err(error) = read(&text, &[]) {
                let (line, _) = error.line_column().expect("an error in a text has a place in it");
                assert!(line <= text.lines().count() + 1, "{text}\n{error:?}");
                assert!(!error.message().is_empty() && !error.expected().is_empty());
            }
        }
    }
}
