//! What a user gets wrong, through the binary: one clear message with the place and a remedy, exit code
//! 2, nothing on stdout, and earlier results as they were.
//!
//! Places inside a scenario are tested one by one where it is parsed; here are the ways in which files,
//! folders and command lines go wrong.

use crate::program::{Desk, SHORT};

/// What is wrong: a name for the row, files to write, the command, and what its message must say.
struct Case {
    what: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    args: Vec<&'static str>,
    says: &'static [&'static str],
}

/// A case of `windtunnel run bad.toml`, where the file is the short scenario with one change.
fn edited(
    what: &'static str,
    from: &'static str,
    to: &'static str,
    says: &'static [&'static str],
) -> Case {
    assert!(SHORT.contains(from), "{from}");
    file(what, SHORT.replacen(from, to, 1).into_bytes(), says)
}

/// A case of `windtunnel run bad.toml` with these bytes.
fn file(what: &'static str, bytes: Vec<u8>, says: &'static [&'static str]) -> Case {
    Case { what, files: vec![("bad.toml", bytes)], args: vec!["run", "bad.toml"], says }
}

/// A case of a command on the short scenario.
fn typed(what: &'static str, args: &[&'static str], says: &'static [&'static str]) -> Case {
    Case { what, files: Vec::new(), args: args.to_vec(), says }
}

