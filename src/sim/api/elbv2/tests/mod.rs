//! What is known about Elastic Load Balancing, fact by fact.

mod forwarding;
mod health;
mod naming;
mod network;
mod routing;
