//! References that know what they may point to (STIX 2.1, sections 2.9 and 3.3).

use crate::class::Target;
use crate::json::{self, Value};
use crate::model::data_type::DataType;
use crate::schema::table::Shape;
use crate::{Object, ObjectError, ObjectErrorKind, StixId, Tlp};
use std::fmt;
use std::marker::PhantomData;

/// A reference to an object of one of the types that `T` names, made from an identifier, an [`Object`] or a typed value
/// by [`TryFrom`]: write `Ref::try_from(&object)?` for an argument, as the compiler cannot infer `.try_into()?` there.
///
/// ```
/// use stix_model::{Ref, StixId, to};
/// let id: StixId = "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
/// let owner: Ref<to::Identity> = id.clone().try_into()?;
/// assert_eq!(owner.id(), &id);
/// assert!(Ref::<to::MarkingDefinition>::try_from(&id).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ref<T>(StixId, PhantomData<fn() -> T>);

impl<T> Ref<T> {
    /// The identifier.
    pub fn id(&self) -> &StixId {
        &self.0
    }
}

/// The types that a reference may point to.
pub trait Targets {
    /// Each of them, or a class of types.
    const TARGETS: &'static [Target];
}

impl<T: Targets> TryFrom<StixId> for Ref<T> {
    type Error = ObjectError;

    fn try_from(id: StixId) -> Result<Self, ObjectError> {
        if T::TARGETS.iter().any(|target| target.admits(id.object_type())) {
            return Ok(Self(id, PhantomData));
        }
        Err(ObjectError::here(ObjectErrorKind::OtherTarget { allowed: T::TARGETS }))
    }
}

impl<T: Targets> TryFrom<&StixId> for Ref<T> {
    type Error = ObjectError;

    fn try_from(id: &StixId) -> Result<Self, ObjectError> {
        id.clone().try_into()
    }
}

impl<T: Targets> TryFrom<&Object> for Ref<T> {
    type Error = ObjectError;

    fn try_from(object: &Object) -> Result<Self, ObjectError> {
        object.id().try_into()
    }
}

/// The marking definition of TLP 2.0 with this level.
impl From<Tlp> for Ref<to::MarkingDefinition> {
    fn from(level: Tlp) -> Self {
        Self(level.id(), PhantomData)
    }
}

impl<'a, T: Targets> DataType<'a> for Ref<T> {
    const SHAPE: Shape = Shape::Identifier(T::TARGETS);

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        StixId::read(value)?.try_into()
    }

    fn write(&self, out: &mut String) {
        json::write_string(self.0.as_str(), out);
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Ref<T> {}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<T> From<Ref<T>> for StixId {
    fn from(reference: Ref<T>) -> StixId {
        reference.0
    }
}

macro_rules! targets {
    ($($name:ident: $($target:expr),+;)+) => {$(
        #[doc = concat!("Targets of a reference: see the name; `Ref<to::", stringify!($name), ">`.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        impl $crate::model::reference::Targets for $name {
            const TARGETS: &'static [Target] = &[$($target),+];
        }
    )+};
}

pub mod to {
    //! What references point to: a type, several, or a class of types.
    //!
    //! ```
    //! use stix_model::{Ref, StixId, to};
    //! let malware: StixId = "malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061".parse()?;
    //! assert!(Ref::<to::DomainObject>::try_from(&malware).is_ok());
    //! let error = Ref::<to::Identity>::try_from(&malware).unwrap_err();
    //! assert_eq!(error.to_string(), "must refer to `identity`");
    //! # Ok::<(), stix_model::IdError>(())
    //! ```

    use super::Target::{self, Any, Sco, Sdo, Sro, Type};

    targets! {
        AnyObject: Any;
        DomainObject: Sdo;
        DomainObjectOrObservable: Sdo, Sco;
        Observable: Sco;
        ObservableOrRelationship: Sco, Sro;
        Artifact: Type("artifact");
        ArtifactOrFile: Type("artifact"), Type("file");
        AutonomousSystem: Type("autonomous-system");
        Directory: Type("directory");
        EmailAddress: Type("email-addr");
        File: Type("file");
        FileOrDirectory: Type("file"), Type("directory");
        Identity: Type("identity");
        IdentityOrLocation: Type("identity"), Type("location");
        MacAddress: Type("mac-addr");
        MarkingDefinition: Type("marking-definition");
        NetworkAddress: Type("ipv4-addr"), Type("ipv6-addr"), Type("mac-addr"), Type("domain-name");
        NetworkTraffic: Type("network-traffic");
        ObservedData: Type("observed-data");
        Process: Type("process");
        ResolvedAddress: Type("ipv4-addr"), Type("ipv6-addr"), Type("domain-name");
        Sample: Type("file"), Type("network-traffic"), Type("artifact");
        Software: Type("software");
        UserAccount: Type("user-account");
    }
}
