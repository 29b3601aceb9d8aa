//! What the crate promises not to do, read from its source.

use std::path::Path;

/// Fit for WebAssembly: nothing that needs an operating system.
#[test]
fn no_io_no_threads_no_clock() {
    const BANNED: [&str; 9] = [
        "std::time",
        "std::fs",
        "std::io",
        "std::thread",
        "std::env",
        "std::process",
        "std::os",
        "SystemTime",
        "Instant::now",
    ];
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        // The one file that is compiled with the feature `std` only.
        if path.ends_with("src/system.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            let banned = BANNED.iter().find(|banned| line.contains(**banned));
            assert_eq!(banned, None, "{}: line {}", path.display(), number + 1);
        }
        seen += 1;
    }
    assert!(seen > 100, "only {seen} files were read");
}
