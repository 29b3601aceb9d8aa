//! Archives: what is in them counts as it does in files of their own, and what is wrong with them spoils no more than it must.

use crate::{converted, feed, samples};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Cursor, Write};
use taxii_feeds::settings::Settings;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const NOTE: (&str, &[u8]) = ("README.md", b"Rules.\n");

fn sigma() -> (&'static str, Vec<u8>) {
    ("rules/windows/sigma.yml", fs::read(samples().join("sigma.yml")).unwrap())
}

fn zip<B: AsRef<[u8]>>(members: &[(&str, B)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("rules/", SimpleFileOptions::default()).unwrap();
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes.as_ref()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn tar<B: AsRef<[u8]>>(members: &[(&str, B)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let bytes = bytes.as_ref();
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn members_count_like_files_of_their_own() {
    let (name, rules) = sigma();
    let (alone, alone_objects) = converted(&feed("sigma"), &rules).unwrap();
    assert!(alone.records > 0);
    let deep = format!("{}{name}", "a-long-folder/".repeat(20));
    let members: [(&str, &[u8]); 4] =
        [(NOTE.0, NOTE.1), (name, &rules), ("__MACOSX/rules/._sigma.yml", b"\0\0"), (&deep, b"--- \n")];
    for (form, archive) in [("zip", zip(&members)), ("tar", tar(&members)), ("tar.gz", gzip(&tar(&members)))]
    {
        let (found, objects) = converted(&feed("sigma"), &archive).unwrap();
        assert_eq!((found.records, found.rejected.len()), (alone.records, alone.rejected.len()), "{form}");
        assert_eq!(objects.len(), alone_objects.len(), "{form}");
    }
    // A file in gzip that is no archive is what it is.
    assert_eq!(converted(&feed("sigma"), &gzip(&rules)).unwrap().0.records, alone.records);
}

#[test]
fn a_name_that_no_header_has_room_for_counts() {
    let (_, rules) = sigma();
    let deep = format!("{}rules.yml", "a-long-folder-of-an-archive/".repeat(12));
    let (found, _) = converted(&feed("sigma"), &tar(&[(deep.as_str(), &rules)])).unwrap();
    assert!(found.records > 0);
    let broken = tar(&[(deep.as_str(), b"title: without more\n")]);
    let (found, _) = converted(&feed("sigma"), &broken).unwrap();
    assert_eq!(found.rejected[0].record, format!("{deep} line 1"));
}

#[test]
fn a_member_that_cannot_be_read_is_rejected_and_the_others_count() {
    let osv = fs::read(samples().join("osv.json")).unwrap();
    let good = zip(&[("a.json", &osv[..]), ("b.json", &osv), ("c.json", b"no JSON")]);
    let (whole, _) = converted(&feed("osv"), &good).unwrap();
    assert_eq!(whole.rejected.len(), 1);
    assert_eq!(whole.rejected[0].record, "c.json");
    let place = |archive: &[u8], wanted: &[u8]| {
        archive.windows(wanted.len()).position(|window| window == wanted).unwrap()
    };
    // A byte in the middle of the first member.
    let mut damaged = good.clone();
    let data = place(&damaged, b"a.json") + 400;
    damaged[data] ^= 0x55;
    // The flag of encryption in the headers of the second one.
    let mut encrypted = good.clone();
    let local = place(&encrypted, b"b.json") - 30;
    encrypted[local + 6] |= 1;
    let directory = place(&encrypted, b"PK\x01\x02");
    let central = directory + place(&encrypted[directory..], b"b.json") - 46;
    encrypted[central + 8] |= 1;
    for (archive, name, reason) in [(damaged, "a.json", ""), (encrypted, "b.json", "Password")] {
        let (found, objects) = converted(&feed("osv"), &archive).unwrap();
        assert!(!objects.is_empty());
        let names: Vec<&str> = found.rejected.iter().map(|rejected| rejected.record.as_str()).collect();
        assert_eq!(names, [name, "c.json"], "{:?}", found.rejected);
        assert!(found.rejected[0].reason.contains(reason), "{:?}", found.rejected);
    }
}

#[test]
fn an_archive_has_limits() {
    let settings = Settings::parse("[feeds.sigma]\nmax-unpacked-bytes = 100000\n").unwrap();
    let limited = settings.feed("sigma").unwrap();
    let blanks = vec![b' '; 60_000];
    let members = [("a.yml", &blanks), ("b.yml", &blanks)];
    for archive in [zip(&members), gzip(&tar(&members))] {
        let error = converted(&limited, &archive).unwrap_err().to_string();
        assert!(error.contains("max-unpacked-bytes"), "{error}");
        assert!(converted(&feed("sigma"), &archive).is_ok());
    }
    for archive in [zip(&[NOTE]), tar(&[NOTE])] {
        let error = converted(&feed("sigma"), &archive).unwrap_err().to_string();
        assert!(error.contains("none that `members` names"), "{error}");
    }
}

/// An archive whose directory names one member many times.
fn overlapping(times: u8) -> Vec<u8> {
    let mut archive = zip_of_blanks();
    let count = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let end = archive.len() - 22;
    let mut tail = archive.split_off(end);
    let (size, start) = (count(&tail, 12), count(&tail, 16) as usize);
    let entry = archive[start..].to_vec();
    for number in 1..times {
        let mut entry = entry.clone();
        entry[46] = b'a' + number;
        archive.extend(entry);
    }
    tail[8..10].copy_from_slice(&u16::from(times).to_le_bytes());
    tail[10..12].copy_from_slice(&u16::from(times).to_le_bytes());
    tail[12..16].copy_from_slice(&(size * u32::from(times)).to_le_bytes());
    archive.extend(tail);
    archive
}

fn zip_of_blanks() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.yml", SimpleFileOptions::default()).unwrap();
    zip.write_all(&vec![b' '; 4 << 20]).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn members_that_lie_over_each_other_are_no_way_around_the_limits() {
    assert!(converted(&feed("sigma"), &overlapping(1)).is_ok());
    let error = converted(&feed("sigma"), &overlapping(9)).unwrap_err().to_string();
    assert!(error.contains("1032 times its size"), "{error}");
}

#[test]
fn an_archive_that_was_cut_or_changed_gives_no_panic() {
    let (name, rules) = sigma();
    let members: [(&str, &[u8]); 2] = [(name, &rules), (NOTE.0, NOTE.1)];
    let mut random = fastrand::Rng::with_seed(11);
    for whole in [zip(&members), tar(&members), gzip(&tar(&members))] {
        assert!(converted(&feed("sigma"), &whole[..whole.len() / 2]).is_err());
        for _ in 0..300 {
            let mut changed = whole.clone();
            for _ in 0..random.usize(1..5) {
                let place = random.usize(..changed.len());
                changed[place] = random.u8(..);
            }
            let _ = converted(&feed("sigma"), &changed);
            let _ = converted(&feed("sigma"), &whole[..random.usize(..whole.len())]);
        }
    }
}

#[test]
fn patterns_of_members_are_checked() {
    let settings = |members: &str| Settings::parse(&format!("[feeds.yara]\nmembers = {members}\n"));
    assert!(settings(r#""*.yar""#).unwrap().feed("yara").unwrap().members.include("rules/A.YAR"));
    assert!(!settings(r#"["*.yar", "rules/*"]"#).unwrap().feed("yara").unwrap().members.include("a.txt"));
    let error = settings(r#""a[""#).unwrap_err().to_string();
    assert!(error.contains("no pattern of names"), "{error}");
}
