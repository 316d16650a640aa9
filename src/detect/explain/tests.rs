use super::*;
use crate::detect::{Catalog, Settings};

fn catalog() -> Catalog {
    Catalog::builtin(&Settings::default()).expect("the patterns are valid")
}

#[test]
fn every_pattern_says_what_it_is() {
    let catalog = catalog();
    let all = catalog.patterns().unwrap();
    assert!(all.len() > catalog.classes());
    for pattern in all {
        assert!(!pattern.kinds.is_empty() && !pattern.find.is_empty(), "{pattern:?}");
        assert!(pattern.kinds.iter().all(|kind| catalog.kind(kind).is_some()), "{pattern:?}");
        assert!(!pattern.boundary.is_empty() && !pattern.source.is_empty(), "{pattern:?}");
    }
}

#[test]
fn what_is_found_names_its_class() {
    for (text, class) in [
        ("i-0123456789abcdef0", "ec2.instance"),
        ("s3://payments-data/x", "s3.uri"),
        ("arn:aws:iam::749312086455:role/x", "arn"),
        ("account 749312086455", "context.account"),
    ] {
        let trial = catalog().explain(text).unwrap();
        assert_eq!(trial.found.first().unwrap().1, class, "{text}");
    }
}

#[test]
fn what_is_missed_says_why() {
    for (text, class, why) in [
        ("xi-0a1b2c3d", "ec2.instance", Why::Left),
        ("i-0123456789abcdef0x", "ec2.instance", Why::Right),
        ("i-012345", "ec2.instance", Why::Expression),
        ("AKIAXMEDIUM", "iam.access-key-id", Why::Expression),
        ("203.0.114.7", "net.public-ipv4", Why::Untried),
    ] {
        let trial = catalog().explain(text).unwrap();
        let told = trial.missed.iter().find(|missed| missed.class == class);
        assert_eq!(told.map(|missed| &missed.why), Some(&why), "{text} {:?}", trial.missed);
    }
    let trial = catalog().explain("see 749312086455").unwrap();
    let account = trial.missed.iter().find(|missed| missed.class == "context.account");
    assert_eq!(account.unwrap().span, 4..16);
}
