//! What AWS tells only one by one, or only on request, and how a decision asks for it.

use std::collections::BTreeMap;

use super::{Attributes, Listener, Read, Rule};
use crate::model::alarm::GroupAlarm;
use crate::model::autopsy::FailureRecord;
use crate::model::decision::Decision;
use crate::model::launch::{LaunchData, Secret};
use crate::model::names::AppName;
use crate::model::probe::{Probe, Replied};
use crate::model::record::DeployedRecord;
use crate::model::scaling::{GroupPolicy, Hook, ScheduledAction};
use crate::model::tag_text::Tags;
use crate::model::time::Timestamp;
use crate::model::writer::{Commits, Kinship};

/// What AWS tells only one by one, or only on request: what a decision asked for as a [`Want`].
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Targets and their health, by target group ARN.
    pub target_health: BTreeMap<String, Read<Vec<Target>>>,
    /// Scaling activities by group name, those under way first and then the newest, back to [`super::Group::told_since`].
    pub activities: BTreeMap<String, Read<Vec<Activity>>>,
    /// Attributes of target groups, by ARN.
    pub target_group_attributes: BTreeMap<String, Read<Attributes>>,
    /// Attributes of load balancers, by ARN.
    pub balancer_attributes: BTreeMap<String, Read<Attributes>>,
    /// Tags of target groups, load balancers, listeners and rules, by ARN.
    pub tags: BTreeMap<String, Read<BTreeMap<String, String>>>,
    /// The listeners of a load balancer, by its ARN.
    pub listeners_of: BTreeMap<String, Read<Vec<Listener>>>,
    /// The rules of a listener, by its ARN.
    pub rules_of: BTreeMap<String, Read<Vec<Rule>>>,
    /// What a launch template holds, by its name. `None`: it is gone.
    pub template_data: BTreeMap<String, Read<Option<LaunchData>>>,
    /// Lifecycle hooks of a group, by its name.
    pub hooks: BTreeMap<String, Read<Vec<Hook>>>,
    /// Scaling policies of a group, by its name.
    pub policies: BTreeMap<String, Read<Vec<GroupPolicy>>>,
    /// Alarms that have the name of one of ours of a group, by the name of the group.
    pub step_alarms: BTreeMap<String, Read<Vec<GroupAlarm>>>,
    /// Scheduled actions of a group, by its name.
    pub schedules: BTreeMap<String, Read<Vec<ScheduledAction>>>,
    /// The deployed state, by app. `None`: no record yet.
    pub deployed: BTreeMap<AppName, Read<Option<DeployedRecord>>>,
    /// CloudWatch alarms by name. `None`: there is no such alarm.
    pub alarms: BTreeMap<String, Read<Option<Alarm>>>,
    /// What load balancers counted for target groups.
    pub traffic: BTreeMap<TrafficWindow, Read<Traffic>>,
    /// What requests to apps and webhooks gave.
    pub probes: BTreeMap<Probe, Read<Replied>>,
    /// The last decision of a person, by app. `None`: there is none.
    pub decisions: BTreeMap<AppName, Read<Option<Decision>>>,
    /// What has the name of a generation, whosever it is, by that name.
    pub named: BTreeMap<String, Read<Named>>,
    /// How commits of manifests are related, as `git` tells.
    pub kinship: BTreeMap<Commits, Read<Kinship>>,
    /// Why a generation failed last, by app. `None`: nothing was kept.
    pub failures: BTreeMap<AppName, Read<Option<FailureRecord>>>,
    /// What instances wrote to their consoles, by id; secrets stand in it. `None`: EC2 has nothing of it.
    pub consoles: BTreeMap<String, Read<Option<Secret>>>,
}

impl Details {
    /// Takes over what was read later.
    pub fn extend(&mut self, later: Details) {
        self.target_health.extend(later.target_health);
        self.activities.extend(later.activities);
        self.target_group_attributes.extend(later.target_group_attributes);
        self.balancer_attributes.extend(later.balancer_attributes);
        self.tags.extend(later.tags);
        self.listeners_of.extend(later.listeners_of);
        self.rules_of.extend(later.rules_of);
        self.template_data.extend(later.template_data);
        self.hooks.extend(later.hooks);
        self.policies.extend(later.policies);
        self.step_alarms.extend(later.step_alarms);
        self.schedules.extend(later.schedules);
        self.deployed.extend(later.deployed);
        self.alarms.extend(later.alarms);
        self.traffic.extend(later.traffic);
        self.probes.extend(later.probes);
        self.decisions.extend(later.decisions);
        self.named.extend(later.named);
        self.kinship.extend(later.kinship);
        self.failures.extend(later.failures);
        self.consoles.extend(later.consoles);
    }
}

