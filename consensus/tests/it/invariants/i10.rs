use super::{Checked, organisations, proposals, require};
use crate::network::Member;
use consensus::{Kind, Role};

/// I10: A key that counts until an entry signs no vote that counts in it or later. A change of the network that was made stays
/// as it was decided, also where it revokes a key that voted for it.
pub(crate) fn revoked_keys_sign_nothing(member: &Member) -> Checked {
    let organisations = organisations(member);
    for (id, proposal) in proposals(member) {
        if proposal.kind == Kind::Govern && !proposal.is_open() {
            continue;
        }
        for vote in &proposal.votes {
            let keys = organisations.get(&vote.organisation).into_iter().flat_map(|one| &one.keys);
            let mut keys = keys.filter(|key| key.public.id() == vote.key && key.role == Role::Vote);
            let counts =
                keys.any(|key| key.since <= vote.index && key.until.is_none_or(|until| vote.index < until));
            require(counts, || format!("I10: a vote of {} on {id} counts no longer", vote.organisation))?;
        }
    }
    Ok(())
}
