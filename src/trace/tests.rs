//! Reading small files, right and wrong; real traces where they are at hand; synthetic ones.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::engine::Span;
use crate::sim::spec::{Replay, Rows, Scaling, TraceFacts};

/// A file that goes when it is dropped.
fn file(text: &str) -> tempfile::TempPath {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file.into_temp_path()
}

fn loaded(path: &Path, format: TraceFormat) -> Result<(TraceFacts, Rows), TraceError> {
    let (facts, rows, _) = load(&Source::open(path, &Choice::Format(format))?)?;
    Ok((facts, rows))
}

fn read(text: &str, format: TraceFormat) -> Vec<(u64, u32, u32)> {
    let file = file(text);
    let (facts, rows) = loaded(&file, format).unwrap();
    // Opened twice, as a looped replay does.
    assert_eq!((rows.0)().count() as u64, facts.rows);
    (rows.0)().map(|row| (row.at.0, row.prompt, row.output)).collect()
}

fn refusal(text: &str, format: TraceFormat) -> String {
    let file = file(text);
    let error = loaded(&file, format).unwrap_err().to_string();
    error.replace(&file.display().to_string(), "FILE")
}

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:17:04.0319600,110,0
";

#[test]
fn azure_rows_count_from_the_first_stamp() {
    let expected = [(0, 4808, 10), (52_000_000, 3180, 8), (52_000_000, 110, 1)];
    assert_eq!(read(AZURE, TraceFormat::Azure), expected);
    let of_2024 = AZURE.replace(",4808", "+00:00,4808").replace(",3180", "+00:00,3180");
    assert_eq!(read(&of_2024, TraceFormat::Azure), expected);
    let (facts, _) = loaded(&file(AZURE), TraceFormat::Azure).unwrap();
    assert_eq!((facts.rows, facts.span), (3, Span::from_millis(52)));
    assert!((facts.prompt_mean - 2699.333).abs() < 0.001);
}

#[test]
fn rows_out_of_order_are_sorted() {
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:09,3,1
2023-11-16 18:17:04,1,1
2023-11-16 18:17:05,2,1
";
    let expected = [(0, 1, 1), (1_000_000_000, 2, 1), (5_000_000_000, 3, 1)];
    assert_eq!(read(text, TraceFormat::Azure), expected);
}

#[test]
fn burstgpt_columns_are_found_by_name_and_failures_ask_for_one_token() {
    let old = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45.5,GPT-4,0,0,0,API log
";
    let expected = [(0, 472, 18), (40_500_000_000, 1, 1)];
    assert_eq!(read(old, TraceFormat::BurstGpt), expected);
    let new = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Log Type
5,a,1.2,ChatGPT,472,18,Conversation log
45.5,b,,GPT-4,0,0,API log
";
    assert_eq!(read(new, TraceFormat::BurstGpt), expected);
}

#[test]
fn mooncake_lines_are_read_without_their_hashes() {
    let text = r#"{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}
{"timestamp": 3000, "input_length": 7322, "output_length": 490, "hash_ids": []}

"#;
    let expected = [(0, 6758, 500), (3_000_000_000, 7322, 490)];
    assert_eq!(read(text, TraceFormat::Mooncake), expected);
}

