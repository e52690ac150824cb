//! A service's model as botocore stores it: `data/<service>/<version>/service-2.json.gz`.

use std::path::Path;

use serde_json::Value;

/// No model is larger; EC2's, the largest of all, has a third of it.
const MODEL_BYTES_MAX: usize = 32 << 20;

pub(super) struct Model(Value);

impl Model {
    /// The newest version of a service's model.
    pub(super) fn read(models: &Path, service: &str) -> Result<Self, String> {
        let home = models.join(service);
        let entries = std::fs::read_dir(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        let newest = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).max();
        let path = newest.ok_or_else(|| format!("{}: no version", home.display()))?.join("service-2.json.gz");
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let packed = std::fs::read(&path).map_err(|error| named(&error))?;
        let json = inflate(&packed).map_err(|error| named(&error))?;
        serde_json::from_slice(&json).map(Model).map_err(|error| named(&error))
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = &str> {
        self.0["operations"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The name of an operation's input shape; `None` for operations without input.
    pub(super) fn input(&self, operation: &str) -> Option<&str> {
        self.0["operations"][operation]["input"]["shape"].as_str()
    }

    pub(super) fn shape(&self, name: &str) -> Result<&Value, String> {
        self.0["shapes"].get(name).ok_or_else(|| format!("the model has no shape {name}"))
    }
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, String> {
    // The last four bytes of a gzip file are its size (RFC 1952, 2.3.1).
    let size = packed.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    if size > MODEL_BYTES_MAX {
        return Err("too large for a model".to_owned());
    }
    let mut json = vec![0; size];
    let mut inflater = libdeflater::Decompressor::new();
    inflater.gzip_decompress(packed, &mut json).map_err(|error| error.to_string())?;
    Ok(json)
}
