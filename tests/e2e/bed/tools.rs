//! Outside programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program, or file, that a variable names, else the one that `make test` installed,
/// else the one on the search path.
pub(crate) fn program(variable: &str) -> PathBuf {
    let (installed, name) = match variable {
        "ENVOY" => (".venv/bin/envoy", "envoy"),
        "REDIS_SERVER" => ("", "redis-server"),
        "PYTHON" => (".venv/bin/python", "python3"),
        "NODE" => ("", "node"),
        // The directory that the SDKs for TypeScript are in.
        "NODE_SDKS" => (".masker/node", ""),
        "CLAUDE_CODE" => (".masker/node/node_modules/.bin/claude", "claude"),
        "SCHEMATHESIS" => (".masker/schemathesis/bin/st", "st"),
        "AXE" => (".masker/node/node_modules/axe-core/axe.min.js", "axe.min.js"),
        "CHROMEDRIVER" => ("", "chromedriver"),
        "PROMTOOL" => ("", "promtool"),
        "AMTOOL" => ("", "amtool"),
        _ => panic!("no program is called {variable}"),
    };
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(installed);
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None if installed.is_file() || (name.is_empty() && installed.is_dir()) => installed,
        None => name.into(),
    }
}

/// Envoy's configuration for these settings.
pub(crate) fn render(settings: &[(&str, String)]) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/render.sh");
    let rendered = Command::new(script)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("scripts/render.sh runs");
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    rendered.stdout
}
