//! What hoplint costs beside a bare parse of the same files by the same grammars.
//!
//! `cargo run --release --example bench -- [--rounds N] [--hoplint PROGRAM] [TREE…]`
//!
//! Without trees it makes its own: Go, Python and Java services with 1, 2 and 4 times as many files and with 1, 2 and
//! 4 times as large files, to show that cost is linear in both, and an empty one for the start-up. Each round runs
//! every program once on every tree, so that other load falls on all alike; figures are medians over the rounds of
//! user + system CPU time of whole processes, as the kernel accounts them. See `docs/benchmark.md`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use hoplint::ir::Language;
use hoplint::parse::{Limits, Relevance, parse_all};
use hoplint::walk::{SourcePath, WalkOptions, walk};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rayon::prelude::*;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--all") => bare(&sources(&arguments[1], true)),
        Some("--read") => bare(&sources(&arguments[1], false)),
        Some("--facts") => {
            parse_all(&sources(&arguments[1], false), &Relevance::default(), &Limits::default(), 0);
        }
        Some("--measure") => return measure(&arguments[1..]),
        _ => return compare(&arguments),
    }
    Ok(())
}

/// The source files of a tree: all of them, or those that hoplint reads, which are the ones that are no tests.
fn sources(tree: &str, include_tests: bool) -> Vec<SourcePath> {
    walk(Path::new(tree), &WalkOptions { include_tests, ..WalkOptions::default() }).sources
}

/// Reads and parses every file, and does nothing with the trees.
fn bare(sources: &[SourcePath]) {
    sources.par_iter().for_each_init(
        || [tree_sitter_go::LANGUAGE, tree_sitter_python::LANGUAGE, tree_sitter_java::LANGUAGE].map(parser),
        |parsers, source| {
            if let Ok(text) = fs::read(&source.absolute) {
                std::hint::black_box(parsers[source.language as usize].parse(&text, None));
            }
        },
    );
}

fn parser(grammar: impl Into<tree_sitter::Language>) -> tree_sitter::Parser {
    let mut parser = tree_sitter::Parser::new();
    let _ = parser.set_language(&grammar.into());
    parser
}

/// Runs a command and prints its CPU time in microseconds and its peak memory in KiB.
fn measure(command: &[String]) -> Outcome {
    // A linter's exit status says what it found; it is no failure here.
    Command::new(&command[0]).args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!("{} {}", (usage.user_time() + usage.system_time()).num_microseconds(), usage.max_rss());
    Ok(())
}

/// One program on one tree.
struct Sample {
    seconds: f64,
    mebibytes: f64,
}

fn sample(command: &[String]) -> Result<Sample, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).arg("--measure").args(command).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (micros, kib) = text.trim().split_once(' ').ok_or("a program could not be started")?;
    Ok(Sample { seconds: micros.parse::<f64>()? / 1e6, mebibytes: kib.parse::<f64>()? / 1024.0 })
}

fn compare(arguments: &[String]) -> Outcome {
    let mut rounds = 5;
    let mut program = None;
    let mut trees = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--rounds" => rounds = rest.next().ok_or("--rounds needs a number")?.parse()?,
            "--hoplint" => program = Some(rest.next().ok_or("--hoplint needs a program")?.clone()),
            tree => trees.push((tree.to_owned(), PathBuf::from(tree))),
        }
    }
    let made = tempfile::tempdir()?;
    if trees.is_empty() {
        trees = make_trees(made.path())?;
    }
    let [all, read] = ["of all", "of read"];
    println!(
        "{:<14}{:>7}{:>8}  {:<8}{:>10}{all:>8}{read:>8}{:>9}",
        "tree", "files", "MB", "program", "CPU s", "peak MiB"
    );
    for (name, tree) in &trees {
        report(name, &tree.to_string_lossy(), program.as_deref(), rounds)?;
    }
    Ok(())
}

