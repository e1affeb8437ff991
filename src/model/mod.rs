//! Plain data that every room shares: names, what is wanted, what was seen, what to do about it.
//!
//! - [`names`]: names of things in AWS, derived from app, environment and generation
//! - [`time`]: spans of time as manifests write them, and points in time as AWS tags hold them
//! - [`launch`]: what an instance is born with, and the hash that identifies it
//! - [`container`]: one container on a stock image, and the script that starts it
//! - [`machine`]: instance types, volumes and the metadata service of an instance
//! - [`scaling`]: how a group scales by itself, and its hooks; [`alarm`]: the alarms that step it; [`schedule`]: times that come again
//! - [`spec`]: what a manifest may say, and the effect of every field; [`secret`]: text in it that is never shown
//! - [`desired`]: what the manifests ask for in one environment
//! - [`observed`]: one snapshot of AWS, with `Unknown` for what could not be read
//! - [`tags`]: what AWS keeps for us beside a resource, and the keys it stands under; [`tag_text`]: what a value may hold
//! - [`trial`]: a health check that is tried before it comes into force, as a tag carries it
//! - [`mark`]: what people say about a release, as a tag on a group carries it
//! - [`decision`]: the same for those who ask later, as SSM Parameter Store keeps it
//! - [`release`]: what is said of a release, and where its image came from
//! - [`record`]: the deployed state as it is kept in SSM Parameter Store
//! - [`autopsy`]: why a generation failed, and what its console said last, as they are kept there; [`redact`]: what is secret in it
//! - [`parameter`]: values as Parameter Store takes them
//! - [`probe`]: questions over HTTP, and how a generation has done in its checks
//! - [`pattern`]: regular expressions; [`text`]: what others wrote, as it may be shown
//! - [`action`]: one mutating AWS call each, and the facts it depends on; [`balancing`]: what those about load balancing hold
//! - [`conditions`]: which requests a rule of a listener takes; [`coverage`]: which of two rules takes the other's
//! - [`target_check`]: how a load balancer checks its targets
//! - [`given_up`]: calls that are not made again for now
//! - [`event`]: what happens while a plan is carried out
//! - [`plan`]: the whole remaining path of every app
//!
//! Nothing here does I/O.

pub mod action;
pub mod alarm;
pub mod autopsy;
pub mod balancing;
pub mod conditions;
pub mod container;
pub mod coverage;
pub mod decision;
pub mod desired;
pub mod event;
pub mod given_up;
pub mod launch;
pub mod machine;
pub mod mark;
pub mod names;
pub mod observed;
pub mod parameter;
pub mod pattern;
pub mod plan;
pub mod probe;
pub mod record;
pub mod redact;
pub mod release;
pub mod scaling;
pub mod schedule;
pub mod secret;
pub mod spec;
pub mod tag_text;
pub mod tags;
pub mod target_check;
pub mod text;
pub mod time;
pub mod trial;
pub mod writer;
