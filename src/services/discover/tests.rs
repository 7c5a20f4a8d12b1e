use super::*;

fn workspace(files: &[(&str, &str)]) -> Workspace {
    let files: Vec<ManifestFile> = files.iter().map(|(path, text)| ManifestFile::new(*path, *text)).collect();
    assert!(files.iter().all(|file| is_manifest(&file.path)));
    discover(&files)
}

fn stacks_of<'a>(workspace: &'a Workspace, root: &str) -> Vec<(&'a str, Mode, bool)> {
    let unit = workspace.units.iter().find(|unit| unit.root == root).expect("the unit");
    unit.stacks.iter().map(|used| (used.stack.as_str(), used.mode, used.active)).collect()
}

const POM: &str = "<project><groupId>g</groupId><artifactId>a</artifactId></project>";

#[test]
fn an_agent_in_the_environment_is_active() {
    let found = workspace(&[
        ("ad/pom.xml", POM),
        (
            "ad/Dockerfile",
            "FROM x\nADD https://h/opentelemetry-javaagent.jar /a/agent.jar\nENV JAVA_TOOL_OPTIONS=\"-javaagent:/a/agent.jar -Xmx1m\"\nCMD [\"java\"]\n",
        ),
    ]);
    assert_eq!(stacks_of(&found, "ad"), [("opentelemetry-javaagent", Mode::Agent, true)]);
    assert_eq!(found.units[0].stacks[0].line, 3);
    assert_eq!(found.units[0].launchers, ["ad/Dockerfile"]);
}

#[test]
fn an_agent_that_is_only_copied_is_nothing() {
    let found = workspace(&[
        ("ad/pom.xml", POM),
        ("ad/Dockerfile", "FROM x\nCOPY opentelemetry-javaagent.jar /\nCMD [\"java\", \"-jar\", \"a.jar\"]\n"),
    ]);
    assert!(stacks_of(&found, "ad").is_empty());
}

#[test]
fn a_switch_turns_it_off() {
    let found = workspace(&[
        ("Dockerfile", "FROM x\nENV DD_TRACE_ENABLED=false\nCMD ddtrace-run python a.py\n"),
        ("requirements.txt", "ddtrace\n"),
    ]);
    assert_eq!(
        stacks_of(&found, ""),
        [("datadog-python", Mode::Launcher, false), ("datadog-python", Mode::Code, false)]
    );
    assert_eq!(found.units[0].name, "workspace");
}

#[test]
fn the_root_context_names_the_unit() {
    let dockerfile = "FROM x\nCOPY ./src/rec/requirements.txt .\nENTRYPOINT [ \"/venv/bin/opentelemetry-instrument\", \"python\", \"a.py\" ]\n";
    let found = workspace(&[
        ("src/rec/requirements.txt", "a\n"),
        ("src/other/requirements.txt", "b\n"),
        ("docker/rec.Dockerfile", dockerfile),
        (
            "compose.yaml",
            "services:\n  recommendation:\n    build:\n      context: .\n      dockerfile: docker/rec.Dockerfile\n",
        ),
    ]);
    assert_eq!(stacks_of(&found, "src/rec"), [("opentelemetry-instrument", Mode::Launcher, true)]);
    assert!(stacks_of(&found, "src/other").is_empty());
    assert_eq!(found.units[1].name, "recommendation");
}

#[test]
fn a_starter_configures_itself_and_a_bridge_needs_the_actuator() {
    let pom = |group: &str, artifacts: &[&str]| {
        let all: String = artifacts
            .iter()
            .map(|artifact| {
                let (g, a) = artifact.split_once(':').unwrap_or((group, artifact));
                format!("<dependency><groupId>{g}</groupId><artifactId>{a}</artifactId></dependency>")
            })
            .collect();
        format!("<project><groupId>g</groupId><artifactId>a</artifactId><dependencies>{all}</dependencies></project>")
    };
    let bridge = pom("", &["io.micrometer:micrometer-tracing-bridge-brave"]);
    let whole = pom(
        "",
        &["io.micrometer:micrometer-tracing-bridge-brave", "org.springframework.boot:spring-boot-starter-actuator"],
    );
    let found = workspace(&[("a/pom.xml", &bridge), ("b/pom.xml", &whole)]);
    assert_eq!(stacks_of(&found, "a"), [("micrometer-tracing-brave", Mode::AutoConfiguration, false)]);
    assert_eq!(stacks_of(&found, "b"), [("micrometer-tracing-brave", Mode::AutoConfiguration, true)]);
}

