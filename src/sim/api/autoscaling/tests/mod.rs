//! What is known about Auto Scaling, fact by fact.

mod attaching;
mod by_itself;
mod deleting;
mod describing;
mod launching;
mod leaving;
mod suspending;
