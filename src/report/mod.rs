//! What people and programs read: every form renders the same [`Plan`](crate::model::plan::Plan) and decides nothing.
//!
//! - [`paint`]: colour, or none
//! - [`words`]: the phrases that all forms share: steps, waits, calls, spans of time
//! - [`text`]: a plan for the terminal
//! - [`json`]: a plan for programs, in a form that stays
//! - [`markdown`]: a plan for a pull request
//! - [`github`]: a plan as annotations of GitHub Actions
//! - [`live`]: a release while it happens
//! - [`status`]: what runs where
//! - `table`: the tables of those that list
//! - [`unwatched`]: what has traffic when nobody watches it any more
//! - [`tree`]: what runs of one app, generation by generation
//! - [`history`]: what was released, when and by whom
//! - [`events`]: what happened, and why
//!
//! No form ever holds user data: a hash stands for it (see [`Secret`](crate::model::launch::Secret)).

pub mod events;
pub mod github;
pub mod history;
pub mod json;
pub mod live;
pub mod markdown;
pub mod paint;
pub mod status;
mod table;
pub mod text;
pub mod tree;
pub mod unwatched;
pub mod words;

#[cfg(test)]
pub(crate) mod samples;