/// A case of a scenario that replays these bytes.
fn traced(what: &'static str, bytes: impl AsRef<[u8]>, says: &'static [&'static str]) -> Case {
    let trace = bytes.as_ref().to_vec();
    let mut case = file(what, TRACED.into(), says);
    case.files.push(("trace.csv", trace));
    case
}

const TRACED: &str = r#"duration = "20s"
policy = "random"
[trace]
file = "trace.csv"
format = "azure"
scale = { to = 100 }
[provider]
one = { profile = "plain" }
"#;

const HEAD: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

fn scenarios() -> Vec<Case> {
    vec![
        edited("not TOML", "rps = 200", "rps = = 200", &["not TOML", "bad.toml:2:7"]),
        edited(
            "unknown key",
            "duration",
            "durration",
            &["bad.toml:3:1", "unknown key `durration`", "did you mean `duration`?"],
        ),
        edited(
            "wrong type",
            "200",
            "true",
            &["bad.toml:2:7", "`rps`: cannot be boolean true", "a number such as 5_000"],
        ),
        edited(
            "no unit",
            "\"20s\"",
            "\"20\"",
            &["bad.toml:3:12", "`duration`: cannot be string \"20\"", "\"4m\" or \"1h\""],
        ),
        edited(
            "negative rate",
            "200",
            "-200",
            &["bad.toml:2:7", "`rps` cannot be -200", "above 0"],
        ),
        edited("endless rate", "200", "inf", &["bad.toml:2:7", "`rps`", "a number such as 5_000"]),
        edited(
            "zero horizon",
            "\"20s\"",
            "\"0s\"",
            &["bad.toml:3:12", "a run cannot last 0s", "such as \"4m\""],
        ),
        edited(
            "absurd length",
            "\"20s\"",
            "\"300d\"",
            &["bad.toml:3:12", "requests are too many for one run", "--replications"],
        ),
        edited(
            "absurd number of keys",
            "keys = 2",
            "keys = 1_000_000",
            &["bad.toml:9:44", "routes are too many", "keys × models × regions"],
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        edited(
            "a fault on nobody",
            "on = \"azure\"",
            "on = \"azrue\"",
            &["bad.toml:13:6", "no provider `azrue`", "did you mean `azure`?"],
        ),
        edited(
            "a fault on a key that is not there",
            "on = \"azure\"",
            "on = \"azure/key-9\"",
            &["bad.toml:13:6", "no key `key-9`", "`key-1`"],
        ),
        edited(
            "a model that nobody serves",
            "keys = 2, tpm = \"200%\" }\nopenai = {",
            "keys = 2, models = [\"chat\"] }\nopenai = { models = [\"chat\"],",
            &["bad.toml:8:2", "no provider serves the model `small`", "add \"small\""],
        ),
        edited(
            "weights that sum to nothing",
            "profile = \"azure/gpt-4o\", keys = 2, tpm = \"200%\" }\nopenai = {",
            "weight = 0, profile = \"azure/gpt-4o\", keys = 2 }\nopenai = { weight = 0,",
            &["bad.toml:8:2", "sum to nothing", "at least one weight above 0"],
        ),
        edited(
            "unknown policy",
            "\"bifrost-published\"",
            "\"bifrost-publisht\"",
            &["bad.toml:4:10", "no policy `bifrost-publisht`", "did you mean `bifrost-published`?"],
        ),
        edited(
            "unknown parameter",
            "\"bifrost-published\"",
            "{ name = \"bifrost-published\", state.windwo = \"5s\" }",
            &["bad.toml:4:55", "no parameter `state.windwo`", "did you mean `state.window`?"],
        ),
        edited(
            "contradictory parameters",
            "\"bifrost-published\"",
            "{ name = \"bifrost-published\", state.window = \"12s\" }",
            &[
                "bad.toml:4:55",
                "not a whole number of intervals",
                "10 s and 15 s",
                "list parameters",
            ],
        ),
    ]
}

fn files() -> Vec<Case> {
    let mut long = b"x = ".to_vec();
    long.extend(std::iter::repeat_n(b'[', 100_000));
    let mut vast = SHORT.as_bytes().to_vec();
    vast.extend(b"a = 1\n".repeat(50_000_000 / 6));
    let mut binary: Vec<u8> = SHORT.bytes().collect();
    binary.extend([0xff, 0xfe, 0x00, 0x80]);
    vec![
        typed(
            "no such file",
            &["run", "shrot.toml"],
            &["there is no file shrot.toml", "short.toml?"],
        ),
        typed("not even alike", &["run", "q.toml"], &["there is no file q.toml", "windtunnel new"]),
        typed("a folder", &["run", "."], &["it is a folder", "such as ./short.toml"]),
        file("nothing", Vec::new(), &["bad.toml is empty", "windtunnel new NAME"]),
        file("binary", binary, &["bad.toml:17: not text in UTF-8", "a scenario is a TOML file"]),
        file("one endless line", long, &["bad.toml:1:", "recursion"]),
        file("50 MB", vast, &["too large for a scenario: over 16 MiB", "[trace]"]),
        Case {
            what: "a file in the place of the output folder",
            files: vec![("taken", Vec::new())],
            args: vec!["run", "short.toml", "--out", "taken"],
            says: &["cannot write into taken", "is a file", "choose another folder"],
        },
        Case {
            what: "a file above the output folder",
            files: vec![("taken", Vec::new())],
            args: vec!["run", "short.toml", "--out", "taken/deep/er"],
            says: &["cannot write into taken/deep/er", "taken is a file"],
        },
    ]
}

fn command_lines() -> Vec<Case> {
    vec![
        typed(
            "a seed of letters",
            &["run", "short.toml", "--seed", "abc"],
            &["'abc' for '--seed", "a whole number from 0"],
        ),
        typed(
            "a negative seed",
            &["run", "short.toml", "--seed", "-1"],
            &["'-1' for '--seed", "a whole number from 0"],
        ),
        typed("no replications", &["run", "short.toml", "-R", "0"], &["'0' for '--repl", "1..="]),
        typed(
            "a policy that is not there",
            &["run", "short.toml", "--policy", "windtunel"],
            &["no policy `windtunel`", "did you mean `windtunnel`?"],
        ),
        typed(
            "its parameters neither",
            &["list", "parameters", "--policy", "windtunel"],
            &["no policy `windtunel`", "did you mean `windtunnel`?"],
        ),
        typed(
            "an override without a value",
            &["run", "short.toml", "--set", "rps"],
            &["--set rps: not of the form path=value", "--set rps=8000"],
        ),
        typed(
            "an override of the wrong kind",
            &["run", "short.toml", "--set", "fault.0.lasts=4"],
            &["short.toml:15:9", "`fault.0.lasts`", "comes from --set fault.0.lasts=4"],
        ),
        typed(
            "an override into nothing",
            &["run", "short.toml", "--set", "fault.3.lasts=4s"],
            &["no element `3` in a list of 1", "numbered from 0"],
        ),
        typed(
            "contradictory overrides",
            &["run", "short.toml", "--set", "policy.state.window=12s"],
            &["10 s and 15 s", "comes from --set policy.state.window=12s"],
        ),
        typed(
            "a name with a blank",
            &["new", "a b"],
            &["cannot be called `a b`", "letters, digits"],
        ),
        typed("a name that is taken", &["new", "short"], &["short.toml exists", "another name"]),
        typed("no folder to list", &["list", "scenarios"], &["cannot read scenarios", "run this"]),
        typed(
            "a rate below zero",
            &["trace", "synth", "--rate", "-1"],
            &["--rate must be above 0"],
        ),
        typed("no trace", &["trace", "info", "none.csv"], &["none.csv: cannot be read"]),
        typed(
            "no such format",
            &["trace", "info", "short.toml", "--format", "csv"],
            &["`csv` is no trace format", "azure, mooncake, burstgpt"],
        ),
    ]
}

fn traces() -> Vec<Case> {
    let rows = |rows: &str| format!("{HEAD}{rows}");
    let mut missing =
        traced("missing", "", &["bad.toml:4:8", "trace.csv: cannot be read", "folder"]);
    missing.files.pop();
    vec![
        missing,
        traced("empty", "", &["bad.toml:4:8", "trace.csv: has no rows", "at least one"]),
        traced("a head alone", HEAD, &["trace.csv: has no rows"]),
        traced("no columns", "when,tokens\n1,2\n", &["no column `TIMESTAMP`", "when,tokens"]),
        traced("no header", "a,b\n1,2\n", &["trace.csv:1: no header row", "--map"]),
        traced(
            "a bad row",
            rows("2023-11-16 18:17:03.9,10,10\n2023-11-16 18:17:04.9,ten,10\n"),
            &[
                "bad.toml:4:8",
                "trace.csv:3: ContextTokens: expected a whole number",
                "a text of 3 characters",
            ],
        ),
        traced(
            "a short row",
            rows("2023-11-16 18:17:03.9,10,10\n2023-11-16 18:17:04.9,10\n"),
            &["trace.csv:3: row: expected as many fields as the header has"],
        ),
        traced(
            "one stamp to scale",
            rows("2023-11-16 18:17:05.9,10,10\n"),
            &["bad.toml:6:9", "has no rate", "no `scale`"],
        ),
        traced("binary", [HEAD.as_bytes(), &[0xff, 0xfe, b'\n']].concat(), &["trace.csv:2: row:"]),
        traced(
            "tokens beyond belief",
            rows("2023-11-16 18:17:05.9,10,4000000000\n"),
            &[
                "trace.csv:2: GeneratedTokens: expected at most 100,000,000",
                "is this the right column?",
            ],
        ),
    ]
}

/// A page without the breaks that its width puts into it.
fn flat(page: &str) -> String {
    let rows = page.lines().map(|line| line.trim_start_matches([' ', '|', '`']).trim_end());
    rows.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_mistake_has_one_clear_message_and_costs_nothing() {
    let mut wrong = Vec::new();
    let cases = [scenarios(), names(), files(), command_lines(), traces()];
    for Case { what, files, args, says } in cases.into_iter().flatten() {
        let desk = Desk::new();
        desk.write("results/bad/summary.json", "earlier");
        desk.write("results/short/summary.json", "earlier");
        for (name, bytes) in files {
            desk.write(name, bytes);
        }
        let ended = desk.run(&args);
        let page = flat(&ended.stderr);
        let mut faults: Vec<String> = says
            .iter()
            .filter(|part| !page.contains(*part))
            .map(|part| format!("no {part}"))
            .collect();
        let heads = ["error: ", "  x "];
        let messages =
            ended.stderr.lines().filter(|line| heads.iter().any(|h| line.starts_with(h)));
        let messages = messages.count();
        let whole = ["bad", "short"].iter().all(|name| {
            let files = desk.files(&format!("results/{name}"));
            files.len() == 1 && files["summary.json"] == b"earlier"
        });
        let checks = [
            (ended.code == Some(2), format!("exit code {:?}", ended.code)),
            (ended.stdout.is_empty(), "something on stdout".to_owned()),
            (messages == 1, format!("{messages} messages")),
            (ended.stderr.len() < 2_000, "a page too long to read".to_owned()),
            (whole, "earlier results changed".to_owned()),
        ];
        faults.extend(checks.into_iter().filter(|(fine, _)| !fine).map(|(_, fault)| fault));
        if !faults.is_empty() {
            let shown: String = ended.stderr.chars().take(2_000).collect();
            wrong.push(format!("{what}: {}\n{shown}", faults.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{} mistakes:\n{}", wrong.len(), wrong.join("\n"));
}
