//! The script that starts a container, run by a real shell with a `docker` that writes down what it is told.

use std::os::unix::fs::PermissionsExt;

use amiable::model::container::Container;
use amiable::model::launch::Secret;

#[test]
fn hostile_values_reach_the_container_as_they_are_and_run_nothing() {
    let env = [("PLAIN", "1"), ("HOSTILE", r#"'"; rm -rf / #$(id)`id`\ AMIABLE"#), ("EMPTY", "")];
    let container = Container {
        image: format!("ghcr.io/acme/hello@sha256:{:064x}", 1),
        ports: Some((80, 3000)),
        env: env.map(|(name, value)| (name.to_owned(), Secret::new(value))).into(),
        command: vec!["serve".into(), "it's".into(), "$(id)".into()],
    };
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    let docker = format!("#!/bin/sh\n[ \"$1\" = run ] && printf '%s\\n' \"$@\" >{}\nexit 0\n", path("told"));
    std::fs::write(path("docker"), docker).unwrap();
    std::fs::set_permissions(path("docker"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let script = container.script().reveal().replace("/etc/amiable", &path("etc"));
    std::fs::write(path("script"), script).unwrap();
    let paths = format!("{}:{}", home.path().display(), std::env::var("PATH").unwrap());
    let status = std::process::Command::new("/bin/sh").arg(path("script")).env("PATH", paths).status().unwrap();
    assert!(status.success());
    let told = std::fs::read_to_string(path("told")).unwrap();
    assert!(told.ends_with(&format!("{}\nserve\nit's\n$(id)\n", container.image)), "{told}");
    assert!(told.contains("--publish\n80:3000\n"), "{told}");
    let env = std::fs::read_to_string(path("etc/container.env")).unwrap();
    assert_eq!(env, "EMPTY=\nHOSTILE='\"; rm -rf / #$(id)`id`\\ AMIABLE\nPLAIN=1\n");
    assert_eq!(std::fs::metadata(path("etc/container.env")).unwrap().permissions().mode() & 0o077, 0);
}
