//! What instances write to their consoles, as it follows from the moments that are known of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::compute::Instance;
use crate::model::time::{Span, Timestamp};

/// From `running` until EC2 has posted what was written until then.
const POSTED: Span = Span::seconds(60);

/// Families before the Nitro system, which tell only what was posted.
const BEFORE_NITRO: [&str; 7] = ["t1", "t2", "m3", "m4", "c3", "c4", "r4"];

/// Whether EC2 can tell what an instance of this type writes now.
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-nitro-instances.html>
pub fn is_nitro(instance_type: &str) -> bool {
    !BEFORE_NITRO.contains(&instance_type.split('.').next().unwrap_or_default())
}

/// What it wrote, up to now or to when EC2 posted it last, and that time. EC2 posts after a start and after an end.
pub fn written(instance: &Instance, latest: bool, now: Timestamp) -> (Timestamp, String) {
    let posts = [Some(POSTED.after(instance.running_at)), instance.stopped_at];
    let posted = posts.into_iter().flatten().filter(|at| *at <= now).max();
    let Some(until) = (if latest { Some(now) } else { posted }) else { return (instance.launched_at, String::new()) };
    let mut lines = Vec::new();
    let mut write = |at: Timestamp, line: String| {
        if at <= until && instance.stopped_at.is_none_or(|stopped| at <= stopped) {
            let seconds = at.duration_since(instance.launched_at).as_secs();
            lines.push(format!("[{seconds:5}.000000] {line}"));
        }
    };
    write(instance.running_at, "Linux version 6.12.0 (simulated)".to_owned());
    write(instance.running_at, "cloud-init[402]: running modules:final".to_owned());
    for line in script(instance).lines().filter(|line| !line.trim().is_empty()) {
        write(instance.running_at, format!("cloud-init[402]: + {line}"));
    }
    let service = instance.version.split(' ').next().unwrap_or("service");
    write(instance.listening_at, format!("{service}[812]: version {} listens", instance.version));
    if let Some(at) = instance.sick_at {
        write(at, format!("{service}[812]: ERROR cannot reach the database: connection refused"));
    }
    if let Some(at) = instance.stopped_at {
        write(at, "systemd[1]: Shutting down.".to_owned());
    }
    lines.push(String::new());
    (until, lines.join("\r\n"))
}

/// The user data of the instance, which the boot shows as it runs it.
fn script(instance: &Instance) -> String {
    let bytes = instance.user_data.as_deref().and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
