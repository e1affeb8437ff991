//! One container on a stock image with Docker: what runs, and the script that starts it at first boot.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::secret::Secret;

/// A container that every instance runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The Docker image by its digest: `repository@sha256:…`.
    pub image: String,
    /// The instance's port, and the container's that it leads to; none for a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<(u16, u16)>,
    /// Environment variables. A value is one line.
    pub env: BTreeMap<String, Secret>,
    /// What to run instead of the image's own command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// What a script's first lines say of the container, so that it can be told without the script: the name of the field, and
/// its value, or the hash of it.
pub type Summary = BTreeMap<String, String>;

const FIRST_LINES: &str = "#!/bin/sh\n# Made by Amiable: pulls one image by its digest and runs it.\n";

/// Ends the environment variables in the script. Each of their lines has an `=`, and this has none.
const END: &str = "AMIABLE";

impl Container {
    /// The registry and its region, if the image is in a private registry of ECR: pulling from there takes a login.
    pub fn ecr(&self) -> Option<(&str, &str)> {
        let (registry, _) = self.image.split_once('/')?;
        let (account, rest) = registry.split_once(".dkr.ecr.")?;
        let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fine =
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && region.bytes().all(plain);
        fine.then_some((registry, region))
    }

    /// What can be shown of it.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::from([("container.image".to_owned(), self.image.clone())]);
        if let Some((host, inner)) = self.ports {
            summary.insert("container.port".to_owned(), format!("{host} to {inner}"));
        }
        if !self.env.is_empty() {
            summary.insert("container.env".to_owned(), Secret::new(self.env_file()).to_string());
        }
        if !self.command.is_empty() {
            summary.insert("container.command".to_owned(), Secret::new(self.command.join("\u{0}")).to_string());
        }
        summary
    }

    /// All of it as text for the hash of a launch template: what it says counts, and not how the script says it, so that a
    /// better script replaces no instance.
    pub fn canonical(&self) -> String {
        let mut text = format!("{}\n{:?}\n", self.image, self.ports);
        for (name, value) in &self.env {
            let value = value.reveal();
            let _ = writeln!(text, "{name}={}:{value}", value.len());
        }
        for word in &self.command {
            let _ = writeln!(text, "{}:{word}", word.len());
        }
        text
    }

    /// As `docker run --env-file` reads it: a line for each variable, everything after the first `=` taken as it is.
    /// <https://docs.docker.com/reference/cli/docker/container/run/#env>
    fn env_file(&self) -> String {
        self.env.iter().map(|(name, value)| format!("{name}={}\n", value.reveal())).collect()
    }

    /// The user data that starts it: any shell, nothing to install, every step that may fail for a while tried again.
    pub fn script(&self) -> Secret {
        let mut text = FIRST_LINES.to_owned();
        for (name, value) in self.summary() {
            let _ = writeln!(text, "# {name}: {value}");
        }
        text.push_str(PREPARE);
        let _ = writeln!(text, "image={}", quoted(&self.image));
        if !self.env.is_empty() {
            let _ = write!(text, "cat >/etc/amiable/container.env <<'{END}'\n{}{END}\n", self.env_file());
        }
        match self.ecr() {
            Some((registry, region)) => {
                let (registry, region) = (quoted(registry), quoted(region));
                let _ = write!(
                    text,
                    "log_in() {{\n    password=$(aws ecr get-login-password --region {region}) &&\n        \
                     echo \"$password\" | docker login --username AWS --password-stdin {registry} >/dev/null\n}}\n\
                     pull() {{\n    log_in && docker pull --quiet \"$image\"\n}}\n"
                );
            }
            None => text.push_str("pull() {\n    docker pull --quiet \"$image\"\n}\n"),
        }
        text.push_str("insist pull\ndocker rm --force app >/dev/null 2>&1 || true\n");
        text.push_str("docker run --detach --name app --restart always");
        if let Some((host, inner)) = self.ports {
            let _ = write!(text, " --publish {host}:{inner}");
        }
        if !self.env.is_empty() {
            text.push_str(" --env-file /etc/amiable/container.env");
        }
        text.push_str(" \"$image\"");
        for word in &self.command {
            let _ = write!(text, " {}", quoted(word));
        }
        text.push('\n');
        Secret::new(text)
    }
}

/// What is the same for every container.
const PREPARE: &str = r#"set -eu
umask 077

say() {
    echo "amiable: $*" >&2
}

# Tries a command again until it succeeds, sixty times at most.
insist() {
    tries=1
    until "$@"; do
        if [ "$tries" -ge 60 ]; then
            say "gave up on: $*"
            return 1
        fi
        tries=$((tries + 1))
        sleep 5
    done
}

docker_answers() {
    docker info >/dev/null 2>&1
}

if ! command -v docker >/dev/null 2>&1; then
    say "there is no docker in this machine image: use one that has it"
    exit 1
fi
mkdir -p /etc/amiable
systemctl start docker >/dev/null 2>&1 || service docker start >/dev/null 2>&1 || true
insist docker_answers
"#;

