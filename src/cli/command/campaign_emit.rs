//! `windtunnel campaign emit`: a plan for the schedulers that people have.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::campaign_plan::read;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::style;

/// Print what runs a plan elsewhere: one job a shard, then a merge.
#[derive(Clone, Debug, Parser)]
pub(in crate::cli) struct Emit {
    /// The plan, from `campaign plan`, as the jobs will find it
    plan: PathBuf,
    /// For whom
    #[arg(long, value_enum)]
    target: Target,
    /// How many jobs
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: u32,
    /// Container image with `windtunnel` in its path, for k8s
    #[arg(long, value_name = "IMAGE", default_value = "windtunnel:latest")]
    image: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// A Slurm array, to be given to sbatch
    Slurm,
    /// A Kubernetes Indexed Job; plan and parts are on a volume claim called `campaign`
    K8s,
    /// A workflow of GitHub Actions with a matrix; the plan is a file of the repository
    Github,
    /// GNU parallel on this machine, or with --sshloginfile on others
    Parallel,
}

/// GitHub runs no more jobs of one matrix.
const MATRIX_MAX: u32 = 256;

pub(super) fn emit(args: &Emit) -> Result<(), Failure> {
    let units = read(&args.plan)?.units.len();
    if args.shards as usize > units {
        let what =
            format!("{} shards for {units} units: expected at most one shard a unit", args.shards);
        return Err(Failure::new(Exit::Usage, what));
    }
    if args.target == Target::Github && args.shards > MATRIX_MAX {
        let what = format!("a matrix has at most {MATRIX_MAX} jobs, not {}", args.shards);
        return Err(Failure::new(Exit::Usage, what));
    }
    let plan = quote(&args.plan.to_string_lossy());
    style::data(&match args.target {
        Target::Slurm => slurm(&plan, args.shards),
        Target::K8s => k8s(args),
        Target::Github => github(&plan, args.shards),
        Target::Parallel => parallel(&plan, args.shards),
    });
    Ok(())
}

/// A shard that was preempted is put back into the queue and goes on where it was.
fn slurm(plan: &str, n: u32) -> String {
    format!(
        r#"#!/bin/bash
# sbatch campaign.sbatch; when all are done: windtunnel campaign merge parts/* --out results/campaign
#SBATCH --job-name=windtunnel
#SBATCH --array=1-{n}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --requeue
set -euo pipefail
windtunnel campaign run {plan} \
  --shard "$SLURM_ARRAY_TASK_ID/{n}" --out "parts/$SLURM_ARRAY_TASK_ID" \
  --threads "${{SLURM_CPUS_PER_TASK:-1}}"
"#
    )
}

fn k8s(args: &Emit) -> String {
    let n = args.shards;
    let name = args.plan.file_name().unwrap_or_default().to_string_lossy();
    let (plan, image) = (quote(&name), &args.image);
    format!(
        r#"# kubectl apply -f campaign.yaml; when it is complete, in the volume:
# windtunnel campaign merge parts/* --out results/campaign
apiVersion: batch/v1
kind: Job
metadata:
  name: windtunnel-campaign
spec:
  completionMode: Indexed
  completions: {n}
  parallelism: {n}
  backoffLimitPerIndex: 3
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: windtunnel
          image: {image}
          workingDir: /campaign
          command: ["/bin/sh", "-c"]
          args:
            - >-
              shard=$((JOB_COMPLETION_INDEX + 1));
              exec windtunnel campaign run {plan}
              --shard "$shard/{n}" --out "parts/$shard" --threads 1
          resources:
            requests:
              cpu: "1"
          volumeMounts:
            - name: campaign
              mountPath: /campaign
      volumes:
        - name: campaign
          persistentVolumeClaim:
            claimName: campaign
"#
    )
}

fn github(plan: &str, n: u32) -> String {
    let shards: Vec<String> = (1..=n).map(|shard| shard.to_string()).collect();
    let shards = shards.join(", ");
    format!(
        r#"# .github/workflows/campaign.yml
name: campaign
on: workflow_dispatch
permissions:
  contents: read
jobs:
  shard:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        shard: [{shards}]
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - run: cargo install --locked windtunnel
      - run: windtunnel campaign run {plan} --shard ${{{{ matrix.shard }}}}/{n} --out part-${{{{ matrix.shard }}}}
      - uses: actions/upload-artifact@v4
        with:
          name: part-${{{{ matrix.shard }}}}
          path: part-${{{{ matrix.shard }}}}
  merge:
    needs: shard
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with:
          path: parts
      - run: cargo install --locked windtunnel
      - run: windtunnel campaign merge parts/* --out results/campaign
      - uses: actions/upload-artifact@v4
        with:
          name: results
          path: results/campaign
"#
    )
}

fn parallel(plan: &str, n: u32) -> String {
    format!(
        r#"#!/bin/sh
set -eu
seq {n} | parallel --joblog parts.log --retries 3 \
  windtunnel campaign run {plan} --shard '{{}}/{n}' --out 'parts/{{}}' --threads 1
windtunnel campaign merge parts/* --out results/campaign
"#
    )
}
