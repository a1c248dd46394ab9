//! TLS, if it is asked for: the certificates, and the file from which clients learn whom to trust.

use std::path::{Path, PathBuf};

use kcl_local::Tls;

/// What the server speaks, and the file with the authority's certificate.
pub(crate) struct Secure {
    pub(crate) tls: Tls,
    pub(crate) file: PathBuf,
}

/// Makes the certificates and writes the authority's to `file`, or to one of its own in the folder for temporary files.
pub(crate) fn secure(file: Option<&Path>) -> Result<Secure, String> {
    let tls = Tls::generate().map_err(|error| format!("cannot speak TLS: {error}"))?;
    let own = || std::env::temp_dir().join(format!("kcl-local-ca-{}.pem", std::process::id()));
    let file = file.map_or_else(own, Path::to_path_buf);
    std::fs::write(&file, tls.authority_pem())
        .map_err(|error| format!("cannot write the CA file {}: {error}", file.display()))?;
    Ok(Secure { tls, file })
}
