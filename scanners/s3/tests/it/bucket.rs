//! A bucket of its own for a test, filled by the SDK itself.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{BucketVersioningStatus, StorageClass, VersioningConfiguration};
use residuum_s3::{Patience, S3, S3Options};
use residuum_source::{Flow, Object, Sensitive, Source as _};
use tokio::runtime::Runtime;

/// A bucket on a test server.
pub struct Bucket {
    pub name: String,
    pub endpoint: String,
    pub client: Client,
    runtime: Runtime,
}

impl Bucket {
    /// On the server that knows versions, if it runs.
    pub fn on_moto() -> Option<Self> {
        Self::on("RESIDUUM_TEST_S3_MOTO", false)
    }

    /// On the same, with versions that can be locked.
    pub fn with_locks() -> Option<Self> {
        Self::on("RESIDUUM_TEST_S3_MOTO", true)
    }

    /// On the server that checks signatures, if it runs.
    pub fn on_signed() -> Option<Self> {
        Self::on("RESIDUUM_TEST_S3_SIGNED", false)
    }

    fn on(variable: &str, locks: bool) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let endpoint = std::env::var(variable).ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_nanos();
        let name = format!("residuum-{}-{}-{now}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(&endpoint)
            .force_path_style(true)
            // Of an object put in parts some servers give a checksum of checksums as its own.
            .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired)
            .credentials_provider(Credentials::new("tester", "tester-secret", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let bucket = Self { name, endpoint, client: Client::from_conf(config), runtime };
        let made = bucket.client.create_bucket().bucket(&bucket.name);
        let made = made.set_object_lock_enabled_for_bucket(locks.then_some(true)).send();
        bucket.run(made).expect("a bucket can be made");
        Some(bucket)
    }

    /// Waits for what was asked with [`Bucket::client`].
    pub fn run<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }

    /// The body of the current object, or of a version.
    pub fn body(&self, key: &str, version: Option<&str>) -> Vec<u8> {
        let get = self.client.get_object().bucket(&self.name).key(key).set_version_id(version.map(str::to_owned));
        self.run(async {
            let answer = get.send().await.unwrap_or_else(|error| panic!("`{key}`: {error:?}"));
            answer.body.collect().await.expect("it comes whole").to_vec()
        })
    }

    /// The versions of a key, the current one first, and how many delete markers stand among them.
    pub fn versions(&self, key: &str) -> (Vec<String>, usize) {
        let listed = self.client.list_object_versions().bucket(&self.name).prefix(key).send();
        let listed = self.run(listed).expect("versions can be listed");
        let ids = listed.versions().iter().map(|version| version.version_id().unwrap_or_default().to_owned());
        (ids.collect(), listed.delete_markers().len())
    }

    pub fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let put = self.client.put_object().bucket(&self.name).key(key).body(body.into().into());
        self.runtime.block_on(put.send()).unwrap_or_else(|error| panic!("`{key}`: {error:?}"));
    }

    pub fn put_archived(&self, key: &str, class: StorageClass) {
        let put = self.client.put_object().bucket(&self.name).key(key).storage_class(class);
        self.runtime.block_on(put.body(b"cold".to_vec().into()).send()).expect("an object can be put");
    }

    /// Many small objects, some at a time.
    pub fn put_many(&self, objects: impl Iterator<Item = (String, String)>) {
        self.runtime.block_on(async {
            let mut running = tokio::task::JoinSet::new();
            for (key, body) in objects {
                let put = self.client.put_object().bucket(&self.name).key(key).body(body.into_bytes().into());
                running.spawn(put.send());
                if running.len() >= 16 {
                    running.join_next().await.expect("one runs").expect("no panic").expect("it can be put");
                }
            }
            while let Some(put) = running.join_next().await {
                put.expect("no panic").expect("it can be put");
            }
        });
    }

    pub fn delete(&self, key: &str) {
        let delete = self.client.delete_object().bucket(&self.name).key(key).send();
        self.runtime.block_on(delete).expect("an object can be deleted");
    }

    pub fn keep_versions(&self) {
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let set = self.client.put_bucket_versioning().bucket(&self.name).versioning_configuration(on).send();
        self.runtime.block_on(set).expect("versions can be kept");
    }

    /// The connector's options for it, impatient.
    pub fn options(&self, prefix: &str) -> S3Options {
        let patience = Patience { pause: Duration::from_millis(10), ..Patience::default() };
        let url = format!("s3://{}/{prefix}", self.name);
        let access_key = Some(("tester".to_owned(), Sensitive::new("tester-secret".to_owned())));
        S3Options { endpoint: Some(self.endpoint.clone()), access_key, patience, ..S3Options::new(&url) }
    }

    pub fn source(&self, prefix: &str) -> S3 {
        S3::connect("test", &self.options(prefix)).expect("the bucket can be listed")
    }
}

/// Everything that is listed.
pub fn list(source: &S3) -> Vec<Object> {
    let mut objects = Vec::new();
    let listed = source.list(&mut |object| {
        objects.push(object);
        Flow::Continue(())
    });
    listed.expect("it can be listed");
    objects
}

/// The names of everything that is listed.
pub fn names(source: &S3) -> Vec<String> {
    list(source).iter().map(|object| object.path.as_str().to_owned()).collect()
}
