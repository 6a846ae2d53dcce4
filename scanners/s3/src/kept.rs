//! What stands beside a body and stays when that is replaced, but for what is erased in it: tags and grants are asked for,
//! all else a look shows.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{Grant, Permission, Tag};
use residuum_source::{Refusal, RefusalKind};

use crate::beside::Beside;
use crate::error::{Said, What};
use crate::get::Getter;
use crate::replace::not_written;

/// What people wrote beside the body, and grants.
#[derive(Default, Debug)]
pub(crate) struct Kept {
    pub beside: Beside,
    pub grants: Grants,
    /// What could not be kept.
    pub notes: Vec<String>,
}

/// Who may do what beside the owner, as the headers have it; nothing where only the owner may.
#[derive(PartialEq, Eq, Default, Debug)]
pub(crate) struct Grants {
    pub full_control: Option<String>,
    pub read: Option<String>,
    pub read_acp: Option<String>,
    pub write_acp: Option<String>,
}

impl Kept {
    /// Asks for what the current object of this key has, of which a look has shown `head`.
    pub async fn of(getter: &Getter, key: &str, head: &HeadObjectOutput) -> Result<Self, Refusal> {
        let beside = Self::beside(getter, key, None, head).await?;
        let acl = getter.client.get_object_acl().bucket(&getter.bucket).key(key).set_request_payer(getter.payer());
        let mut notes = Vec::new();
        let grants = match found(acl.send().await) {
            Ok(Some(acl)) => {
                let owner = acl.owner().and_then(|owner| owner.id()).unwrap_or_default();
                Grants::of(acl.grants(), owner)
            }
            Ok(None) => Grants::default(),
            Err(said) if said.what == What::Denied => {
                let note = "whether others than the owner had been granted access to the object itself could not be read, and \
                            such grants are gone: `s3:GetObjectAcl` keeps them";
                notes.push(note.to_owned());
                Grants::default()
            }
            Err(said) => return Err(not_written(&said)),
        };
        Ok(Self { beside, grants, notes })
    }

    /// What people wrote beside the body, tags included.
    pub async fn beside(
        getter: &Getter,
        key: &str,
        version: Option<&str>,
        head: &HeadObjectOutput,
    ) -> Result<Beside, Refusal> {
        let mut beside = Beside::of_head(head);
        beside.ask_for_tags(getter, key, version).await.map_err(|said| match said.what {
            What::Denied => {
                let reason = format!(
                    "its tags cannot be read, and would be lost ({}): grant `s3:GetObjectTagging`",
                    said.detail
                );
                Refusal::new(RefusalKind::ReadOnly, reason)
            }
            _ => not_written(&said),
        })?;
        Ok(beside)
    }

    /// The tags as the header has them.
    pub fn tags(&self) -> Option<String> {
        header(&self.beside.tags)
    }
}

/// An answer; `None` from a server that knows no such thing.
fn found<T, E>(answer: Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>) -> Result<Option<T>, Said>
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer.map_err(|error| Said::of(&error)) {
        Ok(answer) => Ok(Some(answer)),
        Err(Said { what: What::Unknown | What::Gone, .. }) => Ok(None),
        Err(said) => Err(said),
    }
}

/// Tags as the header has them: the form encoding of a query.
fn header(tags: &[Tag]) -> Option<String> {
    let pairs = tags.iter().map(|tag| format!("{}={}", encoded(tag.key()), encoded(tag.value())));
    (!tags.is_empty()).then(|| pairs.collect::<Vec<_>>().join("&"))
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl Grants {
    fn of(grants: &[Grant], owner: &str) -> Self {
        let is_owners = |grant: &Grant| {
            grant.grantee().and_then(|grantee| grantee.id()) == Some(owner)
                && grant.permission() == Some(&Permission::FullControl)
        };
        // That the owner may do everything goes without saying, and buckets without grants refuse to hear it.
        if grants.iter().all(is_owners) {
            return Self::default();
        }
        let to = |permission: Permission| {
            let of_it = grants.iter().filter(|grant| grant.permission() == Some(&permission));
            let grantees = of_it.filter_map(|grant| {
                let grantee = grant.grantee()?;
                let named = [("id", grantee.id()), ("uri", grantee.uri()), ("emailAddress", grantee.email_address())];
                let (name, value) = named.into_iter().find_map(|(name, value)| Some((name, value?)))?;
                Some(format!("{name}=\"{value}\""))
            });
            let grantees: Vec<String> = grantees.collect();
            (!grantees.is_empty()).then(|| grantees.join(", "))
        };
        Self {
            full_control: to(Permission::FullControl),
            read: to(Permission::Read),
            read_acp: to(Permission::ReadAcp),
            write_acp: to(Permission::WriteAcp),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{Grantee, Type};

    use super::*;

    #[test]
    fn tags_are_written_as_a_query() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("both are given");
        assert_eq!(header(&[]), None);
        let tags = [tag("team", "crm & co"), tag("é=", ""), tag("a/b", "x+y")];
        assert_eq!(header(&tags).as_deref(), Some("team=crm%20%26%20co&%C3%A9%3D=&a%2Fb=x%2By"));
    }

    #[test]
    fn grants_are_written_unless_only_the_owner_has_any() {
        let grant = |id: Option<&str>, uri: Option<&str>, permission| {
            let grantee = Grantee::builder().set_id(id.map(str::to_owned)).set_uri(uri.map(str::to_owned));
            let grantee = grantee.r#type(Type::CanonicalUser).build().expect("the type is given");
            Grant::builder().grantee(grantee).permission(permission).build()
        };
        let owner = grant(Some("me"), None, Permission::FullControl);
        assert_eq!(Grants::of(std::slice::from_ref(&owner), "me"), Grants::default());
        let all = grant(None, Some("http://acs.amazonaws.com/groups/global/AllUsers"), Permission::Read);
        let other = grant(Some("you"), None, Permission::Read);
        let grants = Grants::of(&[owner, all, other], "me");
        assert_eq!(grants.full_control.as_deref(), Some("id=\"me\""));
        assert_eq!(grants.read.as_deref(), Some("uri=\"http://acs.amazonaws.com/groups/global/AllUsers\", id=\"you\""));
        assert_eq!((grants.read_acp, grants.write_acp), (None, None));
    }
}
