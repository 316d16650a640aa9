//! What must hold with the other settings of detection.

use std::sync::{Arc, LazyLock};

use masker::body::select::Format;
use masker::detect::{ArnStyle, Catalog, Profile, Settings};
use masker::mask::document::{Form, mask, unmask};
use masker::mask::masker::Masker;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::identifiers::{identifier, text};
use crate::json::json;
use crate::setup::{self, DEPTH, SCOPE};

fn masker(profile: Profile, arn_style: ArnStyle) -> Masker {
    let settings = Settings { profile, arn_style, ..Settings::default() };
    Masker { catalog: Arc::new(Catalog::builtin(&settings).unwrap()), ..setup::masker() }
}

static ALL: LazyLock<[Masker; 2]> = LazyLock::new(|| {
    [masker(Profile::Default, ArnStyle::Whole), masker(Profile::Strict, ArnStyle::Whole)]
});

/// It comes back, and is masked once.
fn comes_back(form: Form, source: &str) -> Result<(), TestCaseError> {
    for masker in ALL.iter() {
        let (once, table, _) = mask(masker, &SCOPE, form, source).unwrap();
        let (twice, _, _) = mask(masker, &SCOPE, form, &once).unwrap();
        prop_assert_eq!(&twice, &once);
        let (back, _) = unmask(form, &once, DEPTH, &table);
        match form {
            Form::Text => prop_assert_eq!(back, source),
            Form::Json(_) => {
                let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                prop_assert_eq!(value(&back), value(source));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::driver::cases())]

    #[test]
    fn texts_come_back(text in vec(identifier(), 1..4).prop_flat_map(text)) {
        comes_back(Form::Text, &text)?;
    }

    #[test]
    fn json_comes_back(json in vec(identifier(), 1..4).prop_flat_map(json), seed in any::<u64>()) {
        comes_back(Form::Json(Format::Other), &json.written(seed))?;
    }
}

#[test]
fn an_arn_that_is_masked_whole_teaches_its_names() {
    let [whole, _] = &*ALL;
    let source = r#"["arn:aws:s3:::acme-billing-exports/2024", "acme-billing-exports, 749312086455",
        "arn:aws:iam::749312086455:role/deployer-7f", "749312086455 deployer-7f"]"#;
    let form = Form::Json(Format::Other);
    let (masked, table, _) = mask(whole, &SCOPE, form, source).unwrap();
    for name in ["acme", "749312086455", "deployer", "arn:"] {
        assert!(!masked.contains(name), "{name}: {masked}");
    }
    assert_eq!(masked.matches("_ARN_").count(), 2, "{masked}");
    assert_eq!(unmask(form, &masked, DEPTH, &table).0, source);
}
