//! Proof bundles: everything that shows, without any network, that organisations approved an object.

use super::{
    Endorsement, Event, KeyName, Leaf, LeafError, Note, NoteError, Opening, ProofError, Salt, TrustError,
    TrustPolicy, leaf_hash, origin,
};
use crate::envelope::{Envelope, Json};
use crate::id::{Digest, NetworkId, OrganisationId, ProposalId};
use crate::organisation::{Key, KeyRefusal, Organisation, Role};
use crate::policy::{Operation, Policy, Question, Rule};
use crate::proposal::Phase;
use crate::statement::{Decision, Item, StatementError, Submit, Vote};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The form of bundles that this version makes and reads.
pub const BUNDLE_FORMAT: &str = "concord/proof/v1";
/// Largest bundle, in bytes, that a reader should take.
pub const MAX_BUNDLE_BYTES: usize = 8 << 20;

/// The proof that an object was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`BUNDLE_FORMAT`].
    pub format: String,
    /// The network.
    pub network: NetworkId,
    /// The collection.
    pub collection: Uuid,
    /// The text of the object, as every member serves it.
    pub object: String,
    /// The object as the organisations saw it.
    pub item: Item,
    /// Its number in the proposal.
    pub number: u32,
    /// The salt of the commitment to it.
    pub salt: Salt,
    /// The proposer.
    pub submitter: OrganisationId,
    /// What the proposer signed: a [`Submit`]. It names all objects of the proposal, so it is left out where one of them is
    /// not visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Dsse>,
    /// The votes that counted on it: each is a [`Vote`].
    pub votes: Vec<Dsse>,
    /// The policy by which it was decided.
    pub policy: Policy,
    /// The number of the rule that decided.
    pub rule: u32,
    /// The organisations, with their keys.
    pub organisations: Vec<Member>,
    /// The leaf of the transparency log with the decision, in its canonical form.
    pub leaf: String,
    /// The number of the leaf.
    pub leaf_number: u64,
    /// The hashes that lead from the leaf to the root (RFC 6962, section 2.1.1).
    pub inclusion: Vec<Digest>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// An envelope that is written in the JSON form of DSSE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsse(pub Envelope);

impl Serialize for Dsse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json::from(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Dsse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Straight from the text: a value in between would forget that a member was given twice.
        Envelope::try_from(Json::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

/// An organisation and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its identifier.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// The entry that made it a member.
    pub joined: u64,
    /// The entry that ended that.
    pub left: Option<u64>,
    /// All keys that it ever had.
    pub keys: Vec<Key>,
}

/// What a bundle proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The object.
    pub item: Item,
    /// The entry of the log that approved it.
    pub index: u64,
    /// Its time, in microseconds since 1970. It is the least `date_added` that the object can have.
    pub time: u64,
    /// Those who approved it, with the names that the bundle gives them.
    pub approved_by: Vec<(OrganisationId, String)>,
    /// The witnesses of the trust policy that cosigned the checkpoint.
    pub witnesses: Vec<KeyName>,
    /// Whether the proposer signed this very object. Where the submission is not shown, that the votes were about this
    /// object rests on the log and its witnesses.
    pub is_submission_shown: bool,
    /// Whether the organisations and their keys are those that the reader trusts. Where the reader gave none, that they are
    /// members rests on the log and its witnesses.
    pub are_members_trusted: bool,
}