#[test]
fn annotations_and_builds_are_seen() {
    let pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec:\n  template:\n    metadata:\n      annotations:\n        instrumentation.opentelemetry.io/inject-java: \"true\"\n    spec:\n      containers:\n      - name: cart\n        image: r/cart\n";
    let found = workspace(&[
        ("cart/pom.xml", POM),
        ("pay/pom.xml", POM),
        ("k8s/cart.yaml", pod),
        ("go/go.mod", "module m\nrequire go.opentelemetry.io/otel/sdk v1.0.0\n"),
        ("go/Makefile", "build:\n\torchestrion go build ./...\n"),
    ]);
    assert_eq!(stacks_of(&found, "cart"), [("opentelemetry-javaagent", Mode::Agent, true)]);
    assert!(stacks_of(&found, "pay").is_empty());
    assert_eq!(stacks_of(&found, "go"), [("orchestrion", Mode::Build, true), ("opentelemetry-go", Mode::Code, false)]);
}

#[test]
fn systems_side_by_side_keep_their_deployments() {
    let compose = |on: bool| {
        format!("services:\n  cart:\n    image: cart:1\n    environment:\n      - OTEL_JAVAAGENT_ENABLED={on}\n")
    };
    let cart = "<project><groupId>g</groupId><artifactId>cart</artifactId></project>";
    let found = workspace(&[
        ("one/cart/pom.xml", cart),
        ("two/cart/pom.xml", cart),
        ("one/compose.yaml", &compose(true)),
        ("two/compose.yaml", &compose(false)),
    ]);
    assert_eq!(stacks_of(&found, "one/cart"), [("opentelemetry-javaagent", Mode::Agent, true)]);
    assert!(stacks_of(&found, "two/cart").is_empty());
}

#[test]
fn modules_reach_through_each_other() {
    let found = workspace(&[
        ("settings.gradle", "include 'lib', 'app'\n"),
        ("lib/build.gradle", "dependencies {\n  api 'io.quarkus:quarkus-opentelemetry:3'\n}\n"),
        ("app/build.gradle", "dependencies {\n  implementation project(':lib')\n}\n"),
    ]);
    assert_eq!(stacks_of(&found, "app"), [("quarkus-opentelemetry", Mode::AutoConfiguration, true)]);
}

#[test]
fn platforms_and_settings_files_tell_of_agents() {
    let resource = |runtime: &str| {
        format!(
            "kind: Application\napiVersion: nais.io/v1alpha1\nmetadata:\n  name: cart\nspec:\n  image: {{{{image}}}}\n  observability:\n    autoInstrumentation:\n      enabled: true\n      runtime: {runtime}\n"
        )
    };
    let found = workspace(&[("cart/pom.xml", POM), ("cart/nais.yaml", &resource("java"))]);
    assert_eq!(stacks_of(&found, "cart"), [("opentelemetry-javaagent", Mode::Agent, true)]);
    assert_eq!((found.units[0].stacks[0].line, found.units[0].name.as_str()), (10, "cart"));
    let found = workspace(&[("cart/pom.xml", POM), ("cart/nais.yaml", &resource("sdk"))]);
    assert!(stacks_of(&found, "cart").is_empty());
    let image = "FROM r.example/base/java:21\nCOPY lib/applicationinsights.json /opt/app/\nCMD [\"cart.jar\"]\n";
    let found = workspace(&[("cart/pom.xml", POM), ("cart/Dockerfile", image)]);
    assert_eq!(stacks_of(&found, "cart"), [("opentelemetry-javaagent", Mode::Agent, true)]);
}

#[test]
fn a_plugin_puts_its_stack_into_the_program() {
    let found = workspace(&[("build.gradle", "plugins {\n  id 'io.sentry.jvm.gradle' version '6.4.0'\n}\n")]);
    assert_eq!(stacks_of(&found, ""), [("sentry-java", Mode::Code, false)]);
}

#[test]
fn modules_are_traced_by_what_traces_the_programs_they_are_part_of() {
    let program = |name: &str, more: &str| format!("dependencies {{\n  implementation project(':{name}')\n{more}}}\n");
    let quarkus = "  implementation 'io.quarkus:quarkus-opentelemetry:3'\n";
    let files = |other: &str| {
        let (web, jobs) = (program("orders", quarkus), program("orders", other));
        workspace(&[
            ("settings.gradle", "include 'orders', 'web', 'jobs'\n"),
            ("orders/build.gradle", "dependencies {\n}\n"),
            ("web/build.gradle", &web),
            ("jobs/build.gradle", &jobs),
        ])
    };
    assert_eq!(stacks_of(&files(quarkus), "orders"), [("quarkus-opentelemetry", Mode::AutoConfiguration, true)]);
    assert!(stacks_of(&files(""), "orders").is_empty());
}

#[test]
fn broken_files_are_reported() {
    let found = workspace(&[("a/pom.xml", "<project>"), ("compose.yaml", "a: ["), ("pyproject.toml", "[")]);
    assert!(found.units.is_empty());
    assert_eq!(found.skipped.len(), 3);
}