/// Something that a decision needs and that the batched reading does not bring.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// [`Details::target_health`] of a target group ARN.
    TargetHealth(String),
    /// [`Details::activities`] of a group name.
    Activities(String),
    /// [`Details::target_group_attributes`] of a target group ARN.
    TargetGroupAttributes(String),
    /// [`Details::balancer_attributes`] of a load balancer ARN.
    BalancerAttributes(String),
    /// [`Details::tags`] of an ARN.
    Tags(String),
    /// [`Details::listeners_of`] a load balancer ARN.
    ListenersOf(String),
    /// [`Details::rules_of`] a listener ARN.
    RulesOf(String),
    /// [`Details::template_data`] of a launch template name.
    TemplateData(String),
    /// [`Details::hooks`] of a group name.
    Hooks(String),
    /// [`Details::policies`] of a group name.
    Policies(String),
    /// [`Details::step_alarms`] of a group name.
    StepAlarms(String),
    /// [`Details::schedules`] of a group name.
    Schedules(String),
    /// [`Details::deployed`] of an app.
    Deployed(AppName),
    /// [`Details::alarms`]: one by its name.
    Alarm(String),
    /// [`Details::traffic`] in a window.
    Traffic(TrafficWindow),
    /// [`Details::probes`]: the answer to a request.
    Probe(Probe),
    /// [`Details::decisions`] about an app.
    Decisions(AppName),
    /// [`Details::named`]: what has the name of a generation.
    Named(String),
    /// [`Details::kinship`] of two commits of manifests.
    Kinship(Commits),
    /// [`Details::failures`] of an app.
    Failures(AppName),
    /// [`Details::consoles`]: one by the id of its instance.
    Console(String),
}

/// What has the name of a generation, with its tags: a launch template and a group, whosever they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The tags of the launch template of this name; `None`: there is none.
    pub template: Option<Tags>,
    /// The tags of the Auto Scaling group of this name; `None`: there is none.
    pub group: Option<Tags>,
}

/// A target as the load balancer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The instance.
    pub id: String,
    /// Its health.
    pub health: Health,
    /// The reason code, such as `Target.ResponseCodeMismatch`.
    pub reason: Option<String>,
    /// AWS's words.
    pub description: Option<String>,
}

/// The health of a target.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Being registered, or not yet checked often enough.
    Initial,
    /// Passing its checks.
    Healthy,
    /// Failing its checks.
    Unhealthy,
    /// No listener forwards to its target group, or its zone is off: a fault of configuration.
    Unused,
    /// Leaving, requests in flight going on; also `unhealthy.draining`.
    Draining,
    /// Health checks are off or broken.
    Unavailable,
    /// A state that this version does not know, which is not healthy.
    Unrecognised,
}

impl Health {
    /// What it means, in words.
    pub fn words(self) -> &'static str {
        match self {
            Health::Initial => "not yet checked",
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
            Health::Unused => "unused (no listener forwards to it, or its zone is off)",
            Health::Draining => "draining",
            Health::Unavailable => "health unavailable",
            Health::Unrecognised => "in a state that is not known",
        }
    }
}

/// A CloudWatch alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// How it stands.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// The state of an alarm.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-concepts.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// Within its threshold.
    Ok,
    /// Beyond it.
    Alarm,
    /// Cannot be told, or is a state that this version does not know.
    InsufficientData,
}

/// For which target group, and in which time, a load balancer's counts are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficWindow {
    /// The target group.
    pub target_group_arn: String,
    /// Its load balancer.
    pub load_balancer_arn: String,
    /// Which percentile of the response time is wanted, if any: 50, 90, 99.
    pub percentile: Option<u32>,
    /// From this full minute on.
    pub from: Timestamp,
    /// Up to this full minute, which is not included.
    pub to: Timestamp,
}

/// What a load balancer counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that went to targets.
    pub requests: u64,
    /// Those among them that targets answered with 5xx.
    pub errors: u64,
    /// The response time that was asked for, in milliseconds; nothing when there were no requests.
    pub latency_ms: Option<u64>,
}

/// A scaling activity of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it has; for a launch, when the instance went into service.
    pub ended_at: Option<Timestamp>,
    /// `Successful`, `Failed`, `InProgress` …
    pub status: String,
    /// What is done, in AWS's words: `Launching a new EC2 instance: i-0abc`, `Terminating EC2 instance: i-0abc` …
    pub description: String,
    /// AWS's words about what it did and how that ended: its status message, or else its description.
    pub message: String,
    /// AWS's words about why it began, such as `… an instance was taken out of service in response to an ELB system health
    /// check failure.`, where others say `… in response to an EC2 health check indicating it has been terminated or stopped.`
    /// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html>
    pub cause: String,
    /// The subnet in which it was done, where AWS says so.
    pub subnet: Option<String>,
}

impl Activity {
    /// Whether an instance was to be launched.
    /// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scaling-activities.html>
    pub fn is_launch(&self) -> bool {
        ["Launching ", "Placing Spot"].iter().any(|words| self.description.starts_with(words))
    }

    /// Whether it ended without what it was begun for, and AWS says why. `Cancelled` without a word is a launch that was not
    /// wanted any more.
    pub fn failed(&self) -> bool {
        self.status == "Failed" || self.status == "Cancelled" && self.message != self.description
    }

    /// The instance that it launches or terminates, where it names one.
    pub fn instance(&self) -> Option<&str> {
        let (_, id) = self.description.split_once(": ")?;
        id.split([' ', ',', '.']).next().filter(|id| id.starts_with("i-"))
    }
}