#[test]
fn what_is_wrong_is_said_by_line_and_column_with_an_example() {
    use TraceFormat::{Azure, BurstGpt, Mooncake};
    let cases = [
        (
            refusal(&AZURE.replace("3180", "many"), Azure),
            "FILE:3: ContextTokens: expected a whole number of tokens, e.g. `1024`, found `a text of \
             4 characters`",
        ),
        (
            refusal(&AZURE.replace("2023-11-16 18:17:03.9799600", "18:17"), Azure),
            "FILE:2: TIMESTAMP: expected a date and a time of day in UTC, e.g. \
             `2023-11-16 18:17:03.9799600`, found `18:17`",
        ),
        (
            refusal(&AZURE.replace("ContextTokens", "Context"), Azure),
            "FILE:1: no column `ContextTokens`; the header is `TIMESTAMP,Context,GeneratedTokens`",
        ),
        (
            refusal(&AZURE.replace(",110,0", ",110"), Azure),
            "FILE:4: row: expected as many fields as the header has, e.g. `a,b,c`, found \
             `2 fields instead of 3`",
        ),
        (
            refusal("TIMESTAMP,ContextTokens,GeneratedTokens\n", Azure),
            "FILE: has no rows: it needs at least one request",
        ),
        (
            refusal(&AZURE.replace("3180", "318000000"), Azure),
            "FILE:3: ContextTokens: expected at most 100,000,000 tokens (is this the right column?), e.g. \
             `1024`, found `318000000`",
        ),
        (
            refusal(&AZURE.replace("2023-11-16 18:17:03", "2022-11-15 18:17:03"), Azure),
            "FILE:3: stamp is 366 days after the first: a trace is at most a year long",
        ),
        (refusal("", BurstGpt), "FILE: has no rows: it needs at least one request"),
        (refusal("\n", Mooncake), "FILE: has no rows: it needs at least one request"),
        (
            refusal("{\"timestamp\": 0, \"input_length\": 5}\n", Mooncake),
            "FILE:1: output_length: expected a whole number of tokens, e.g. `1024`, found `nothing`",
        ),
        (
            refusal("{\"timestamp\": 0, \"input_length\"\n", Mooncake),
            "FILE:1: object: expected a JSON object, e.g. `{\"timestamp\": 3000, \"input_length\": \
             6758}`, found `an object not \
             closed`",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
    let missing = loaded(Path::new("no/such.csv"), Azure).unwrap_err().to_string();
    assert!(missing.starts_with("no/such.csv: cannot be read: "), "{missing}");
    assert!("csv".parse::<TraceFormat>().unwrap_err().to_string().contains("azure, mooncake"));
    for format in TraceFormat::ALL {
        assert_eq!(format.name().parse::<TraceFormat>().unwrap(), format);
    }
}

fn synthetic() -> Synthetic {
    Synthetic::coding(1)
}

fn small() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/data/azure-small.csv")
}

#[test]
fn the_committed_trace_is_what_synth_makes_and_check_accepts() {
    let mut made = Vec::new();
    let rows = synth(&synthetic(), &mut made).unwrap();
    assert_eq!(String::from_utf8(made).unwrap(), fs::read_to_string(small()).unwrap());
    let (facts, _) = loaded(&small(), TraceFormat::Azure).unwrap();
    assert_eq!(facts.rows, rows);
    assert!((rows as f64 / 7200.0 - 1.0).abs() < 0.15, "{rows}");
    assert!((facts.prompt_mean / 2048.0 - 1.0).abs() < 0.25, "{}", facts.prompt_mean);
}

/// A replay of a real trace; `None`, loudly, where the folder of traces is missing.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn real(name: &str, format: TraceFormat) -> Option<Replay> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not here", file.display());
        return None;
    }
    let (facts, rows) = loaded(&file, format).unwrap();
    let (part, spread) = ((Span::ZERO, None), Span::ZERO);
    Some(Replay { rows, facts, scale: None, part, spread, blocks: None })
}

#[test]
fn in_place_scaling_keeps_the_bursts_of_a_real_trace_and_superposing_does_not() {
    let Some(plain) = real("azure_llm_2023_code.csv", TraceFormat::Azure) else { return };
    assert_eq!(plain.facts.rows, 8819);
    assert!((plain.facts.prompt_mean - 2048.0).abs() < 1.0);
    let length = plain.facts.span;
    let before = dispersion((plain.rows.0)(), length);
    let scaled = |how| {
        let replay = Replay { scale: Some((5000.0, how)), ..plain.clone() };
        dispersion(replayed(&replay, 1, length), length)
    };
    let in_place = scaled(Scaling::InPlace);
    let superposed = scaled(Scaling::Superpose);
    // Minutes of tokens: 3.04 times the mean at the 95th percentile before and after, against 1.04.
    assert!((before.tokens.minute_p95_over_mean - 3.04).abs() < 0.01, "{before:?}");
    assert!((in_place.tokens.minute_p95_over_mean - 3.04).abs() < 0.02, "{in_place:?}");
    assert!((superposed.tokens.minute_p95_over_mean - 1.04).abs() < 0.02, "{superposed:?}");
    // Seconds: in place the index of dispersion grows with the rate, 1,948-fold.
    let growth = in_place.requests.index[0] / before.requests.index[0];
    assert!((growth / 1948.0 - 1.0).abs() < 0.01, "{growth}");
    assert!(superposed.requests.index[0] < 20.0, "{superposed:?}");
    for scaled in [in_place, superposed] {
        assert!((scaled.rows as f64 / (5000.0 * length.as_secs_f64()) - 1.0).abs() < 0.001);
    }
}

