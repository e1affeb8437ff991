//! What a snapshot is made of, one list or one thing at a time, and when each was read.

use std::collections::BTreeMap;

use super::{Details, Read, Want};
use crate::model::time::{Span, Timestamp};

/// Something that is read from AWS by itself, and whose age can be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The account, and who we are.
    Identity,
    /// The groups of the environment.
    Groups,
    /// The launch templates of the environment.
    LaunchTemplates,
    /// The target groups of the region.
    TargetGroups,
    /// The load balancers of the region.
    LoadBalancers,
    /// The hosted zone with its records.
    Zone,
    /// What the manifests' sources of images lead to.
    ImageSources,
    /// An image, by its id.
    Image(String),
    /// A listener, by its ARN.
    Listener(String),
    /// A rule, by its ARN.
    Rule(String),
    /// What AWS tells only one by one.
    Detail(Want),
}

impl Fact {
    /// What is in every snapshot, whatever is in it besides.
    pub const LISTS: [Fact; 7] = [
        Fact::Identity,
        Fact::Groups,
        Fact::LaunchTemplates,
        Fact::TargetGroups,
        Fact::LoadBalancers,
        Fact::Zone,
        Fact::ImageSources,
    ];

    /// What is told one by one as a want.
    pub fn want(&self) -> Option<&Want> {
        if let Fact::Detail(want) = self { Some(want) } else { None }
    }
}

/// When facts were read. What is not in it was never read, or is not to be relied on any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAt(BTreeMap<Fact, Timestamp>);

impl ReadAt {
    /// These facts are read at that time.
    pub fn read(&mut self, facts: impl IntoIterator<Item = Fact>, at: Timestamp) {
        self.0.extend(facts.into_iter().map(|fact| (fact, at)));
    }

    /// Whether a fact was read at this look, or so short a while before it. A time that lies ahead was read off a clock that was
    /// set back since, and says nothing.
    pub fn is_younger(&self, fact: &Fact, now: Timestamp, longest: Span) -> bool {
        self.0.get(fact).is_some_and(|read| *read == now || *read < now && longest.after(*read) > now)
    }

    /// Keeps only the facts of which this is so.
    pub fn retain(&mut self, mut keeps: impl FnMut(&Fact, Timestamp) -> bool) {
        self.0.retain(|fact, at| keeps(fact, *at));
    }

    /// Does not rely on a fact any more.
    pub fn forget(&mut self, fact: &Fact) {
        self.0.remove(fact);
    }
}

impl Details {
    /// Takes over what is known of a want from what was read before. Whether anything is.
    ///
    /// What apps and webhooks answer, and what changes by itself from one look to the next, is never taken over.
    pub fn recall(&mut self, before: &Details, want: &Want) -> bool {
        macro_rules! recall {
            ($($kind:ident => $field:ident,)*) => {
                match want {
                    $(Want::$kind(id) => match before.$field.get(id) {
                        Some(known @ Read::Known(_)) => {
                            self.$field.insert(id.clone(), known.clone());
                            true
                        }
                        _ => false,
                    },)*
                    Want::Alarm(_)
                    | Want::Traffic(_)
                    | Want::Probe(_)
                    | Want::Decisions(_)
                    | Want::Named(_)
                    | Want::Kinship(_)
                    | Want::Failures(_)
                    | Want::Console(_) => false,
                }
            };
        }
        recall! {
            TargetHealth => target_health,
            Activities => activities,
            TargetGroupAttributes => target_group_attributes,
            BalancerAttributes => balancer_attributes,
            Tags => tags,
            ListenersOf => listeners_of,
            RulesOf => rules_of,
            TemplateData => template_data,
            Hooks => hooks,
            Policies => policies,
            StepAlarms => step_alarms,
            Schedules => schedules,
            Deployed => deployed,
        }
    }
}
