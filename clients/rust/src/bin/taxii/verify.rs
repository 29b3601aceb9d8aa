//! `taxii verify`

mod members;
mod seen;
mod show;

use crate::failure::Failure;
use crate::input::small;
use crate::out::Out;
use consensus::evidence::{
    Bundle, BundleError, MAX_BUNDLE_BYTES, MAX_TRUST_POLICY_BYTES, Member, TrustPolicy,
};
use seen::Seen;
use std::path::{Path, PathBuf};

/// Check a proof that organisations approved an object, without any network
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Checked are the digest of the object (RFC 8785), the signature of each vote, the rule of the policy that the votes satisfy, the
place of the decision in the transparency log, and the signatures of the checkpoint under the trust policy (C2SP tlog-policy).
What is shown then is proved, but for what it says that it rests on the log alone. A proof does not tell whether an object
was taken back since.

With --json, one line: {\"proved\":true,\"object\",\"network\",\"collection\",\"submitted_by\",\"approved_by\",\"time\",\"entry\",
\"checkpoint\",\"witnesses\",\"is_submission_shown\",\"are_members_trusted\",\"rests_on_the_log\"}. A proof that is refused is an
error with exit code 1; a trust policy or a list of members that cannot be read is one with exit code 2.

Examples:
  taxii verify proof.json --policy trust.txt
  taxii verify proof.json --policy trust.txt --members members.json
  taxii --json verify - --policy trust.txt < proof.json | jq -r '.approved_by[].name'")]
pub(crate) struct Arguments {
    /// The proof, as `taxii proof get` writes it; `-` is standard input
    bundle: PathBuf,
    /// The trust policy: whose logs count, and whose cosignatures are needed
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The organisations and their keys that you trust, as `taxii proof members` writes them; without this, those in the
    /// proof
    #[arg(long, value_name = "FILE")]
    members: Option<PathBuf>,
}

/// A proof that holds.
struct Verified {
    bundle: Bundle,
    seen: Seen,
    proven: consensus::evidence::Proven,
    /// The organisations that count.
    members: Vec<Member>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let files = [Some(&arguments.bundle), Some(&arguments.policy), arguments.members.as_ref()];
    if files.into_iter().flatten().filter(|file| file.as_path() == Path::new("-")).count() > 1 {
        return Err(Failure::Usage("standard input holds one file: give `-` once".to_owned()));
    }
    let trust = trust(&arguments.policy, out)?;
    let members = arguments.members.as_deref().map(|file| members::read(file, out)).transpose()?;
    let bytes = small(&arguments.bundle, MAX_BUNDLE_BYTES, out)?;
    let verified = verify(&bytes, &trust, members)
        .map_err(|reason| Failure::Failed(format!("{}: not proved: {reason}", arguments.bundle.display())))?;
    show::run(&verified, out)
}

/// Reads a trust policy.
pub(crate) fn trust(file: &Path, out: &Out) -> Result<TrustPolicy, Failure> {
    let bytes = small(file, MAX_TRUST_POLICY_BYTES, out)?;
    TrustPolicy::parse(&bytes).map_err(|error| Failure::Input(format!("{}: {error}", file.display())))
}

/// Why a proof does not hold.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("the object is marked TLP:{}, and was approved as TLP:{}", word(*marked), word(*approved))]
    Level { marked: u8, approved: u8 },
}

fn word(level: u8) -> String {
    crate::review::tlp(level).to_uppercase()
}

fn verify(bytes: &[u8], trust: &TrustPolicy, members: Option<Vec<Member>>) -> Result<Verified, Refused> {
    let bundle = Bundle::from_json(bytes)?;
    let seen = Seen::of(&bundle).map_err(BundleError::Object)?;
    let proven = bundle.verify(trust, members.as_deref(), |_| Ok(seen.item.clone()))?;
    // An object without a marking has the level of its collection, which the log vouches for; a marking speaks for itself.
    if let Some(marked) = seen.marked.filter(|marked| *marked != bundle.item.level) {
        return Err(Refused::Level { marked, approved: bundle.item.level });
    }
    let members = members.unwrap_or_else(|| bundle.organisations.clone());
    Ok(Verified { bundle, seen, proven, members })
}