/// Why a bundle proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It has another form.
    #[error("this is no proof bundle of format {BUNDLE_FORMAT}: {0}")]
    Format(String),
    /// The object cannot be read.
    #[error("the object cannot be read: {0}")]
    Object(String),
    /// The object is not the one that the organisations saw.
    #[error("the object was changed: its {0} is not that of the object that was approved")]
    Changed(&'static str),
    /// The leaf cannot be read.
    #[error("the leaf cannot be read: {0}")]
    Leaf(#[from] LeafError),
    /// The leaf is about something else.
    #[error("the decision in the log is not about this object: {0}")]
    OtherDecision(&'static str),
    /// The checkpoint cannot be read.
    #[error("the checkpoint cannot be read: {0}")]
    Note(#[from] NoteError),
    /// The checkpoint is not trusted.
    #[error("the checkpoint is not trusted: {0}")]
    Trust(#[from] TrustError),
    /// The decision is not in the log.
    #[error("the decision is not in the log: {0}")]
    Inclusion(#[from] ProofError),
    /// An organisation is listed twice.
    #[error("an organisation is listed twice")]
    Members,
    /// A statement cannot be read.
    #[error("a signed statement cannot be read: {0}")]
    Statement(#[from] StatementError),
    /// A statement is about something else.
    #[error("a signed statement is about something else: {0}")]
    OtherStatement(&'static str),
    /// A key does not count.
    #[error("organisation {organisation}: {refusal}")]
    Key {
        /// The organisation.
        organisation: OrganisationId,
        /// Why not.
        refusal: KeyRefusal,
    },
    /// A signature is wrong.
    #[error("a signature of organisation {0} does not match what it signed")]
    Signature(OrganisationId),
    /// An organisation is not listed.
    #[error("organisation {0} was no member")]
    NoMember(OrganisationId),
    /// The rule is not for the object.
    #[error("rule {0} of the policy is not for such an object")]
    Rule(u32),
    /// The votes are not enough.
    #[error("the votes do not satisfy rule {0} of the policy")]
    Gate(u32),
    /// A member forbade it.
    #[error("organisation {0} vetoed it")]
    Veto(OrganisationId),
}

impl Bundle {
    /// Reads a bundle from JSON.
    ///
    /// # Errors
    /// When it is too large, or has another form.
    pub fn from_json(json: &[u8]) -> Result<Self, BundleError> {
        if json.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::Format(format!("it has more than {MAX_BUNDLE_BYTES} bytes")));
        }
        let refuse = |error: serde_json::Error| BundleError::Format(error.to_string());
        let bundle: Self = serde_json::from_slice(json).map_err(refuse)?;
        // What has a second form could be read in another way by another program.
        let [given, written] = [serde_json::from_slice(json), serde_json::to_value(&bundle)];
        let (given, written): (Value, Value) = (given.map_err(refuse)?, written.map_err(refuse)?);
        if given != written || !has_plain_numbers(&given) {
            let message = "a member is missing, is given twice, or is written in another form";
            return Err(BundleError::Format(message.to_owned()));
        }
        match bundle.format == BUNDLE_FORMAT {
            true => Ok(bundle),
            false => Err(BundleError::Format(format!("it says {}", bundle.format))),
        }
    }

    /// Checks every step from the text of the object to a checkpoint that a policy trusts. `inspect` reads what consensus
    /// sees of an object from its text; its level is taken from the bundle, because that of an object without a marking comes
    /// from the collection. `members` are the organisations and keys that the reader trusts, if it has them: then they count,
    /// and those of the bundle do not.
    ///
    /// # Errors
    /// At the first step that does not hold.
    pub fn verify(
        &self,
        trust: &TrustPolicy,
        members: Option<&[Member]>,
        inspect: impl Fn(&[u8]) -> Result<Item, String>,
    ) -> Result<Proven, BundleError> {
        let read = inspect(self.object.as_bytes()).map_err(BundleError::Object)?;
        let differs = [
            (read.digest != self.item.digest, "digest"),
            (read.id != self.item.id, "id"),
            (read.version != self.item.version, "version"),
            (read.object_type != self.item.object_type, "type"),
        ];
        if let Some((_, what)) = differs.into_iter().find(|(differs, _)| *differs) {
            return Err(BundleError::Changed(what));
        }
        let leaf = self.check_leaf()?;
        let Endorsement { checkpoint, witnesses, .. } = trust.verify(&self.checkpoint.parse::<Note>()?)?;
        let hash = leaf_hash(self.leaf.as_bytes());
        checkpoint.head().check_inclusion(self.leaf_number, &hash, &self.inclusion)?;
        if checkpoint.origin() != origin(self.network) {
            return Err(BundleError::OtherDecision("the log is that of another network"));
        }
        let (mut listed, are_members_trusted) = (BTreeSet::new(), members.is_some());
        let members = members.unwrap_or(&self.organisations);
        if !members.iter().all(|member| listed.insert(member.id)) {
            return Err(BundleError::Members);
        }
        let check = Check { bundle: self, leaf: &leaf, members };
        check.submission()?;
        let approving = check.approving()?;
        let name = |id: &OrganisationId| check.member(*id).map(|member| (*id, member.name.clone())).ok();
        Ok(Proven {
            item: self.item.clone(),
            index: leaf.index,
            time: leaf.time,
            approved_by: approving.iter().filter_map(name).collect(),
            witnesses: witnesses.keys().map(|key| key.name().clone()).collect(),
            is_submission_shown: self.submission.is_some(),
            are_members_trusted,
        })
    }

    /// Checks that the leaf says that this object was approved.
    fn check_leaf(&self) -> Result<Leaf, BundleError> {
        let leaf = Leaf::decode(self.leaf.as_bytes())?;
        let decided = leaf.items.iter().find(|decided| decided.item == self.number);
        let decided = decided.ok_or(BundleError::OtherDecision("it does not name the item"))?;
        let (collection, organisation, item) = (self.collection, self.submitter, self.item.clone());
        let opening = Opening { collection, organisation, item };
        if decided.commit != Some(opening.commit(&self.salt)) {
            return Err(BundleError::OtherDecision("it is bound to another object, collection or submitter"));
        }
        if leaf.event != Event::Submit || decided.phase != Phase::Approved {
            return Err(BundleError::OtherDecision("it does not approve it"));
        }
        if leaf.submitted > leaf.index {
            return Err(BundleError::OtherDecision("it was made before the submission"));
        }
        if (leaf.policy, leaf.policy_digest) != (self.policy.version, self.policy.digest()) {
            return Err(BundleError::OtherDecision("it was made under another policy"));
        }
        Ok(leaf)
    }
}

/// A bundle while its statements are checked.
struct Check<'b> {
    bundle: &'b Bundle,
    leaf: &'b Leaf,
    members: &'b [Member],
}

impl Check<'_> {
    /// Checks what the proposer signed, where it is shown.
    fn submission(&self) -> Result<(), BundleError> {
        let Self { bundle, leaf, .. } = self;
        let Some(Dsse(envelope)) = &bundle.submission else { return Ok(()) };
        let submit: Submit = envelope.read()?;
        if ProposalId(envelope.digest()) != leaf.proposal {
            return Err(BundleError::OtherStatement("the submission is that of another proposal"));
        }
        let found = (submit.network, submit.collection, submit.organisation);
        if found != (bundle.network, bundle.collection, bundle.submitter) {
            return Err(BundleError::OtherStatement(
                "the submission names another network, collection or submitter",
            ));
        }
        if submit.items.get(bundle.number as usize) != Some(&bundle.item) {
            return Err(BundleError::OtherStatement("the submission has another object at this number"));
        }
        if Salt::of(&submit.nonce, bundle.number) != bundle.salt {
            return Err(BundleError::OtherStatement("the salt does not follow from the submission"));
        }
        self.signature(bundle.submitter, envelope, Role::Submit, leaf.submitted)
    }

    /// Checks that the votes of members that have one satisfy the rule, and returns those who approve.
    fn approving(&self) -> Result<BTreeSet<OrganisationId>, BundleError> {
        let Self { bundle, leaf, members } = self;
        let rule = self.rule()?;
        let is_member = |member: &&Member| {
            member.joined <= leaf.index && member.left.is_none_or(|left| left > leaf.index)
        };
        let members = members.iter().filter(is_member).map(|member| member.id).collect();
        let eligible = rule.eligible(&members, bundle.submitter);
        let mut approving = BTreeSet::new();
        for (organisation, decision) in self.votes()? {
            match decision {
                _ if !eligible.contains(&organisation) => {}
                Decision::Approve => drop(approving.insert(organisation)),
                Decision::Veto if rule.veto.contains(&organisation) => {
                    return Err(BundleError::Veto(organisation));
                }
                Decision::Veto | Decision::Reject | Decision::Abstain => {}
            }
        }
        let is_ratified = leaf.items.iter().any(|item| item.item == bundle.number && item.ratified);
        let gate = match &rule.emergency {
            Some(emergency) if is_ratified => &emergency.gate,
            _ => &rule.gate,
        };
        match (rule.automatic && !is_ratified) || gate.is_met(&approving, &eligible) {
            true => Ok(approving),
            false => Err(BundleError::Gate(bundle.rule)),
        }
    }

    /// The rule that decided, which is for such an object.
    fn rule(&self) -> Result<&Rule, BundleError> {
        let Self { bundle, .. } = self;
        let admits = |operation| {
            bundle.policy.rule_for(&Question {
                operation,
                submitter: bundle.submitter,
                collection: Some(bundle.collection),
                item: Some(&bundle.item),
                is_own: false,
            }) == Some(bundle.rule as usize)
        };
        let rule = bundle.policy.rules.get(bundle.rule as usize);
        let rule = rule.filter(|_| admits(Operation::New) || admits(Operation::Revise));
        rule.ok_or(BundleError::Rule(bundle.rule))
    }

    /// Checks each vote, and returns what it says.
    fn votes(&self) -> Result<BTreeMap<OrganisationId, Decision>, BundleError> {
        let Self { bundle, leaf, .. } = self;
        let mut votes = BTreeMap::new();
        for Dsse(envelope) in &bundle.votes {
            let vote: Vote = envelope.read()?;
            if (vote.network, vote.proposal) != (bundle.network, leaf.proposal) {
                return Err(BundleError::OtherStatement("a vote is on another proposal"));
            }
            if vote.items.as_ref().is_some_and(|items| !items.contains(&bundle.number)) {
                return Err(BundleError::OtherStatement("a vote is on other objects of the proposal"));
            }
            let counted = leaf.votes.iter().find(|counted| counted.statement == envelope.digest());
            let counted = counted.filter(|counted| counted.index <= leaf.index);
            let counted =
                counted.ok_or(BundleError::OtherStatement("a vote is none of those that the log counted"))?;
            if votes.insert(vote.organisation, vote.decision).is_some() {
                return Err(BundleError::OtherStatement("an organisation votes twice"));
            }
            self.signature(vote.organisation, envelope, Role::Vote, counted.index)?;
        }
        Ok(votes)
    }

    fn member(&self, id: OrganisationId) -> Result<&Member, BundleError> {
        self.members.iter().find(|member| member.id == id).ok_or(BundleError::NoMember(id))
    }

    fn signature(
        &self,
        organisation: OrganisationId,
        envelope: &Envelope,
        role: Role,
        index: u64,
    ) -> Result<(), BundleError> {
        let Member { id, name, joined, left, keys } = self.member(organisation)?.clone();
        let member = Organisation { id, name, joined, left, keys, open: 0 };
        let key = member.key_at(envelope.key, &[role], index);
        let key = key.map_err(|refusal| BundleError::Key { organisation, refusal })?;
        match envelope.is_signed_by(&key.public) {
            true => Ok(()),
            false => Err(BundleError::Signature(organisation)),
        }
    }
}

/// Whether all programs read the numbers alike.
fn has_plain_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_some_and(|number| number < 1 << 53),
        Value::Array(values) => values.iter().all(has_plain_numbers),
        Value::Object(members) => members.values().all(has_plain_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

impl From<Organisation> for Member {
    fn from(Organisation { id, name, joined, left, keys, .. }: Organisation) -> Self {
        Self { id, name, joined, left, keys }
    }
}
