//! A check as JUnit XML: a suite a scenario and policy, a case a figure. Without times: the same check is the
//! same bytes.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Line, lines};
use crate::record::check::{CheckReport, Checked, Verdict};

/// The document.
pub fn junit(report: &CheckReport) -> String {
    let mut document = Report::new("windtunnel check");
    document.add_test_suites(report.subjects.iter().map(suite));
    document.to_string().expect("what is written to memory is written")
}

fn suite(subject: &Checked) -> TestSuite {
    let mut suite = TestSuite::new(format!("{} · {}", subject.scenario, subject.policy));
    suite.add_test_cases(lines(subject).iter().map(case));
    if subject.verdict == Verdict::NotRun {
        let mut status = TestCaseStatus::skipped();
        status.set_message("not run, because something failed before");
        let mut case = TestCase::new("scenario", status);
        case.set_classname(subject.scenario.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn case(line: &Line<'_>) -> TestCase {
    let status = match line.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Failed | Verdict::Regression => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(line.verdict.name()).set_message(line.found.as_str());
            status.set_description(format!("reproduce: {}", line.subject.reproduce));
            status
        }
        Verdict::NotApplicable | Verdict::NotRun | Verdict::Undecided => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {}", line.verdict.name(), line.found));
            status
        }
    };
    let kind = if line.is_gate { "gate" } else { "expect" };
    let mut case = TestCase::new(format!("{kind} {}", line.what), status);
    case.set_classname(line.subject.scenario.as_str());
    if line.verdict == Verdict::Pass {
        case.set_system_out(line.found.as_str());
    }
    case
}
