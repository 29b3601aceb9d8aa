//! Foreign text in our own output.

/// Quoted, escaped, cut.
pub(crate) fn excerpt(text: &str) -> String {
    let cut: String = text.chars().take(120).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}