#[test]
fn mooncake_s_steps_are_spread_before_use() {
    let name = "mooncake_fast25_conversation.jsonl";
    let Some(plain) = real(name, TraceFormat::Mooncake) else { return };
    assert_eq!(plain.facts.rows, 12_031);
    let length = plain.facts.span;
    let spread = Replay { spread: Span::from_secs(3), ..plain.clone() };
    let steps = dispersion((plain.rows.0)(), length);
    let even = dispersion(replayed(&spread, 1, length), length);
    // Per second the steps are an artefact; per minute both say the same.
    assert!(steps.requests.index[0] > 7.0 && even.requests.index[0] < 3.0, "{steps:?} {even:?}");
    assert!((steps.requests.index[2] / even.requests.index[2] - 1.0).abs() < 0.2);
}

/// Every way in which a log can be read.
fn ways() -> Vec<Choice> {
    let formats = TraceFormat::ALL.into_iter().map(Choice::Format);
    let maps = ["time=a,prompt=b", "time=a.b@ms,prompt=c,output=d,status=e,tenant=f"];
    let maps = maps.into_iter().map(|map| Choice::Map(map.into()));
    [Choice::Recognise].into_iter().chain(formats).chain(maps).collect()
}

/// Any bytes give entries or one clear error, in every way of reading.
fn survive(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    for choice in ways() {
        match Source::open(file.path(), &choice) {
            Ok(source) => {
                let source = source.with_unreadable(0.5);
                let census = Census::of(&source, &Hide::Nothing).map_err(|error| error.to_string());
                let loaded = load(&source).map_err(|error| error.to_string());
                if let Ok((facts, rows, _)) = loaded {
                    assert!(facts.rows >= 1);
                    assert!((rows.0)().take(1_000).all(|row| row.at <= facts.span));
                }
                assert!(census.is_ok() || !census.unwrap_err().is_empty());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Small logs of every format, to be cut and changed.
fn corpus() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let names = [
        "litellm.csv",
        "litellm.json",
        "otel-flat.jsonl",
        "otel-otlp.jsonl",
        "kong.jsonl",
        "own.csv",
    ];
    let mut all: Vec<Vec<u8>> = names.map(|name| fs::read(folder.join(name)).unwrap()).to_vec();
    all.push(AZURE.as_bytes().to_vec());
    all.push(b"{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 5}\n".to_vec());
    all
}

#[test]
fn a_log_cut_or_changed_anywhere_gives_entries_or_one_error() {
    // A loop of a fuzzer's kind, the same every time: cuts, swapped bytes, doubled and dropped pieces.
    let mut stream = crate::sim::stream::Stream::new(11, "mutations", 0);
    let corpus = corpus();
    for round in 0..160 {
        let mut bytes = corpus[round % corpus.len()].clone();
        for _ in 0..1 + stream.next() % 4 {
            let at = (stream.next() % bytes.len().max(1) as u64) as usize;
            let to = (at + (stream.next() % 40) as usize).min(bytes.len());
            match stream.next() % 6 {
                0 => bytes.truncate(at.max(1)),
                1 if at < bytes.len() => bytes[at] = stream.next() as u8,
                2 => drop(bytes.drain(at..to)),
                3 => {
                    let piece = bytes[at..to].to_vec();
                    bytes.splice(at..at, piece);
                }
                4 if at < bytes.len() => {
                    bytes[at] = b"\"{}[],\n\\9-"[(stream.next() % 10) as usize];
                }
                _ => drop(bytes.splice(at..at, *b"99999999999999999999")),
            }
        }
        survive(&bytes);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 60,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_give_entries_or_one_error(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)
    ) {
        survive(&bytes);
    }

    #[test]
    fn any_lines_of_json_give_entries_or_one_error(
        lines in proptest::collection::vec("[\\[\\]{}\",:a-f0-9.eE+\\- \\\\]{0,60}", 0..8)
    ) {
        survive(lines.join("\n").as_bytes());
        survive(format!("{{{}", lines.join("\n")).as_bytes());
    }
}

#[test]
fn blocks_of_a_log_are_read_where_a_source_is_asked_for_them() {
    let text = "{\"timestamp\": 0, \"input_length\": 900, \"output_length\": 5, \"hash_ids\": [7, 8]}\n\
                {\"timestamp\": 3000, \"input_length\": 1400, \"output_length\": 5, \"hash_ids\": [7, 8, 9]}\n\
                {\"timestamp\": 6000, \"input_length\": 10, \"output_length\": 5}\n";
    let file = file(text);
    let source = Source::open(&file, &Choice::Recognise).unwrap();
    let (_, rows, none) = load(&source).unwrap();
    assert!(none.is_none() && (rows.0)().all(|row| row.leaf == 0));
    let (_, rows, tree) = load(&source.with_blocks().unwrap()).unwrap();
    let tree = tree.unwrap();
    let leaves: Vec<u32> = (rows.0)().map(|row| row.leaf).collect();
    assert_eq!((tree.len(), leaves[2]), (3, 0));
    assert_eq!(tree.up(leaves[1]).count(), 3);
    assert_eq!(tree.up(leaves[1]).nth(1), Some(leaves[0]));
    let csv = self::file(AZURE);
    let azure = Source::open(&csv, &Choice::Recognise).unwrap();
    let refused = azure.with_blocks().unwrap_err().to_string();
    assert!(refused.contains("azure, which says nothing"), "{refused}");
    // Something else than a list of numbers is no list.
    let broken = text.replace("[7, 8, 9]", "[\"a\"]");
    let file = self::file(&broken);
    let source = Source::open(&file, &Choice::Recognise).unwrap().with_blocks().unwrap();
    assert!(load(&source).unwrap_err().to_string().contains(":2: object"));
}

#[test]
fn no_cell_of_a_table_without_a_header_is_ever_shown() {
    let texts = [
        "Summarise my diagnosis,please answer in German\nmore,of it\n",
        "2024-05-01T10:00:00Z,1200,40,gpt-4o\n2024-05-01T10:00:01Z,900,10,gpt-4o\n",
        "what is my time left,doctor\n1,2\n",
        "time,what did you tell my lawyer about the model of his\n1,2\n",
        "Diagnose,Wunsch\n1,2\n",
        "time,prompt: \"my pin is 4711\"\n1,2\n",
    ];
    for text in texts {
        for choice in [
            Choice::Recognise,
            Choice::Format(TraceFormat::Azure),
            Choice::Map("time=when_it_was,prompt=tokens_in,output=tokens_out".into()),
        ] {
            let file = file(text);
            let refused = Source::open(&file, &choice).and_then(|source| {
                source.each(|_| {})?;
                Ok(())
            });
            let said =
                refused.unwrap_err().to_string().replace(&file.display().to_string(), "FILE");
            assert!(said.starts_with("FILE:1: no header row"), "{said}");
            for cell in text.split([',', '\n', ' ']).filter(|cell| cell.len() > 4) {
                assert!(!said.contains(cell), "`{cell}` is shown: {said}");
            }
        }
    }
    let file = file("created_at;Request tokens;latency (ms)\n1;2;3\n");
    let said = Source::open(&file, &Choice::Recognise).unwrap_err().to_string();
    assert!(said.contains("`created_at, Request tokens, latency (ms)`"), "{said}");
}

#[test]
fn a_packed_log_is_said_to_be_packed() {
    for (bytes, what) in [
        (&b"\x1F\x8B\x08\x00rest"[..], "packed with gzip: unpack it with `gzip -dk` first"),
        (b"\xFF\xFEt\0i\0m\0e\0", "in UTF-16: write it as UTF-8"),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let said = Source::open(file.path(), &Choice::Recognise).unwrap_err().to_string();
        assert!(said.contains(what), "{said}");
    }
}
