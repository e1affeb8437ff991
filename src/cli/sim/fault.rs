//! `amiable sim fault`: faults of a simulated AWS that is running, to rehearse what a bad day does to a release.

use std::fmt::Write as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal;
use crate::model::text::cleaned;
use crate::model::time::Span;
use crate::sim::door::control::FAULTS;
use crate::sim::fault::rules::{How, InForce, Rule};

/// How long the simulated AWS may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Let calls of a running simulated AWS fail
///
/// What a release does while AWS throttles, refuses, loses requests or shows old news can be seen before it happens.
#[derive(Debug, Args)]
pub struct Fault {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
    List(List),
    End(End),
}

/// Let the calls of an operation fail from now on
#[derive(Debug, Args)]
struct Add {
    /// The operation, in which * stands for any text: ModifyListener, 'Describe*'
    operation: String,
    /// What becomes of its calls: throttled, refused=CODE, refused='CODE: message', request-lost, reply-lost, cut, ignored,
    /// stale or slow=5s
    how: How,
    /// Only calls that contain this text, such as the name of a group
    #[arg(long, value_name = "TEXT")]
    containing: Option<String>,
    /// So many of a hundred calls rather than all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    percent: Option<u8>,
    /// So many calls and no more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    times: Option<u32>,
    /// For so long, by the clock of the simulated AWS: 10m
    #[arg(long = "for", value_name = "SPAN")]
    lasts: Option<Span>,
}

/// Show the faults that are in force, and how many calls each has met
#[derive(Debug, Args)]
struct List {
    /// As JSON
    #[arg(short, long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

/// End a fault, or all of them
#[derive(Debug, Args)]
struct End {
    /// Its number, as the list shows it; without it all faults end
    number: Option<u32>,
}

impl Fault {
    /// Asks the simulated AWS on this port.
    ///
    /// # Errors
    /// When there is none, or it refuses.
    pub async fn run(self, port: u16) -> Result<Exit, Failure> {
        match self.command {
            Command::Add(add) => {
                let Add { operation, how, containing, percent, times, lasts } = add;
                let rule = Rule { operation, how, containing, percent, times, lasts };
                let body = serde_json::to_vec(&rule).map_err(|error| Failure::new(error.to_string()))?;
                let one: InForce = read(ask(port, Method::POST, FAULTS, body).await?)?;
                terminal::print(&lines(&[one]))?;
            }
            Command::List(list) => {
                let answer = ask(port, Method::GET, FAULTS, Vec::new()).await?;
                if list.output.is_some() {
                    terminal::print_json(&answer)?;
                } else {
                    let all: All = read(answer)?;
                    if all.faults.is_empty() {
                        terminal::say("no fault is in force");
                    }
                    terminal::print(&lines(&all.faults))?;
                }
            }
            Command::End(end) => {
                let path = end.number.map_or_else(|| FAULTS.to_owned(), |number| format!("{FAULTS}/{number}"));
                let ended: Ended = read(ask(port, Method::DELETE, &path, Vec::new()).await?)?;
                terminal::say(&match ended.ended {
                    0 => "no fault was in force".to_owned(),
                    1 => "1 fault has ended".to_owned(),
                    count => format!("{count} faults have ended"),
                });
            }
        }
        Ok(Exit::Fine)
    }
}

/// The port of the simulated AWS that this shell talks to, as the settings that `amiable sim` prints say it.
pub fn port_in_use() -> Option<u16> {
    port_of(&std::env::var("AWS_ENDPOINT_URL").ok()?)
}

fn port_of(endpoint: &str) -> Option<u16> {
    let uri: http::Uri = endpoint.parse().ok()?;
    uri.port_u16().filter(|_| matches!(uri.host(), Some("127.0.0.1" | "localhost")))
}

#[derive(Deserialize)]
struct All {
    faults: Vec<InForce>,
}

#[derive(Deserialize)]
struct Ended {
    ended: usize,
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| Failure::new(format!("the answer of the simulated AWS: {error}")))
}

