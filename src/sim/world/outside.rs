//! What is outside of AWS and yet talks to those who deploy: webhooks, and the way to a load balancer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Webhooks and ways.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// What webhooks answer, by their host: each answer once and in this order, but the last one for ever. Whom nobody
    /// listed cannot be reached.
    pub webhooks: BTreeMap<String, VecDeque<HookAnswer>>,
    /// What webhooks were asked, in order.
    pub asked: Vec<Asked>,
    /// Load balancers, by name, that cannot be reached from where Amiable runs.
    pub unreachable: BTreeSet<String>,
}

/// What a webhook answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// A status and a body.
    Status(u16, String),
    /// Nothing, for ever.
    Silence,
}

/// What a webhook was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its host.
    pub host: String,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
    /// The body.
    pub body: String,
}

impl Outside {
    /// Lets the webhook at a host answer so from now on.
    pub fn answers(&mut self, host: &str, answers: impl IntoIterator<Item = HookAnswer>) {
        self.webhooks.insert(host.to_owned(), answers.into_iter().collect());
    }

    /// Asks the webhook at a host; nothing when there is none.
    pub fn ask(&mut self, asked: Asked) -> Option<HookAnswer> {
        let answers = self.webhooks.get_mut(&asked.host)?;
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        self.asked.push(asked);
        answer
    }
}