fn report(name: &str, tree: &str, program: Option<&str>, rounds: usize) -> Outcome {
    let own = std::env::current_exe()?.to_string_lossy().into_owned();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut programs: Vec<(&str, Vec<String>)> =
        ["all", "read", "facts"].into_iter().map(|name| (name, words(&[&own, &format!("--{name}"), tree]))).collect();
    if let Some(program) = program {
        programs.push(("check", words(&[program, "check", "--format", "json", tree])));
    }
    let mut samples: Vec<Vec<Sample>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((_, command), samples) in programs.iter().zip(&mut samples) {
            samples.push(sample(command)?);
        }
    }
    let [all, read] = [true, false].map(|tests| sources(tree, tests));
    for ((program, _), of_program) in programs.iter().zip(&samples) {
        let seconds = median(of_program.iter().map(|sample| sample.seconds));
        let ratio = |to: &[Sample]| median(of_program.iter().zip(to).map(|(own, bare)| own.seconds / bare.seconds));
        let memory = median(of_program.iter().map(|sample| sample.mebibytes));
        let files = if *program == "all" { &all } else { &read };
        let megabytes = files.iter().map(|file| file.size).sum::<u64>() as f64 / 1e6;
        let (count, name) = (files.len(), name.rsplit('/').next().unwrap_or(name));
        let (of_all, of_read) = (ratio(&samples[0]), ratio(&samples[1]));
        println!(
            "{name:<14}{count:>7}{megabytes:>8.2}  {program:<8}{seconds:>10.4}{of_all:>8.2}{of_read:>8.2}{memory:>9.1}"
        );
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The trees to measure when none is given, each with its name.
fn make_trees(root: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let shapes = [("empty", 0, 1), ("base", 300, 1), ("files x2", 600, 1), ("files x4", 1200, 1)];
    let sizes = [("size x2", 300, 2), ("size x4", 300, 4)];
    let mut trees = Vec::new();
    for (name, files, scale) in shapes.into_iter().chain(sizes) {
        let tree = root.join(name);
        fs::create_dir(&tree)?;
        for index in 0..files {
            write_file(&tree, index, scale * 12)?;
        }
        trees.push((name.to_owned(), tree));
    }
    Ok(trees)
}

/// One file of a service: every third is Go, Python, Java, every third of those a test.
fn write_file(tree: &Path, index: usize, functions: usize) -> Outcome {
    let (language, extension) = [(Language::Go, "go"), (Language::Python, "py"), (Language::Java, "java")][index % 3];
    let service = tree.join(format!("service{}-{extension}", index / 30));
    let is_test = index / 3 % 3 == 2;
    let folder = match (language, is_test) {
        (Language::Java, true) => service.join("src/test/java/shop"),
        (Language::Java, false) => service.join("src/main/java/shop"),
        _ => service.clone(),
    };
    fs::create_dir_all(&folder)?;
    for (name, text) in set_up(language) {
        fs::write(service.join(name), text)?;
    }
    let body: String = (0..functions).map(|number| function(language, index, number)).collect();
    let text = match language {
        Language::Go => format!(
            "package main\n\nimport (\n\t\"context\"\n\t\"net/http\"\n)\n\ntype Shop{index} struct{{ client *http.Client; base string }}\n{body}"
        ),
        Language::Python => {
            format!("import requests\nfrom opentelemetry import trace\n\ntracer = trace.get_tracer(__name__)\n{body}")
        }
        Language::Java => format!(
            "package shop;\n\nimport java.util.concurrent.*;\nimport org.springframework.web.client.RestTemplate;\n\nclass Shop{index} {{\n  RestTemplate client;\n{body}}}\n"
        ),
    };
    let name = match (language, is_test) {
        (Language::Go, true) => format!("shop{index}_test.go"),
        (Language::Python, true) => format!("test_shop{index}.py"),
        _ => format!("Shop{index}.{extension}"),
    };
    fs::write(folder.join(name), text)?;
    Ok(())
}

/// The files that make a service of a folder, and have it traced.
fn set_up(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Go => &[
            (
                "go.mod",
                "module example.com/shop\n\ngo 1.24\n\nrequire (\n\tgo.opentelemetry.io/otel v1.38.0\n\tgo.opentelemetry.io/otel/sdk v1.38.0\n)\n",
            ),
            (
                "main.go",
                "package main\n\nimport (\n\t\"go.opentelemetry.io/otel\"\n\tsdktrace \"go.opentelemetry.io/otel/sdk/trace\"\n)\n\nvar tracer = otel.Tracer(\"shop\")\n\nfunc main() {\n\totel.SetTracerProvider(sdktrace.NewTracerProvider())\n}\n",
            ),
        ],
        Language::Python => &[
            ("requirements.txt", "opentelemetry-api==1.38.0\nopentelemetry-sdk==1.38.0\nrequests==2.32.0\n"),
            (
                "app.py",
                "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n\ntrace.set_tracer_provider(TracerProvider())\n",
            ),
        ],
        Language::Java => &[(
            "pom.xml",
            "<project><groupId>shop</groupId><artifactId>shop</artifactId><dependencies><dependency><groupId>io.opentelemetry.instrumentation</groupId><artifactId>opentelemetry-spring-boot-starter</artifactId></dependency></dependencies></project>\n",
        )],
    }
}

fn function(language: Language, file: usize, number: usize) -> String {
    let text = match language {
        Language::Go => GO,
        Language::Python => PYTHON,
        Language::Java => JAVA,
    };
    text.replace("FILE", &file.to_string()).replace("NUMBER", &number.to_string())
}

const GO: &str = r#"
// OrderNUMBER sends an order on.
func (s *ShopFILE) OrderNUMBER(ctx context.Context, items []string) (int, error) {
	ctx, span := tracer.Start(ctx, "orderNUMBER")
	defer span.End()
	total := 0
	for index, item := range items {
		if item == "" || len(item) > 64 {
			continue
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/items/"+item, nil)
		if err != nil {
			return total, err
		}
		response, err := s.client.Do(request)
		if err != nil {
			span.RecordError(err)
			return total, err
		}
		total += response.StatusCode*index + NUMBER
		response.Body.Close()
	}
	go s.notify(ctx, total)
	return total, nil
}
"#;

const PYTHON: &str = r#"

def order_NUMBER(items, base="http://stock/FILE"):
    """Sends an order on."""
    total = 0
    with tracer.start_as_current_span("order_NUMBER") as span:
        for index, item in enumerate(items):
            if not item or len(item) > 64:
                continue
            try:
                response = requests.post(f"{base}/items/{item}", json={"item": item, "count": index})
                response.raise_for_status()
            except requests.RequestException as error:
                span.record_exception(error)
                raise
            total += response.json()["total"] * index + NUMBER
    return [total for _ in items if total > 0]
"#;

const JAVA: &str = r#"
  /** Sends an order on. */
  public int orderNUMBER(java.util.List<String> items, ExecutorService pool) throws Exception {
    int total = 0;
    for (String item : items) {
      if (item == null || item.length() > 64) {
        continue;
      }
      try {
        String answer = client.postForObject("http://stock/FILE/items/" + item, item, String.class);
        total += Integer.parseInt(answer) + NUMBER;
      } catch (RuntimeException error) {
        throw new IllegalStateException("item " + item, error);
      }
    }
    final int sum = total;
    pool.submit(() -> client.getForObject("http://mail/{sum}", String.class, sum));
    return total;
  }
"#;