/// A word for the shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What user data says of a container, if a script of ours starts one.
fn summary_of(user_data: &Secret) -> Option<Summary> {
    let rest = user_data.reveal().strip_prefix(FIRST_LINES)?;
    let fields = rest.lines().map_while(|line| line.strip_prefix("# ")?.split_once(": "));
    Some(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl Container {
    /// The container that user data of ours starts; nothing for any other user data.
    pub fn read(user_data: &Secret) -> Option<Self> {
        let summary = summary_of(user_data)?;
        let text = user_data.reveal();
        let ports = match summary.get("container.port") {
            Some(ports) => {
                let (host, inner) = ports.split_once(" to ")?;
                Some((host.parse().ok()?, inner.parse().ok()?))
            }
            None => None,
        };
        let block =
            text.split_once(&format!("<<'{END}'\n")).and_then(|(_, rest)| rest.split_once(&format!("\n{END}\n")));
        let lines = block.map(|(block, _)| block.lines()).into_iter().flatten();
        let env = lines.map(|line| {
            let (name, value) = line.split_once('=')?;
            Some((name.to_owned(), Secret::new(value)))
        });
        // In front of it stands nothing of the manifest's but the environment.
        let after = block.map_or(text, |(_, after)| after);
        let (_, run) = after.split_once("\ndocker run --detach")?;
        let (_, command) = run.split_once(" \"$image\"")?;
        Some(Self {
            image: summary.get("container.image")?.clone(),
            ports,
            env: env.collect::<Option<_>>()?,
            command: words(command.strip_suffix('\n')?)?,
        })
    }
}

/// The words that were [`quoted`], each after a space.
fn words(mut text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    while !text.is_empty() {
        let mut word = String::new();
        text = text.strip_prefix(" '")?;
        loop {
            let (part, rest) = text.split_once('\'')?;
            word.push_str(part);
            match rest.strip_prefix(r"\''") {
                Some(rest) => {
                    word.push('\'');
                    text = rest;
                }
                None => {
                    text = rest;
                    break;
                }
            }
        }
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";

    fn container() -> Container {
        let env = [("PLAIN", "1"), ("HOSTILE", r#"'"; rm -rf / #$(id)`id`\ AMIABLE"#), ("EMPTY", "")];
        Container {
            image: format!("ghcr.io/acme/hello@{DIGEST}"),
            ports: Some((80, 3000)),
            env: env.map(|(name, value)| (name.to_owned(), Secret::new(value))).into(),
            command: vec!["serve".into(), "it's".into(), "$(id)".into()],
        }
    }

    #[test]
    fn the_script_is_short_and_says_what_it_does() {
        let plain = Container { env: BTreeMap::new(), command: Vec::new(), ..container() };
        let script = plain.script();
        let end = script.reveal().split("insist docker_answers\n").nth(1).unwrap();
        insta::assert_snapshot!(end, @r#"
        image='ghcr.io/acme/hello@sha256:0000000000000000000000000000000000000000000000000000000000000001'
        pull() {
            docker pull --quiet "$image"
        }
        insist pull
        docker rm --force app >/dev/null 2>&1 || true
        docker run --detach --name app --restart always --publish 80:3000 "$image"
        "#);
        let script = container().script();
        assert!(script.reveal().len() < 2500, "{}", script.reveal().len());
        assert_eq!(summary_of(&script), Some(container().summary()));
        assert_eq!(summary_of(&Secret::new("#!/bin/sh\n")), None);
    }

    #[test]
    fn a_container_is_read_back_from_its_script() {
        let plain = Container { env: BTreeMap::new(), command: Vec::new(), ports: None, ..container() };
        let odd = ["docker run --detach", "\"$image\"", "", "'", "a\nb", "\\"].map(str::to_owned).to_vec();
        for one in [container(), plain, Container { command: odd, ..container() }] {
            assert_eq!(Container::read(&one.script()), Some(one));
        }
        for other in ["", "#!/bin/sh\n", FIRST_LINES] {
            assert_eq!(Container::read(&Secret::new(other)), None);
        }
    }

    #[test]
    fn a_private_registry_of_ecr_takes_a_login() {
        let of = |image: &str| Container { image: image.to_owned(), ..container() };
        let private = of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/hello@sha256:1");
        assert_eq!(private.ecr(), Some(("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1")));
        assert!(private.script().reveal().contains("aws ecr get-login-password --region 'eu-west-1'"));
        for other in ["public.ecr.aws/acme/hello@sha256:1", "hello@sha256:1", "x.dkr.ecr.eu-west-1.amazonaws.com/h@s"] {
            assert_eq!(of(other).ecr(), None, "{other}");
        }
    }

    #[test]
    fn nothing_of_the_environment_is_shown() {
        let secret = Container { env: [("TOKEN".to_owned(), Secret::new("canary"))].into(), ..container() };
        let shown = format!("{secret:?} {} {:?}", serde_json::to_string(&secret).unwrap(), secret.summary());
        assert!(!shown.contains("canary"), "{shown}");
    }
}