/// Faults, one a line.
fn lines(faults: &[InForce]) -> String {
    let mut text = String::new();
    for one in faults {
        let InForce { id, rule, until, met } = one;
        let _ = write!(text, "{id}  {}  {}", rule.operation, rule.how);
        if let Some(containing) = &rule.containing {
            let _ = write!(text, "  containing {containing:?}");
        }
        if let Some(percent) = rule.percent {
            let _ = write!(text, "  {percent} % of the calls");
        }
        if let Some(times) = rule.times {
            let _ = write!(text, "  {times} times");
        }
        if let Some(until) = until {
            let _ = write!(text, "  until {}", until.strftime("%Y-%m-%d %H:%M:%S UTC"));
        }
        let _ = writeln!(text, "  met {met} so far");
    }
    text
}

async fn ask(port: u16, method: Method, path: &str, body: Vec<u8>) -> Result<Value, Failure> {
    // The process has one, even where nothing is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unreachable = |error: reqwest::Error| {
        Failure::new(format!("no simulated AWS answers on 127.0.0.1:{port}: {}", cleaned(&error.to_string())))
            .help("start one with `amiable sim`, or name its --port")
    };
    let client = Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(unreachable)?;
    let request = client.request(method, format!("http://127.0.0.1:{port}{path}")).body(body);
    let response = request.send().await.map_err(unreachable)?;
    let fine = response.status().is_success();
    let body = response.bytes().await.map_err(unreachable)?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| {
        Failure::new(format!("what answers on 127.0.0.1:{port} is no simulated AWS")).help("name its --port")
    })?;
    match answer.get("error").and_then(Value::as_str) {
        None if fine => Ok(answer),
        why => Err(Failure::new(cleaned(why.unwrap_or("the simulated AWS refused without a reason")))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::Clock;
    use crate::sim::Simulation;
    use crate::sim::door::server;
    use crate::sim::world::World;

    fn rule(operation: &str, how: &str, percent: Option<u8>) -> Vec<u8> {
        let rule = Rule {
            operation: operation.to_owned(),
            how: how.parse().unwrap(),
            containing: None,
            percent,
            times: None,
            lasts: Some(Span::minutes(10)),
        };
        serde_json::to_vec(&rule).unwrap()
    }

    #[test]
    fn the_port_is_that_of_the_endpoint_of_this_shell_if_it_is_on_this_machine() {
        assert_eq!(port_of("http://127.0.0.1:4701"), Some(4701));
        assert_eq!(port_of("http://localhost:4701/"), Some(4701));
        for other in ["http://10.0.0.1:4701", "http://127.0.0.1", "https://ec2.us-west-2.amazonaws.com", "?"] {
            assert_eq!(port_of(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn faults_are_added_listed_and_ended_while_the_simulated_aws_runs() {
        let clock = Clock::system();
        let simulation = Simulation::new(World::example(clock.now()), clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(server::serve(simulation, listener, std::future::pending::<()>()));

        ask(port, Method::POST, FAULTS, rule("Describe*", "throttled", Some(30))).await.unwrap();
        ask(port, Method::POST, FAULTS, rule("ModifyListener", "refused=AccessDenied: no", None)).await.unwrap();
        let all: All = read(ask(port, Method::GET, FAULTS, Vec::new()).await.unwrap()).unwrap();
        let text = lines(&all.faults);
        assert!(text.starts_with("1  Describe*  throttled  30 % of the calls  until 20"), "{text}");
        assert!(text.contains("\n2  ModifyListener  refused=AccessDenied: no  until 20"), "{text}");
        assert!(text.ends_with(" UTC  met 0 so far\n"), "{text}");

        let refused = ask(port, Method::DELETE, &format!("{FAULTS}/3"), Vec::new()).await.unwrap_err();
        assert_eq!(refused.message, "no fault 3 is in force");
        let ended: Ended = read(ask(port, Method::DELETE, FAULTS, Vec::new()).await.unwrap()).unwrap();
        assert_eq!(ended.ended, 2);
        for (method, path, body) in [
            (Method::POST, FAULTS, &b"{\"operation\": \"*\", \"how\": \"broken\"}"[..]),
            (Method::POST, FAULTS, b"?"),
            (Method::PUT, FAULTS, b""),
            (Method::GET, "/_amiable/faults/x", b""),
            (Method::GET, "/_amiable/else", b""),
        ] {
            assert!(ask(port, method, path, body.to_vec()).await.is_err(), "{path}");
        }
        server.abort();
    }
}
