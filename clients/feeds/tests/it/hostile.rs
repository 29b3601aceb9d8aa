//! Files that were cut or changed on their way: they give rejections, and no panic.

use crate::{converted, feed, samples};
use std::fs;

#[test]
fn a_file_that_was_cut_or_changed_gives_rejections() {
    for file in fs::read_dir(samples()).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap();
        if name == "SOURCES" {
            continue;
        }
        let (source, _) = name.split_once("--").unwrap_or((name, ""));
        let (feed, whole) = (feed(source), fs::read(&file).unwrap());
        let most = converted(&feed, &whole).unwrap().0.records;
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..150 {
            let cut = &whole[..random.usize(..whole.len())];
            // A document that is cut is refused as a whole; of a list the rest counts, and a line that is cut is rejected.
            if let Ok((found, _)) = converted(&feed, cut) {
                assert!(found.records <= most + 1, "{name}");
            }
            let mut changed = whole.clone();
            for _ in 0..random.usize(1..4) {
                let place = random.usize(..changed.len());
                changed[place] = random.u8(..);
            }
            let _ = converted(&feed, &changed);
        }
    }
}
